"""The feed on a server that lists and watches, breaks off, forgets and refuses."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged, Observation
from deploydash.core.model import FeedState
from deploydash.errors import FeedError
from deploydash.session.clock import SystemClock
from deploydash.systems.kubernetes import feed as module
from deploydash.systems.kubernetes.feed import KubernetesFeed
from tests.servers.http_server import HttpServer, Request
from tests.servers.waiting import within
from tests.systems.kubernetes.replay import kubeconfig, settings
from tests.systems.kubernetes.test_standing import raw

GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


class Served:
    """Jobs and pods of envsys. ``watches``: what the next watches of its pods answer, one after the other."""

    def __init__(self) -> None:
        self.pods: list[dict[str, Any]] = []
        self.watches: list[list[dict[str, Any]] | int] = []
        self.lists = 0
        self.versions: list[str] = []
        self.version_status = 200
        self.refused: set[str] = set()
        self.held = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query))
        if parts.path == "/version":
            return self.version_status, {}, b'{"gitVersion": "v1.36.1", "message": "Unauthorized"}'
        if any(part in parts.path for part in self.refused):
            return 403, {}, json.dumps({"message": f"User cannot list {parts.path}"}).encode()
        if "watch" in query:
            return self._watch(parts.path, query)
        items: list[dict[str, Any]] = []
        if parts.path.endswith("envsys/pods"):
            self.lists += 1
            items = self.pods
        elif parts.path.endswith("envsys/jobs"):
            items = [{"metadata": {"name": "m2-ess106", "uid": "u1"}, "status": {"active": 1}}]
        return 200, {}, json.dumps({"items": items, "metadata": {"resourceVersion": "10"}}).encode()

    def _watch(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        if not path.endswith("envsys/pods") or not self.watches:
            asyncio.run_coroutine_threadsafe(self.held.wait(), self._loop).result(60)
            return 200, {}, b""
        self.versions.append(query["resourceVersion"])
        told = self.watches.pop(0)
        if isinstance(told, int):
            return told, {}, b'{"message": "etcdserver: leader changed"}'
        data = "".join(json.dumps(event) + "\n" for event in told).encode()
        return 200, {"content-length": str(len(data) + 5)} if not told else {}, data


class Told:
    """An inbox that keeps what was told."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        self.health: list[tuple[FeedState, str]] = []
        self._news = asyncio.Event()

    async def put(self, observations: list[Observation]) -> None:
        for one in observations:
            if isinstance(one, FactRead):
                self.facts[one.fact.about] = one.fact
            elif isinstance(one, FeedChanged):
                self.health.append((one.state, one.detail))
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with within(10):
            while not condition():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(folder: Path, served: Served) -> Any:
    told = Told()
    with HttpServer(served.answer) as server:
        feed = KubernetesFeed(settings(kubeconfig(folder, server.url)), SystemClock(), rehearsal=True)
        task = asyncio.create_task(feed.run(told))  # type: ignore[arg-type]
        try:
            yield told, task
        finally:
            served.held.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", (0.01, 0.01))
    monkeypatch.setattr(module, "PULSE_S", 0.05)


def pulls(version: str) -> dict[str, Any]:
    pod = raw({"reason": "ErrImagePull", "message": "manifest unknown"})
    pod["metadata"]["resourceVersion"] = version
    return {"type": "MODIFIED", "object": pod}


def bookmark(version: str) -> dict[str, Any]:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}


async def test_a_pod_that_cannot_start_is_told_as_a_fact_about_its_csc(tmp_path: Path) -> None:
    served = Served()
    served.pods = [raw({"reason": "ContainerCreating"})]
    served.watches = [[pulls("11")]]
    async with running(tmp_path, served) as (told, _):
        await told.until(lambda: "ESS:106" in told.facts and told.facts["ESS:106"].value == "ErrImagePull")
    fact = told.facts["ESS:106"]
    assert (fact.name, fact.ok) == ("kubernetes/ESS:106", False)
    assert fact.sentence == "ErrImagePull since 12:31:05Z: manifest unknown (pod m2-ess106-x7k2p)"
    assert told.facts["ESS:201"].sentence == "there is no Job ess201 in envsys"
    assert told.health[0][0] is FeedState.CONNECTING
    assert told.health[-1][0] is FeedState.UP


async def test_a_watch_goes_on_from_where_it_ended_and_lists_anew_only_when_that_is_forgotten(tmp_path: Path) -> None:
    served = Served()
    served.watches = [[bookmark("12")], [], [GONE], 500, [pulls("13")]]
    async with running(tmp_path, served) as (told, _):
        await told.until(lambda: "ESS:106" in told.facts and told.facts["ESS:106"].value == "ErrImagePull")
    # A clean end and a cut connection: from the bookmark on. Forgotten, and a failure of the server: listed anew.
    assert served.versions == ["10", "12", "12", "10", "10"]
    assert served.lists == 3


async def test_a_forbidden_namespace_is_said_and_the_others_are_told(tmp_path: Path) -> None:
    served = Served()
    served.refused = {"/obssys/", "/events"}
    async with running(tmp_path, served) as (told, _):
        await told.until(lambda: "ESS:106" in told.facts and told.health[-1][0] is FeedState.DEGRADED)
    assert "no right: User cannot list" in told.health[-1][1]
    assert "obssys" in told.health[-1][1]
    assert "Watcher" not in told.facts


async def test_a_token_that_ends_is_said_within_a_pulse(tmp_path: Path) -> None:
    served = Served()
    async with running(tmp_path, served) as (told, task):
        await told.until(lambda: told.health[-1:] and told.health[-1][0] is FeedState.UP)
        served.version_status = 401
        with pytest.raises(FeedError, match="does not accept our credentials"):
            async with within(10):
                await task


async def test_a_cluster_that_stays_down_is_said_to_be_connected_to_once(tmp_path: Path) -> None:
    """Each further try would be an event, and the header would count from anew how long it is down."""
    told = Told()
    with HttpServer(Served().answer) as server:
        feed = KubernetesFeed(settings(kubeconfig(tmp_path, server.url)), SystemClock(), rehearsal=True)
    for _ in range(3):
        with pytest.raises(FeedError):
            await feed.run(told)  # type: ignore[arg-type]
    assert [state for state, _ in told.health] == [FeedState.CONNECTING]


async def test_a_rehearsal_without_a_cluster_has_none_and_asks_nobody(tmp_path: Path) -> None:
    told = Told()
    site = settings(kubeconfig(tmp_path, "https://kube.cp.lsst.org:6443"), domain="cp.lsst.org")
    task = asyncio.create_task(KubernetesFeed(site, SystemClock(), rehearsal=True).run(told))  # type: ignore[arg-type]
    await told.until(lambda: bool(told.health))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert told.health[0][0] is FeedState.OFF


def test_the_library_is_loaded_only_when_a_cluster_is_asked() -> None:
    """It takes 0.8 s to load, and neither a plan nor a first frame waits for that."""
    program = (
        "import sys; import deploydash.wiring.tables, deploydash.wiring.acting; "
        "sys.exit(any(name.startswith('kubernetes_asyncio') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0

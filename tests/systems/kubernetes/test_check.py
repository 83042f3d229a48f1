"""What ``deploydash check`` finds of a cluster."""

from __future__ import annotations

import gc
import json
import warnings
from pathlib import Path

import pytest

from deploydash.core.model import Roster
from deploydash.errors import FeedError
from deploydash.systems.kubernetes.check import AT_ONCE, _clock, check
from deploydash.systems.kubernetes.client import Answer
from deploydash.systems.table import Place
from tests.servers.http_server import HttpServer, Request
from tests.systems.kubernetes.replay import kubeconfig, settings


class Api:
    """Answers what a check asks. ``lacking``: rights by verb and resource; ``missing``: namespaces."""

    def __init__(self) -> None:
        self.lacking: set[tuple[str, str]] = set()
        self.missing: set[str] = set()

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/version":
            return 200, {}, b'{"gitVersion": "v1.36.1"}'
        if request.method == "POST":
            asked = json.loads(request.body)["spec"]["resourceAttributes"]
            allowed = (asked["verb"], asked["resource"]) not in self.lacking
            return 201, {}, json.dumps({"status": {"allowed": allowed}}).encode()
        name = request.path.rpartition("/")[2]
        return (404, {}, b'{"message": "not found"}') if name in self.missing else (200, {}, b'{"kind": "Namespace"}')


async def found(api: Api, folder: Path) -> tuple[list[tuple[str, str]], set[str]]:
    with HttpServer(api.answer) as server:
        place = Place(settings(kubeconfig(folder, server.url)), Roster("summit", True, (), ()))
        findings = await check(place)
        return [(one.level, one.sentence) for one in findings], {request.method for request in server.requests}


async def test_all_is_well(tmp_path: Path) -> None:
    findings, methods = await found(Api(), tmp_path)
    assert [level for level, _ in findings] == ["ok"] * 4
    assert findings[0][1].endswith("Kubernetes v1.36.1")
    assert findings[2][1] == "all 3 namespaces are there"
    assert methods == {"GET", "POST"}


async def test_what_is_missing_is_said_one_by_one(tmp_path: Path) -> None:
    api = Api()
    api.lacking, api.missing = {("delete", "jobs"), ("list", "events")}, {"obssys"}
    findings, _ = await found(api, tmp_path)
    assert [one for one in findings if one[0] == "red"] == [
        ("red", "there is no namespace obssys"),
        *(("red", f"no right to delete jobs.batch in {name}") for name in ("envsys", "obssys", "love")),
    ]
    warned = [sentence for level, sentence in findings if level == "warning"]
    assert warned == [f"no right to list events in {name}" for name in ("envsys", "obssys", "love")]


async def test_where_one_answer_fails_the_questions_that_were_not_asked_yet_are_left(tmp_path: Path) -> None:
    api = Api()
    asked = 0

    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        nonlocal asked
        asked += request.method == "POST"
        return (500, {}, b'{"message": "etcd"}') if request.method == "POST" else api.answer(request)

    with HttpServer(answer) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        place = Place(settings(kubeconfig(tmp_path, server.url)), Roster("summit", True, (), ()))
        with pytest.raises(FeedError, match="etcd"):
            await check(place)
        gc.collect()  # a coroutine that nobody awaited would be told of now
    assert asked <= AT_ONCE


async def test_a_cluster_of_elsewhere_is_not_asked(tmp_path: Path) -> None:
    place = Place(
        settings(kubeconfig(tmp_path, "https://kube.tu.lsst.org"), domain="cp.lsst.org"),
        Roster("summit", False, (), ()),
    )
    with pytest.raises(FeedError, match="none of the site's API servers"):
        await check(place)
    (finding,) = await check(Place(place.settings, Roster("summit", True, (), ())))
    assert finding.level == "warning"
    assert finding.sentence.startswith("this rehearsal has no cluster")


@pytest.mark.parametrize(
    ("server_utc", "level", "words"),
    [
        (1000.0, "ok", "agree"),
        (1029.0, "ok", "agree"),
        (1300.0, "warning", "our clock is 300 s behind"),
        (700.0, "warning", "our clock is 300 s ahead of"),
        (None, "warning", "tells no time"),
    ],
)
def test_a_clock_that_is_off_is_said(server_utc: float | None, level: str, words: str) -> None:
    finding = _clock(Answer({}, server_utc), 1000.0)
    assert finding.level == level
    assert words in finding.sentence

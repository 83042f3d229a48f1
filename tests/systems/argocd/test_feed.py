"""What is told of applications and their CSCs: a list, then a recorded stream, its gaps, its silence, its token."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged, Observation
from deploydash.core.model import FeedState
from deploydash.errors import FeedError
from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.facts import departs, facts_of, login_fact
from deploydash.systems.argocd.feed import ArgocdFeed
from deploydash.systems.argocd.login import Endpoint, Login
from deploydash.systems.argocd.objects import application
from deploydash.systems.argocd.settings import ArgocdSettings
from tests.servers.http_server import HttpServer, Request
from tests.servers.waiting import within
from tests.support.clock import START_UTC, ManualClock
from tests.systems.argocd.replay import ROOT, body, recorded, replied, reply
from tests.systems.argocd.test_login import token

SETTINGS = ArgocdSettings(server="127.0.0.1", rest=("envsys", "obssys"))
CSCS = {"obssys": {"mtqueue": "ScriptQueue:1", "watcher": "Watcher"}, "envsys": {"auxtel-ess201": "ESS:201"}}
PROJECTS = "projects=infrastructure&projects=rsp&projects=monitoring&projects=telescope"
VERSION = {"Version": "v3.5.1+109ca7c"}


class Stepping(ManualClock):
    """A clock that goes on by itself whenever it is looked at."""

    def monotonic(self) -> float:
        self.advance(31.0)
        return super().monotonic()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploydash.systems.argocd.feed.AGAIN_S", 0.01)


def listed(*apps: Any) -> Any:
    return {"metadata": {"resourceVersion": "7"}, "items": list(apps)}


def app(name: str = "obssys", file: str = "jobs-deleted", at: int = 0, **status: Any) -> Any:
    told = body(file, at)
    return {
        **told,
        "metadata": {"name": name, "resourceVersion": "1"},
        "spec": {"project": "telescope"},
        "status": {**told["status"], **status},
    }


def event(kind: str, told: Any) -> bytes:
    return b"data: " + json.dumps({"result": {"type": kind, "application": told}}).encode() + b" \n\n\n"


@dataclass
class Told:
    """Takes what a feed tells, until it has been told so many lists or signs of life, or what is looked for."""

    until: int
    looks_for: str = ""
    facts: dict[str, Fact] = field(default_factory=dict)
    changes: list[Fact] = field(default_factory=list)
    feeds: list[FeedChanged] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, batch: Sequence[Observation]) -> None:
        for one in batch:
            if isinstance(one, FeedChanged):
                self.feeds.append(one)
                if len(self.feeds) >= self.until:
                    self.over.set()
            if isinstance(one, FactRead):
                if one.fact.name not in self.facts or not self.facts[one.fact.name].same(one.fact):
                    self.changes.append(one.fact)
                self.facts[one.fact.name] = one.fact
                if self.looks_for and one.fact.sentence == self.looks_for:
                    self.over.set()


async def told_of(
    lists: list[Any],
    streams: list[Any],
    until: int,
    token: str = "t",
    over: threading.Event | None = None,
    looks_for: str = "",
) -> tuple[Told, list[str]]:
    """Run a feed against these lists and streams, each but the last answered once."""
    asked: list[str] = []

    def answer(request: Request) -> Any:
        asked.append(request.path.removeprefix(ROOT))
        if request.path.endswith("/version"):
            return reply(VERSION)
        if "/stream/" in request.path:
            pieces = streams.pop(0) if len(streams) > 1 else streams[0]
            return pieces if isinstance(pieces, tuple) else (200, {"content-type": "text/event-stream"}, pieces)
        return reply(lists.pop(0) if len(lists) > 1 else lists[0])

    told = Told(until, looks_for)
    with HttpServer(answer) as server:
        endpoint = Endpoint(server.url.removeprefix("http://"), ROOT, plain=True, token=token, rehearsal=True)
        feed = ArgocdFeed(ArgoClient(endpoint), SETTINGS, CSCS, Stepping())
        work = asyncio.create_task(feed.run(told))
        async with within(10):
            ended = asyncio.create_task(told.over.wait())
            await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
        if over is not None:
            over.set()
        ended.cancel()
        if not work.done():
            work.cancel()
        with suppress(asyncio.CancelledError):
            await work
    return told, asked


async def test_a_list_tells_applications_and_the_cscs_of_their_jobs() -> None:
    told, asked = await told_of([listed(app(), app("elsewhere"))], [[b":\n"]], until=2)
    assert asked[:3] == [
        "/api/version",
        f"/api/v1/applications?{PROJECTS}",
        f"/api/v1/stream/applications?{PROJECTS}&resourceVersion=7",
    ]
    first = told.feeds[0]
    assert (first.feed, first.state) == ("argocd", FeedState.UP)
    assert first.detail.endswith("v3.5.1+109ca7c, token without an end")
    queue = told.facts["argocd/obssys/mtqueue"]
    assert (queue.about, queue.ok, queue.sentence) == (
        "ScriptQueue:1",
        False,
        "Job mtqueue of obssys is OutOfSync, Missing",
    )
    assert told.facts["argocd/obssys"].sentence == "obssys is OutOfSync at 88dbd7fc"
    assert "argocd/elsewhere" not in told.facts
    assert told.facts["argocd-login"].ok


async def test_a_recorded_stream_of_a_sync_is_told_as_it_comes() -> None:
    pieces = []
    for line in recorded("stream-sse")["exchanges"][0]["response"]["lines"]:
        if "sse_data" in line:
            pieces.append(b"data: " + json.dumps(line["sse_data"]).encode() + b" \n\n\n")
        elif line["text"]:
            pieces.append(line["text"].encode() + b"\n")
    before = app("envsys")
    synced = "Job auxtel-ess201 of envsys is Synced"
    told, _ = await told_of([listed(before)], [pieces], until=99, looks_for=synced)
    sentences = [fact.sentence for fact in told.changes if fact.name == "argocd/envsys"]
    assert any("a sync by operator" in sentence for sentence in sentences)
    csc = [(fact.value, fact.ok) for fact in told.changes if fact.about == "ESS:201"]
    assert csc[:2] == [("OutOfSync, Missing", False), ("Synced", True)]


async def test_what_was_missed_while_a_stream_was_broken_is_found_in_the_next_list() -> None:
    good = app(file="sync-after-delete", at=1)
    told, asked = await told_of([listed(app(), app("envsys")), listed(good)], [[b":\n"]], until=4)
    assert sum(path.startswith("/api/v1/applications?") for path in asked) >= 2
    assert told.facts["argocd/obssys"].ok
    assert told.facts["argocd/obssys/mtqueue"].ok
    assert told.facts["argocd/envsys"].value == "gone"


async def test_an_application_that_is_deleted_is_told() -> None:
    gone = "Argo CD does not have obssys any more"
    told, _ = await told_of([listed(app())], [[event("DELETED", app()), b":\n"]], until=99, looks_for=gone)
    # The stream is begun anew at once, and lists it again: what counts is that it was told in between.
    assert gone in [fact.sentence for fact in told.changes]


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (replied("unauthenticated", 4), "token is expired"),
        ((503, {"content-type": "text/plain"}, b"upstream connect error"), "is out of order (HTTP 503)"),
        ((200, {"content-type": "text/html"}, b"<html>"), "a web page"),
        ([b'data: {"error": {"message": "the watch was closed", "http_code": 500}}\n\n'], "the watch was closed"),
        ([b"data: {\n\n"], "sends what is no JSON"),
    ],
)
async def test_a_stream_that_fails_says_why_and_is_begun_anew_by_whoever_runs_the_feed(stream: Any, words: str) -> None:
    with pytest.raises(FeedError) as caught:
        await told_of([listed(app())], [stream], until=99)
    assert words in str(caught.value)


async def test_a_silent_stream_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploydash.systems.argocd.client.SILENT_S", 0.2)

    over = threading.Event()

    def silent() -> Iterator[bytes]:
        yield b":\n"
        over.wait(60)

    with pytest.raises(FeedError, match=r"was silent for 0\.2 s"):
        await told_of([listed(app())], [silent()], until=99, over=over)


async def test_a_stream_that_outlives_its_token_is_ended() -> None:
    with pytest.raises(FeedError, match=r"the token until .* has ended"):
        await told_of([listed(app())], [[b":\n"]], until=99, token=token(exp=int(START_UTC) - 60))


def test_a_running_application_is_never_trouble_and_a_failed_sync_is() -> None:
    for file, at, why in (
        ("sync-after-delete", 1, ""),
        ("all-complete", 0, ""),
        ("jobs-deleted", 0, "OutOfSync"),
        ("comparison-error", 0, "ComparisonError"),
    ):
        assert departs(application(body(file, at))).startswith(why) or why == ""
    good = application(app(file="sync-after-delete", at=1))
    assert (good.health, departs(good)) == ("Progressing", "")
    failed = application(app(file="sync-immutable", at=1, sync={"status": "Synced"}))
    assert departs(failed) == "its last sync Failed"


def test_what_could_not_be_compared_is_the_applications_trouble_alone() -> None:
    resources = [{"group": "batch", "kind": "Job", "namespace": "obssys", "name": "watcher", "status": "Unknown"}]
    broken = application(app(sync={"status": "Unknown"}, resources=resources))
    of_app, of_csc = facts_of(broken, CSCS["obssys"], 0.0)
    assert (of_app.ok, of_csc.ok, of_csc.value) == (False, True, "Unknown")


def test_a_job_that_hangs_in_its_deletion_is_told() -> None:
    told = application(app(file="job-terminating", at=1))
    facts = list(facts_of(told, {"atqueue": "ScriptQueue:2"}, 0.0))
    assert facts[1].sentence == "Job atqueue of obssys is being deleted"


@pytest.mark.parametrize(
    ("minutes", "good", "sentence"),
    [
        (None, True, "token of lead without an end"),
        (10, True, "token of lead until 21:14:12Z"),
        (9, False, "token of lead until 21:13:12Z, too soon to begin a sync: relogin"),
        (-5, False, "token of lead until 20:59:12Z, too soon to begin a sync: relogin"),
    ],
)
def test_the_login_departs_before_it_ends(minutes: int | None, good: bool, sentence: str) -> None:
    until = None if minutes is None else START_UTC + 60 * minutes
    fact = login_fact(Login("t", "here", "relogin", "lead", until), START_UTC)
    assert (fact.name, fact.ok, fact.sentence) == ("argocd-login", good, sentence)

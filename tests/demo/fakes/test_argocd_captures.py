"""Every recorded answer of a real Argo CD is asked of the fake one, and is the same.

Left out of the comparison: lengths, ``Vary`` and the compression, managedFields; uids, versions, generations, moments,
addresses, the five letters of a pod's name and the name of kubectl's temporary file, of which sameness alone is
compared; the order in which things were applied at the same time, which the real one draws; the 3 kB of a refused pod
template, which the recordings cut (test_cluster_captures.py compares them). Of an application's status, what an earlier
operation made of it (``history``, ``operationState``) is compared where the recording is about it. Polled states are
compared by operation, phase and message: each that was seen, ours goes through in that order.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from deploydash.demo.fakes import argocd_stream
from deploydash.demo.fakes.argocd import ArgoCd
from deploydash.demo.fakes.cluster_kinds import JOBS, PODS
from tests.demo.fakes.argocd_replay import ACCOUNTS, CAPTURES, PLATFORM, WAVES, Play, Replay, argocd, replay
from tests.servers.waiting import patient, wait_until

OLD = {"history", "operationState"}

Player = Callable[[Replay, Play], Awaitable[None]]
PLAYERS: dict[str, Player] = {}


def player(name: str) -> Callable[[Player], Player]:
    """Name the function that plays a recording."""

    def keep(play: Player) -> Player:
        PLAYERS[name] = play
        return play

    return keep


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[tuple[ArgoCd, str]]:
    made = argocd(tmp_path)
    url = await made.listen()
    yield made, url
    await made.stop()


def test_each_recording_is_replayed() -> None:
    assert {path.stem for path in CAPTURES.glob("*.json")} == PLAYERS.keys()


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.json")))
async def test_the_fake_answers_as_recorded(name: str, fake: tuple[ArgoCd, str]) -> None:
    made, url = fake
    asked = replay(made, url, name)
    async with asked.client:
        await PLAYERS[name](asked, Play(made))


@player("version")
@player("can-i")
@player("session")
async def _(asked: Replay, play: Play) -> None:
    del play
    await asked.ask(*range(len(asked.exchanges)))


@player("unauthenticated")
async def _(asked: Replay, play: Play) -> None:
    asked.tokens["forged"] = "a.b.c"
    asked.tokens["short"] = asked.fake.accounts.issue(ACCOUNTS["operator"], 2.0, "short")
    asked.tokens["revoked"] = asked.fake.accounts.issue(ACCOUNTS["operator"], 0.0, "tobe")
    asked.fake.accounts.revoke(asked.tokens["revoked"])
    await asked.ask(0, 1, 2, 3)
    play.wait(2.5)
    await asked.ask(4, 5, 6)
    asked.exchanges[7]["request"]["headers"]["Cookie"] = "the token of operator"  # left out of the recording
    await asked.ask(7)


@player("errors")
async def _(asked: Replay, play: Play) -> None:
    del play
    await asked.ask(*range(len(asked.exchanges)))


@player("app-create")
async def _(asked: Replay, play: Play) -> None:
    _dates(asked)
    await asked.ask(0, 1)
    play.wait()
    await asked.ask(2)


@player("sync-app-of-apps")
async def _(asked: Replay, play: Play) -> None:
    play.fake.applications.add(PLATFORM)
    play.refresh("science-platform")
    await asked.ask(0)
    play.wait()
    asked.polled("science-platform", "seen_while_polling")
    asked.ignoring = {"resources", "sync"}  # a moment later: its children were compared, or not
    await asked.ask(1)


@player("list-full")
async def _(asked: Replay, play: Play) -> None:
    play.create()
    await asked.ask(0)


@player("sync-first")
async def _(asked: Replay, play: Play) -> None:
    play.create()
    asked.ignoring = {"health"}
    await asked.ask(0)
    asked.ignoring = set()
    play.wait()
    play.run("obssys")
    await asked.ask(1)
    asked.polled("obssys", "seen_while_polling")


@player("tree-synced")
async def _(asked: Replay, play: Play) -> None:
    play.deploy()
    await asked.ask(0, 1, 2, 3)


@player("get-rights")
async def _(asked: Replay, play: Play) -> None:
    play.deploy()
    recorded = asked.exchanges[0]["response"]
    answer = (await asked.client.send(asked.request(0))).json()
    assert sorted(answer) == sorted(recorded["body"]["keys"])
    for number in (6, 7):
        body = asked.exchanges[number]["response"]["body"]
        for key in ("error", "message"):
            body[key] = body[key].replace("2026-11-20T18:47:27Z", "2027-01-15T08:00:00Z")
    await asked.ask(*range(1, 9))


@player("list-fields")
async def _(asked: Replay, play: Play) -> None:
    play.deploy()
    await asked.ask(*range(11))
    play.push("c0045")
    play.push("c0046")
    play.refresh("science-platform")
    play.sync("science-platform", "admin")
    play.delete("envsys")
    play.sync("envsys")
    play.run("envsys")
    for _ in range(2):
        play.sync("envsys")
    for number in (11, 13):
        items = asked.exchanges[number]["response"]["body"]["items"]
        for item in items[1:]:
            items.remove(item)
        for state in _messages(items):
            state["message"] = state["message"].replace("created", "unchanged")
    answer = (await asked.client.send(asked.request(11))).json()
    recorded = asked.exchanges[11]["response"]["body"]
    item = next(
        each for each in answer["items"] if each["metadata"]["name"] == recorded["items"][0]["metadata"]["name"]
    )
    assert {key: sorted(each) for key, each in item.items()} == {
        key: sorted(each) for key, each in recorded["items"][0].items()
    }
    play.delete()
    play.sync("obssys")
    await asked.ask(12)
    answer = (await asked.client.send(asked.request(13))).json()
    recorded = asked.exchanges[13]["response"]["body"]
    item = next(
        each for each in answer["items"] if each["metadata"]["name"] == recorded["items"][0]["metadata"]["name"]
    )
    asked.same("13", recorded["items"][0], item)


def _messages(found: Any) -> list[Any]:
    if isinstance(found, dict):
        here = [found] if isinstance(found.get("message"), str) else []
        return here + [each for value in found.values() for each in _messages(value)]
    return [each for value in found for each in _messages(value)] if isinstance(found, list) else []


@player("tag-propagation")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0045", only=("obssys",))
    play.delete()
    play.sync("obssys")
    play.run("obssys")
    play.refresh("obssys")
    play.push("c0046")
    asked.ignoring = OLD | {"annotations"}
    await asked.ask(0, 1, 2)
    answer = (await asked.client.send(asked.request(3))).json()
    [ours] = [each for each in answer["items"] if each["name"] == "obssys" and each["kind"] == "Application"]
    [told] = [each for each in asked.exchanges[3]["response"]["body"]["items"] if "targetState" in each]
    for key in ("targetState", "normalizedLiveState", "predictedLiveState"):
        if key in told:
            one, other = json.loads(told[key]), json.loads(ours[key])
            assert one["spec"] == other["spec"], key
    assert ours["modified"] is True
    await asked.ask(4)
    play.wait()
    asked.polled("science-platform", "app_of_apps_polled")
    await asked.ask(5, 6)


@player("diff")
async def _(asked: Replay, play: Play) -> None:
    play.deploy(only=("obssys",))
    play.push("c0046")
    play.refresh("science-platform")
    play.sync("science-platform", "admin")
    for each in asked.exchanges:
        text = json.dumps(each["response"]["body"]).replace("c0045", "c0044")
        each["response"]["body"] = json.loads(text)
    await asked.ask(0, 1, 2, 3, 4)


@player("sync-dry-run")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0045", only=("obssys",))
    play.push("c0046")
    play.refresh("science-platform")
    play.sync("science-platform", "admin")
    asked.ignoring = {"history", "annotations"}
    await asked.ask(0)
    play.wait()
    asked.polled("obssys")
    await asked.ask(1)


@player("sync-immutable")
async def _(asked: Replay, play: Play) -> None:
    await _changed(asked, play)
    await asked.ask(0)
    play.wait()
    asked.polled("obssys")
    await asked.ask(1)


async def _changed(asked: Replay, play: Play) -> None:
    """Let the cycle be newer than the Jobs that run."""
    play.deploy("c0045", only=("obssys",))
    play.push("c0046")
    play.refresh("science-platform")
    play.sync("science-platform", "admin")
    asked.seen.clear()
    asked.ignoring = {"history", "annotations"}


@player("sync-retry")
async def _(asked: Replay, play: Play) -> None:
    await _changed(asked, play)
    await asked.ask(0)
    play.wait(8)
    asked.polled("obssys")
    await asked.ask(1)


@player("sync-after-delete")
async def _(asked: Replay, play: Play) -> None:
    await _changed(asked, play)
    play.delete()
    asked.seen.clear()
    await asked.ask(0)
    play.wait()
    asked.polled("obssys")
    play.run("obssys")
    await asked.ask(1)


@player("jobs-deleted")
async def _(asked: Replay, play: Play) -> None:
    await _changed(asked, play)
    play.delete()
    asked.ignoring |= OLD
    await asked.ask(0, 1, 2)


@player("sync-force")
async def _(asked: Replay, play: Play) -> None:
    await _changed(asked, play)
    _rename(asked, "c0047", "c0046")
    await asked.ask(0)
    play.wait(0.5)
    asked.polled("obssys")
    asked.ignoring |= {"sync"}
    await asked.ask(1)
    found = play.hands.pods("mtqueue")
    told = asked.document["pods_at_the_end_of_the_operation"]
    assert sorted("deletionTimestamp" in pod["metadata"] for pod in found) == sorted(
        bool(each["deletionTimestamp"]) for each in told
    )


def _rename(asked: Replay, old: str, new: str) -> None:
    for each in asked.exchanges:
        each["response"]["body"] = json.loads(json.dumps(each["response"]["body"]).replace(old, new))


@player("sync-resources")
async def _(asked: Replay, play: Play) -> None:
    await _changed(asked, play)
    play.delete()
    play.sync("obssys", resources=[{"group": "batch", "kind": "Job", "name": each} for each in ("mtqueue", "atqueue")])
    play.sync("obssys", resources=[{"group": "batch", "kind": "Job", "name": "ocsqueue"}])
    asked.seen.clear()
    before = play.fake.applications.get("obssys")
    await asked.ask(0)
    play.wait()
    del asked.exchanges[1]["response"]["body"]["status"]["history ids"]  # counted since the installation
    await asked.ask(1, 2)
    play.wait()
    await asked.ask(3)
    after = play.fake.applications.get("obssys")
    assert before is not None
    assert after is not None
    assert after["status"]["history"] == before["status"]["history"]


@player("sync-revision")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("obssys",))
    asked.ignoring = OLD
    await asked.ask(0, 1)
    play.wait()
    asked.ignoring = set()
    await asked.ask(2)
    play.wait()
    await asked.ask(3)


@player("all-complete")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("obssys",))
    play.sync("obssys")
    for job in play.cluster.store.items(JOBS, "obssys"):
        play.hands.ended(job["metadata"]["name"], 0)
    play.refresh("obssys")
    asked.ignoring = OLD | {"annotations"}
    await asked.ask(0, 1)
    play.wait()
    asked.polled("obssys")
    asked.ignoring = {"history", "annotations"}
    await asked.ask(2)


@player("health")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("obssys",))
    play.hands.ended("watcher", 0)
    play.refresh("obssys")
    asked.ignoring = OLD | {"annotations"}
    await asked.ask(0)
    [job] = [each for each in play.cluster.store.items(JOBS, "obssys") if each["metadata"]["name"] == "mtqueue"]
    play.cluster.store.change(JOBS, job, lambda each: each["spec"].update(backoffLimit=0))
    play.hands.ended("mtqueue", 1)
    play.refresh("obssys")
    await asked.ask(1, 2)
    [job] = [each for each in play.cluster.store.items(JOBS, "obssys") if each["metadata"]["name"] == "atqueue"]
    play.cluster.store.change(JOBS, job, lambda each: each["spec"].update(suspend=True))
    play.refresh("obssys")
    await asked.ask(3)


@player("job-terminating")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("obssys",))
    [job] = [each for each in play.cluster.store.items(JOBS, "obssys") if each["metadata"]["name"] == "atqueue"]
    _dying(play, job)
    asked.ignoring = OLD
    await asked.ask(1)
    asked.seen.clear()
    answer = await asked.client.send(asked.request(2))
    assert "operation" in answer.json()
    play.wait()
    asked.polled("obssys")
    asked.ignoring = {"history"}
    del asked.exchanges[3]["response"]["body"]["operation present"]
    await asked.ask(3)
    play.hands.let_go("atqueue")
    play.wait()
    asked.ignoring = OLD
    await asked.ask(4)


def _dying(play: Play, job: Any) -> None:
    def edit(item: Any) -> None:
        item["metadata"] |= {"deletionTimestamp": "2026-11-20T18:57:20Z", "deletionGracePeriodSeconds": 0}
        item["metadata"]["finalizers"] = ["foregroundDeletion"]

    play.cluster.controller.deleted(JOBS, play.cluster.store.change(JOBS, job, edit))
    play.wait()


@player("overlap")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("obssys",))
    [job] = [each for each in play.cluster.store.items(JOBS, "obssys") if each["metadata"]["name"] == "mtqueue"]
    play.cluster.store.remove(JOBS, job)
    play.cluster.controller.deleted(JOBS, job)
    asked.seen.clear()
    await asked.client.send(asked.request(1))
    play.wait()
    asked.polled("obssys")
    found = [("deletionTimestamp" in pod["metadata"], pod["status"]["phase"]) for pod in play.hands.pods("mtqueue")]
    told = asked.exchanges[2]["response"]["body"]
    assert sorted(found) == sorted((each["deletionTimestamp"] is not None, each["phase"]) for each in told)
    asked.ignoring = OLD
    await asked.ask(3)


@player("prune")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("obssys",))
    play.push(removed=frozenset({("obssys", "watcher")}))
    asked.ignoring = OLD
    await asked.ask(0, 1, 2)
    play.wait()
    asked.polled("obssys")
    asked.ignoring = {"history"}
    await asked.ask(3, 4)
    play.wait()
    await asked.ask(5)


@player("comparison-error")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("envsys",))
    play.push(broken=frozenset({"envsys"}))
    asked.ignoring = OLD
    await asked.ask(0, 1)
    play.wait()
    asked.ignoring = {"history"}
    _order(asked.exchanges[2]["response"]["body"])
    await asked.ask(2, 3)
    play.push(broken=frozenset())
    asked.ignoring = OLD
    await asked.ask(4)


def _order(body: Any) -> None:
    """The real one names helm's parameters in another order at a sync than at a comparison; ours in one."""
    message = body["status"]["operationState"]["message"]
    sets = sorted(word for word in message.split() if word.startswith("global."))
    host = next(each for each in sets if "host" in each)
    text = message.replace(f"--set {host} ", "", 1).replace("--set ", f"--set {host} --set ", 1)
    body["status"]["operationState"]["message"] = text


def _waves(play: Play) -> None:
    play.push("c0046")
    play.cluster.furniture.namespace("waves", {})
    play.fake.applications.add(WAVES)
    play.refresh("waves")


@player("operation-in-progress")
async def _(asked: Replay, play: Play) -> None:
    _waves(play)
    asked.seen.clear()
    asked.ignoring = {"history"}
    await asked.ask(0)
    play.wait()
    play.hands.run("longjob", "waves")
    play.wait()
    asked.polled("waves")
    await asked.ask(1, 2, 3)
    asked.seen.clear()
    await asked.ask(4)
    play.wait()
    asked.polled("waves", "polled_after_terminate")
    await asked.ask(5, 6)


@player("sync-waves")
async def _(asked: Replay, play: Play) -> None:
    _waves(play)
    play.sync("waves")
    play.hands.run("longjob", "waves")
    play.fake.operations.terminate(play.fake.applications.get("waves") or {})
    play.wait()
    asked.seen.clear()
    play.sync("waves")
    for pod in play.hands.pods("longjob", "waves"):
        play.ended(pod, 0)
    play.wait()
    asked.polled("waves")
    asked.ignoring = {"history"}
    await asked.ask(0)


@player("controller-stopped")
async def _(asked: Replay, play: Play) -> None:
    _waves(play)
    asked.fake.faults.switch_on("controller-stopped")
    asked.ignoring = OLD
    asked.seen.clear()
    await asked.ask(0)
    play.wait()
    asked.polled("waves")
    await asked.ask(1)
    standing = (await asked.client.send(asked.request(2))).json()
    assert "operation" in standing
    assert "operationState" not in standing["status"]
    await asked.ask(3)
    asked.fake.faults.switch_off("controller-stopped")
    play.wait()
    play.hands.run("longjob", "waves")
    for pod in play.hands.pods("longjob", "waves"):
        play.ended(pod, 0)
    play.wait(2)
    asked.polled("waves", "polled_after_the_controller_came_back")
    ended = (await asked.client.send(asked.request(4))).json()
    told = asked.exchanges[4]["response"]["body"]["operationState"]
    assert "operation" not in ended
    assert {key: ended["status"]["operationState"][key] for key in told} == told


@player("projects-accounts")
async def _(asked: Replay, play: Play) -> None:
    del play
    _dates(asked)
    asked.tokens["short"] = asked.fake.accounts.issue(ACCOUNTS["operator"], 2.0, "short")
    for number in (0, 1):
        body = asked.exchanges[number]["response"]["body"]
        for each in body.get("items", [body]):
            for token in each["tokens"]:
                token |= {"issuedAt": 1_800_000_000, "expiresAt": 1_800_000_002}
    await asked.ask(*range(len(asked.exchanges)))


def _dates(asked: Replay) -> None:
    """A refusal says when the token was given out: at noon, here."""
    for each in asked.exchanges:
        text = json.dumps(each["response"]["body"])
        for told in text.split("iat: ")[1:]:
            text = text.replace(told[:20], "2027-01-15T08:00:00Z")
        each["response"]["body"] = json.loads(text)


@player("resources-misc")
async def _(asked: Replay, play: Play) -> None:
    _dates(asked)
    play.deploy("c0046", only=("obssys",))
    await asked.ask(0, 1, 2)
    [watcher] = [each for each in play.cluster.store.items(JOBS, "obssys") if each["metadata"]["name"] == "watcher"]
    assert watcher["metadata"]["finalizers"] == ["foregroundDeletion"]
    answer = await asked.client.send(asked.request(3))
    assert json.loads(answer.json()["manifest"])["metadata"]["name"] == "mtqueue"
    answer = await asked.client.send(asked.request(4))
    assert answer.status_code == 200
    [pod] = play.hands.pods("mtqueue")
    assert pod in play.cluster.store.items(PODS, "obssys")
    await asked.ask(5, 6)


async def _opened(asked: Replay, before: set[Any]) -> None:
    """Wait until a stream is open that was not before."""
    await asyncio.to_thread(wait_until, lambda: asked.fake.streams - before, 10, "a stream")


async def _streamed(asked: Replay, number: int, acts: Callable[[], None] | None, count: int) -> None:
    """Ask for a stream, act, and compare as many lines as were recorded of it."""
    request, before = asked.request(number), set(asked.fake.streams)
    exchange = asked.exchanges[number]
    told = [each.get("sse_data", each.get("json", each.get("text"))) for each in exchange["response"]["lines"]]

    async def read() -> list[Any]:
        lines: list[Any] = []
        response = await asked.client.send(request, stream=True)
        assert response.status_code == exchange["response"]["status"], exchange["note"]
        assert response.headers["content-type"] == exchange["response"]["headers"]["content-type"]
        async for line in response.aiter_lines():
            text = line.removeprefix("data: ").strip()
            lines.append(json.loads(text) if text.startswith("{") else text)
            if len(lines) == count:
                break
        await response.aclose()
        return lines

    async def acting() -> None:
        if acts is not None:
            await _opened(asked, before)
            acts()

    async with asyncio.timeout(patient(20)):
        lines, _ = await asyncio.gather(read(), acting())
    asked.same(exchange["note"], told[: len(lines)], lines)


@player("stream-sse")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("envsys",))
    play.delete("envsys")
    asked.exchanges[0]["response"]["lines"][:] = [
        each for each in asked.exchanges[0]["response"]["lines"] if each.get("text") != ":"
    ]
    argocd_stream.KEEP_ALIVE_S, before = 0.3, argocd_stream.KEEP_ALIVE_S
    try:
        await _streamed(asked, 0, lambda: play.sync("envsys", infos=[{"name": "reason", "value": "x"}]), 18)
    finally:
        argocd_stream.KEEP_ALIVE_S = before


@player("streams")
async def _(asked: Replay, play: Play) -> None:
    play.deploy("c0046", only=("obssys", "envsys"))
    _waves(play)
    play.sync("waves")
    for job in play.cluster.store.items(JOBS, "obssys"):
        play.hands.ended(job["metadata"]["name"], 0)
    play.hands.run("longjob", "waves")
    for pod in play.hands.pods("longjob", "waves"):
        play.ended(pod, 0)
    play.wait(2)
    asked.tokens["sse"] = asked.fake.accounts.issue(ACCOUNTS["operator"], 600.0, "sse")
    await _streamed(asked, 0, lambda: play.sync("envsys"), 18)
    await _streamed(asked, 1, lambda: play.sync("envsys"), 6)
    await _streamed(asked, 2, lambda: play.sync("envsys"), 9)
    for number in (3, 4):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asked.client.send(asked.request(number), stream=True)
    await _streamed(asked, 5, None, 2)

    def across_its_end() -> None:
        play.sync("envsys")
        play.wait(700)
        play.sync("envsys")

    await _streamed(asked, 6, across_its_end, 27)
    await _streamed(asked, 7, None, 2)

    def delete_one() -> None:
        job = play.cluster.store.items(JOBS, "envsys")[0]
        play.cluster.store.remove(JOBS, job)
        play.wait()

    request, before = asked.request(8), set(asked.fake.streams)

    async def read() -> Any:
        response = await asked.client.send(request, stream=True)
        line = await anext(response.aiter_lines())
        await response.aclose()
        return json.loads(line.removeprefix("data: "))

    async def acting() -> None:
        await _opened(asked, before)
        delete_one()

    told, _ = await asyncio.gather(read(), acting())
    assert {node["kind"] for node in told["result"]["nodes"]} == {"ConfigMap", "Pod", "Job"}
    await _streamed(asked, 9, None, 2)
    await _streamed(asked, 10, None, 2)

"""How the recordings of syncs, waves, hooks and streams of a real Argo CD are played to the fake one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from deploydash.demo.fakes import argocd_stream
from deploydash.demo.fakes.cluster_kinds import JOBS, PODS
from tests.demo.fakes.argocd_players import OLD, PLAYERS, _dates, player
from tests.demo.fakes.argocd_replay import ACCOUNTS, WAVES, Play, Replay
from tests.servers.waiting import patient, wait_until


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


ALL = PLAYERS
"""Every player by the name of its recording: these, and those of the module before."""

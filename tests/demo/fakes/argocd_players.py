"""How each recording of a real Argo CD is played to the fake one; the later ones are in argocd_sync_players."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from deploydash.demo.fakes.cluster_kinds import JOBS
from tests.demo.fakes.argocd_replay import ACCOUNTS, PLATFORM, Play, Replay

OLD = {"history", "operationState"}

Player = Callable[[Replay, Play], Awaitable[None]]
PLAYERS: dict[str, Player] = {}


def player(name: str) -> Callable[[Player], Player]:
    """Name the function that plays a recording."""

    def keep(play: Player) -> Player:
        PLAYERS[name] = play
        return play

    return keep


def _dates(asked: Replay) -> None:
    """A refusal says when the token was given out: at noon, here."""
    for each in asked.exchanges:
        text = json.dumps(each["response"]["body"])
        for told in text.split("iat: ")[1:]:
            text = text.replace(told[:20], "2027-01-15T08:00:00Z")
        each["response"]["body"] = json.loads(text)


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

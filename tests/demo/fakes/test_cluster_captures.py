"""Every recorded answer of a real Kubernetes API is asked of the fake one, and is the same.

Left out of the comparison, for the fake cannot or need not have it: ``Date``, ``Audit-Id`` and lengths; managedFields
(the recordings have none); uids, versions, moments, addresses and the five letters of a pod's name, of which only
sameness is compared; how many seconds an answer took, but for its order. ``client-*.json`` are what kubernetes-asyncio
makes of such answers: tests of the system that uses it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from deploydash.demo.fakes import cluster_requests, cluster_watch
from deploydash.demo.fakes.cluster import Cluster
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, JOBS, NAMESPACES, PODS
from tests.demo.fakes.cluster_replay import CAPTURES, Hands, Replay, cluster, replay

NOT_REPLAYED = {"client-config", "client-errors", "client-watch"}

Player = Callable[[Replay, Hands], Awaitable[None]]
PLAYERS: dict[str, Player] = {}


def player(name: str) -> Callable[[Player], Player]:
    """Name the function that plays a recording."""

    def keep(play: Player) -> Player:
        PLAYERS[name] = play
        return play

    return keep


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[tuple[Cluster, str]]:
    made = cluster(tmp_path)
    url = await made.listen()
    yield made, url
    await made.stop()


def test_each_recording_is_replayed() -> None:
    assert {path.stem for path in CAPTURES.glob("*.json")} == PLAYERS.keys() | NOT_REPLAYED


@pytest.mark.parametrize("name", sorted(path.stem for path in CAPTURES.glob("*.json") if path.stem not in NOT_REPLAYED))
async def test_the_fake_answers_as_recorded(name: str, fake: tuple[Cluster, str]) -> None:
    made, url = fake
    asked = replay(made, url, name)
    async with asked.client:
        await PLAYERS[name](asked, Hands(made))


async def _all(asked: Replay, *numbers: int) -> None:
    for number in numbers:
        await asked.ask(number)


@player("delete-background")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("delbg")
    await _all(asked, 0, 1, 2)
    hands.pass_time()
    await _all(asked, 3, 4, 5)
    hands.let_go("delbg")
    await _all(asked, 6, 7)


@player("delete-foreground")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("delfg")
    await _all(asked, 0, 1, 2)
    hands.pass_time()
    await _all(asked, 3, 4, 5)
    hands.let_go("delfg")
    await _all(asked, 6, 7)


@player("delete-default")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("deldef")
    await _all(asked, 0, 1, 2)
    hands.pass_time()
    await _all(asked, 3, 4)
    assert hands.fake.controller.orphans == 1


@player("delete-default-recreated")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("deldef")
    await asked.client.delete(
        "/apis/batch/v1/namespaces/obssys/jobs/deldef", headers={"Authorization": "Bearer token-of-admin"}
    )
    hands.pass_time()
    hands.job("deldef")
    [old, new] = sorted(hands.pods("deldef"), key=lambda pod: int(pod["metadata"]["resourceVersion"]))
    if old["metadata"]["name"] > new["metadata"]["name"]:
        asked.exchanges[0]["response"]["body"].reverse()  # a list is in order of names, and theirs are drawn
    await _all(asked, 0)


@player("delete-orphan")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("delorph")
    await _all(asked, 0)
    hands.pass_time()
    await _all(asked, 1, 2)


@player("delete-pod-finalizer")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("finpod")
    [pod] = hands.pods("finpod")
    hands.fake.store.change(
        JOBS, hands.fake.store.items(JOBS)[0], lambda job: job["status"].update(ready=0)
    )  # recorded before the Job knew
    hands.hold(PODS, pod["metadata"]["name"])
    await _all(asked, 0)
    hands.pass_time()
    hands.let_go("finpod")
    await _all(asked, 1, 2, 3)
    hands.unhold(PODS, pod["metadata"]["name"])
    await _all(asked, 4, 5)


@player("delete-job-finalizer")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("finjob")
    hands.hold(JOBS, "finjob")
    [job] = hands.fake.store.items(JOBS)
    hands.fake.store.change(JOBS, job, lambda item: item["status"].update(ready=0))
    await _all(asked, 0)
    hands.fake.controller.count(job)
    hands.pass_time()
    await _all(asked, 1, 2, 3)
    hands.unhold(JOBS, "finjob")
    await _all(asked, 4, 5)


@player("delete-preconditions")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("delpre")
    for name in ("delpre3", "delpre4"):
        hands.job(name)
    [job] = hands.fake.store.items(JOBS, "", lambda item: item["metadata"]["name"] == "delpre")
    asked.texts["ba73b345-08e5-412e-841d-8d81c0ff3b05"] = job["metadata"]["uid"]
    asked.exchanges[1]["response"]["body"]["message"] = asked.exchanges[1]["response"]["body"]["message"].replace(
        "403", job["metadata"]["resourceVersion"]
    )
    await _all(asked, *range(len(asked.exchanges)))


@player("deletecollection")
async def _(asked: Replay, hands: Hands) -> None:
    def queues() -> None:
        for name in ("q1", "q2", "q3"):
            hands.running(name, kind="scriptq")

    queues()
    await _all(asked, 0, 1, 2)
    hands.pass_time()
    await _all(asked, 3, 4, 5, 6)
    for name in ("q1", "q2", "q3"):
        hands.let_go(name)
    queues()
    await _all(asked, 7)
    hands.pass_time()
    for name in ("q1", "q2", "q3"):
        hands.let_go(name)
    queues()
    await _all(asked, 8)
    hands.pass_time()
    await _all(asked, 9)


@player("job-lifecycle")
async def _(asked: Replay, hands: Hands) -> None:
    for name, label in (("atqueue", "scriptqueue2"), ("ocsqueue", "scriptqueue3")):
        hands.job(name, kind="scriptqueue", label=label)
    hands.job("failer", backoffLimit=0)
    await _all(asked, 0)
    hands.pass_time()
    [pod] = hands.pods("mtqueue")
    asked.texts["mtqueue-fc4d7"] = pod["metadata"]["name"]
    await _all(asked, 1, 2)
    hands.run("mtqueue")
    await _all(asked, 3, 4)
    for name, code in (("atqueue", 0), ("ocsqueue", 1), ("failer", 1)):
        hands.run(name)
        hands.ended(name, code)
    await _all(asked, 5)
    hands.pass_time(11)
    await _all(asked, 6, 7)


@player("job-lists")
async def _(asked: Replay, hands: Hands) -> None:
    for name, number in (("atqueue", 2), ("mtqueue", 1), ("ocsqueue", 3)):
        hands.running(name, kind="scriptqueue", label=f"scriptqueue{number}")
    hands.ended("atqueue", 0)
    hands.ended("ocsqueue", 1)
    hands.pass_time(11)
    hands.job("another", "envsys")
    hands.gone("another")
    await _all(asked, 0, 1, 2, 3, 4, 5, 6)
    for number in range(201, 208):
        hands.job(f"ess{number}", "envsys", kind="ess")
    await _all(asked, 7, 8, 9)
    hands.job("another", "envsys")
    hands.gone("another")
    await _all(asked, 10, 11, 12, 13)


@player("list-expired")
async def _(asked: Replay, hands: Hands) -> None:
    for number in range(201, 208):
        hands.job(f"ess{number}", "envsys", kind="ess")
    await _all(asked, 0)
    hands.job("another")
    hands.fake.store.compact()
    hands.job("third")
    await _all(asked, 1, 2, 3)
    current = str(hands.fake.store.version)
    body = asked.exchanges[4]["response"]["body"]
    body["message"] = body["message"].replace("674", current)
    cluster_requests.TOO_NEW_S, before = 0.01, cluster_requests.TOO_NEW_S
    try:
        await _all(asked, 4)
    finally:
        cluster_requests.TOO_NEW_S = before


@player("conflict-invalid")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("mtqueue", kind="scriptqueue", label="scriptqueue1")
    [job] = hands.fake.store.items(JOBS)
    asked.texts["597d3602-f9ff-4bd2-9e79-f804106a1bbb"] = job["metadata"]["uid"]
    asked.texts['"resourceVersion": "246"'] = f'"resourceVersion": "{job["metadata"]["resourceVersion"]}"'
    await _all(asked, *range(len(asked.exchanges)))


@player("rights")
async def _(asked: Replay, hands: Hands) -> None:
    hands.running("mtqueue", kind="scriptqueue")
    await _all(asked, *range(len(asked.exchanges)))


@player("version")
async def _(asked: Replay, hands: Hands) -> None:
    del hands
    await _all(asked, *range(len(asked.exchanges)))


@player("too-many-requests")
async def _(asked: Replay, hands: Hands) -> None:
    del hands
    await _all(asked, 0, 1)
    await asked.watched(2)


@player("namespace-delete")
async def _(asked: Replay, hands: Hands) -> None:
    users = {"argocd.argoproj.io/instance": "nublado-users"}
    hands.fake.furniture.namespace("nublado-rra", users)
    hands.fake.furniture.pod("nublado-rra", "lab", {})
    hands.fake.store.add(CONFIG_MAPS, {"metadata": {"name": "lab", "namespace": "nublado-rra"}, "data": {}})
    hands.hold(CONFIG_MAPS, "lab", "nublado-rra")
    await _all(asked, 0, 1, 2, 3, 4)
    hands.pass_time()
    await _all(asked, 5, 6, 7)
    hands.pass_time(4)
    await _all(asked, 8, 9)
    for pod in hands.fake.store.items(PODS, "nublado-rra"):
        hands.fake.controller.let_go(pod)
    hands.pass_time(5)
    await _all(asked, 10)
    hands.unhold(CONFIG_MAPS, "lab", "nublado-rra")
    hands.pass_time(5.2)
    await _all(asked, 11, 12)
    hands.fake.furniture.namespace("nublado-athor", users)
    await _all(asked, 13)
    hands.pass_time(5.2)
    await _all(asked, *range(14, len(asked.exchanges)))


@player("namespace-watch")
async def _(asked: Replay, hands: Hands) -> None:
    def acts() -> None:
        labels = {"argocd.argoproj.io/instance": "nublado-users", "nublado.lsst.io/user": "rra"}
        hands.fake.furniture.namespace("nublado-eve", labels)
        made = hands.fake.store.get(NAMESPACES, "", "nublado-eve")
        assert made is not None
        hands.fake.requests.namespaces.delete(made, dry_run=False)
        hands.pass_time(6)

    await asked.watched(0, acts)


@player("watch-errors")
async def _(asked: Replay, hands: Hands) -> None:
    first = hands.fake.store.version
    hands.running("mtptg", "watchns")
    [job] = hands.fake.store.items(JOBS)
    hands.fake.store.remove(JOBS, job)
    hands.fake.controller.deleted(JOBS, job)
    hands.pass_time()
    hands.job("mtptg", "watchns")
    asked.texts["resourceVersion=1&"] = f"resourceVersion={first}&"
    for number in range(len(asked.exchanges)):
        await asked.watched(number)


@player("watch-expired")
async def _(asked: Replay, hands: Hands) -> None:
    hands.job("ess201", "envsys")
    version = hands.fake.store.version - 1
    hands.fake.store.compact()
    asked.texts["resourceVersion=667"] = f"resourceVersion={version}"
    for number, before in ((0, "667"), (1, "1")):
        [line] = asked.exchanges[number]["response"]["lines"]
        told = asked.translated(f"resourceVersion={before}").removeprefix("resourceVersion=")
        line["json"]["object"]["message"] = f"too old resource version: {told} ({hands.fake.store.oldest})"
        await asked.watched(number)
    asked.texts["resourceVersion=670"] = f"resourceVersion={hands.fake.store.version}"

    def die() -> None:
        for watch in hands.fake.requests.watches:
            watch.finish("cut")

    with pytest.raises(httpx2.RemoteProtocolError, match="peer closed connection"):
        await asked.lines(2, die)


@player("watch")
async def _(asked: Replay, hands: Hands) -> None:
    def acts() -> None:
        hands.job("mtptg", "watchns")
        hands.run("mtptg", "watchns")
        [job] = hands.fake.store.items(JOBS)
        hands.fake.store.remove(JOBS, job)
        hands.fake.controller.deleted(JOBS, job)
        hands.pass_time()
        hands.let_go("mtptg", "watchns")

    began = hands.fake.store.version
    asked.texts |= {"resourceVersion=543": f"resourceVersion={began}", "timeoutSeconds=9": "timeoutSeconds=0.4"}
    before, cluster_watch._BEFORE_END_S = cluster_watch._BEFORE_END_S, 0.1
    try:
        await asked.watched(0, acts)
        await asked.watched(1)
    finally:
        cluster_watch._BEFORE_END_S = before

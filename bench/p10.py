"""P10: thirty applications synced side by side, against the same syncs one after the other.

Argo CD is played over real HTTP: each operation lasts as long as small applications took on a real one (median of 60
syncs, 0.45 s), and what follows is the program's own way from the approval to the end that was judged.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.rows import Row, Say
from bench.world import World, say
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import numbered
from deploydash.core.run.records import Outcome
from deploydash.session.clock import SystemClock
from deploydash.systems.argocd.act import ArgocdAction
from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.argocd.steps import SyncSpec, sync_item
from tests.servers.http_server import HttpServer, Request
from tests.support.item_context import RecordingContext
from tests.systems.argocd.replay import ROOT, Reply, reply

APPLICATIONS = 30
AT_ONCE = 8
"""As many at once as the runbooks allow."""

LASTS_S = 0.45
GOAL = 0.25
_REVISION = "88dbd7fc41bd842bd47cd16a31eeecb020f22470"


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure the same syncs with one, with eight and with thirty at once."""
    del world
    rounds = 1 if quick else 3
    say(f"P10: {rounds} x {APPLICATIONS} applications, one, {AT_ONCE} and {APPLICATIONS} at once")
    took: dict[int, list[float]] = {1: [], AT_ONCE: [], APPLICATIONS: []}
    for _ in range(rounds):
        for at_once, found in took.items():
            found.append(asyncio.run(_synced(at_once)))
    note = f"each operation lasts {LASTS_S:g} s"
    for at_once, found in took.items():
        tell(Row("P10", size, f"{APPLICATIONS} syncs, {at_once} at once", tuple(found), "s", note=note))
    what = f"{AT_ONCE} at once / one after the other"
    tell(Row.ratio("P10", size, what, took[AT_ONCE], took[1], GOAL))


async def _synced(at_once: int) -> float:
    """Return the seconds from the approval of thirty syncs to their last end."""
    slots = asyncio.Semaphore(at_once)
    items = [sync_item(numbered(at), SyncSpec(f"app{at}"), ()) for at in range(APPLICATIONS)]
    async with _acting() as action:
        plan = await action.describe(items, lambda _: None)
        approved = dict(plan.approved)

        async def one(item: Item) -> Outcome:
            return (await action.run(item, approved[item.id], RecordingContext(slots=slots))).outcome

        began = time.monotonic()
        ends = await asyncio.gather(*map(one, items))
        took = time.monotonic() - began
    if set(ends) != {Outcome.REACHED}:
        raise RuntimeError(f"not every sync reached its end: {ends}")
    return took


@asynccontextmanager
async def _acting() -> AsyncIterator[ArgocdAction]:
    with HttpServer(_Timed().answer) as server:
        port = int(server.url.rpartition(":")[2])
        settings = ArgocdSettings(server="127.0.0.1", port=port, plain_text=True, token="bench", rest=("app",))
        action = ArgocdAction(ArgoClient(settings.endpoint), settings, SystemClock(), dict)
        try:
            yield action
        finally:
            await action.aclose()


class _Timed:
    """An Argo CD whose operations end by the clock."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[float, dict[str, Any]]] = {}

    def answer(self, request: Request) -> Reply:
        """Answer one request."""
        path = request.path.partition("?")[0].removeprefix(ROOT)
        name, _, what = path.removeprefix("/api/v1/applications/").partition("/")
        if "can-i" in path:
            return reply({"value": "yes"})
        if what == "managed-resources":
            told = {"kind": "ConfigMap", "name": "config", "namespace": name, "targetState": '{"data": {}}'}
            return reply({"items": [told]})
        if what == "sync":
            asked = json.loads(request.body)
            self._begun[name] = time.monotonic(), {"sync": {}, "info": asked["infos"]}
        return reply(self._application(name))

    def _application(self, name: str) -> dict[str, Any]:
        begun, operation = self._begun.get(name, (0.0, None))
        status = {"sync": {"status": "OutOfSync", "revision": _REVISION}, "health": {"status": "Healthy"}}
        told = {"metadata": {"name": name}, "spec": {"project": "telescope"}, "status": status}
        if operation is None:
            return told
        state = {"phase": "Running", "operation": operation}
        if time.monotonic() < begun + LASTS_S:
            return {**told, "operation": operation, "status": {**status, "operationState": state}}
        state = {**state, "phase": "Succeeded", "syncResult": {"revision": _REVISION}}
        return {**told, "status": {**status, "operationState": state}}

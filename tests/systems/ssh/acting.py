"""The action on real hosts of the tests, with a context that writes down what it asks of the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CameraSubstate, CscId, Liveness, SummaryState, Target
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import numbered
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding
from deploydash.core.run.state import ItemProgress
from deploydash.session.clock import SystemClock
from deploydash.systems.ssh.act import SshAction
from deploydash.systems.ssh.hosts import Hosts
from deploydash.systems.ssh.memory import Memory
from deploydash.systems.ssh.specs import Spec
from deploydash.systems.ssh.steps import SSH
from deploydash.systems.ssh.where import Place, Places
from deploydash.systems.ssh.writes import Tools
from tests.servers.sshd import Sshd, SshWorld
from tests.servers.waiting import within
from tests.support.item_context import RecordingContext
from tests.support.runs import view

CAMERA = CscId("ATCamera")
POLL_S = 0.02


def place(world: SshWorld, server: Sshd, *, key: str = "") -> Place:
    """Where a host of the tests is."""
    return Place("127.0.0.1", server.port, key or server.public_key, world.user.name, (str(world.key),))


def places(world: SshWorld, **servers: Sshd) -> Places:
    """Hosts by their first names, all in ``example.org``."""
    at = {f"{name.replace('_', '-')}.example.org": place(world, server) for name, server in servers.items()}
    return Places("example.org", at=at, rehearsal=True)


def camera(liveness: Liveness = Liveness.BEATING, substate: CameraSubstate = CameraSubstate.PUBLISH_ONLY) -> CscView:
    """A camera that is OFFLINE, as it beats in that."""
    return replace(view(CAMERA, SummaryState.OFFLINE, liveness), camera=True, substate=substate)


def item(spec: Spec, *effects: CscEffect) -> Item:
    """An item of this system."""
    return Item(numbered(0), "the item", SSH, spec.model_dump_json(), effects)


def effect(csc: CscId, state: SummaryState) -> CscEffect:
    return CscEffect(csc, Target(state))


class Acting:
    """One action and what is seen of CSCs; ``context`` is of the item that is worked on."""

    def __init__(self, found: Places, views: Mapping[CscId, CscView] | None = None) -> None:
        self.hosts, clock = Hosts(found, again_s=0), SystemClock()
        self.action = SshAction(Tools(self.hosts, clock, Memory(clock, -1), POLL_S))
        self.context = RecordingContext(dict(views or {}))

    async def plan(self, one: Item) -> ItemPlan:
        """What would be sent now."""
        (found,) = (await self.action.describe([one], self.context.view)).items
        return found

    async def run(self, one: Item, approved: str | None = None) -> End:
        """Do it as it would be approved now, unless something else was."""
        may = (await self.plan(one)).approved if approved is None else approved
        async with self.action.open([one]):
            return await self.action.run(one, may, self.context)

    async def probe(self, one: Item, **read: Any) -> Finding:
        """What is found after a resume."""
        history = ItemProgress(request="it", approved=json.dumps(read) if read else "")
        return await self.action.probe(one, history, self.context.view)


@asynccontextmanager
async def acting(found: Places, **views: CscView) -> AsyncIterator[Acting]:
    """An action whose connections end with the block."""
    one = Acting(found, {each.csc: each for each in views.values()})
    try:
        yield one
    finally:
        await one.hosts.aclose()


async def until(condition: Callable[[], object], told: Callable[[], object]) -> None:
    """Wait until a condition holds; ``told`` is what a failure shows."""
    try:
        async with within(5):
            while not condition():  # noqa: ASYNC110 - what a host does has no event here
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited in vain; now {told()}") from None

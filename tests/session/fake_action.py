"""A made-up system with a world of its own that its action changes, and a run kept over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from deploydash.core.fleet.commands import Command
from deploydash.core.fleet.snapshot import CscView, FeedView, Snapshot, Standstill, Summary
from deploydash.core.model import CscId, Effective, Roster, SummaryState
from deploydash.core.procedure.items import Item, last_effects
from deploydash.core.procedure.names import SAL, ItemId, StepId, SystemName
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.run.decide import Decision, Refused
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer, End, Finding, ItemContext, Look
from deploydash.core.run.records import ItemEnded, Outcome, RunRecord
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState, StepStatus
from deploydash.errors import UserError
from deploydash.session.run_controller import RunController
from tests.servers.waiting import within
from tests.support.clock import START_UTC, ManualClock
from tests.support.runs import OPERATOR, down, fleet, opened, view

MADE_UP = SystemName("made-up")
Work = Callable[[Item, str, ItemContext], Awaitable[End]]


def snapshot_of(seen: FleetView) -> Snapshot:
    feeds = tuple(FeedView(name, state, "", 0.0) for name, state in seen.feeds.items())
    return Snapshot(
        number=seen.number,
        at=seen.at,
        utc=seen.utc,
        roster=Roster("summit", rehearsal=True, cscs=(), groups=()),
        target="startup",
        cscs=tuple(seen.views.values()),
        groups=(),
        feeds=feeds,
        summary=Summary(0, 0, 0, 0, 0, 0, ()),
        events=(),
        undecodable=(),
        detail=None,
        decided=True,
        banner="",
    )


@dataclass
class Journal:
    """Remembers what reached the disk; refuses while it is full."""

    lines: list[object] = field(default_factory=list)
    full: bool = False

    def append_all(self, records: Sequence[object], utc: float, phase: str | None) -> None:  # noqa: ARG002 - the shape of a journal
        if self.full:
            raise UserError("the disk is full")
        self.lines.extend(records)


@dataclass
class World:
    """What is seen, and the action of a system that works on it as a test says.

    ``started``: the items begun, with how many lines the journal had. ``sent``: what changed something, by the item.
    ``waits``: what an item waits for before its request. ``does``: what it does instead of what all do. ``blind``: its
    effects do not come. ``follows``: how what is followed ends. ``most``: so many were at work at once. ``told``: what
    the fleet was told.
    """

    journal: Journal = field(default_factory=Journal)
    seen: FleetView = field(default_factory=fleet)
    standstill: Standstill | None = None
    fails: Exception | None = None
    effects_come: bool = True
    started: list[tuple[ItemId, int]] = field(default_factory=list)
    sent: list[ItemId] = field(default_factory=list)
    approved: dict[ItemId, str] = field(default_factory=dict)
    followed: list[ItemId] = field(default_factory=list)
    waits: dict[ItemId, asyncio.Event] = field(default_factory=dict)
    does: dict[ItemId, Work] = field(default_factory=dict)
    plans: dict[ItemId, ItemPlan] = field(default_factory=dict)
    unreadable: str = ""
    findings: dict[ItemId, Finding | Exception] = field(default_factory=dict)
    follows: dict[ItemId, End] = field(default_factory=dict)
    offers: tuple[ControlOffer, ...] = ()
    controlled: list[tuple[ItemId, str]] = field(default_factory=list)
    opened: list[tuple[ItemId, ...]] = field(default_factory=list)
    closed: int = 0
    at_work: set[ItemId] = field(default_factory=set)
    most: int = 0
    told: list[Command] = field(default_factory=list)
    tell: Callable[[Snapshot], None] = lambda _: None

    @asynccontextmanager
    async def open(self, items: Sequence[Item]) -> AsyncIterator[None]:
        self.opened.append(tuple(item.id for item in items))
        try:
            yield
        finally:
            self.closed += 1

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:  # noqa: ARG002 - the shape of an action
        if self.unreadable:
            raise UserError(self.unreadable)
        usual = (ItemPlan(item.id, (f"{item.system} does {item.label}",), approved=f'"{item.id}"') for item in items)
        return Plan("", tuple(self.plans.get(one.item, one) for one in usual), START_UTC)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:  # noqa: ARG002 - the shape of an action
        found = self.findings[item.id]
        if isinstance(found, Exception):
            raise found
        return found

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        self.started.append((item.id, len(self.journal.lines)))
        self.approved[item.id] = approved
        if self.fails is not None:
            raise self.fails
        return await self.does.get(item.id, self.usual)(item, approved, context)

    async def usual(self, item: Item, approved: str, context: ItemContext) -> End:  # noqa: ARG002 - the shape of an action
        """Wait for what a test holds back, send one request, and see the effects come."""
        async with context.slot():
            self.at_work.add(item.id)
            self.most = max(self.most, len(self.at_work))
            try:
                if item.id in self.waits:
                    await self.waits[item.id].wait()
                if why := await context.intend(f"{item.label}, please"):
                    return End(Outcome.FAILED, why)
                self.sent.append(item.id)
                await context.answered(True, "Done")
                if self.effects_come:
                    self.change(item)
            finally:
                self.at_work.discard(item.id)
        return End(Outcome.REACHED, "done")

    def change(self, item: Item) -> None:
        """Let the effects of an item be seen."""
        self.see(*(seen_at(effect.csc, effect.target.state) for effect in last_effects(item.effects)))

    def see(self, *views: CscView) -> None:
        """Let these be seen from now on, and all else as before."""
        self.seen = replace(self.seen, views={**self.seen.views, **{one.csc: one for one in views}})
        self.tell(snapshot_of(self.seen))

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:  # noqa: ARG002 - the shape of an action
        self.followed.append(item.id)
        return self.follows[item.id]

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:  # noqa: ARG002 - the shape of an action
        return self.offers

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:  # noqa: ARG002 - the shape of an action
        if why := await context.intend(name):
            raise UserError(why)
        self.controlled.append((item.id, name))
        await context.answered(True, "nobody needs to know")


def seen_at(csc: CscId, state: SummaryState) -> CscView:
    """A CSC as it is seen when it was brought to a state."""
    return down(csc) if state is SummaryState.OFFLINE else view(csc, state, effective=Effective(state.name))


@asynccontextmanager
async def keeping(
    world: World, clock: ManualClock | None = None, runbook: Runbook | None = None, state: RunState | None = None
) -> AsyncIterator[RunController]:
    """Keep a run over a world whose action works for SAL and the made-up system."""

    def look() -> Snapshot:
        return replace(snapshot_of(world.seen), standstill=world.standstill)

    actions = {SAL: world, MADE_UP: world}
    controller = RunController(
        state or opened(runbook),
        world.journal,
        look,
        clock or ManualClock(),
        OPERATOR,
        actions,
        tell=world.told.append,
        lines=lambda _: (),
        subname="sal",
    )
    world.tell = controller.saw
    try:
        yield controller
    finally:
        await controller.aclose()


async def until(condition: Callable[[], object]) -> None:
    async with within(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)


@asynccontextmanager
async def watched(controller: RunController) -> AsyncIterator[None]:
    """Look four times a second meanwhile."""
    watching = asyncio.create_task(controller.watch())
    try:
        yield
    finally:
        watching.cancel()


def status(controller: RunController, step: StepId) -> StepStatus:
    return controller.state.status(controller.state.runbook.step(step))


def item_status(controller: RunController, step: StepId, item: ItemId) -> ItemStatus:
    return controller.state.progress(step).item(item).status


def refusal(decision: Decision) -> str:
    assert isinstance(decision, Refused)
    return decision.why


def ends(lines: Iterable[object]) -> list[tuple[ItemId, Outcome, str]]:
    """The ends of items, in the order of the journal."""
    return [(line.item, line.outcome, line.why) for line in lines if isinstance(line, ItemEnded)]


def of_kind(lines: Iterable[object], kind: type[RunRecord]) -> list[object]:
    """The records of one kind, in the order of the journal."""
    return [line for line in lines if isinstance(line, kind)]

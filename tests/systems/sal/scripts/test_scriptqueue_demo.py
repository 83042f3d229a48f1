"""Scripts of a run from the lead's order to what is seen, against the demo observatory as a process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from deploydash.core.model import CscId, Phase, SummaryState, Target, TargetKind
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import MAIN, PERSON, SAL, ItemId, StepId, csc_item, numbered
from deploydash.core.procedure.runbook import Order, Runbook, RunPhase, Step, StepKind, Tier
from deploydash.core.run.decide import Refused
from deploydash.core.run.evolve import evolve
from deploydash.core.run.orders import AddItem, Approve, Control, RunOrder, SignOff
from deploydash.core.run.records import (
    CscsWaived,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    Outcome,
    RequestIntended,
    RunOpened,
    RunRecord,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState, StepStatus
from deploydash.session.clock import SystemClock
from deploydash.session.run_controller import RunController
from deploydash.session.session import Session
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.scripts.script_reader import reading
from deploydash.systems.sal.scripts.scriptqueue import Scripts, ScriptTimeouts
from deploydash.systems.sal.steps import script_item
from deploydash.systems.settings import RegistrySettings
from tests.demo.harness import Demo, demo
from tests.servers.kafka_scenes import plain_settings
from tests.servers.waiting import within
from tests.support.runs import FIRST_ADDED, csc_items
from tests.systems.sal.commanding.context import live_session
from tests.systems.sal.commanding.lines import LEAD, command_line

R = TypeVar("R")
QUEUE = CscId("ScriptQueue", 1)
ATAOS, ESS, WATCHER = CscId("ATAOS"), CscId("ESS", 104), CscId("Watcher")
CSCS = (ATAOS, ESS, WATCHER, QUEUE)
TESTING, SHUTDOWN = StepId("testing"), StepId("shutdown")
FIRST = numbered(0)
OFFLINE = Target(SummaryState.OFFLINE)
GOOD, FAILS, HANGS, UNLISTED = "maintel/track_target.py", "run_command.py", "sleep.py", "maintel/enable_mtc.py"
PATIENCE = ScriptTimeouts(command=10.0, listed=5.0, quiet=20.0, gone=5.0)

SCENARIO = """
name: scripts
cscs:
  - csc: ScriptQueue:1
    scripts:
      sleep.py: hang
      run_command.py: {do: fail, seconds: 1, message: no such command}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("scripts"), "--speed", "10", scenario=SCENARIO) as running:
        yield running


@dataclass
class Journal:
    """Remembers what reached the disk."""

    lines: list[tuple[float, RunRecord]] = field(default_factory=list)

    def append_all(self, records: Sequence[object], utc: float, phase: str | None) -> None:  # noqa: ARG002 - the shape of a journal
        self.lines += [(utc, record) for record in records if isinstance(record, RunRecord)]

    def of(self, kind: type[R]) -> list[R]:
        return [record for _, record in self.lines if isinstance(record, kind)]


def book(*steps: Step) -> Runbook:
    phase = RunPhase("only", "only", Phase(TargetKind.SHUTDOWN), steps)
    return Runbook("test", "test", "hill", True, CSCS, (ATAOS, ESS), (), (), (phase,))


def scripts(*paths: str) -> Runbook:
    """Return a runbook of one step of scripts; a path with a blank stands for what a person does."""
    items = tuple(
        Item(numbered(place), path, PERSON) if " " in path else script_item(numbered(place), QUEUE, path, True, "")
        for place, path in enumerate(paths)
    )
    step = Step(TESTING, "test", StepKind.ACTION, SAL, Tier.MODERATE, MAIN, "all DONE", items, order=Order.SEQUENCE)
    return book(step)


def left_by(runbook: Runbook, lines: Sequence[tuple[float, RunRecord]]) -> RunState:
    """Return a run as these records leave it."""
    state = RunState(runbook)
    for utc, record in lines:
        state = evolve(state, record, utc)
    return state


@dataclass
class Night:
    """A controller at work over the demo's Kafka."""

    controller: RunController
    journal: Journal
    action: SalAction

    async def order(self, order: RunOrder) -> None:
        decision = await self.controller.order(order)
        assert not isinstance(decision, Refused), decision

    async def until(self, so: Callable[[RunState], object], seconds: float = 30.0) -> RunState:
        try:
            async with within(seconds):
                while not so(self.controller.state):  # noqa: ASYNC110  the journal tells nobody
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {self.journal.lines}") from None
        return self.controller.state

    def status(self) -> StepStatus:
        state = self.controller.state
        return state.status(next(iter(state.runbook.steps())))

    def script(self, item: ItemId = FIRST, step: StepId = TESTING) -> ItemProgress:
        return self.controller.state.progress(step).item(item)


@contextlib.asynccontextmanager
async def watched(world: Demo) -> AsyncIterator[Session]:
    async with live_session(world.info["kafka"], world.info["schema_registry"], "sal", CSCS) as session:
        yield session


@contextlib.asynccontextmanager
async def night(world: Demo, session: Session, state: RunState, journal: Journal | None = None) -> AsyncIterator[Night]:
    """Open or resume a run until the block ends, as a process that is killed then does."""
    settings = plain_settings(world.info["kafka"], "sal")
    clock = SystemClock()
    journal = journal or Journal()
    schemas = SchemaStore(RegistrySettings(world.info["schema_registry"], "site file"), None, timeout=2.0)
    async with command_line(settings, world.info["schema_registry"]) as line:
        take_in = Scripts(
            line,
            lambda take: reading(settings, schemas, take),
            clock,
            subname="sal",
            descr="a test",
            timeouts=PATIENCE,
        )
        action = SalAction(CscCommands(line, clock, subname="sal"), take_in, clock)
        controller = RunController(
            state,
            journal,
            session.snapshot,
            clock,
            LEAD.identity,
            {SAL: action},
            tell=session.order,
            lines=lambda _: (),
            subname="sal",
        )
        unsubscribe = session.subscribe(controller.saw)
        first = RunResumed(LEAD.identity, 1) if state.opened else RunOpened("r", "hill", "t", "c", LEAD.identity, True)
        await controller.begin(first)
        watching = asyncio.create_task(controller.watch())
        try:
            yield Night(controller, journal, action)
        finally:
            unsubscribe()
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await controller.aclose()
            await schemas.aclose()


async def test_scripts_are_let_go_by_one_key_and_done_one_after_the_other(world: Demo) -> None:
    runbook = scripts(GOOD, "images ingested", GOOD)
    async with watched(world) as session, night(world, session, RunState(runbook)) as lead:
        await lead.order(Approve(TESTING, 1))
        await lead.until(lambda _: lead.script().status is ItemStatus.REACHED)
        assert lead.status() is StepStatus.UNDER_WAY
        assert lead.script(numbered(2)).status is ItemStatus.PENDING
        await lead.order(SignOff(TESTING, "ana", numbered(1)))
        await lead.until(lambda _: lead.status() is StepStatus.DONE)
    intents = lead.journal.of(RequestIntended)
    added = f"add {GOOD} to ScriptQueue:1"
    assert [(one.item, one.text) for one in intents] == [(numbered(0), added), (numbered(2), added)]
    states = [one.state for one in lead.journal.of(ItemProgressed) if one.item == numbered(0)]
    assert states[-1] == "DONE"
    assert "RUNNING" in states
    kinds = [type(record) for _, record in lead.journal.lines]
    assert kinds.index(RequestIntended) < kinds.index(ItemProgressed)
    world.until(lambda: len({r["scriptSalIndex"] for r in world.of(str(QUEUE), "logevent_script")}) >= 2)


async def test_a_failed_script_asks_says_why_and_its_queue_is_resumed_by_order(world: Demo) -> None:
    async with watched(world) as session, night(world, session, RunState(scripts(FAILS, GOOD))) as lead:
        await lead.order(Approve(TESTING, 1))
        await lead.until(lambda _: lead.status() is StepStatus.ASKING)
        assert lead.script().why == ("failed: Error in run: no such command; it left ScriptQueue:1 paused")
        assert len(lead.journal.of(RequestIntended)) == 1
        of_queue = str(QUEUE), "logevent_queue"
        await lead.order(Control(TESTING, numbered(0), "resume"))
        await asyncio.to_thread(world.until, lambda: _resumed([one["running"] for one in world.of(*of_queue)]))
        await lead.order(SignOff(TESTING, "ana", numbered(0), "known, not needed today"))
        await lead.until(lambda _: lead.status() is StepStatus.DONE)


def _resumed(running: Sequence[bool]) -> bool:
    return False in running and running[-1]


async def test_a_script_that_hangs_is_stopped_by_order(world: Demo) -> None:
    async with watched(world) as session, night(world, session, RunState(scripts(HANGS))) as lead:
        await lead.order(Approve(TESTING, 1))
        await lead.until(lambda _: lead.script().state == "RUNNING")
        await lead.order(Control(TESTING, numbered(0), "stop"))
        await lead.until(lambda _: lead.status() is StepStatus.ASKING)
        assert lead.script().status is ItemStatus.FAILED
        assert lead.script().why.startswith("stopped")


async def test_a_script_that_the_queue_does_not_list_is_not_sent(world: Demo) -> None:
    async with watched(world) as session, night(world, session, RunState(scripts(UNLISTED))) as lead:
        await lead.order(Approve(TESTING, 1))
        await lead.until(lambda _: lead.status() is StepStatus.ASKING)
    assert lead.script().why == (
        "ScriptQueue:1 lists no standard script maintel/enable_mtc.py; it has maintel/enable_mtcs.py"
    )
    assert not [one for one in lead.journal.of(RequestIntended) if one.begins]


async def test_a_run_that_dies_while_its_script_runs_finds_it_again_and_adds_it_once(world: Demo) -> None:
    runbook = scripts(GOOD)
    async with watched(world) as session:
        async with night(world, session, RunState(runbook)) as lead:
            await lead.order(Approve(TESTING, 1))
            await lead.until(lambda _: lead.script().state == "RUNNING")
            known_as = lead.script().known_as
        left = left_by(runbook, lead.journal.lines)
        async with night(world, session, left, lead.journal) as again:
            assert again.script().status is ItemStatus.UNKNOWN
            await again.until(lambda _: again.status() is StepStatus.DONE)
    assert [one.text for one in again.journal.of(RequestIntended)] == [f"add {GOOD} to ScriptQueue:1"]
    assert again.script().known_as == known_as
    assert [one.outcome for one in again.journal.of(ItemEnded)] == [Outcome.REACHED]


async def test_stragglers_are_brought_down_by_set_summary_state_and_end_by_what_is_seen(world: Demo) -> None:
    items = tuple(transition(csc, OFFLINE) for csc in (ATAOS, ESS))
    step = Step(SHUTDOWN, "down", StepKind.ACTION, SAL, Tier.MODERATE, MAIN, "OFFLINE", items)
    config = "data:\n- ['ATAOS', OFFLINE]\n- ['ESS:104', OFFLINE]\nmute_alarms: false\n"
    effects = (CscEffect(ATAOS, OFFLINE), CscEffect(ESS, OFFLINE))
    other_way = script_item(ItemId(""), QUEUE, "set_summary_state.py", True, config, effects)
    journal = Journal()
    failed = [ItemEnded(SHUTDOWN, csc_item(csc), Outcome.FAILED, "no answer") for csc in (ATAOS, ESS)]
    before: list[RunRecord] = [
        RunOpened("r", "hill", "t", "c", LEAD.identity, True),
        CscsWaived((WATCHER,), LEAD.identity, "stays"),
        StepApproved(SHUTDOWN, LEAD.identity, 1),
        ItemsDispatched(SHUTDOWN, csc_items((ATAOS, ESS)), LEAD.identity),
        *failed,
    ]
    state = left_by(book(step), [(1.0, record) for record in before])
    async with watched(world) as session, night(world, session, state, journal) as lead:
        await lead.order(AddItem(SHUTDOWN, other_way, csc_items((ATAOS, ESS))))
        await lead.until(lambda _: lead.status() is StepStatus.DONE)
        await lead.until(lambda _: lead.script(FIRST_ADDED, SHUTDOWN).status is ItemStatus.REACHED)
    ends = {record.item: (record.outcome, record.why) for record in journal.of(ItemEnded) if record.item != FIRST_ADDED}
    assert ends == {
        csc_item(ATAOS): (Outcome.REACHED, "seen OFFLINE; set_summary_state.py: done"),
        csc_item(ESS): (Outcome.REACHED, "seen OFFLINE; set_summary_state.py: done"),
    }
    world.until(lambda: world.states(str(ESS))[-1:] == [4])
    identities = {ack["identity"] for ack in world.of(str(ESS), "ackcmd")}
    assert identities == {lead.script(FIRST_ADDED, SHUTDOWN).known_as}

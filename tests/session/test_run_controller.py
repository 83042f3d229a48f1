"""A run is decided, journaled, folded and only then acted on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from deploydash.core.fleet.commands import CompareWith, JudgeByRun
from deploydash.core.fleet.snapshot import FeedView, Snapshot, Standstill, Summary
from deploydash.core.model import CscId, FeedName, FeedState, Roster
from deploydash.core.procedure.runbook import Choice, Option, Runbook, Step, StepId, StepKind, csc_item, csc_items
from deploydash.core.run.decide import Decision, Refused
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import Answer, Approve, ArmStep, Disarm, Fire, Hold, Retry, Waive
from deploydash.core.run.ports import ItemContext
from deploydash.core.run.records import (
    GateClosedSpuriously,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import StepStatus, TargetStatus
from deploydash.errors import UserError
from deploydash.session.run_controller import RunController
from tests.servers.waiting import within
from tests.support.clock import ManualClock
from tests.support.runs import OFFLINE, OPERATOR, PLAIN, WATCHER, down, fleet, opened, small_runbook
from tests.support.snapshots import detail_of

WATCHER_STEP = StepId("watcher")
CSCS_STEP = StepId("cscs")


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
    """What is seen, and an action that does as it is told per CSC."""

    journal: Journal
    seen: FleetView = field(default_factory=fleet)
    started: list[tuple[StepId, tuple[CscId, ...], int]] = field(default_factory=list)
    fails: Exception | None = None
    standstill: Standstill | None = None

    async def run(self, step: Step, cscs: tuple[CscId, ...], inbox: ItemContext) -> None:
        self.started.append((step.id, cscs, len(self.journal.lines)))
        if self.fails is not None:
            raise self.fails
        for seq, csc in enumerate(cscs, 1):
            intent = RequestIntended(step.id, csc_item(csc), csc, "exitControl", seq, OPERATOR, 7)
            refused = await inbox.intend(intent)
            if refused:
                await inbox.tell(ItemEnded(step.id, csc_item(csc), Outcome.FAILED, refused))
                continue
            await inbox.tell(RequestAnswered(step.id, csc_item(csc), "", seq, 303, "Done"))
            there = await inbox.seen(csc, lambda view: view.effective.value == "OFFLINE", 30.0)
            outcome = Outcome.REACHED if there else Outcome.UNKNOWN
            await inbox.tell(ItemEnded(step.id, csc_item(csc), outcome, "seen" if there else "not seen in 30 s"))


@asynccontextmanager
async def keeping(world: World, clock: ManualClock, runbook: Runbook | None = None) -> AsyncIterator[RunController]:
    look = lambda: replace(snapshot_of(world.seen), standstill=world.standstill)  # noqa: E731 - what the keeper looks through
    controller = RunController(opened(runbook), world.journal, look, clock, OPERATOR, {StepKind.CSC: world})
    try:
        yield controller
    finally:
        await controller.aclose()


async def until(condition: Callable[[], bool]) -> None:
    async with within(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)


def status(controller: RunController, step: StepId) -> StepStatus:
    return controller.state.status(controller.state.runbook.step(step))


def refusal(decision: Decision) -> str:
    assert isinstance(decision, Refused)
    return decision.why


async def test_the_approval_is_on_disk_before_the_action_starts() -> None:
    world = World(Journal())
    async with keeping(world, ManualClock()) as controller:
        await controller.order(Approve(WATCHER_STEP, 1))
        await until(lambda: bool(world.started))
        assert world.started == [(WATCHER_STEP, (WATCHER,), 2)]
        assert [type(line) for line in world.journal.lines[:2]] == [StepApproved, ItemsDispatched]


async def test_the_grid_is_told_the_start_up_targets_that_an_answer_replaces() -> None:
    world = World(Journal())
    told: list[CompareWith | JudgeByRun] = []
    stopped = Option("stopped", "it is stopped", startup=((WATCHER, OFFLINE),))
    choice = Choice("watcher", "Kept or stopped?", (Option("kept", "it is kept"), stopped), StepId("bridges-stop"))
    async with keeping(world, ManualClock(), replace(small_runbook(), choices=(choice,))) as controller:
        controller.judge = told.append
        await controller.order(Answer("watcher", "stopped"))
        await controller.order(Answer("watcher", "kept"))
        compared = [each.startup for each in told if isinstance(each, CompareWith)]
        assert compared == [{WATCHER: OFFLINE}, {}]


async def test_the_grid_is_told_who_moves_and_the_page_about_one_csc_what_the_run_wants_of_it() -> None:
    world = World(Journal())
    told: list[CompareWith | JudgeByRun] = []
    async with keeping(world, ManualClock()) as controller:
        controller.judge = told.append
        await controller.order(Approve(WATCHER_STEP, 1))
        assert [each.moving for each in told if isinstance(each, JudgeByRun)] == [frozenset({WATCHER})]
        shown = replace(snapshot_of(world.seen), detail=detail_of(WATCHER))
        run = controller.attach(shown).run
        assert run is not None
        assert run.inspected == ("watcher: to OFFLINE, under way",)


async def test_a_step_ends_when_its_effect_is_seen_not_when_it_is_acknowledged() -> None:
    world = World(Journal())
    async with keeping(world, ManualClock()) as controller:
        await controller.order(Approve(WATCHER_STEP, 1))
        await until(lambda: any(isinstance(line, RequestAnswered) for line in world.journal.lines))
        assert status(controller, WATCHER_STEP) is StepStatus.UNDER_WAY
        world.seen = fleet(down(WATCHER))
        controller.saw(snapshot_of(world.seen))
        watching = asyncio.create_task(controller.watch())
        await until(lambda: status(controller, WATCHER_STEP) is StepStatus.DONE)
        watching.cancel()
        assert StepDone(WATCHER_STEP) in world.journal.lines


async def test_what_the_fleet_noticed_stands_before_the_decision_it_led_to() -> None:
    world = World(Journal())
    async with keeping(world, ManualClock()) as controller:
        controller.noticed(["the Watcher beats"])
        await controller.order(Approve(WATCHER_STEP, 1))
        assert world.journal.lines[0] == "the Watcher beats"
        assert isinstance(world.journal.lines[1], StepApproved)


async def test_a_full_disk_starts_nothing_says_so_and_goes_on_when_there_is_room() -> None:
    world = World(Journal(full=True))
    async with keeping(world, ManualClock()) as controller:
        assert "disk is full" in refusal(await controller.order(Approve(WATCHER_STEP, 1)))
        assert controller.fault == "the disk is full"
        assert world.started == []
        world.journal.full = False
        assert not isinstance(await controller.order(Approve(WATCHER_STEP, 1)), Refused)
        assert controller.fault == ""


async def test_a_hold_stops_the_next_command_of_a_step_under_way() -> None:
    world = World(Journal(), seen=fleet(down(WATCHER)))
    async with keeping(world, ManualClock()) as controller:
        await controller.order(Waive((WATCHER,), "hangs", 1))
        await controller.order(Approve(WATCHER_STEP, 1))
        watching = asyncio.create_task(controller.watch())
        await until(lambda: status(controller, WATCHER_STEP) is StepStatus.DONE)
        watching.cancel()
        await controller.order(Approve(CSCS_STEP, 1))
        await until(lambda: any(isinstance(line, RequestAnswered) for line in world.journal.lines))
        await controller.order(Hold("ops2"))
        world.seen = fleet(down(WATCHER), down(PLAIN[0]))
        controller.saw(snapshot_of(world.seen))
        await until(lambda: status(controller, CSCS_STEP) is StepStatus.ASKING)
        sent = [line.to for line in world.journal.lines if isinstance(line, RequestIntended)]
        assert sent == [PLAIN[0]]
        targets = controller.state.progress(CSCS_STEP).targets
        assert "held by ops2" in targets[PLAIN[1]].why


async def test_an_action_that_crashes_leaves_its_targets_unknown_and_a_retry_is_the_leads() -> None:
    world = World(Journal(), fails=RuntimeError("a fault of ours"))
    async with keeping(world, ManualClock()) as controller:
        await controller.order(Approve(WATCHER_STEP, 1))
        await until(lambda: controller.state.progress(WATCHER_STEP).targets[WATCHER].status is TargetStatus.UNKNOWN)
        assert len(world.started) == 1
        world.fails = None
        await controller.order(Retry(WATCHER_STEP, csc_items((WATCHER,))))
        await until(lambda: len(world.started) == 2)


async def test_enter_is_taken_from_seven_tenths_of_a_second_on_and_the_arm_dies_after_twenty() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        assert await controller.arm(ArmStep(WATCHER_STEP, 1)) == ()
        assert "too early" in refusal(await controller.arm(Fire()))
        clock.advance(0.7)
        assert not isinstance(await controller.arm(Fire()), Refused)
        assert "nothing is armed" in refusal(await controller.arm(Fire()))


async def test_escape_disarms_and_nothing_was_journaled() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        await controller.arm(ArmStep(WATCHER_STEP, 1))
        await controller.arm(Disarm())
        clock.advance(1.0)
        assert "nothing is armed" in refusal(await controller.arm(Fire()))
        assert world.journal.lines == []


async def test_an_arm_dies_when_kafka_goes_down_and_the_card_says_so() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        await controller.arm(ArmStep(WATCHER_STEP, 1))
        world.seen = replace(world.seen, feeds={FeedName.KAFKA: FeedState.DOWN})
        watching = asyncio.create_task(controller.watch())
        run = None
        async with within(5):
            while run is None or not (run.card and run.card.armed_message):
                run = controller.attach(snapshot_of(world.seen)).run
                await asyncio.sleep(0)
        watching.cancel()
        assert run.card is not None
        assert "Kafka is down" in run.card.armed_message
        assert run.card.armed is None


def stood(*ones: tuple[float, float]) -> Standstill:
    """What a snapshot says of standstills that ended then and lasted so long."""
    return Standstill(*ones[-1], 0, ones)


async def test_a_standstill_of_ours_disarms_whoever_looks_first_and_fires_nothing() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        await controller.arm(ArmStep(WATCHER_STEP, 1))
        clock.advance(13.0)
        world.standstill = stood((clock.monotonic(), 12.8))
        assert "deploydash stood still for 13 s" in refusal(await controller.arm(Fire()))
        assert "nothing is armed" in refusal(await controller.arm(Fire()))
        assert world.journal.lines == []


async def test_a_short_standstill_behind_a_long_one_does_not_hide_it_from_an_arm() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        await controller.arm(ArmStep(WATCHER_STEP, 1))
        clock.advance(3.7)
        world.standstill = stood((clock.monotonic() - 0.7, 3.0), (clock.monotonic(), 0.6))
        assert "deploydash stood still for 3 s" in refusal(await controller.arm(Fire()))
        assert "nothing is armed" in refusal(await controller.arm(Fire()))
        assert world.journal.lines == []


async def test_an_arm_outlives_moments_of_standing_still_and_a_standstill_before_it() -> None:
    for standstill in (stood((0.5, 0.8), (1.0, 0.8), (1.5, 0.8)), stood((-5.0, 13.0)), stood((-5.0, 13.0), (1.0, 0.6))):
        world, clock = World(Journal(), standstill=standstill), ManualClock()
        async with keeping(world, clock) as controller:
            await controller.arm(ArmStep(WATCHER_STEP, 1))
            clock.advance(1.5)
            assert not isinstance(await controller.arm(Fire()), Refused)


async def test_a_gate_that_a_lost_feed_shut_for_a_while_is_in_the_journal_also_after_a_full_disk() -> None:
    world = World(Journal())
    up = world.seen
    async with keeping(world, ManualClock()) as controller:
        looks = [(up, 0.0), (replace(up, feeds={FeedName.KAFKA: FeedState.DOWN}), 3.0), (up, 5.0)]
        for full, (seen, at) in zip((False, False, True), looks, strict=True):
            world.journal.full = full
            world.seen = replace(seen, at=at)
            await controller._look_once()
        assert world.journal.lines == []
        world.journal.full = False
        for _ in range(2):
            await controller._look_once()
        sentence = "Kafka is down: what is shown is old"
        assert world.journal.lines == [GateClosedSpuriously(WATCHER_STEP, sentence, "kafka down", 2.0)]


async def test_the_view_beside_the_grid_tells_where_the_run_stands() -> None:
    world = World(Journal())
    async with keeping(world, ManualClock()) as controller:
        run = controller.attach(snapshot_of(world.seen)).run
        assert run is not None
        assert run.card is not None
        assert (run.card.step.id, run.card.is_open) == (WATCHER_STEP, True)
        assert [row.status for row in run.rows].count(StepStatus.PENDING) == len(run.rows)

"""A run is decided, journaled, folded and only then acted on."""

import asyncio
from dataclasses import replace

import pytest

from deploydash.core.fleet.commands import CompareWith, JudgeByRun
from deploydash.core.fleet.snapshot import Standstill
from deploydash.core.model import FeedName, FeedState
from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.procedure.runbook import Choice, Option
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import (
    AddItem,
    Answer,
    Approve,
    ArmOrder,
    ArmStep,
    Disarm,
    Fire,
    Hold,
    Retry,
    RunOrder,
    TypeName,
)
from deploydash.core.run.records import (
    GateClosedSpuriously,
    ItemsDispatched,
    RequestAnswered,
    RequestIntended,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import ItemStatus, StepStatus
from tests.servers.waiting import within
from tests.session.fake_action import Journal, World, item_status, keeping, refusal, snapshot_of, status, until
from tests.support.clock import ManualClock
from tests.support.runs import OFFLINE, PLAIN, WATCHER, csc_items, down, fleet, script, small_runbook
from tests.support.snapshots import detail_of

WATCHER_STEP = StepId("watcher")
CSCS_STEP = StepId("cscs")


async def test_the_approval_is_on_disk_before_the_action_starts() -> None:
    world = World(Journal())
    async with keeping(world, ManualClock()) as controller:
        await controller.order(Approve(WATCHER_STEP, 1))
        await until(lambda: bool(world.started))
        assert world.started == [(csc_item(WATCHER), 2)]
        assert [type(line) for line in world.journal.lines[:2]] == [StepApproved, ItemsDispatched]


async def test_the_grid_is_told_the_start_up_targets_that_an_answer_replaces() -> None:
    world = World(Journal())
    stopped = Option("stopped", "it is stopped", startup=((WATCHER, OFFLINE),))
    choice = Choice("watcher", "Kept or stopped?", (Option("kept", "it is kept"), stopped), StepId("bridges-stop"))
    async with keeping(world, ManualClock(), replace(small_runbook(), choices=(choice,))) as controller:
        await controller.order(Answer("watcher", "stopped"))
        await controller.order(Answer("watcher", "kept"))
        compared = [each.startup for each in world.told if isinstance(each, CompareWith)]
        assert compared == [{WATCHER: OFFLINE}, {}]


async def test_the_grid_is_told_who_moves_and_the_page_about_one_csc_what_the_run_wants_of_it() -> None:
    world = World(Journal())
    async with keeping(world, ManualClock()) as controller:
        await controller.order(Approve(WATCHER_STEP, 1))
        assert [each.moving for each in world.told if isinstance(each, JudgeByRun)] == [frozenset({WATCHER})]
        shown = replace(snapshot_of(world.seen), detail=detail_of(WATCHER))
        run = controller.attach(shown).run
        assert run is not None
        assert run.inspected == ("watcher: to OFFLINE, under way",)


async def test_a_step_ends_when_its_effect_is_seen_not_when_it_is_acknowledged() -> None:
    world = World(Journal(), effects_come=False)
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
    first, second, _ = map(csc_item, PLAIN)
    world.waits = {first: asyncio.Event()}
    one_by_one = replace(small_runbook().step(CSCS_STEP), at_once=1, preconditions=())
    phase = replace(small_runbook().phases[0], steps=(one_by_one,))
    async with keeping(world, ManualClock(), replace(small_runbook(), phases=(phase,))) as controller:
        await controller.order(Approve(CSCS_STEP, 1))
        world.waits[first].set()
        world.waits[second] = asyncio.Event()
        await until(lambda: item_status(controller, CSCS_STEP, first) is ItemStatus.REACHED)
        await controller.order(Hold("ops2"))
        world.waits[second].set()
        await until(lambda: status(controller, CSCS_STEP) is StepStatus.ASKING)
        sent = [line.item for line in world.journal.lines if isinstance(line, RequestIntended)]
        assert sent == [first]
        assert world.sent == [first]
        assert "held by ops2" in controller.state.progress(CSCS_STEP).item(second).why


async def test_an_action_that_crashes_leaves_its_targets_unknown_and_a_retry_is_the_leads() -> None:
    world = World(Journal(), fails=RuntimeError("a fault of ours"))
    async with keeping(world, ManualClock()) as controller:
        await controller.order(Approve(WATCHER_STEP, 1))
        await until(lambda: item_status(controller, WATCHER_STEP, csc_item(WATCHER)) is ItemStatus.UNKNOWN)
        assert len(world.started) == 1
        world.fails = None
        await controller.order(Retry(WATCHER_STEP, csc_items((WATCHER,))))
        await until(lambda: len(world.started) == 2)


async def test_enter_is_taken_from_seven_tenths_of_a_second_on_and_the_arm_dies_after_twenty() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        assert await controller.arm(ArmStep(WATCHER_STEP, 1)) == ()
        assert "too early" in refusal(await controller.arm(Fire(WATCHER_STEP)))
        clock.advance(0.7)
        assert not isinstance(await controller.arm(Fire(WATCHER_STEP)), Refused)
        assert "nothing is armed" in refusal(await controller.arm(Fire(WATCHER_STEP)))


async def test_escape_disarms_and_nothing_was_journaled() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        await controller.arm(ArmStep(WATCHER_STEP, 1))
        await controller.arm(Disarm(WATCHER_STEP))
        clock.advance(1.0)
        assert "nothing is armed" in refusal(await controller.arm(Fire(WATCHER_STEP)))
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
        assert "deploydash stood still for 13 s" in refusal(await controller.arm(Fire(WATCHER_STEP)))
        assert "nothing is armed" in refusal(await controller.arm(Fire(WATCHER_STEP)))
        assert world.journal.lines == []


async def test_a_short_standstill_behind_a_long_one_does_not_hide_it_from_an_arm() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        await controller.arm(ArmStep(WATCHER_STEP, 1))
        clock.advance(3.7)
        world.standstill = stood((clock.monotonic() - 0.7, 3.0), (clock.monotonic(), 0.6))
        assert "deploydash stood still for 3 s" in refusal(await controller.arm(Fire(WATCHER_STEP)))
        assert "nothing is armed" in refusal(await controller.arm(Fire(WATCHER_STEP)))
        assert world.journal.lines == []


async def test_an_arm_outlives_moments_of_standing_still_and_a_standstill_before_it() -> None:
    for standstill in (stood((0.5, 0.8), (1.0, 0.8), (1.5, 0.8)), stood((-5.0, 13.0)), stood((-5.0, 13.0), (1.0, 0.6))):
        world, clock = World(Journal(), standstill=standstill), ManualClock()
        async with keeping(world, clock) as controller:
            await controller.arm(ArmStep(WATCHER_STEP, 1))
            clock.advance(1.5)
            assert not isinstance(await controller.arm(Fire(WATCHER_STEP)), Refused)


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


NOWHERE = StepId("nowhere")


@pytest.mark.parametrize(
    "order",
    [Approve(NOWHERE, 1), Retry(NOWHERE), AddItem(NOWHERE, script(0, WATCHER, "a.py")), ArmStep(NOWHERE, 1)],
    ids=lambda order: type(order).__name__,
)
async def test_an_order_about_a_step_that_is_none_is_refused_in_words(order: RunOrder | ArmStep) -> None:
    async with keeping(World(Journal()), ManualClock()) as controller:
        decision = await (controller.arm(order) if isinstance(order, ArmStep) else controller.order(order))
        assert refusal(decision) == "this runbook has no step nowhere"


async def test_nothing_is_typed_fired_or_disarmed_for_a_step_that_is_not_armed() -> None:
    world, clock = World(Journal()), ManualClock()
    async with keeping(world, clock) as controller:
        await controller.arm(ArmStep(WATCHER_STEP, 1))
        clock.advance(1.0)
        others: tuple[ArmOrder, ...] = (Fire(CSCS_STEP), TypeName("summit", CSCS_STEP))
        for other in others:
            assert refusal(await controller.arm(other)) == "nothing is armed"
        await controller.arm(Disarm(CSCS_STEP))
        assert not isinstance(await controller.arm(Fire(WATCHER_STEP)), Refused)

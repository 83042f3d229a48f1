"""A direct command from its arm to its end, by the controller: journaled, acted on once, told among the events."""

from __future__ import annotations

import asyncio

from deploydash.core.fleet.commands import Remark
from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import DIRECT, StepId, csc_item
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import AddItem, ArmDirect, DirectCommand, Fire
from deploydash.core.run.ports import End, ItemContext
from deploydash.core.run.records import ItemAdded, Outcome, RequestIntended
from deploydash.core.run.state import ItemStatus
from tests.servers.waiting import within
from tests.session.fake_action import Journal, World, item_status, keeping, refusal, snapshot_of, until
from tests.support.clock import ManualClock
from tests.support.runs import FIRST_ADDED, PLAIN, WATCHER, csc_items, down, fleet, script, view

ESS = PLAIN[1]
S = SummaryState


def ready_to_leave() -> World:
    return World(Journal(), seen=fleet(down(WATCHER), view(ESS, S.STANDBY)), effects_come=False)


def exit_of(csc: CscId) -> DirectCommand:
    return DirectCommand((csc,), "exitControl", (S.STANDBY,), 1)


def remarks(world: World) -> list[Remark]:
    return [each for each in world.told if isinstance(each, Remark)]


async def test_it_is_armed_fired_journaled_before_it_is_sent_and_ends_when_seen() -> None:
    world, clock = ready_to_leave(), ManualClock()
    async with keeping(world, clock) as controller:
        controller.direct_options = (ESS,)
        assert await controller.arm(ArmDirect(exit_of(ESS))) == ()
        run = controller.attach(snapshot_of(world.seen)).run
        assert run is not None
        assert run.direct_card is not None
        assert run.direct_card.order == exit_of(ESS)
        assert run.card is not None
        assert run.card.armed is None, "no card is armed with it"
        assert "too early" in refusal(await controller.arm(Fire(DIRECT)))
        assert world.journal.lines == []
        clock.advance(0.7)
        assert not isinstance(await controller.arm(Fire(DIRECT)), Refused)
        await until(lambda: any(isinstance(line, RequestIntended) for line in world.journal.lines))
        assert [type(line) for line in world.journal.lines[:2]] == [ItemAdded, RequestIntended]
        assert world.started == [(csc_item(ESS), 1)]
        world.seen = fleet(down(WATCHER), down(ESS))
        controller.saw(snapshot_of(world.seen))
        await until(lambda: item_status(controller, DIRECT, csc_item(ESS)) is ItemStatus.REACHED)
        await until(lambda: len(remarks(world)) > 1)
    assert [line.change for line in remarks(world)] == ["direct command approved", "direct command done"]


async def test_a_script_of_the_leads_own_that_failed_is_an_event_at_once_by_its_label() -> None:
    async def fails(_: Item, __: str, ___: ItemContext) -> End:
        return End(Outcome.FAILED, "failed: ATMCS in FAULT; it left ScriptQueue:2 paused")

    world = World(seen=fleet(down(WATCHER)), does={FIRST_ADDED: fails})
    async with keeping(world) as controller:
        added = script(7, CscId("ScriptQueue", 2), "maintel/point_azel.py")
        assert not isinstance(await controller.order(AddItem(StepId("cscs"), added)), Refused)
        await controller.idle()
    (line,) = [each for each in remarks(world) if not each.calm]
    assert (line.subject, line.change) == (added.label, "failed in cscs")
    assert line.detail == "failed: ATMCS in FAULT; it left ScriptQueue:2 paused"


async def test_the_arm_dies_when_the_state_changes_and_says_so() -> None:
    world, clock = ready_to_leave(), ManualClock()
    async with keeping(world, clock) as controller:
        controller.direct_options = (ESS,)
        await controller.arm(ArmDirect(exit_of(ESS)))
        world.seen = fleet(down(WATCHER), view(ESS, S.FAULT))
        watching = asyncio.create_task(controller.watch())
        message = ""
        async with within(5):
            while not message:
                run = controller.attach(snapshot_of(world.seen)).run
                message = run.direct_card.message if run is not None and run.direct_card is not None else ""
                await asyncio.sleep(0)
        watching.cancel()
        assert message == "disarmed: ESS:104 is FAULT now; it was STANDBY when you chose"
        clock.advance(1.0)
        assert "nothing is armed" in refusal(await controller.arm(Fire(DIRECT)))
        assert world.journal.lines == []


async def test_what_may_not_go_is_not_armed() -> None:
    world = World(Journal(), seen=fleet(view(ESS, S.STANDBY)))
    async with keeping(world, ManualClock()) as controller:
        assert "the Watcher is down first" in refusal(await controller.arm(ArmDirect(exit_of(ESS))))


async def test_an_action_that_fails_leaves_it_unknown_and_sends_nothing_again() -> None:
    world = World(Journal(), seen=fleet(down(WATCHER), view(ESS, S.STANDBY)), fails=RuntimeError("a fault of ours"))
    async with keeping(world, ManualClock()) as controller:
        await controller.order(exit_of(ESS))
        await until(lambda: item_status(controller, DIRECT, csc_item(ESS)) is ItemStatus.UNKNOWN)
        await controller.idle()
        assert len(world.started) == 1


async def test_several_go_side_by_side_each_as_an_item_of_its_own() -> None:
    world = World(Journal())
    world.waits = {csc_item(csc): asyncio.Event() for csc in PLAIN}
    order = DirectCommand(PLAIN, "disable", (S.ENABLED,) * 3, 1, typed="3")
    async with keeping(world, ManualClock()) as controller:
        await controller.order(order)
        await until(lambda: len(world.at_work) == 3)
        for event in world.waits.values():
            event.set()
        await controller.idle()
        assert [type(line) for line in world.journal.lines[:3]] == [ItemAdded] * 3
        assert sorted(world.sent) == sorted(csc_items(PLAIN))
        assert {item_status(controller, DIRECT, csc_item(csc)) for csc in PLAIN} == {ItemStatus.REACHED}

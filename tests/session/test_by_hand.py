"""A command by hand from its arm to its end, by the keeper: journaled, acted on once, told among the events."""

from __future__ import annotations

import asyncio

from deploydash.core.fleet.commands import Remark
from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.runbook import DIRECT
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import ArmDirect, DirectCommand, Fire
from deploydash.core.run.records import DirectCommandApproved, RequestIntended
from deploydash.core.run.state import TargetStatus
from tests.servers.waiting import within
from tests.session.test_run_controller import Journal, World, keeping, refusal, snapshot_of, until
from tests.support.clock import ManualClock
from tests.support.runs import PLAIN, WATCHER, down, fleet, view

ESS = PLAIN[1]
S = SummaryState


def ready_to_leave() -> World:
    return World(Journal(), seen=fleet(down(WATCHER), view(ESS, S.STANDBY)))


def exit_of(csc: CscId) -> DirectCommand:
    return DirectCommand((csc,), "exitControl", (S.STANDBY,), 1)


async def test_it_is_armed_fired_journaled_before_it_is_sent_and_ends_when_seen() -> None:
    world, clock = ready_to_leave(), ManualClock()
    told: list[Remark] = []
    async with keeping(world, clock) as controller:
        controller.remark = told.append
        controller.direct_options = (ESS,)
        assert await controller.arm(ArmDirect(exit_of(ESS))) == ()
        run = controller.attach(snapshot_of(world.seen)).run
        assert run is not None
        assert run.hand is not None
        assert run.hand.order == exit_of(ESS)
        assert run.card is not None
        assert run.card.armed is None, "no card is armed with it"
        assert "too early" in refusal(await controller.arm(Fire()))
        assert world.journal.lines == []
        clock.advance(0.7)
        assert not isinstance(await controller.arm(Fire()), Refused)
        await until(lambda: any(isinstance(line, RequestIntended) for line in world.journal.lines))
        assert [type(line) for line in world.journal.lines[:2]] == [DirectCommandApproved, RequestIntended]
        assert world.started == [(DIRECT, (ESS,), 1)]
        world.seen = fleet(down(WATCHER), down(ESS))
        controller.saw(snapshot_of(world.seen))
        await until(lambda: controller.state.progress(DIRECT).targets[ESS].status is TargetStatus.REACHED)
        await until(lambda: len(told) > 1)
    assert [line.change for line in told] == ["direct exitControl", "direct command done"]


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
                message = run.hand.message if run is not None and run.hand is not None else ""
                await asyncio.sleep(0)
        watching.cancel()
        assert message == "disarmed: ESS:104 is FAULT now; it was STANDBY when you chose"
        clock.advance(1.0)
        assert "nothing is armed" in refusal(await controller.arm(Fire()))
        assert world.journal.lines == []


async def test_what_may_not_go_is_not_armed() -> None:
    world = World(Journal(), seen=fleet(view(ESS, S.STANDBY)))
    async with keeping(world, ManualClock()) as controller:
        assert "the Watcher is down first" in refusal(await controller.arm(ArmDirect(exit_of(ESS))))


async def test_an_action_that_fails_leaves_it_unknown_and_sends_nothing_again() -> None:
    world = World(Journal(), seen=fleet(down(WATCHER), view(ESS, S.STANDBY)), fails=RuntimeError("a fault of ours"))
    async with keeping(world, ManualClock()) as controller:
        await controller.order(exit_of(ESS))
        await until(lambda: controller.state.progress(DIRECT).targets[ESS].status is TargetStatus.UNKNOWN)
        await controller.idle()
        assert len(world.started) == 1

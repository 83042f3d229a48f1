"""A CSC whose beat becomes late while it waits for its place is waited for, as one that was late before."""

from __future__ import annotations

import asyncio

from deploydash.core.model import Effective
from deploydash.core.procedure.csc_work import transition
from tests.support.runs import view
from tests.systems.sal.obedient import ESS, FAILED, OFFLINE, REACHED, L, S, World, told

LATE = told(view(ESS, S.STANDBY, L.LATE, Effective.STANDBY), "says STANDBY, late: no beat for 2 s")


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_beat_that_comes_again_while_it_is_waited_for_lets_its_command_go() -> None:
    world = World(view(ESS, S.STANDBY))
    await world.context.slots.acquire()
    run = asyncio.create_task(world.run(transition(ESS, OFFLINE)))
    await _turns()
    world.context.look(LATE)
    world.context.slots.release()
    await _turns()
    assert not run.done()
    world.context.look(view(ESS, S.STANDBY))
    assert (await run).outcome is REACHED
    assert world.context.intended() == ["lsst.sal.ESS.command_exitControl salIndex=104"]


async def test_one_that_does_not_come_again_fails_without_a_command() -> None:
    world = World(view(ESS, S.STANDBY))
    await world.context.slots.acquire()
    run = asyncio.create_task(world.run(transition(ESS, OFFLINE)))
    await _turns()
    world.context.look(LATE)
    world.context.slots.release()
    end = await run
    assert (end.outcome, end.why) == (FAILED, "no heartbeat: says STANDBY, late: no beat for 2 s")
    assert world.context.intended() == []

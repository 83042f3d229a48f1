"""A run whose process is killed in the middle of work on the real sshd: its hosts tell what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness, SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.run.orders import Approve
from deploydash.core.run.ports import Action
from deploydash.core.run.records import Outcome, RequestAnswered, RequestIntended, RunRecord, RunResumed
from deploydash.core.run.state import RunState
from deploydash.session.run_controller import RunController
from deploydash.systems.ssh.specs import Bridge
from deploydash.systems.ssh.steps import SSH
from tests.servers.sshd import Sshd, SshWorld
from tests.session.fake_action import World, ends, of_kind, snapshot_of, watched
from tests.session.small_steps import ONE, WORK, book, step
from tests.support.clock import ManualClock
from tests.support.runs import OPERATOR, WATCHER, after, down, fleet, opened
from tests.systems.ssh.acting import CAMERA, acting, camera, effect, item, places, until
from tests.systems.ssh.programs import Programs

UNIT = "ats-ocs-bridge.service"
STOP = Bridge(
    login="mcm.example.org", debt="ssh/x", paid_by=(), do="stop", csc="ATCamera", unit=UNIT, target="ats-ocs-bridge"
)


@pytest.fixture(autouse=True)
def a_bridge_runs(programs: Programs) -> None:
    programs.unit(UNIT)


def seen(*views: CscView) -> World:
    return World(seen=fleet(down(WATCHER), *views))


@asynccontextmanager
async def keeping(run: World, action: Action, state: RunState) -> AsyncIterator[RunController]:
    """Keep a run whose hosts are worked on by the action of this system."""
    controller = RunController(
        state,
        run.journal,
        lambda: snapshot_of(run.seen),
        ManualClock(),
        OPERATOR,
        {SSH: action},
        tell=run.told.append,
        lines=lambda _: (),
        subname="sal",
    )
    try:
        yield controller
    finally:
        await controller.aclose()


async def killed(action: Action, one: Item, programs: Programs) -> list[RunRecord]:
    """What the journal holds of a run that was killed while its host was stopping the unit."""
    run = seen(camera())
    async with keeping(run, action, opened(book(step(one)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: programs.log == [f"stop {UNIT}"], lambda: (programs.log, run.journal.lines))
    return [line for line in run.journal.lines if isinstance(line, RunRecord)]


def resumed(one: Item, lines: list[RunRecord]) -> RunState:
    return after(opened(book(step(one))), *lines)


async def test_what_goes_on_behind_a_killed_process_is_followed_and_not_sent_again(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.write("slow", "2")
    one = item(STOP, effect(CAMERA, SummaryState.OFFLINE))
    async with acting(places(world, mcm=server)) as ours:
        lines = await killed(ours.action, one, programs)
    assert len(of_kind(lines, RequestIntended)) == 1
    assert of_kind(lines, RequestAnswered) == []
    again = seen(camera(Liveness.SILENT))
    async with acting(places(world, mcm=server)) as ours:
        state = resumed(one, lines)
        async with keeping(again, ours.action, state) as controller:
            await controller.begin(RunResumed(OPERATOR, 9))
            async with watched(controller):
                await until(lambda: ends(again.journal.lines), lambda: again.journal.lines)
            await controller.idle()
    ((name, outcome, why),) = ends(again.journal.lines)
    assert (name, outcome) == (ONE, Outcome.REACHED)
    assert why == f"{UNIT} is failed (sub), and ATCamera sends no heartbeat"
    assert programs.log == [f"stop {UNIT}"]
    assert of_kind(again.journal.lines, RequestIntended) == []
    assert [debt.id for _, debt in controller.state.debts()] == [STOP.debt]


async def test_what_was_never_sent_is_not_done_and_can_be_retried(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.write("stays", "")
    one = item(STOP, effect(CAMERA, SummaryState.OFFLINE))
    async with acting(places(world, mcm=server)) as ours:
        lines = await killed(ours.action, one, programs)
    again = seen(replace(camera(), csc=CscId("ATCamera")))
    async with acting(places(world, mcm=server)) as ours:
        state = resumed(one, lines)
        async with keeping(again, ours.action, state) as controller:
            await controller.begin(RunResumed(OPERATOR, 9))
            async with watched(controller):
                await until(lambda: ends(again.journal.lines), lambda: again.journal.lines)
    ((_, outcome, why),) = ends(again.journal.lines)
    assert (outcome, f"{UNIT} is active (sub), looked at" in why) == (Outcome.FAILED, True)

"""Bridges on the real sshd and sudo: by the unit and the heartbeat, never by an exit status."""

from __future__ import annotations

import asyncio

import pytest

from deploydash.core.model import CameraSubstate, Liveness
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.systems.ssh.specs import Bridge
from tests.servers.sshd import Sshd, SshWorld
from tests.support.item_context import Answered, Intended
from tests.systems.ssh.acting import Acting, acting, camera, item, places, until
from tests.systems.ssh.programs import Programs

UNIT = "ats-ocs-bridge.service"
STOP = Bridge(
    login="mcm.example.org",
    debt="ssh/mcm.example.org/x",
    paid_by=("bridges-start",),
    do="stop",
    csc="ATCamera",
    unit=UNIT,
    target="ats-ocs-bridge",
)
START = STOP.model_copy(update={"do": "start", "paid_by": ()})
LINE = f"mcm.example.org: sudo -n systemctl stop {UNIT}"


async def stopping(one: Acting) -> None:
    """Let the camera fall silent as soon as its stop was sent."""
    told = one.context.told
    await until(lambda: any(isinstance(each, Answered) for each in told), lambda: told)
    one.context.look(camera(Liveness.SILENT))


async def test_a_bridge_is_stopped_and_its_camera_falls_silent(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.unit(UNIT)
    async with acting(places(world, mcm=server), camera=camera()) as one, asyncio.TaskGroup() as group:
        plan = await one.plan(item(STOP))
        assert (plan.lines, plan.why, plan.approved) == ((LINE,), "it is active (sub) now", '{"via": ""}')
        group.create_task(stopping(one))
        end = await one.run(item(STOP))
    assert (end.outcome, end.why) == (
        Outcome.REACHED,
        f"{UNIT} is failed (sub), and ATCamera sends no heartbeat",
    )
    assert programs.log == [f"stop {UNIT}"]
    (intended,) = (told for told in one.context.told if isinstance(told, Intended))
    assert (intended.text, intended.owes is not None and intended.owes.paid_by) == (LINE, ("bridges-start",))


async def test_a_unit_that_stays_active_is_not_stopped_whatever_the_exit_status(
    world: SshWorld, server: Sshd, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploydash.systems.ssh.writes.SETTLED_S", 0.05)
    programs.unit(UNIT)
    programs.write("stays", "")
    async with acting(places(world, mcm=server), camera=camera()) as one:
        end = await one.run(item(STOP))
    assert (end.outcome, end.why) == (Outcome.FAILED, f"{UNIT} is active (sub); the command: exit 0")


async def test_a_camera_that_goes_on_beating_has_another_bridge(
    world: SshWorld, server: Sshd, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploydash.systems.ssh.bridges.SILENT_S", 0.05)
    programs.unit(UNIT)
    async with acting(places(world, mcm=server), camera=camera()) as one:
        end = await one.run(item(STOP))
    assert (end.outcome, "does another bridge run?" in end.why) == (Outcome.FAILED, True)


async def test_sudo_that_refuses_is_seen_beforehand_and_owes_nothing(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.unit(UNIT)
    async with acting(places(world, mcm=server), camera=camera()) as one:
        may = (await one.plan(item(STOP))).approved
        world.rights("USER ALL=(DCO) NOPASSWD: ALL")
        plan = await one.plan(item(STOP))
        assert (plan.lines, plan.blocked) == ((), True)
        assert plan.why == f"neither you nor ccs may `sudo systemctl stop {UNIT}` without a password"
        end = await one.run(item(STOP), may)
    assert end.outcome is Outcome.FAILED
    assert end.why == (
        "mcm.example.org: sudo: a password is required: ask for the right to "
        f"`sudo systemctl stop {UNIT}` there without a password"
    )
    assert (programs.log, one.context.debts_paid) == ([], {STOP.debt: "sudo refused, nothing was stopped"})


async def test_a_cut_connection_is_settled_by_the_unit_and_nothing_is_sent_twice(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    """The stop goes on behind the cut; it is looked for over a new connection."""
    programs.unit(UNIT)
    programs.write("slow", "1")

    async def cut(one: Acting) -> None:
        await until(lambda: programs.log == [f"stop {UNIT}"], lambda: (programs.log, one.context.told))
        server.cut()
        await stopping(one)

    async with acting(places(world, mcm=server), camera=camera()) as one, asyncio.TaskGroup() as group:
        group.create_task(cut(one))
        end = await one.run(item(STOP))
    lost = "the connection was lost while it ran"
    assert end.outcome is Outcome.REACHED
    assert end.why == f"{UNIT} is failed (sub); the command itself: {lost}, and ATCamera sends no heartbeat"
    assert programs.log == [f"stop {UNIT}"]
    assert Answered(None, lost) in one.context.told


async def test_after_a_resume_the_unit_tells_what_became_of_it(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.unit(UNIT)
    async with acting(places(world, mcm=server), camera=camera()) as one:
        assert (await one.probe(item(STOP))).found is Found.NOT_DONE
        programs.unit(UNIT, "deactivating")
        assert (await one.probe(item(STOP))).found is Found.UNDER_WAY
        programs.unit(UNIT, "inactive")
        assert (await one.probe(item(STOP))).found is Found.UNDER_WAY
        one.context.look(camera(Liveness.SILENT))
        assert (await one.probe(item(STOP))).found is Found.DONE
        programs.unit(UNIT, "active")
        one.context.look(camera(substate=CameraSubstate.AVAILABLE))
        assert (await one.probe(item(START))).found is Found.DONE
    assert programs.log == []


async def test_what_changed_since_the_approval_is_not_sent(world: SshWorld, server: Sshd, programs: Programs) -> None:
    programs.unit(UNIT, "inactive")
    async with acting(places(world, mcm=server), camera=camera(Liveness.SILENT)) as one:
        plan = await one.plan(item(STOP))
        assert (plan.lines, plan.approved) == ((), "")
        programs.unit(UNIT)
        end = await one.run(item(STOP), plan.approved)
    assert (end.outcome, end.why.startswith("nothing further was sent: ")) == (Outcome.FAILED, True)
    assert programs.log == []


async def test_a_bridge_is_started_and_its_camera_made_available(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.unit(UNIT, "inactive")

    async def comes_up(one: Acting) -> None:
        unit = programs.state / "units" / UNIT
        await until(lambda: unit.read_text() == "active\n", unit.read_text)
        one.context.look(camera())
        await available(one, programs)

    async with acting(places(world, mcm=server), camera=camera(Liveness.SILENT)) as one, asyncio.TaskGroup() as group:
        group.create_task(comes_up(one))
        end = await one.run(item(START))
    assert (end.outcome, end.why) == (Outcome.REACHED, f"{UNIT} is active (sub), and ATCamera is OFFLINE/AVAILABLE")
    assert programs.log == [f"start {UNIT}", "setAvailable --withLock"]
    assert one.context.debts_paid == {STOP.debt: "ATCamera is available"}


async def test_a_lock_of_another_is_asked_about_and_a_fault_is_cleared_first(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.unit(UNIT)
    programs.write("locks", "ats-ocs-bridge locked by someone\n")
    question = "ats-ocs-bridge is locked: ats-ocs-bridge locked by someone. Make the camera available?"
    async with acting(places(world, mcm=server), camera=camera()) as one:
        one.context.answers = {question: "leave"}
        end = await one.run(item(START))
        assert (end.outcome, programs.log) == (Outcome.FAILED, [])
        one.context.answers = {question: "try"}
        programs.write("ccs", "OFFLINE_FAULT\n")
        async with asyncio.TaskGroup() as group:
            group.create_task(available(one, programs))
            end = await one.run(item(START))
    assert (end.outcome, programs.log) == (Outcome.REACHED, ["clearFault -w", "setAvailable --withLock"])


async def available(one: Acting, programs: Programs) -> None:
    await until(lambda: "setAvailable --withLock" in programs.log, lambda: programs.log)
    one.context.look(camera(substate=CameraSubstate.AVAILABLE))


async def test_a_unit_of_another_name_is_told_with_those_there_are(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.unit("ocs-bridge.service")
    async with acting(places(world, mcm=server), camera=camera()) as one:
        plan = await one.plan(item(STOP))
    assert (plan.blocked, plan.why) == (True, f"there is no unit {UNIT}; bridges there are: ocs-bridge.service")

"""Services, controllers and a reboot on the real sshd and sudo: containers and boot ids prove them, no exit status."""

from __future__ import annotations

import asyncio

import pytest

from deploydash.core.model import CscId, SummaryState
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh.specs import Controller, Machine, Service
from tests.servers.sshd import Sshd, SshWorld
from tests.support.item_context import Progressed, RecordingContext
from tests.support.runs import down, view
from tests.systems.ssh.acting import acting, effect, item, places, until
from tests.systems.ssh.programs import Programs, Repository

CSC = CscId("GenericCamera", 101)
OLD = "id-1|ess-controller|running|registry.example.org/ess-controller-aarch64:c0044.000\n"


@pytest.fixture
def branch(repository: Repository) -> Repository:
    """The repository with the branch of the cycle."""
    repository.commit("setup.env", "CYCLE=c0045\n", "c0045")
    return repository


@pytest.fixture
def service(world: SshWorld) -> Service:
    return Service(
        login="azar03.example.org",
        debt="ssh/azar03.example.org/cameras",
        paid_by=("bare-metal-start",),
        do="stop",
        name="cameras",
        as_user=world.dco.name,
        stop=("./shutdown_controller",),
        start=("./launch_controller",),
        containers=("ess-controller",),
    )


@pytest.fixture
def controller(world: SshWorld) -> Controller:
    return Controller(
        login="ess01.example.org",
        debt="ssh/ess01.example.org/containers",
        user=world.dco.name,
        directory="docker-compose-ops",
        branch="c0045",
        cycle="c0045",
        stop=(("./shutdown_controller",),),
        start=(("./launch_controller",),),
        containers=("ess-controller",),
    )


def of_host(controller: Controller, name: str) -> Controller:
    """Return a controller whose scripts and container bear a name, so that one server may stand for several hosts."""
    return controller.model_copy(
        update={
            "login": f"ess{name}.example.org",
            "stop": (("./shutdown_controller", name),),
            "start": (("./launch_controller", name),),
            "containers": (f"ess-controller{name}",),
        }
    )


async def test_a_service_is_stopped_and_started_by_its_containers_and_heartbeat(
    world: SshWorld, server: Sshd, programs: Programs, service: Service
) -> None:
    programs.write("containers", OLD)
    stop = item(service, effect(CSC, SummaryState.OFFLINE))
    starting = service.model_copy(update={"do": "start", "cycle": "c0045", "paid_by": ()})
    start = item(starting, effect(CSC, SummaryState.STANDBY))
    async with acting(places(world, azar03=server), csc=down(CSC)) as one:
        end = await one.run(stop)
        assert (end.outcome, end.why) == (Outcome.REACHED, "no container ess-controller runs")
        assert (await one.plan(stop)).lines == ()
        assert (await one.probe(stop)).found is Found.DONE
        one.context.look(view(CSC, SummaryState.STANDBY))
        end = await one.run(start)
        assert (end.outcome, "ess-controller runs with" in end.why) == (Outcome.REACHED, True)
        assert set(one.context.debts_paid) == {service.debt}
    assert programs.log == ["shutdown ", "launch "]


async def test_a_start_that_brings_the_old_image_has_failed(
    world: SshWorld, server: Sshd, programs: Programs, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploydash.systems.ssh.writes.SETTLED_S", 0.05)
    programs.write("tag", "c0044.000")
    start = item(service.model_copy(update={"do": "start", "cycle": "c0045"}))
    async with acting(places(world, azar03=server)) as one:
        end = await one.run(start)
    assert end.outcome is Outcome.FAILED
    assert "not the images of c0045: registry.example.org/ess-controller-aarch64:c0044.000" in end.why


async def test_a_restart_wants_containers_that_were_not_there_before(
    world: SshWorld, server: Sshd, programs: Programs, service: Service
) -> None:
    programs.write("containers", OLD)
    restart = item(service.model_copy(update={"do": "restart"}))
    async with acting(places(world, azar03=server)) as one:
        assert (await one.probe(restart, before=["id-1"])).found is Found.NOT_DONE
        end = await one.run(restart)
        assert end.outcome is Outcome.REACHED
        assert (await one.probe(restart, before=["id-1"])).found is Found.DONE
    assert programs.log == ["shutdown ", "launch "]


async def test_a_script_that_is_missing_or_may_not_be_run_is_seen_beforehand(
    world: SshWorld, server: Sshd, programs: Programs, service: Service
) -> None:
    programs.write("containers", OLD)
    async with acting(places(world, azar03=server)) as one:
        lost = item(service.model_copy(update={"stop": ("./shutdown_gc",)}))
        assert (await one.plan(lost)).why == f"there is no program ./shutdown_gc for {world.dco.name}"
        world.rights("USER ALL=(root) NOPASSWD: BIN/systemctl reboot")
        plan = await one.plan(item(service))
        assert (plan.blocked, "sudo: a password is required" in plan.why) == (True, True)


async def test_a_controller_runs_anew_with_the_images_of_the_cycle(
    world: SshWorld, server: Sshd, programs: Programs, controller: Controller, branch: Repository
) -> None:
    programs.write("containers", OLD)
    programs.write("slow", "0.3")
    async with acting(places(world, ess01=server)) as one:
        plan = await one.plan(item(controller))
        assert len(plan.lines) == 4
        end = await one.run(item(controller))
        assert end.outcome is Outcome.REACHED
        assert "ess-controller runs with registry.example.org/ess-controller-aarch64:c0045.000" in end.why
        assert (await one.plan(item(controller))).lines == ()
    assert programs.log == ["shutdown ", "update docker-compose-ops c0045", "launch "]
    assert end.values == (("commit", branch.head),)
    assert one.context.debts_paid[controller.debt]
    told = [one for one in one.context.told if isinstance(one, Progressed)]
    assert Progressed("at work", "./launch_controller: 3153aa388d02 Pulling fs layer", done=0, of=1) in told
    assert " 3153aa388d02 Pull complete" in one.context.printed


async def test_a_pull_that_takes_longer_than_its_patience_is_unknown_until_it_ends(
    world: SshWorld, server: Sshd, programs: Programs, controller: Controller, branch: Repository
) -> None:
    programs.write("containers", OLD)
    programs.write("slow", "2")
    soon = item(controller.model_copy(update={"patience_s": 0.2}))
    async with acting(places(world, ess01=server)) as one:
        end = await one.run(soon)
        assert (end.outcome, "it did not end in time" in end.why) == (Outcome.UNKNOWN, True)
        assert (await one.probe(soon, before=["id-1"])).found is Found.UNDER_WAY
        while (found := await one.probe(soon, before=["id-1"])).found is Found.UNDER_WAY:
            pass  # nobody reads what it says any more, so it ends where it next says something, as docker does
        assert (found.found, "no container ess-controller runs" in found.sentence) == (Found.NOT_DONE, True)
    assert branch.head


async def test_a_pull_that_fails_leaves_a_debt_and_a_controller_that_does_not_run(
    world: SshWorld,
    server: Sshd,
    programs: Programs,
    controller: Controller,
    branch: Repository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deploydash.systems.ssh.writes.SETTLED_S", 0.05)
    programs.write("containers", OLD)
    programs.write("broken-pull", "")
    async with acting(places(world, ess01=server)) as one:
        end = await one.run(item(controller))
        assert (end.outcome, "no container ess-controller runs" in end.why) == (Outcome.FAILED, True)
        assert one.context.debts_paid == {}
        found = await one.probe(item(controller), before=["id-1"])
        assert found.found is Found.NOT_DONE
    assert branch.head


async def test_ten_controllers_take_as_long_as_the_slowest_and_one_that_is_away_delays_nobody(
    world: SshWorld, server: Sshd, programs: Programs, controller: Controller, branch: Repository
) -> None:
    """Each launch ends when all ten have begun. All ten are one server here, each with a container of its own."""
    head = branch.git(branch.copy, "fetch", "-q") or branch.git(branch.copy, "checkout", "-q", "c0045")
    assert head == ""
    programs.write("together", "10")
    dead = world.server("dead")
    dead.stop()
    names = [f"-{number:02d}" for number in range(10)]
    found = places(world, **{f"ess{name}": server for name in names}, away=dead)
    items = [item(of_host(controller, name)) for name in names]
    away = item(controller.model_copy(update={"login": "away.example.org"}))
    async with acting(found) as one:
        slots = asyncio.Semaphore(11)
        plan = await one.action.describe([*items, away], one.context.view)
        assert [bool(each.lines) for each in plan.items] == [True] * 10 + [False]
        assert (plan.items[10].blocked, "refused the connection" in plan.items[10].why) == (True, True)
        assert plan.sentence == "10 of 11 hosts would be sent something, 1 cannot"
        runs = zip([*items, away], plan.items, strict=True)
        ends = await asyncio.gather(
            *(one.action.run(each, its.approved, RecordingContext(slots=slots)) for each, its in runs)
        )
    assert [end.outcome for end in ends] == [Outcome.REACHED] * 10 + [Outcome.FAILED]
    assert ends[10].why.startswith("nothing was sent: away.example.org")


async def test_a_reboot_is_proved_by_another_boot_id(
    world: SshWorld, server: Sshd, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = programs.write("boot", "the-first\n")
    monkeypatch.setattr(commands, "boot_id", lambda: ("cat", str(boot)))
    machine = item(Machine(login="azar02.example.org"))

    async def goes_down() -> None:
        await until(lambda: programs.log == ["reboot"], lambda: programs.log)
        server.stop()
        boot.write_text("the-second\n")
        server.start()

    async with acting(places(world, azar02=server)) as one, asyncio.TaskGroup() as group:
        group.create_task(goes_down())
        end = await one.run(machine)
    assert (end.outcome, end.why) == (Outcome.REACHED, "it started anew: its boot id was the-first and is the-second")
    assert programs.log == ["reboot"]
    async with acting(places(world, azar02=server)) as one:
        assert (await one.probe(machine, boot="the-second")).found is Found.NOT_DONE
        assert (await one.probe(machine, boot="the-first")).found is Found.DONE
        assert (await one.probe(machine)).found is Found.CANNOT_TELL

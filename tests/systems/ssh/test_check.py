"""What ``deploydash check`` says of hosts: a line for each, red exactly where something keeps a run from its work."""

from __future__ import annotations

from typing import Any

import pytest

from deploydash.core.model import Roster
from deploydash.systems.ssh.check import check
from deploydash.systems.ssh.settings import SshSettings
from deploydash.systems.table import Finding, Place
from tests.servers.sshd import Sshd, SshWorld, public_key
from tests.systems.ssh.programs import RIGHTS, Programs, Repository

ROSTER = Roster("hill", rehearsal=True, cscs=(), groups=())


@pytest.fixture(autouse=True)
def everything_is_there(programs: Programs, repository: Repository) -> None:
    del repository
    programs.unit("ats-ocs-bridge.service")


def section(world: SshWorld, server: Sshd, **changed: dict[str, Any]) -> SshSettings:
    """A site of five hosts, all of them one server here; ``changed``: what is otherwise of one."""
    at: dict[str, dict[str, Any]] = {}
    for name in ("mcm", "azar03", "ess01", "azar02", "tel"):
        place = {"address": "127.0.0.1", "port": server.port, "host_key": server.public_key, "user": world.user.name}
        at[f"{name}.example.org"] = {**place, "client_keys": [str(world.key)], **changed.get(name, {})}
    dco = world.dco.name
    return SshSettings.model_validate(
        {
            "domain": "example.org",
            "at": at,
            "cameras": [
                {"csc": "ATCamera", "host": "mcm.example.org", "unit": "ats-ocs-bridge.service", "ccs_target": "ats"}
            ],
            "bare_metal": [
                {
                    "name": "cameras",
                    "ssh": "azar03.example.org",
                    "as": dco,
                    "containers": ["ess-controller"],
                    "stop": "./shutdown_controller",
                    "start": "./launch_controller",
                }
            ],
            "checkouts": [{"ssh": "tel.example.org", "directory": "docker-compose-ops", "as": dco}],
            "ess_controllers": [
                {
                    "ssh": "ess01.example.org",
                    "as": dco,
                    "stop": ["./shutdown_controller"],
                    "start": ["./launch_controller"],
                }
            ],
            "machines": [{"ssh": "azar02.example.org"}],
        }
    )


async def found(settings: SshSettings) -> dict[str, Finding]:
    findings = await check(Place(settings, ROSTER))
    assert len({each.subject for each in findings}) == len(findings)
    return {each.subject.removeprefix("ssh ").partition(".")[0]: each for each in findings}


async def test_a_rehearsal_without_hosts_says_so() -> None:
    (told,) = await check(Place(SshSettings.model_validate({"domain": "example.org"}), ROSTER))
    assert (told.level, told.subject) == ("warning", "ssh")


async def test_every_host_that_lets_us_do_our_work_is_green(world: SshWorld, server: Sshd, programs: Programs) -> None:
    told = await found(section(world, server))
    assert {name: each.level for name, each in told.items()} == dict.fromkeys(told, "ok")
    assert told["mcm"].sentence == "ats-ocs-bridge.service is active (sub), you may stop and start it"
    assert told["tel"].sentence.startswith("docker-compose-ops is clean, main at ")
    assert programs.log == []


async def test_exactly_the_hosts_that_are_broken_are_red_each_with_what_to_do(
    world: SshWorld, server: Sshd, programs: Programs
) -> None:
    programs.unit("x")
    (programs.state / "units" / "ats-ocs-bridge.service").unlink()
    dead = world.server("dead")
    dead.stop()
    broken = section(world, server, azar03={"port": dead.port}, ess01={"host_key": public_key(world.key)})
    told = await found(broken)
    assert sorted(name for name, each in told.items() if each.level == "red") == ["azar03", "ess01", "mcm"]
    assert told["mcm"].sentence == "there is no unit ats-ocs-bridge.service; bridges there are: x"
    assert "refused the connection" in told["azar03"].sentence
    assert "has CHANGED" in told["ess01"].sentence


async def test_each_right_that_lacks_is_named_and_an_edit_is_a_warning(world: SshWorld, server: Sshd) -> None:
    world.rights("USER ALL=(root) NOPASSWD: BIN/systemctl start *-ocs-bridge.service")
    told = await found(section(world, server))
    assert told["mcm"].sentence == "you may not `sudo systemctl stop ats-ocs-bridge.service` there without a password"
    assert told["azar02"].sentence == "you may not `sudo systemctl reboot` there without a password"
    assert f"sudo does not let us become {world.dco.name}: sudo: a password is required" in told["azar03"].sentence
    world.rights(*RIGHTS)
    (world.dco.home / "docker-compose-ops" / "setup.env").write_text("mine\n")
    told = await found(section(world, server))
    assert (told["tel"].level, "M setup.env" in told["tel"].sentence) == ("warning", True)

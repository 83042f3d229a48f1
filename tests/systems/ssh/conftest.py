"""One set of accounts and one server for all tests on the real sshd; each test begins with the rights named here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploydash.systems.ssh import argv as commands
from tests.servers.fixtures import have
from tests.servers.sshd import Sshd, SshWorld, ssh_world, sshd
from tests.servers.waiting import patient
from tests.systems.ssh.programs import RIGHTS, Programs, Repository


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give hosts the time of a slow machine: a limit that is not the subject must not end what is."""
    for limit in ("act.PLAN_S", "check.HOST_S", "connect.CONNECT_S", "connect.LOGIN_S"):
        monkeypatch.setattr(f"deploydash.systems.ssh.{limit}", patient(8))


@pytest.fixture(scope="session")
def world() -> Iterator[SshWorld]:
    have("sshd", sshd)
    with ssh_world() as found:
        found.rights(*RIGHTS)
        yield found


@pytest.fixture(scope="session")
def server(world: SshWorld) -> Sshd:
    """A server that a test may stop, cut and start again."""
    return world.server()


@pytest.fixture
def programs(world: SshWorld, monkeypatch: pytest.MonkeyPatch) -> Programs:
    world.rights(*RIGHTS)
    found = Programs(world)
    monkeypatch.setattr(commands, "CCS_SHELL", str(found.ccs_shell))
    return found


@pytest.fixture
def repository(world: SshWorld, programs: Programs) -> Iterator[Repository]:
    del programs
    found = Repository(world)
    yield found
    found.remove()

"""What is read of a host: questions that change nothing, each with its answer as a value."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from deploydash.errors import FeedError
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh.answers import (
    Alone,
    CcsState,
    Container,
    Edit,
    Unit,
    read_alone,
    read_ccs,
    read_commit,
    read_containers,
    read_status,
    read_unit,
    refused_by_sudo,
)
from deploydash.systems.ssh.argv import Argv, quoted
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.ran import READ_S, Ran
from deploydash.systems.ssh.where import SSH

CCS_S = 60.0
"""So long a session of the camera's shell may take: it starts a Java program."""


async def asked(
    host: Host, argv: Argv, *, stdin: str = "", limit_s: float = READ_S, fine: Collection[int] = (0,)
) -> Ran:
    """Return what a question brought.

    Raises:
        FeedError: it ended otherwise than with one of ``fine``, or nobody knows how.
    """
    ran = await host.run(argv, stdin=stdin, limit_s=limit_s)
    if ran.unknown or ran.status not in fine:
        raise FeedError(SSH, f"{host.login.host}: `{quoted(argv)}`: {ran}")
    return ran


async def unit(host: Host, name: str) -> Unit:
    """Return how a unit stands."""
    return read_unit((await asked(host, commands.show_unit(name))).out)


async def units_like(host: Host, pattern: str) -> tuple[str, ...]:
    """Return the units whose names fit a pattern, as far as the host tells."""
    ran = await host.run(commands.list_units(pattern))
    return tuple(line.split()[0] for line in ran.out.splitlines() if line.split())


async def unit_way(host: Host, verb: str, name: str) -> str | None:
    """Return by which account a unit may be started or stopped, empty for one's own; None where by none."""
    for via in ("", commands.CCS):
        if (await host.run(commands.unit_right(verb, name, via))).ok:
            return via
    return None


async def why_not_runnable(host: Host, path: str, user: str) -> str:
    """Return why a program cannot be run as a user, empty where it can."""
    ran = await host.run(commands.executable(path, user))
    if ran.unknown:
        raise FeedError(SSH, f"{host.login.host}: {path} cannot be looked for: {ran}")
    if ran.ok:
        return ""
    if refused := refused_by_sudo(ran.status, ran.err):
        return f"sudo does not let us become {user}: {refused}"
    return f"there is no program {path}" + (f" for {user}" if user else "")


async def containers(host: Host, user: str, wanted: Sequence[str]) -> tuple[Container, ...]:
    """Return the containers of these names."""
    return read_containers((await asked(host, commands.containers(user))).out, wanted)


async def pids(host: Host, name: str) -> tuple[str, ...]:
    """Return the processes of a name."""
    return tuple((await asked(host, commands.process(name), fine=(0, 1))).out.split())


async def repository(host: Host, user: str, directory: str) -> tuple[str, str, tuple[Edit, ...]]:
    """Return the branch and commit that a working copy is at, and its edits."""
    return read_status((await asked(host, commands.repository_status(user, directory))).out)


async def diff(host: Host, user: str, directory: str) -> str:
    """Return the edits of a working copy as git shows them."""
    return (await asked(host, commands.repository_diff(user, directory))).out


async def wanted_commit(host: Host, user: str, directory: str, branch: str) -> str:
    """Return the commit that the remote has for a branch, empty where it has no such branch."""
    return read_commit((await asked(host, commands.remote_branch(user, directory, branch))).out)


async def saved_patches(host: Host, user: str, directory: str) -> frozenset[str]:
    """Return the names of the edits that were saved."""
    ran = await asked(host, commands.patches(user, directory))
    return frozenset(line.strip().removeprefix("./") for line in ran.out.splitlines() if line.strip())


async def ccs(host: Host, user: str, target: str) -> CcsState:
    """Return what the camera's shell says of a bridge; its exit status means nothing."""
    ran = await host.run(
        commands.ccs_shell(user), stdin=commands.ccs_lines(target, "getState", "showAllLocks"), limit_s=CCS_S
    )
    if ran.unknown:
        raise FeedError(SSH, f"{host.login.host}: the camera's shell: {ran}")
    if refused := refused_by_sudo(ran.status, ran.err):
        raise FeedError(SSH, f"{host.login.host}: the camera's shell was not started: {refused}")
    return read_ccs(ran.out, target)


async def alone(host: Host, name: str, after: int = 0) -> Alone:
    """Return how a command stands that was left to run by itself, and what it said after so many bytes."""
    argv = commands.look_alone(name, after)
    try:
        return read_alone((await asked(host, argv)).out)
    except ValueError as error:
        raise FeedError(SSH, f"{host.login.host}: `{quoted(argv)}`: {error}") from None


async def boot_id(host: Host) -> str:
    """Return what tells this start of the machine from the next."""
    return (await asked(host, commands.boot_id())).out.strip()

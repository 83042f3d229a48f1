"""The lines that may be sent for an item, as they are sent, and as a person would type them. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh.argv import Argv, quoted
from deploydash.systems.ssh.specs import Bridge, Checkout, Controller, Crio, Machine, Service, Spec

AVAILABLE = "setAvailable --withLock"
CLEAR = "clearFault -w"


def requests(spec: Spec) -> tuple[str, ...]:
    """Return everything that may be sent, in its order."""
    return tuple(in_shell(argv, typed) for argv, typed in _writes(spec))


def as_typed(spec: Spec) -> tuple[str, ...]:
    """Return what a person would type to do it."""
    return tuple(
        line for argv, typed in _writes(spec, typed=True) if CLEAR not in typed for line in _typed(spec, argv, typed)
    )


def in_shell(argv: Argv, typed: tuple[str, ...]) -> str:
    """Return a command, and what is typed into it, as one line."""
    return f"{quoted(argv)} <<< {'; '.join(typed)}" if typed else quoted(argv)


def ccs_typed(spec: Bridge, command: str) -> tuple[str, ...]:
    """Return what is typed into the camera's shell for one command of it."""
    return (f"set target {spec.target}", command, "getState")


def stopping(spec: Service) -> Argv:
    """Return what stops a service."""
    return commands.unit_command("stop", spec.unit) if spec.unit else commands.as_user(spec.as_user, spec.stop)


def starting(spec: Service) -> Argv:
    """Return what starts a service."""
    return commands.unit_command("start", spec.unit) if spec.unit else commands.as_user(spec.as_user, spec.start)


def _writes(spec: Spec, *, typed: bool = False) -> Iterator[tuple[Argv, tuple[str, ...]]]:
    """Yield each command that may be sent, with what is typed into it; ``typed``: as a person would do it."""
    if isinstance(spec, Bridge):
        yield commands.unit_command(spec.do, spec.unit), ()
        if spec.do == "start":
            yield from ((commands.ccs_shell(spec.as_user), ccs_typed(spec, one)) for one in (CLEAR, AVAILABLE))
    elif isinstance(spec, Service):
        if spec.do != "start":
            yield stopping(spec), ()
        if spec.do != "stop":
            yield starting(spec), ()
    elif isinstance(spec, Checkout):
        yield from ((argv, ()) for argv in updates(spec))
    elif isinstance(spec, Controller):
        yield from ((commands.as_user(spec.user, words), ()) for words in spec.stop)
        yield from ((argv, ()) for argv in updates(spec))
        yield from ((commands.as_user(spec.user, words), ()) for words in spec.start)
    elif isinstance(spec, Crio):
        stages = commands.crio_stages if typed else commands.crio_requests
        yield from ((argv, ()) for _, argv in stages(spec.interfaces, spec.repository, spec.binary))
        yield spec.start, ()
    elif isinstance(spec, Machine):
        yield commands.reboot(), ()


def updates(spec: Checkout | Controller) -> tuple[Argv, Argv]:
    """Return what brings a working copy to its branch, and what follows where the branch was there and is behind."""
    return (
        commands.update_repo(spec.user, spec.directory, spec.branch),
        commands.update_repo(spec.user, spec.directory),
    )


def _typed(spec: Spec, argv: Argv, typed: tuple[str, ...]) -> tuple[str, ...]:
    """Return a command as it is typed: sudo may ask, and has a terminal for that."""
    by_sudo = argv[:1] == ("sudo",)
    words = tuple(word for at, word in enumerate(argv) if not (word == "-n" and argv[at - 1] == "sudo"))
    options = ("-t",) if by_sudo or typed else ()
    line = " ".join(("ssh", *options, spec.login, _once_more(quoted(words))))
    return (line, *(f"ccs> {one}" for one in (*typed, *(("exit",) if typed else ()))))


def _once_more(line: str) -> str:
    """Return a line for the shell at this end; plain words stay as they are."""
    return line if all(shlex.quote(word) == word for word in line.split(" ")) else shlex.quote(line)

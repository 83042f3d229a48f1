"""What a script does while it runs: a generator of deeds, one after the other, in world seconds.

``set_summary_state.py`` and ``system_wide_shutdown.py`` command CSCs as the real ones do (ts_standardscripts): one
after the other, the shortest way, a checkpoint before each; every other script only takes its time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from deploydash.demo.site import Csc
from deploydash.demo.states import COMPLETE, ScriptManner, State, route

_COMMAND_S = {"set_summary_state.py": 60.0, "system_wide_shutdown.py": 30.0}
_DISCOVERY_S = 9.9
"""How long system_wide_shutdown.py listens for heartbeats before it commands anything."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Let world seconds pass; None for ever."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Tell that a named point was reached."""

    name: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Command a CSC and wait for its acknowledgement, at most ``within`` world seconds."""

    csc: Csc
    command: str
    override: str
    within: float


Deed = Pause | Checkpoint | Ask
Work = Generator[Deed, tuple[int, str], None]
"""A script at work; after `Ask` it is sent the final code and text, (0, "") if none came."""

Look = Callable[[Csc], State | None]
"""The summary state of a CSC's live process, or None where there is none."""


class ScriptFailedError(Exception):
    """The script fails; the text is what it says."""


def config_error(path: str, config: str) -> str:
    """Why a configuration is refused, or nothing."""
    try:
        given = yaml.safe_load(config) if config else {}
    except yaml.YAMLError as error:
        return f"config({config}) failed: {str(error).splitlines()[0]}"
    missing = {"set_summary_state.py": ("data",), "system_wide_shutdown.py": ("user", "reason")}.get(path, ())
    if not isinstance(given or {}, dict):
        return f"config({config}) failed: {given!r} is not of type 'object'"
    lacks = [key for key in missing if key not in (given or {})]
    return f"config({config}) failed: {lacks[0]!r} is a required property" if lacks else ""


def work_of(path: str, config: str, manner: ScriptManner, cscs: Iterable[Csc], look: Look) -> Work:
    """The work of a script; raises ScriptFailedError out of the generator when it fails."""
    given: dict[str, Any] = (yaml.safe_load(config) if config else None) or {}
    if path not in _COMMAND_S or manner.do != "done":
        return _plain(manner)
    if path == "set_summary_state.py":
        return _set_states(given, list(cscs), look)
    return _shut_down(given, list(cscs), look)


def _plain(manner: ScriptManner) -> Work:
    yield Checkpoint("start")
    yield Pause(manner.seconds)
    if manner.do == "fail":
        raise ScriptFailedError(manner.message)
    if manner.do == "hang":
        yield Pause(None)
    yield Checkpoint("end")


def _set_states(given: dict[str, Any], cscs: list[Csc], look: Look) -> Work:
    for name, state, *override in given["data"]:
        members = _named(str(name), cscs, look)
        if not members:
            raise ScriptFailedError(f"No running instances of {name}")
        for csc in members:
            yield Checkpoint(f"set {csc.name}")
            yield from _bring(csc, State[str(state).upper()], str((override or [""])[0]), look, "set_summary_state.py")


def _named(name: str, cscs: list[Csc], look: Look) -> list[Csc]:
    component, _, index = name.partition(":")
    same = [csc for csc in cscs if csc.component.lower() == component.lower()]
    if index == "*":
        return [csc for csc in same if look(csc) is not None]
    return [csc for csc in same if (csc.index or 0) == int(index or 0)]


def _shut_down(given: dict[str, Any], cscs: list[Csc], look: Look) -> Work:
    yield Pause(_DISCOVERY_S)
    ignored = {"ScriptQueue", *(given.get("ignore") or [])}
    first, last = list(given.get("start_with") or []), list(given.get("end_with") or [])
    running = [csc for csc in cscs if csc.component not in ignored and look(csc) not in {None, State.OFFLINE}]

    def place(csc: Csc) -> int:
        if csc.component in first:
            return first.index(csc.component) - len(first)
        return 1 + last.index(csc.component) if csc.component in last else 0

    failed = []
    for csc in sorted(running, key=place):
        try:
            yield from _bring(csc, State.OFFLINE, "", look, "system_wide_shutdown.py")
        except ScriptFailedError as error:
            failed.append(f"{csc.name}: {error}")
    if failed:
        raise ScriptFailedError(f"Failed to transition {'; '.join(failed)}")


def _bring(csc: Csc, goal: State, override: str, look: Look, path: str) -> Work:
    within = _COMMAND_S[path]
    state = look(csc)
    if state is None:
        yield Pause(within)
        raise ScriptFailedError(f"Error on cmd=None, initial_state=None: timed out waiting for {csc.name}")
    for command in route(state, goal):
        code, result = yield Ask(csc, command, override if command == "start" else "", within)
        if code != COMPLETE:
            why = result or f"Timed out waiting for {csc.name} command acknowledgement"
            raise ScriptFailedError(f"Error on cmd=cmd_{command}, initial_state={state.name}: {why}")

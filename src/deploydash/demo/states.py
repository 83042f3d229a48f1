"""Summary states, the commands between them, and how a CSC may take a command."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class State(enum.IntEnum):
    """Summary states (ts_xml sal_enums.py)."""

    DISABLED = 1
    ENABLED = 2
    FAULT = 3
    OFFLINE = 4
    STANDBY = 5


COMPLETE, IN_PROGRESS, FAILED = 303, 301, -302
"""Acknowledgement codes (ts_xml sal_enums.py SalRetCode)."""

AVAILABLE, PUBLISH_ONLY = 1, 2
"""Values of offlineDetailedState.substate (ts_xml ATCamera.py)."""

TRANSITIONS: dict[str, tuple[tuple[State, ...], State]] = {
    "start": ((State.STANDBY,), State.DISABLED),
    "enable": ((State.DISABLED,), State.ENABLED),
    "disable": ((State.ENABLED,), State.DISABLED),
    "standby": ((State.DISABLED, State.FAULT), State.STANDBY),
    "exitControl": ((State.STANDBY,), State.OFFLINE),
    "enterControl": ((State.OFFLINE,), State.STANDBY),
}

_ROUTE = {State.OFFLINE: 0, State.STANDBY: 1, State.DISABLED: 2, State.ENABLED: 3}
_UP = ("enterControl", "start", "enable")
_DOWN = ("exitControl", "standby", "disable")


def route(start: State, goal: State) -> list[str]:
    """The commands from one state to another; FAULT is left by standby and is no goal."""
    if goal is State.FAULT:
        return []
    commands = []
    if start is State.FAULT:
        commands, start = ["standby"], State.STANDBY
    here, there = _ROUTE[start], _ROUTE[goal]
    if here <= there:
        return commands + list(_UP[here:there])
    return commands + [_DOWN[level - 1] for level in range(here, there, -1)]


@dataclass(frozen=True, slots=True)
class Reaction:
    """How a CSC takes one command, if not in the ordinary way.

    ``do``: ``fault`` (fails and goes to FAULT), ``refuse`` (FAILED, stays), ``ignore`` (no answer at all),
    ``silent`` (of exitControl: ends without reporting OFFLINE) or ``obey``. ``delay`` is its duration in world
    seconds; ``progress`` the timeout announced by an INPROGRESS.
    """

    do: str = "obey"
    delay: float = 0.0
    progress: float = 0.0
    code: int = 1
    report: str = "command failed"


@dataclass(frozen=True, slots=True)
class ScriptManner:
    """How a script runs in a queue.

    ``do``: ``done``; ``fail`` (with ``message``) or ``hang`` after ``seconds`` of the world; ``load-failed`` (it is no
    program); ``configure-failed`` (refuses its configuration with ``message``).
    """

    do: str = "done"
    seconds: float = 6.0
    message: str = "told to fail"


@dataclass(frozen=True, slots=True)
class Traits:
    """What is special about a CSC. ``beat_every`` in real seconds; ``scripts``: manners by path, of a ScriptQueue."""

    beat_every: float = 1.0
    scripts: Mapping[str, ScriptManner] = field(default_factory=dict)
    on: Mapping[str, Reaction] = field(default_factory=dict)
    versions: tuple[str, str] = ("28.0.1", "1.0.0")

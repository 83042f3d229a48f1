"""Scenarios: how the world stands when it opens, and what happens in it, in world seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from deploydash.demo.site import Csc
from deploydash.demo.states import AVAILABLE, PUBLISH_ONLY, Reaction, ScriptManner, State

TARGETS = ("startup", "end", "shutdown")
LIVES = ("running", "dead", "never", "efd", "booting")
SCRIPT_ENDS = ("done", "fail", "hang", "load-failed", "configure-failed")
REACTIONS = ("obey", "fault", "refuse", "ignore", "silent")


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a CSC is to be: a state, perhaps with a camera's substate, or (``target``) its own from the site file."""

    state: State | None = None
    substate: int | None = None
    target: str | None = None

    def of(self, csc: Csc) -> tuple[State, int | None]:
        """State and substate for this CSC."""
        if self.target is not None:
            own = goal(csc.targets[self.target])
            return own.of(csc)
        return self.state or State.STANDBY, self.substate


@dataclass(frozen=True, slots=True)
class Opening:
    """How one or several CSCs stand at the opening. Durations in world seconds before it; None leaves the default.

    ``life``: ``running``; ``dead`` (its process ended ``died`` ago without a word); ``never`` (no record anywhere);
    ``efd`` (dead, and Kafka has forgotten it); ``booting`` (its process starts with the world).
    ``beats`` is seconds between beats, or ``slow`` for between the CSC's limits late and silent.
    """

    csc: tuple[str, ...]
    exempt: tuple[str, ...] = ()
    state: Goal | None = None
    life: str | None = None
    since: float | None = None
    died: float | None = None
    code: int = 1
    report: str = ""
    beats: float | str | None = None
    reacts: dict[str, Reaction] | None = None
    scripts: dict[str, ScriptManner] | None = None
    twice: bool = False


@dataclass(frozen=True, slots=True)
class SystemFault:
    """A fault of an outside system, by the names of its fake, with the values that differ from the fault's own."""

    system: str
    name: str
    values: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens at ``at`` world seconds, to CSCs or to a system; again ``every`` so many, ``times`` times.

    ``do`` names what happens to CSCs; of a step with ``fault`` it is empty. ``lasts`` is for how many world seconds the
    fault is on (``for`` in the file), None for good.

    ``spread`` lets it reach the CSCs one after the other over so many seconds.
    ``once_gone`` names CSCs, and ``at`` counts from the moment at which all their processes that ran have ended: so
    the demo, which has no Kubernetes, starts again what an upgrade has shut down.
    """

    at: float
    do: str = ""
    fault: SystemFault | None = None
    lasts: float | None = None
    csc: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    once_gone: tuple[str, ...] = ()
    every: float = 0.0
    times: int = 0
    spread: float = 0.0
    state: Goal | None = None
    between: tuple[Goal, ...] = ()
    pace: float = 0.8
    code: int = 1
    report: str = ""
    message: str = ""
    level: int = 20
    count: int = 1
    event: str = "errorCode"
    after: float = 0.0
    origin: str = "new"
    beats: float | str | None = None
    reacts: dict[str, Reaction] | None = None
    scripts: dict[str, ScriptManner] | None = None
    seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that can be played."""

    name: str
    about: str
    fleet: Goal
    openings: tuple[Opening, ...]
    timeline: tuple[Step, ...]


def goal(value: Any) -> Goal:
    """``STANDBY``, ``OFFLINE/PUBLISH_ONLY`` or a target's name. Raises ValueError with a hint."""
    text = str(value)
    if text in TARGETS:
        return Goal(target=text)
    state, _, substate = text.partition("/")
    substates = {"AVAILABLE": AVAILABLE, "PUBLISH_ONLY": PUBLISH_ONLY, "": None}
    if state not in State.__members__ or substate not in substates:
        raise ValueError(f"{text!r} is no state; write one of {', '.join((*State.__members__, *TARGETS))}")
    return Goal(State[state], substates[substate])


def chosen(cscs: Iterable[Csc], patterns: tuple[str, ...], exempt: tuple[str, ...]) -> list[Csc]:
    """The CSCs that a pattern names (``ESS:*``, ``group=AT``) and no exemption does."""

    def names(csc: Csc, pattern: str) -> bool:
        if pattern.startswith("group="):
            return csc.group == pattern.removeprefix("group=")
        return fnmatchcase(csc.name, pattern)

    return [
        csc
        for csc in cscs
        if any(names(csc, pattern) for pattern in patterns) and not any(names(csc, pattern) for pattern in exempt)
    ]

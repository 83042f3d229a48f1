"""Scenarios: how the world stands when it opens, and what happens in it, in world seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from deploydash.demo.goal import Goal
from deploydash.demo.site import Csc
from deploydash.demo.states import Reaction, ScriptManner

LIVES = ("running", "dead", "never", "efd", "booting")
SCRIPT_ENDS = ("done", "fail", "hang", "load-failed", "configure-failed")
REACTIONS = ("obey", "fault", "refuse", "ignore", "silent")


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
class Once:
    """What a step waits for.

    Either every process of the CSCs that ``gone`` names has ended, of which those that never ran are waited for; or the
    fake of ``system`` was asked something of the kind ``asked``, counted from the opening.
    """

    gone: tuple[str, ...] = ()
    system: str = ""
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens at ``at`` world seconds, to CSCs or to a system; again ``every`` so many, ``times`` times.

    With ``once``, ``at`` counts from the moment at which that was so. ``do`` names what happens to CSCs; of a step with
    ``fault`` it is empty. ``lasts`` is for how many world seconds the fault is on (``for`` in the file), None for good.
    ``spread`` lets it reach the CSCs one after the other over so many seconds.
    """

    at: float = 0.0
    do: str = ""
    fault: SystemFault | None = None
    lasts: float | None = None
    csc: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    once: Once | None = None
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
    tag: str = "c0045"
    """The cycle whose branch people merge."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that can be played."""

    name: str
    about: str
    fleet: Goal
    openings: tuple[Opening, ...]
    timeline: tuple[Step, ...]


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

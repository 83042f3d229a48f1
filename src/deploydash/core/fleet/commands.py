"""What an operator can order. For the live grid alone there is little: nothing of it acts on the outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploydash.core.model import CscId, Phase, Target


@dataclass(frozen=True, slots=True)
class Inspect:
    """Put the detail of this CSC into the coming snapshots, or of none."""

    csc: CscId | None


@dataclass(frozen=True, slots=True)
class CompareWith:
    """Compare with another target from now on.

    ``startup``: start-up targets in place of the roster's, as answers of a run have it; None leaves them as they are.
    ``concerns``: whom a run is about, all others have no target; None leaves that as it is.
    """

    phase: Phase
    startup: Mapping[CscId, Target] | None = None
    concerns: frozenset[CscId] | None = None


@dataclass(frozen=True, slots=True)
class JudgeByRun:
    """Take into account what a run does to whom, in place of what was ordered before.

    ``stopped``: whom a step stopped from outside, with which step and when, in words. ``moving``: those with a command
    of ours under way and within its time.
    """

    stopped: Mapping[CscId, str]
    moving: frozenset[CscId]


@dataclass(frozen=True, slots=True)
class Remark:
    """Put a line into the list of events as of ``at`` (monotonic); ``calm`` for what goes as it should."""

    at: float
    subject: str
    change: str
    detail: str
    calm: bool


Command = Inspect | CompareWith | JudgeByRun | Remark

"""A run and its fleet as a journal tells them: the one fold for resume, observe, replay, timeline and report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.records import Record, StandstillNoted
from deploydash.core.model import Phase, Roster
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.run.evolve import evolve
from deploydash.core.run.expectations import Judging
from deploydash.core.run.records import RunOpened, RunRecord, RunResumed
from deploydash.core.run.state import RunState

WRITERS_TIMES = ("at", "beat_at", "answered_until", "since")
"""The fields of records that are monotonic seconds of the process that wrote them; StandstillNoted has ``joined``."""


class Replica:
    """Grows line by line of a journal: ``state`` is the run, ``fleet`` what the process noticed that writes it.

    Each process begins with a fleet of its own; ``unseen`` says that the one that opened or resumed the run last has
    noticed nothing yet, and until it does ``fleet`` is the one before. ``at`` is the time of the last record about the
    fleet, in monotonic seconds of its writer, or of the reader where a ``clock`` is given: it returns the reader's
    time at a UTC. The two meet by the UTC of a process's first record; records are moved and not the clock, because
    a screen's clock must never jump.
    """

    def __init__(
        self, runbook: Runbook, roster: Roster, clock: Callable[[float], float] | None = None, started_at: float = 0.0
    ) -> None:
        self.state = RunState(runbook)
        self.fleet = Fleet(roster, started_at, Phase(None), live=False)
        self.unseen = True
        self.at = started_at
        self._roster = roster
        self._clock = clock
        self._ahead = 0.0
        self._judging = Judging()

    def take(self, utc: float, record: object) -> None:
        """Fold the record of a line that was written at ``utc``."""
        if isinstance(record, RunRecord):
            self.unseen = self.unseen or isinstance(record, RunOpened | RunResumed)
            self.state = evolve(self.state, record, utc)
        elif isinstance(record, Record):
            self._apply(record, utc)

    def judge(self) -> None:
        """Have the fleet judged by what the run expects as it stands; to be called before the fleet is looked at."""
        for order in self._judging.news(self.state):
            self.fleet.order(order)

    def _apply(self, record: Record, utc: float) -> None:
        if self.unseen:
            self.unseen = False
            self._ahead = 0.0 if self._clock is None else self._clock(utc) - record.at
            self.fleet = Fleet(self._roster, record.at + self._ahead, Phase(None), live=False)
            self._judging = Judging()
        self.judge()  # before the fact: a CSC that comes up again was not stopped any more
        self.fleet.apply(moved(record, self._ahead) if self._ahead else record)
        self.at = record.at + self._ahead


def moved(record: Record, by: float) -> Record:
    """Return a record with its monotonic times put onto another clock."""
    times = {name: getattr(record, name, None) for name in WRITERS_TIMES}
    put = {name: time + by for name, time in times.items() if time is not None}
    if isinstance(record, StandstillNoted):
        return replace(record, joined=tuple((since + by, at + by) for since, at in record.joined), **put)
    return replace(record, **put)

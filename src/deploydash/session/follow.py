"""A run watched from its journal alone: the same snapshots as the lead's, from records, by the same folds.

Loads nothing that can act. ``read_on`` and ``ended`` are injected, so that nothing here knows where a journal is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from deploydash.core.fleet.commands import Command
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.records import FeedReported, Record, StandstillNoted
from deploydash.core.model import FeedName, FeedState, Phase, Roster
from deploydash.core.ports import Clock, Subscriber
from deploydash.core.procedure.runbook import Runbook, StepId
from deploydash.core.published import Published, published
from deploydash.core.run.expectations import Judging
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import ItemSignedOff, RunOpened, RunRecord, RunResumed
from deploydash.core.run.state import RunState, evolve
from deploydash.core.views.direct_view import remark
from deploydash.core.views.run_view import run_view

POLL_S = 0.25
"""How often the journal is looked at; the lead's process writes what it noticed as often."""


AT_ONCE = 5_000
"""Lines that are folded in one turn of the loop: all of a long night would hold the screen up."""


class Line(Protocol):
    """One entry of a journal."""

    @property
    def utc(self) -> float:
        """UTC unix seconds of writing."""
        ...

    @property
    def record(self) -> object:
        """What was written."""
        ...


LEADS_TIMES = ("at", "beat_at", "answered_until", "since")
"""The fields of records that are monotonic seconds of the process that wrote them; StandstillNoted has ``joined``."""


def moved(record: Record, by: float) -> Record:
    """Return a record with its monotonic times put onto another clock."""
    times = {name: getattr(record, name, None) for name in LEADS_TIMES}
    put = {name: time + by for name, time in times.items() if time is not None}
    if isinstance(record, StandstillNoted):
        return replace(record, joined=tuple((since + by, at + by) for since, at in record.joined), **put)
    return replace(record, **put)


class Follower:
    """Reads on in a run's journal and publishes what it tells (``ui.source.SnapshotSource``).

    ``ended`` says why nobody writes to the journal now, or nothing. Then everything is shown as last seen, as if
    Kafka were lost: what a journal told once is no news of what is.
    """

    def __init__(
        self,
        roster: Roster,
        runbook: Runbook,
        read_on: Callable[[], Sequence[Line]],
        clock: Clock,
        *,
        ended: Callable[[], str] = lambda: "",
    ) -> None:
        self.clock = clock
        self.state = RunState(runbook)
        self.chosen: StepId | None = None
        self._roster = roster
        self._read_on = read_on
        self._ended = ended
        self._why_ended = ""
        self._last_utc = clock.utc()
        self._fleet = Fleet(roster, clock.monotonic(), Phase(None))
        self._judging = Judging()
        self._fresh = True
        self._ahead = 0.0
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every new snapshot; the returned function ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def order(self, command: Command) -> None:
        """Take an order about what is shown; nothing here can act."""
        self._fleet.order(command)

    async def run(self) -> None:
        """Follow until cancelled.

        Raises:
            UserError: the journal is damaged; the lines before were shown.
            OSError: it cannot be read any more.
        """
        while True:
            # Asked before reading: whoever lets the run go has written its last line by then.
            why_ended = await asyncio.to_thread(self._ended)
            lines = await asyncio.to_thread(self._read_on)
            for start in range(0, len(lines), AT_ONCE):
                self.take(lines[start : start + AT_ONCE])
                await asyncio.sleep(0)
            self.note_end(why_ended)
            snapshot = self.snapshot()
            for subscriber in tuple(self._subscribers):
                subscriber(snapshot)
            await asyncio.sleep(POLL_S)

    def take(self, lines: Sequence[Line]) -> None:
        """Fold more lines of the journal."""
        for line in lines:
            record = line.record
            if isinstance(record, RunOpened | RunResumed):
                self._fresh = True
            if isinstance(record, RunRecord):
                self.state = evolve(self.state, record, line.utc)
                self._remark(record, line.utc)
                if isinstance(record, ItemSignedOff):
                    self._compare()  # before the beats that follow: who comes up again was not stopped any more
            elif isinstance(record, Record):
                self._apply(record, line.utc)
            self._last_utc = line.utc
        if lines:
            self._compare()

    def _apply(self, record: Record, utc: float) -> None:
        """Fold what the lead's fleet noticed, on our clock: the two meet by the UTC of a process's first line.

        The records are moved and not the clock, because a screen's clock must never jump.
        """
        if self._fresh:
            self._ahead = self.clock.monotonic() - (self.clock.utc() - utc) - record.at
            self._fleet = Fleet(self._roster, record.at + self._ahead, Phase(None))
            self._judging = Judging()
            self._why_ended = ""
            self._fresh = False
            self._compare()
        self._fleet.apply(moved(record, self._ahead))

    def _remark(self, record: RunRecord, utc: float) -> None:
        """Put what was commanded by hand among the events, as the lead's screen does."""
        line = remark(record, self.clock.monotonic() - max(0.0, self.clock.utc() - utc))
        if line is not None:
            self._fleet.order(line)

    def note_end(self, why: str) -> None:
        """Take in why nobody writes to the journal now, or that somebody does; only a resume makes it live again."""
        if not why or self._why_ended:
            return
        self._why_ended = why
        at = self.clock.monotonic() - max(0.0, self.clock.utc() - self._last_utc)
        self._fleet.apply(FeedReported(FeedName.KAFKA, FeedState.DOWN, why, at))

    def snapshot(self) -> Published:
        """Return what the journal tells so far."""
        shown = self._fleet.snapshot(self.clock.monotonic(), self.clock.utc())
        if self._why_ended:
            last = datetime.fromtimestamp(self._last_utc, UTC).strftime("%H:%M:%S")
            why = "the run is closed" if self.state.closed else self._why_ended
            shown = replace(shown, banner=f"{why}; everything is shown as it was at {last} UTC")
        inspected = shown.detail.csc if shown.detail is not None else None
        return published(shown, run_view(self.state, FleetView.of(shown), chosen=self.chosen, inspected=inspected))

    def _compare(self) -> None:
        """Judge by what the run wants and does, each time that this changes; between them the user chooses."""
        for order in self._judging.news(self.state):
            self._fleet.order(order)

"""A run watched from its journal alone: the same snapshots as the lead's, from records, by the same fold.

Loads nothing that can act. ``read_on`` and ``ended`` are injected, so that nothing here knows where a journal is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from deploydash.core.fleet.commands import Command
from deploydash.core.fleet.records import FeedReported
from deploydash.core.model import FeedName, FeedState, Roster
from deploydash.core.ports import Clock, Subscriber
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.published import Published, published
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import RunRecord
from deploydash.core.run.replica import Replica
from deploydash.core.run.state import RunState
from deploydash.core.views.direct_view import remark
from deploydash.core.views.run_view import Lines, Own, run_view

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


class Follower:
    """Reads on in a run's journal and publishes what it tells (``ui.source.SnapshotSource``).

    ``ended`` says why nobody writes to the journal now, or nothing. Then everything is shown as last seen, as if
    Kafka were lost: what a journal told once is no news of what is. ``lines``: the requests of an item, where they can
    be told without asking anybody.
    """

    def __init__(
        self,
        roster: Roster,
        runbook: Runbook,
        read_on: Callable[[], Sequence[Line]],
        clock: Clock,
        *,
        ended: Callable[[], str] = lambda: "",
        lines: Lines = lambda _: (),
    ) -> None:
        self.clock = clock
        self.chosen: StepId | None = None
        self._read_on = read_on
        self._ended = ended
        self._lines = lines
        self._why_ended = ""
        self._last_utc = clock.utc()
        self._replica = Replica(runbook, roster, self._our_time, clock.monotonic())
        self._subscribers: list[Subscriber] = []

    @property
    def state(self) -> RunState:
        """The run as its journal tells it so far."""
        return self._replica.state

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every new snapshot; the returned function ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def order(self, command: Command) -> None:
        """Take an order about what is shown; nothing here can act."""
        self._replica.fleet.order(command)

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
            unseen = self._replica.unseen
            self._replica.take(line.utc, line.record)
            if isinstance(line.record, RunRecord):
                self._remark(line.record, line.utc)
            elif unseen and not self._replica.unseen:
                self._why_ended = ""
            self._last_utc = line.utc
        self._replica.judge()

    def _our_time(self, utc: float) -> float:
        """Return what our monotonic clock showed at a UTC, by both clocks as they are now."""
        return self.clock.monotonic() - (self.clock.utc() - utc)

    def _remark(self, record: RunRecord, utc: float) -> None:
        """Put direct commands among the events, as the lead's screen does."""
        line = remark(record, min(self.clock.monotonic(), self._our_time(utc)))
        if line is not None:
            self._replica.fleet.order(line)

    def note_end(self, why: str) -> None:
        """Take in why nobody writes to the journal now, or that somebody does; only a resume makes it live again."""
        if not why or self._why_ended:
            return
        self._why_ended = why
        at = min(self.clock.monotonic(), self._our_time(self._last_utc))
        fleet = self._replica.fleet
        for feed in fleet.snapshot(at, self._last_utc).feeds:
            if feed.feed == FeedName.KAFKA or feed.feed not in set(FeedName):
                fleet.apply(FeedReported(feed.feed, FeedState.DOWN, why, at))

    def snapshot(self) -> Published:
        """Return what the journal tells so far."""
        shown = self._replica.fleet.snapshot(self.clock.monotonic(), self.clock.utc())
        if self._why_ended:
            last = datetime.fromtimestamp(self._last_utc, UTC).strftime("%H:%M:%S")
            why = "the run is closed" if self.state.closed else self._why_ended
            shown = replace(shown, banner=f"{why}; everything is shown as it was at {last} UTC")
        inspected = shown.detail.csc if shown.detail is not None else None
        own = Own(chosen=self.chosen, inspected=inspected, lines=self._lines)
        return published(shown, run_view(self.state, FleetView.of(shown), own))

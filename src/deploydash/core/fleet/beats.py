"""Telling the processes behind one CSC's heartbeats apart (CLI.md, "What the words mean").

A process is an origin and a rising number. A fall of the number, or another origin, is another process; two
series that interleave again and again are two processes at once. Late copies of a process's own beats, which
a producer without idempotence may write after a retry, are neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, auto

from deploydash.core.fleet.observations import BeatArrived, Process
from deploydash.core.model import CscId

_LATE_WITHIN_S = 10.0
"""An older beat of the same process arrives at most so many seconds of its stamp late."""

_LATE_WITHIN = 100
"""And so many numbers: the same time of one that beats ten times a second. A restart's numbers fall by more, or its
stamps are younger."""

_SAME_STAMP = 0.25
"""Seconds between what may be two copies of one beat; of a merged run the first beat's stamp is estimated."""

_RETURNS_OF_A_DUPLICATE = 2
_BIRTHS_OF_A_DUPLICATE = 3
_MOST_SERIES = 4


def merge_runs(beats: Iterable[BeatArrived]) -> Iterator[BeatArrived]:
    """Merge neighbouring beats of one CSC and origin whose numbers rise by one into the last of each run.

    Beats of other CSCs in between do not end a run; the runs of one CSC come in order. A gap in the numbers
    ends a run too: two processes with the same origin may hide behind it. The beat behind a break stands alone.
    """
    runs: dict[CscId, BeatArrived] = {}
    for beat in beats:
        csc = beat.csc
        run = runs.get(csc)
        if run is None:
            runs[csc] = beat
            continue
        before, after = run.process, beat.process
        if after.origin == before.origin and after.seq_num == before.seq_num + 1:
            count = run.count + beat.count
            runs[csc] = BeatArrived(csc, after, beat.at, beat.appended_utc, beat.sent_tai, count)
        else:
            yield run
            yield beat
            del runs[csc]
    yield from runs.values()


class Series:
    """One process as its heartbeats show it: the newest beat, and the first one we heard.

    ``at`` is monotonic, ``stamp`` the sender's TAI (0.0: not told).
    """

    __slots__ = ("at", "first_at", "first_seq", "first_stamp", "origin", "seq", "stamp")

    def __init__(self, process: Process, stamp: float, at: float) -> None:
        self.origin = process.origin
        self.seq = self.first_seq = process.seq_num
        self.stamp = self.first_stamp = stamp
        self.at = self.first_at = at

    def take(self, process: Process, stamp: float, at: float) -> None:
        """Make this the newest beat."""
        self.seq = process.seq_num
        self.stamp = stamp
        self.at = at

    def holds_late_copy(self, process: Process, stamp: float) -> bool:
        """Tell whether this beat is one that the process sent before its newest one, or that one again."""
        behind = self.seq - process.seq_num
        if process.origin != self.origin or not 0 <= behind <= _LATE_WITHIN:
            return False
        older_by = self.stamp - stamp
        return abs(older_by) < _SAME_STAMP if behind == 0 else 0.0 < older_by <= _LATE_WITHIN_S


class Placed(Enum):
    """Where a beat belongs: to the series at hand, the first one, a new one, or one that was left before."""

    CONTINUES = auto()
    FIRST = auto()
    NEW = auto()
    RETURNED = auto()


class Lives:
    """The processes that beat as one CSC.

    ``series`` is the one that beat last, ``others`` those that beat within the silent limit before it, newest
    first, and ``earlier`` the one it took over from.
    """

    __slots__ = ("_births", "_returns", "earlier", "others", "series")

    def __init__(self) -> None:
        self.series: Series | None = None
        self.earlier: Series | None = None
        self.others: list[Series] = []
        self._returns: list[float] = []
        self._births: list[float] = []

    def begin_after(self, earlier: Series, *, still_beats: bool) -> None:
        """Say which process beat before the series at hand, as the log shows it."""
        self.earlier = earlier
        if still_beats:
            self.others.append(earlier)

    def place(self, process: Process, stamp: float, at: float, limit: float) -> Placed:
        """Take in a beat; series that were silent for ``limit`` seconds are no longer looked at."""
        current = self.series
        if current is None:
            self.series = Series(process, stamp, at)
            return Placed.FIRST
        self.forget(at, limit)
        found = self._continued_by(current, process)
        if found is current:
            current.take(process, stamp, at)
            return Placed.CONTINUES
        if found is None:
            for series in (current, *self.others):
                if series.holds_late_copy(process, stamp):
                    series.at = max(series.at, at)
                    return Placed.CONTINUES
            self._births.append(at)
            self._switch(current, Series(process, stamp, at))
            return Placed.NEW
        found.take(process, stamp, at)
        self.others.remove(found)
        self._returns.append(at)
        self._switch(current, found)
        return Placed.RETURNED

    @property
    def interleaved(self) -> bool:
        """Whether series took turns often enough within the limit to be two processes at once."""
        return self.returned or len(self._births) >= _BIRTHS_OF_A_DUPLICATE

    @property
    def returned(self) -> bool:
        """Whether one went on after another had taken over, again and again: no restart does."""
        return len(self._returns) >= _RETURNS_OF_A_DUPLICATE

    def forget(self, now: float, limit: float) -> None:
        """Forget the series that have been silent for ``limit`` seconds."""
        since = now - limit
        self.others = [series for series in self.others if series.at > since]
        self._returns = [at for at in self._returns if at > since]
        self._births = [at for at in self._births if at > since]

    def pause(self, seconds: float) -> None:
        """Leave out a time in which no beat could be received: nobody fell silent in it."""
        for series in self.others:
            series.at += seconds
        self._returns = [at + seconds for at in self._returns]
        self._births = [at + seconds for at in self._births]

    def _continued_by(self, current: Series, process: Process) -> Series | None:
        found: Series | None = None
        for series in (current, *self.others):
            fits = series.origin == process.origin and series.seq < process.seq_num
            if fits and (found is None or series.seq > found.seq):
                found = series
        return found

    def _switch(self, left: Series, series: Series) -> None:
        self.earlier = left
        self.others = [left, *self.others][: _MOST_SERIES - 1]
        self.series = series

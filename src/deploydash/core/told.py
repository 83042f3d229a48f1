"""Which of two tellings counts, and whether the process that beats told it.

Live events are taken in the order they arrive, facts read back by their stamp, so that an older one never
replaces a live one; the EFD's fill only what Kafka has none of (CLI.md). What a broker took after the record that
followed it counts in neither order: producers of CSCs repeat what was not acknowledged, so order is not kept (SAL.md
§9). A state told by an earlier process is not known of the one that beats now. The two processes' topics are separate,
so a new process's state may be seen before its first beat, and an old one's after it.
"""

from __future__ import annotations

from typing import Protocol

from deploydash.core.beats import Lives, Series
from deploydash.core.model import Source
from deploydash.core.observations import Process

TAI_MINUS_UTC = 37.0
"""Seconds since 2017-01-01 (IERS Bulletin C)."""

_SLOWEST_BEAT = 1.1
"""Seconds; a healthy CSC's longest gap was 1.05 s on a loaded machine (CLI.md)."""


class Telling(Protocol):
    """What the kinds of events have in common."""

    @property
    def sent_utc(self) -> float:
        """The sender's stamp."""
        ...

    @property
    def live(self) -> bool:
        """Whether it was received after our start."""
        ...


class SourcedTelling(Telling, Protocol):
    """An event that may also come from the EFD."""

    @property
    def source(self) -> Source:
        """Where it was read."""
        ...


def counts(new: Telling, held: Telling | None) -> bool:
    """Tell whether ``new`` takes the place of ``held``."""
    return held is None or new.live or new.sent_utc > held.sent_utc


def overtaken(process: Process | None, sent_utc: float, by: Process | None, by_sent_utc: float) -> bool:
    """Tell whether an event was written before another of its topic that a broker took first.

    A new process may have the process id of the one before, and begins its numbers anew: its stamps are later.
    """
    if process is None or by is None or process.origin != by.origin:
        return False
    return process.seq_num < by.seq_num and sent_utc < by_sent_utc


def counts_from(new: SourcedTelling, held: SourcedTelling | None) -> bool:
    """Tell whether ``new`` takes the place of ``held``, where either may come from the EFD."""
    if held is None or new.source is held.source:
        return counts(new, held)
    return new.source is Source.KAFKA


def told_by(
    lives: Lives,
    process: Process | None,
    sent_utc: float,
    *,
    live: bool,
    watching_since: float,
    fell_utc: float | None = None,
) -> bool:
    """Tell whether the process of the newest beat told an event, as far as can be known.

    ``fell_utc``: the stamp at which the number of the event's own topic last fell, as it does when a new process
    begins. ``watching_since`` (monotonic) is when this CSC's heartbeats were first heard or waited for.
    """
    series = lives.series
    if series is None:
        return True
    earlier = lives.earlier
    if process is None:
        return earlier is None and not _born_after(series, watching_since)
    if not _same(process.origin, series.origin):
        return False
    sent_tai = sent_utc + TAI_MINUS_UTC
    if earlier is None:
        # Of one that began while we watched, the log may hold an earlier process's state and its own.
        own = series.first_stamp > 0.0 and sent_tai >= _born(series)
        return live or own or not _born_after(series, watching_since)
    if not _same(earlier.origin, series.origin):
        return True
    if earlier.stamp and sent_tai <= earlier.stamp:
        return False
    fell = fell_utc is not None and fell_utc + TAI_MINUS_UTC > earlier.stamp
    return fell or process.seq_num <= 1 or sent_tai >= _born(series)


def told_by_the_next(lives: Lives, process: Process | None) -> bool:
    """Tell whether an event that just arrived is of a process whose beats were never heard yet."""
    series, earlier = lives.series, lives.earlier
    if process is None or series is None or _same(process.origin, series.origin):
        return False
    return earlier is None or process.origin != earlier.origin


def _same(one: int, other: int) -> bool:
    """Compare origins; 0 is what programs write that do not tell one."""
    return one == other or not one or not other


def _born_after(series: Series, moment: float) -> bool:
    """Tell whether a process began after ``moment``: it has beaten less often than seconds went by since."""
    return series.first_at - series.first_seq * _SLOWEST_BEAT > moment


def _born(series: Series) -> float:
    """Return the earliest moment (TAI) that a process whose beats are a second apart can have begun."""
    return series.first_stamp - series.first_seq * _SLOWEST_BEAT - 1.0

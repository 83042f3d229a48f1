"""Which of two tellings counts, and whether the process that beats told it.

Live events are taken in the order they arrive, whatever their senders' clocks say: a clock that is ahead must not
hide what is told after it was set right. What is read back was read from an end that the log had when the connection
was made, so it replaces what was known before that moment and nothing that arrived live since; the stamp orders
copies of one reading only. The EFD's fill only what Kafka has none of (CLI.md). What a broker took after the record
that followed it counts in neither order: producers of CSCs repeat what was not acknowledged, so order is not kept
(SAL.md §9). A state told by an earlier process is not known of the one that beats now. The two processes' topics are
separate, so a new process's state may be seen before its first beat, and an old one's after it.
"""

from __future__ import annotations

from typing import Protocol

from deploydash.core.fleet.beats import Lives, Series
from deploydash.core.fleet.observations import Process
from deploydash.core.model import Source

TAI_MINUS_UTC = 37.0
"""Seconds since 2017-01-01 (IERS Bulletin C)."""

_SLOWEST_BEAT = 1.1
"""Seconds; a healthy CSC's longest gap was 1.05 s on a loaded machine (CLI.md)."""

_DELAYED_AT_MOST_S = 60.0
"""Seconds; a stamp that lies further back than that comes from a clock that was set, not from a slow way."""

_REPEATED_WITHIN_S = 10.0
"""Seconds within which a producer repeats what was not acknowledged (as ``beats`` has it for heartbeats)."""


class Telling(Protocol):
    """What the kinds of events have in common."""

    @property
    def sent_utc(self) -> float | None:
        """The sender's stamp, None where it told no time."""
        ...

    @property
    def at(self) -> float:
        """When it was received (monotonic)."""
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


def counts(new: Telling, held: Telling | None, connected_at: float) -> bool:
    """Tell whether ``new`` takes the place of ``held``; ``connected_at`` is when the connection to Kafka was made."""
    if held is None or new.live:
        return True
    if held.at < connected_at <= new.at:
        return True
    return not held.live and new.sent_utc is not None and (held.sent_utc is None or new.sent_utc > held.sent_utc)


def overtaken(process: Process | None, sent_utc: float | None, by: Process | None, by_sent_utc: float | None) -> bool:
    """Tell whether an event was written before another of its topic that a broker took first.

    A new process may have the process id of the one before, and begins its numbers anew. Its stamps are later, or,
    where a clock was set in between, far from those of the one before; a repeated record's are a little earlier.
    """
    if process is None or by is None or process.origin != by.origin or sent_utc is None or by_sent_utc is None:
        return False
    return process.seq_num < by.seq_num and 0.0 < by_sent_utc - sent_utc <= _REPEATED_WITHIN_S


def counts_from(new: SourcedTelling, held: SourcedTelling | None, connected_at: float) -> bool:
    """Tell whether ``new`` takes the place of ``held``, where either may come from the EFD."""
    if held is None or new.source is held.source:
        return counts(new, held, connected_at)
    return new.source is Source.KAFKA


def told_by(
    lives: Lives, process: Process | None, told: Telling, *, watching_since: float, fell_at: float | None = None
) -> bool:
    """Tell whether the process of the newest beat told an event, as far as can be known.

    ``fell_at`` (monotonic): when the number of the event's own topic last fell, as it does when a new process
    begins. ``watching_since`` (monotonic) is when this CSC's heartbeats were first heard or waited for.
    """
    series, earlier = lives.series, lives.earlier
    if series is None:
        return True
    if process is None:
        return earlier is None and not _born_after(series, watching_since)
    if not _same(process.origin, series.origin):
        return False
    if earlier is None:
        # Of one that began while we watched, the log may hold an earlier process's state and its own.
        return told.live or _stamped_by(series, told) or not _born_after(series, watching_since)
    if not _same(earlier.origin, series.origin):
        return True
    if not after(earlier, told, series):
        return False
    if told.live:
        fell = fell_at is not None and fell_at > earlier.at
        arrived = told.at >= series.first_at - _age(series) and not _delayed(series, told)
        return fell or process.seq_num <= 1 or arrived
    return process.seq_num <= 1 or _stamped_by(series, told)


def after(earlier: Series, told: Telling, series: Series) -> bool:
    """Tell whether an event is younger than the last beat of the process before the one of ``series``.

    By arrival where it was seen to arrive. Stamps of two processes are compared only where their clocks agree.
    """
    if told.live:
        return told.at > earlier.at
    if told.sent_utc is None:
        return False
    agree = earlier.stamp > 0.0 and not 0.0 < series.first_stamp < earlier.stamp
    return not agree or told.sent_utc + TAI_MINUS_UTC > earlier.stamp


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


def _stamped_by(series: Series, told: Telling) -> bool:
    """Tell by the stamps of one clock whether an event was sent after this process can have begun."""
    if told.sent_utc is None or not series.first_stamp:
        return False
    return told.sent_utc + TAI_MINUS_UTC >= series.first_stamp - _age(series)


def _delayed(series: Series, told: Telling) -> bool:
    """Tell whether what arrived now was sent before this process can have begun, and held up on its way."""
    if told.sent_utc is None or not series.first_stamp:
        return False
    before = series.first_stamp - told.sent_utc - TAI_MINUS_UTC
    return before > _age(series) and told.at - series.first_at + before <= _DELAYED_AT_MOST_S


def _age(series: Series) -> float:
    """Return how old a process was at most when its first beat was heard, its beats being a second apart."""
    return series.first_seq * _SLOWEST_BEAT + 1.0

"""Two processes that take turns in a log of heartbeats and in what was received of them."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.core.fleet.beats import Lives, Series
from deploydash.core.fleet.observations import LoggedBeat, Process

_GOES_ON = 30
"""So many numbers behind the beat that was received is the same process a few seconds ago, in a log of two of them."""


def turns_of_log(lately: Sequence[LoggedBeat], lives: Lives, append_ahead: float | None, limit: float) -> Lives | None:
    """Return the processes that beat at once by the log and by what was received, or None if they are not two.

    ``append_ahead``: append time less our clock, where it is known. ``limit``: seconds after which one is silent.
    Without append times many short lives in a minute may look like as many within the limit, so restarts do not
    count there: only those do that went on after another one had beaten.
    """
    received = [] if lives.series is None else [lives.series, *lives.others]
    if not any(_goes_on(one.process, series) for one in lately for series in received):
        return None  # both may be long dead
    exact = append_ahead is not None and all(one.appended_utc is not None for one in lately)
    times = _by_append_time(lately, append_ahead or 0.0) if exact else _by_stamps(lately, received)
    beats = [(at, one.process, one.sent_tai) for at, one in zip(times, lately, strict=True)]
    for series in received:
        beats.append((series.first_at, Process(series.origin, series.first_seq), series.first_stamp))
        beats.append((series.at, Process(series.origin, series.seq), series.stamp))
    both = Lives()
    for at, process, stamp in sorted(beats, key=lambda beat: beat[0]):
        both.place(process, stamp, at, limit)
    return both if (both.interleaved if exact else both.returned) else None


def _goes_on(process: Process, series: Series) -> bool:
    return process.origin == series.origin and 0 <= series.seq - process.seq_num <= _GOES_ON


def _by_append_time(lately: Sequence[LoggedBeat], append_ahead: float) -> list[float]:
    return [(one.appended_utc or 0.0) - append_ahead for one in lately]


def _by_stamps(lately: Sequence[LoggedBeat], received: Sequence[Series]) -> list[float]:
    """Return when each beat of a log that ends before what was received would have been heard, at the latest.

    The log is in the order of arrival. Clocks of two machines differ, so that one process's stamps are compared with
    its own only: what lies before a beat of it in the log is at least as old.
    """
    at = began = min(series.first_at for series in received)
    ends = {series.origin: series.first_stamp for series in received if series.first_stamp and series.first_at == began}
    heard = []
    for one in reversed(lately):
        if one.sent_tai:
            at = min(at, began - ends.setdefault(one.process.origin, one.sent_tai) + one.sent_tai)
        heard.append(at)
    return heard[::-1]

"""When a CSC's heartbeats count as late, as silent, as never heard: CLI.md, "What the words mean"."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploydash.core.fleet.cell import LONG_AGO, NEVER, Cell, Component
from deploydash.core.fleet.records import BeatsChanged
from deploydash.core.model import Liveness

SILENT_AFTER_EXIT = 3.0
"""Seconds without a beat that are enough after an exitControl of ours was acknowledged COMPLETE (CLI.md)."""

_SAME_BEAT = 0.5
"""Seconds by which a beat's time, as our clock has it, may move without being news."""

CATCH_UP = 2.0
"""Seconds after a standstill of ours in which what came meanwhile may still be read: as long as a fetch may take
until it counts as unanswered."""

_KEPT_STANDSTILLS = 64
_ALIVE = (Liveness.BEATING, Liveness.LATE)


class Hearing:
    """Whether heartbeats can be heard at all. Times are monotonic seconds.

    ``topics`` is None until the broker's list was read. ``append_ahead`` (transient) is the broker's append
    time less our receive time, of the record with the least delay that arrived after our start. A beat appended
    since ``started_at`` is life, although it was read from the log: the process starts before it is connected.
    ``connected_at``: when the connection that is read now began to be made.
    """

    __slots__ = ("_deaf", "_recorded", "append_ahead", "connected_at", "ever_up", "lost_at", "started_at", "topics")

    def __init__(self, started_at: float) -> None:
        self.started_at = started_at
        self.connected_at = started_at
        self.lost_at: float | None = None
        self.ever_up = False
        self.topics: frozenset[str] | None = None
        self.append_ahead: float | None = None
        self._deaf: deque[tuple[float, float]] = deque(maxlen=_KEPT_STANDSTILLS)
        self._recorded = self._deaf

    def stood_still(self, since: float, until: float) -> None:
        """Note a standstill of our own. It ends some time after the process goes on: what came is read first."""
        begin, end = since, until + CATCH_UP
        if self._deaf and self._deaf[-1][1] >= begin:
            begin, before = self._deaf.pop()
            end = max(end, before)
        self._deaf.append((begin, end))

    def all_recorded(self) -> None:
        """Remember the standstills up to now as those that records tell."""
        self._recorded = self._deaf.copy()

    @contextmanager
    def as_recorded(self) -> Iterator[None]:
        """Reckon as whoever knows records alone does, while the block lasts."""
        deaf, self._deaf = self._deaf, self._recorded
        try:
            yield
        finally:
            self._deaf = deaf

    def due(self, since: float, seconds: float) -> float:
        """Return when so many seconds of listening have passed since ``since``, as far as is known."""
        due = since + seconds
        for begin, end in self._deaf:
            if begin >= due:
                break
            if end > since:
                due += end - max(begin, since)
        return due

    def lost_for(self, component: Component) -> float | None:
        """Return until when this component's fetches were answered, or None while they are."""
        if self.lost_at is None or component.lost_at is None:
            return self.lost_at if component.lost_at is None else component.lost_at
        return min(self.lost_at, component.lost_at)

    def has_topic(self, component: Component) -> bool:
        """Tell whether its heartbeat topic can be read, as far as is known."""
        return component.heard_since is not None or self.topics is None or component.name in self.topics

    def heard_at(self, at: float, appended_utc: float | None, component: Component) -> float:
        """Return when a record would have arrived without delay, and learn from it how append time runs.

        A partition is compared with itself where it can be: the clocks of brokers differ.
        """
        if appended_utc is None:
            return at
        ahead = appended_utc - at
        if component.append_ahead is None or ahead > component.append_ahead:
            component.append_ahead = ahead
        if self.append_ahead is None or ahead > self.append_ahead:
            self.append_ahead = ahead
        return appended_utc - component.append_ahead


def review(cell: Cell, hearing: Hearing, now: float) -> BeatsChanged | None:
    """Return what the passing of time changed, if anything, and set when to look again."""
    cell.deadline = NEVER
    if hearing.lost_for(cell.component) is not None:
        return None
    unread_at = _unread_at(cell, hearing)
    if cell.back_at is not None:
        fresh_at = hearing.due(cell.back_at, cell.limits.silent)
        fair_at = hearing.due(cell.back_at, cell.limits.late) if unread_at > cell.back_at else fresh_at
        if now < fair_at:
            cell.deadline = fair_at
            return None
    if cell.lives.series is None:
        change = _review_unheard(cell, hearing, unread_at, now)
    else:
        change = _review_heard(cell, hearing, cell.lives.series.at, unread_at, now)
    if cell.back_at is not None and change is not None and change.liveness in _ALIVE:
        return None  # only a beat that was received shows that it lives
    return change


def _review_heard(cell: Cell, hearing: Hearing, beat_at: float, unread_at: float, now: float) -> BeatsChanged | None:
    if unread_at > max(beat_at, LONG_AGO if cell.exited_at is None else cell.exited_at):
        return _review_unread(cell, hearing, beat_at, unread_at, now)
    liveness, cell.deadline = by_age(cell, beat_at, now, hearing.due)
    if liveness is cell.liveness:
        return None
    return BeatsChanged(cell.csc, liveness, False, beat_at, False, True, now)


def at_once(since: float, seconds: float) -> float:
    """Return when so many seconds have passed, whatever could be received in them."""
    return since + seconds


def by_age(
    cell: Cell, beat_at: float, now: float, due: Callable[[float, float], float] = at_once
) -> tuple[Liveness, float]:
    """Return what a last beat of this age means, and when that will change."""
    late_at, silent_at = due(beat_at, cell.limits.late), due(beat_at, cell.limits.silent)
    if cell.exited_at is not None:
        silent_at = min(silent_at, due(max(beat_at, cell.exited_at), SILENT_AFTER_EXIT))
    if now >= silent_at:
        return Liveness.SILENT, NEVER
    if now >= late_at:
        return Liveness.LATE, silent_at
    return Liveness.BEATING, min(late_at, silent_at)


def _unread_at(cell: Cell, hearing: Hearing) -> float:
    """Return when a record last arrived that may be this CSC's heartbeat and cannot be read (monotonic)."""
    component = cell.component
    ahead = component.append_ahead if component.append_ahead is not None else hearing.append_ahead
    logged_at = LONG_AGO if ahead is None else component.log_unread_utc - ahead
    return max(component.unread.at, component.waiting.at, cell.unread.at, logged_at)


def _review_unread(cell: Cell, hearing: Hearing, beat_at: float, unread_at: float, now: float) -> BeatsChanged | None:
    """Judge a CSC whose last heartbeat was followed by records that cannot be read: silence counts from the last."""
    late_at, silent_at = hearing.due(beat_at, cell.limits.late), hearing.due(unread_at, cell.limits.silent)
    if now < late_at:
        cell.deadline = late_at
        liveness, seen_at, why = Liveness.BEATING, beat_at, ""
    elif now < silent_at:
        cell.deadline = silent_at
        newest = max(cell.unread, cell.component.unread, cell.component.waiting, key=lambda unread: unread.at)
        liveness, seen_at, why = Liveness.UNREADABLE, beat_at, newest.why
    else:
        liveness, seen_at, why = Liveness.SILENT, unread_at, ""
    if liveness is cell.liveness and why == cell.unread_why:
        return None
    return BeatsChanged(cell.csc, liveness, False, None if seen_at == LONG_AGO else seen_at, False, True, now, why)


def _review_unheard(cell: Cell, hearing: Hearing, unread_at: float, now: float) -> BeatsChanged | None:
    """Judge a CSC of which no beat arrived since our start: by its log, or when its limit has passed.

    Records that cannot be read prove no silence; that none can be read takes as long to tell as that one is late.
    """
    component, bound = cell.component, _log_bound(cell, hearing)
    if unread_at > (LONG_AGO if bound is None else bound):
        fair_at = hearing.due(cell.listening_since, cell.limits.late)
        if now < (due := min(fair_at, hearing.due(unread_at, cell.limits.silent))):
            cell.deadline = due
            if cell.liveness in (Liveness.UNSEEN, Liveness.FEED_DOWN):
                return None
            return BeatsChanged(cell.csc, Liveness.UNSEEN, True, None, False, False, now)
        return _review_unread(cell, hearing, LONG_AGO, unread_at, now)
    if bound is not None and cell.log_beat is not None and bound >= hearing.started_at:
        liveness, cell.deadline = by_age(cell, bound, now, hearing.due)
        if liveness is cell.liveness:
            return None
        return BeatsChanged(cell.csc, liveness, False, bound, False, True, now)
    limit_at = hearing.due(cell.listening_since, cell.limits.silent)
    due = limit_at
    if bound is not None:
        due = hearing.due(bound, cell.limits.silent)
        if cell.log_beat is None:
            due = min(limit_at, due)
    if cell.liveness is Liveness.UNSEEN and cell.listening and now < due:
        cell.deadline = due
        return None
    if component.heard_since is None and hearing.has_topic(component) and now < limit_at:
        cell.deadline = limit_at  # silence counts from the first answered fetch
        return None
    change = _unheard(cell, hearing, bound, now)
    moved = change.beat_at is not None and (cell.beat_at is None or abs(cell.beat_at - change.beat_at) > _SAME_BEAT)
    same = (change.liveness, change.listening, change.at_least, change.has_beaten) == (
        cell.liveness,
        cell.listening,
        cell.at_least,
        cell.has_beaten,
    )
    return None if same and not moved else change


def _unheard(cell: Cell, hearing: Hearing, bound: float | None, now: float) -> BeatsChanged:
    component = cell.component
    if component.heard_since is None and hearing.has_topic(component):
        return BeatsChanged(cell.csc, Liveness.FEED_DOWN, False, None, False, False, now)
    if cell.log_beat is not None:
        exact = bound is not None
        beat_at = bound if exact else cell.listening_since
        return BeatsChanged(cell.csc, Liveness.SILENT, False, beat_at, not exact, True, now)
    if bound is None or component.log_complete:
        return BeatsChanged(cell.csc, Liveness.UNSEEN, False, bound, bound is not None, False, now)
    return BeatsChanged(cell.csc, Liveness.SILENT, False, bound, True, False, now)


def _log_bound(cell: Cell, hearing: Hearing) -> float | None:
    """Return since when the log shows no beat, on our clock; None without a reference, or by CreateTime."""
    component = cell.component
    ahead = component.append_ahead if component.append_ahead is not None else hearing.append_ahead
    if ahead is None:
        return None
    if cell.log_beat is not None:
        appended = cell.log_beat.appended_utc
        return None if appended is None else appended - ahead
    return None if component.log_since_utc is None else component.log_since_utc - ahead

"""Standstills of this process: what a time in which it could take no heartbeat means for each CSC (CLI.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deploydash.core.fleet.cell import Cell
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.listening import SILENT_AFTER_EXIT, by_age
from deploydash.core.fleet.observations import StoodStill
from deploydash.core.fleet.records import NOTHING, Record, StandstillNoted
from deploydash.core.fleet.snapshot import Standstill
from deploydash.core.model import Liveness, SummaryState

SUBJECT = "deploydash"
"""Whose events these are in the list."""

TOGETHER_S = 10.0
"""Seconds in which standstills that touch nobody make one record: a machine that stalls every second would fill the
journal."""

_AHEAD_S = 1.0
"""Seconds before something is over for observers at which they are told, at the latest, that it is put off. Less than
``listening.CATCH_UP``, by which each record puts it off at least: short standstills make at most one record a second.
"""

_SHOWN_FOR = 30.0
"""Seconds for which a standstill stays in the header, if nobody waits for a heartbeat because of it any more."""


def stood_still(ledger: Ledger, stood: StoodStill) -> tuple[Record, ...]:
    """Record a standstill with the CSCs whose liveness it could touch.

    One that touches nobody is taken in at once, and may wait to be recorded together with those that follow.
    """
    touched = tuple(cell.csc for cell in ledger.cells.values() if _is_touched(ledger, cell, stood))
    noted = StandstillNoted(stood.since, stood.lasted_s, stood.where, touched, stood.at)
    if not ledger.unrecorded:
        ledger.hearing.all_recorded()
    if not touched and stood.at < _record_at(ledger, (*ledger.unrecorded, noted)):
        ledger.unrecorded.append(noted)
        _take_in(ledger, noted)
        return NOTHING
    return _recorded(ledger, (*ledger.unrecorded, noted), stood.at)


def overdue(ledger: Ledger, now: float) -> tuple[Record, ...]:
    """Record the standstills that wait for that, once it is time or what they put off is shown (on ticks)."""
    waiting = ledger.unrecorded
    if waiting and now >= _record_at(ledger, waiting):
        return _recorded(ledger, tuple(waiting), now)
    return NOTHING


def _recorded(ledger: Ledger, noted: tuple[StandstillNoted, ...], now: float) -> tuple[Record, ...]:
    ledger.unrecorded = []
    ledger.recorded_at = now
    return (replace(noted[-1], joined=tuple((one.since, one.at) for one in noted[:-1])),)


def _record_at(ledger: Ledger, waiting: Sequence[StandstillNoted]) -> float:
    """Return when standstills that wait for it have to be recorded.

    Observers reckon from records alone how long something may still take: it must not be over for them before a
    record puts it off, also not by another standstill as long as these.
    """
    at = ledger.recorded_at + TOGETHER_S
    since, ahead = waiting[0].since, max(_AHEAD_S, *(one.lasted_s for one in waiting))
    with ledger.hearing.as_recorded():
        for cell in ledger.cells.values():
            if cell.told_since is not None:
                is_offline = cell.reported is SummaryState.OFFLINE
                due = ledger.grace_until(cell.told_since) if is_offline else ledger.first_beat_due(cell)
                if due is not None and due >= since:
                    at = min(at, due - ahead)
    return at


def _is_touched(ledger: Ledger, cell: Cell, stood: StoodStill) -> bool:
    """Tell whether what is held of a CSC could be another thing by now, or could seem so by its age."""
    if ledger.hearing.lost_for(cell.component) is not None:
        return False
    limit = cell.limits.late if cell.exited_at is None else min(cell.limits.late, SILENT_AFTER_EXIT)
    if stood.lasted_s >= limit:
        return cell.liveness is not Liveness.FEED_DOWN or cell.back_at is not None
    beat_at = cell.last_beat
    if beat_at is None:
        return False
    if cell.liveness is Liveness.SILENT:
        return by_age(cell, beat_at, stood.since, ledger.hearing.due)[0] is not Liveness.SILENT
    heard = cell.liveness in (Liveness.BEATING, Liveness.LATE)
    return heard and by_age(cell, beat_at, stood.at)[0] is not Liveness.BEATING


def standstill_noted(ledger: Ledger, record: StandstillNoted) -> None:
    """Count no silence over a standstill, and have the CSCs that it touched wait for a heartbeat."""
    for since, at in record.joined:
        _pass_over(ledger, since, at)
    _take_in(ledger, record)
    change = f"stood still {in_words(record.lasted_s)}"
    if record.joined:
        change = f"stood still {len(record.joined) + 1} times, {in_words(total_s(record))} in all"
    ledger.events.add(record.at, SUBJECT, change, cause(record))


def _take_in(ledger: Ledger, record: StandstillNoted) -> None:
    _pass_over(ledger, record.since, record.at)
    if ledger.standstill is None or ledger.standstill.at < record.at:
        ledger.stood_lately.append((record.at, record.lasted_s))
    ledger.standstill = record
    for csc in record.touched:
        cell = ledger.cell(csc)
        if cell.liveness is Liveness.UNSEEN and cell.listening:
            cell.listening_since = record.at
            ledger.mark((cell,))
        else:
            ledger.freeze(cell, record.since)
            cell.stood_for = record.lasted_s
        cell.back_at = record.at


def _pass_over(ledger: Ledger, since: float, at: float) -> None:
    """Leave a time in which we stood still out of every time that is counted; once, although told of twice."""
    if at <= ledger.stood_until:
        return
    ledger.stood_until = at
    ledger.hearing.stood_still(since, at)
    for component in ledger.components.values():
        component.gaps.append((since, at))
    for cell in ledger.cells.values():
        cell.lives.pause(at - since)
        cell.deadline = 0.0
        if ledger.awaited_until(cell, since) is not None:
            ledger.mark((cell,))


def total_s(record: StandstillNoted) -> float:
    """Return the seconds of a record's standstill and of those joined to it."""
    return record.lasted_s + sum(at - since for since, at in record.joined)


def cause(record: StandstillNoted) -> str:
    """Return in words what held this process up."""
    if record.where:
        return f"held up in {record.where}; nothing was received meanwhile"
    return "the process was stopped or got no processor; nothing was received meanwhile"


def in_words(seconds: float) -> str:
    """Return a duration as it is said of standstills: short ones matter to a tenth."""
    return f"{seconds:.1f} s" if seconds < 9.95 else f"{round(seconds)} s"


def banner(ledger: Ledger, waiting: int) -> str:
    """Return the sentence about so many CSCs that wait for a heartbeat after a standstill."""
    last = ledger.standstill
    stood = "" if last is None else f" for {in_words(last.lasted_s)}"
    return f"deploydash stood still{stood}; {waiting} CSC{'s wait' if waiting > 1 else ' waits'} for a heartbeat"


def shown(ledger: Ledger, now: float) -> Standstill | None:
    """Return the last standstill while it matters: somebody waits for a heartbeat because of it, or it is recent."""
    last = ledger.standstill
    if last is None:
        return None
    waiting = 0
    if ledger.livenesses[Liveness.FEED_DOWN]:
        waiting = sum(cell.shown and cell.stood_for is not None for cell in ledger.cells.values())
    if not waiting and now - last.at > _SHOWN_FOR:
        return None
    lately = tuple(one for one in ledger.stood_lately if now - one[0] <= _SHOWN_FOR)
    return Standstill(last.at, last.lasted_s, waiting, lately)

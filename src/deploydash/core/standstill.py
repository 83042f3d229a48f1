"""Standstills of this process: what a time in which it could take no heartbeat means for each CSC (CLI.md)."""

from __future__ import annotations

from deploydash.core.cell import Cell
from deploydash.core.ledger import Ledger
from deploydash.core.listening import SILENT_AFTER_EXIT, by_age
from deploydash.core.model import Liveness
from deploydash.core.observations import StoodStill
from deploydash.core.records import Record, StandstillNoted
from deploydash.core.snapshot import Standstill

SUBJECT = "deploydash"
"""Whose events these are in the list."""

_SHOWN_FOR = 30.0
"""Seconds for which a standstill stays in the header, if nobody waits for a heartbeat because of it any more."""


def stood_still(ledger: Ledger, stood: StoodStill) -> tuple[Record, ...]:
    """Record a standstill with the CSCs whose liveness it could touch."""
    touched = tuple(cell.csc for cell in ledger.cells.values() if _is_touched(ledger, cell, stood))
    return (StandstillNoted(stood.since, stood.lasted_s, stood.where, touched, stood.at),)


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
    ledger.hearing.stood_still(record.since, record.at)
    ledger.standstill = record
    for component in ledger.components.values():
        component.gaps.append((record.since, record.at))
    for csc in record.touched:
        cell = ledger.cell(csc)
        if cell.liveness is Liveness.UNSEEN and cell.listening:
            cell.listening_since = record.at
            ledger.mark((cell,))
        else:
            ledger.freeze(cell, record.since)
            cell.stood_for = record.lasted_s
        cell.back_at = record.at
    for cell in ledger.cells.values():
        cell.lives.pause(record.at - record.since)
        cell.deadline = 0.0
        if ledger.awaited_until(cell, record.since) is not None:
            ledger.mark((cell,))
    ledger.events.add(record.at, SUBJECT, f"stood still {in_words(record.lasted_s)}", cause(record))


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
    return Standstill(last.at, last.lasted_s, waiting)

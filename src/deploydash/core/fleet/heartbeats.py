"""Heartbeats: what a beat, live or of the log, says of the process behind it and of its life."""

from __future__ import annotations

from deploydash.core.fleet.beats import Lives, Placed, Series
from deploydash.core.fleet.cell import Cell
from deploydash.core.fleet.event_order import TAI_MINUS_UTC, Telling, after, told_by
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.listening import by_age, review
from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatFoundInLog,
    BeatsReadBack,
    BeatsUnreadable,
    Process,
)
from deploydash.core.fleet.records import (
    NOTHING,
    BeatsChanged,
    CscAppeared,
    DuplicateEnded,
    DuplicateNoticed,
    FetchesBack,
    ProcessNoticed,
    Record,
)
from deploydash.core.fleet.turns import turns_of_log
from deploydash.core.fleet.unread import beats_unreadable, state_change
from deploydash.core.model import NEVER_EXPECTED, CscId, Liveness

_ALIVE = (Liveness.BEATING, Liveness.LATE)


def beat_arrived(ledger: Ledger, beat: BeatArrived, now: float) -> tuple[Record, ...]:
    """Notice what a beat changes, where it may change anything."""
    component = ledger.component(beat.csc.name)
    reference_was_known = ledger.hearing.append_ahead is not None
    heard_at = ledger.hearing.heard_at(beat.at, beat.appended_utc, component)
    if not reference_was_known and ledger.hearing.append_ahead is not None:
        for waiting in ledger.cells.values():
            waiting.deadline = 0.0
    if beat.csc.name in NEVER_EXPECTED:
        return NOTHING
    if (why := _misread(ledger, beat.csc)) is not None:
        name, at, appended = beat.csc.name, beat.at, beat.appended_utc
        return beats_unreadable(ledger, BeatsUnreadable(name, None, why, at, appended))
    cell = ledger.cell(beat.csc)
    records: list[Record] = []
    if component.heard_since is None:
        records.append(FetchesBack(frozenset({component.name}), beat.at))
    if not cell.shown:
        records.append(CscAppeared(beat.csc, beat.at))
        records += filter(None, (state_change(cell, event, beat.at) for event in component.unread_states))
    for process, stamp in _ends_of_run(beat):
        placed = cell.lives.place(process, stamp, heard_at, cell.limits.silent)
        if placed is not Placed.CONTINUES:
            records.append(_process_noticed(ledger, cell, placed, beat.at))
        if placed is Placed.FIRST and cell.log_beat is not None:
            records += _turns_of_log(ledger, cell, cell.log_beat, cell.lives, beat.at)
    cell.recent.extend([beat.at] * beat.count)
    noticed = any(type(record) is DuplicateNoticed for record in records)
    if cell.lives.interleaved and not (cell.duplicate or noticed):
        records.append(DuplicateNoticed(beat.csc, beat.at))
    if cell.lives.others:
        cell.deadline = 0.0
    if cell.liveness is not Liveness.BEATING and ledger.hearing.lost_for(component) is None:
        liveness, _ = by_age(cell, heard_at, now)
        if liveness is Liveness.BEATING:
            records.append(BeatsChanged(beat.csc, liveness, False, heard_at, False, True, beat.at))
    return tuple(records)


def _misread(ledger: Ledger, csc: CscId) -> str | None:
    """Return why index 0 cannot be right, or None: an indexed component's CSCs have one, unless the roster says not."""
    held = ledger.cells.get(csc)
    if csc.index or (held is not None and held.spec is not None):
        return None
    indexed = any(cell.spec is not None and cell.csc.index for cell in ledger.component(csc.name).cells)
    return f"salIndex is 0, which no {csc.name} of this site has" if indexed else None


def _ends_of_run(beat: BeatArrived) -> tuple[tuple[Process, float], ...]:
    """Return number and stamp of the last of several beats, and of the first, behind which a fall may hide."""
    last = (beat.process, beat.sent_tai)
    if beat.count == 1:
        return (last,)
    before = beat.count - 1
    first = Process(beat.process.origin, beat.process.seq_num - before)
    return (first, beat.sent_tai - before if beat.sent_tai else 0.0), last


def _process_noticed(ledger: Ledger, cell: Cell, placed: Placed, at: float) -> ProcessNoticed:
    lives = cell.lives
    restarted = placed is Placed.NEW
    if placed is Placed.FIRST:
        restarted = _begin_after_log(ledger, cell)
    series = lives.series
    return ProcessNoticed(
        csc=cell.csc,
        origin=0 if series is None else series.origin,
        restarted=restarted,
        keeps_state=_keeps_state(cell),
        keeps_substate=_keeps_substate(cell),
        keeps_error=_keeps(cell, cell.error),
        keeps_logged=_keeps(cell, cell.logged),
        at=at,
    )


def _begin_after_log(ledger: Ledger, cell: Cell) -> bool:
    """Compare the first live beat with the newest of the log; tell whether the process is another one."""
    found, series = cell.log_beat, cell.lives.series
    if found is None or series is None:
        return False
    if found.process.origin == series.origin and found.process.seq_num <= series.seq:
        return False
    stamp = 0.0 if found.appended_utc is None else found.appended_utc + TAI_MINUS_UTC
    ahead = ledger.hearing.append_ahead
    beat_at = found.at if ahead is None or found.appended_utc is None else found.appended_utc - ahead
    recent = series.at - beat_at < cell.limits.silent
    cell.lives.begin_after(Series(found.process, stamp, beat_at), still_beats=recent)
    return True


def two_in_log(ledger: Ledger, cell: Cell, change: BeatsChanged) -> tuple[Record, ...]:
    """Notice two processes of a CSC whose last beat of the log counts as heard, before any is received."""
    found = cell.log_beat
    if found is None or change.beat_at is None or cell.lives.series is not None or change.liveness not in _ALIVE:
        return NOTHING
    stamp = found.lately[-1].sent_tai if found.lately else 0.0
    newest = Lives()
    newest.place(found.process, stamp, change.beat_at, cell.limits.silent)
    return _turns_of_log(ledger, cell, found, newest, change.at)


def _turns_of_log(ledger: Ledger, cell: Cell, found: BeatFoundInLog, lives: Lives, at: float) -> tuple[Record, ...]:
    """Where two processes take turns in the last seconds of the log, one of which beats now, hold both of them."""
    ahead = ledger.hearing.append_ahead if cell.component.append_ahead is None else cell.component.append_ahead
    turns = turns_of_log(found.lately, lives, ahead, cell.limits.silent)
    if turns is None:
        return NOTHING
    cell.lives = turns
    cell.deadline = 0.0
    return NOTHING if cell.duplicate else (DuplicateNoticed(cell.csc, at),)


def _keeps_state(cell: Cell) -> bool:
    told = cell.told
    if told is None:
        return False
    return told_by(
        cell.lives,
        _process(told.origin, told.seq_num),
        told,
        watching_since=cell.listening_since,
        fell_at=cell.fell_at,
    )


def _keeps_substate(cell: Cell) -> bool:
    told = cell.substate
    if told is None:
        return False
    process = _process(told.origin, told.seq_num)
    return process is not None and told_by(cell.lives, process, told, watching_since=cell.listening_since)


def _keeps(cell: Cell, told: Telling | None) -> bool:
    """Tell whether an error is of the process that beats now."""
    series, earlier = cell.lives.series, cell.lives.earlier
    return told is not None and (series is None or earlier is None or after(earlier, told, series))


def _process(origin: int | None, seq_num: int | None) -> Process | None:
    return None if origin is None or seq_num is None else Process(origin, seq_num)


def duplicate_ended(cell: Cell, at: float) -> DuplicateEnded | None:
    """Forget the processes that stopped beating; tell if a duplicate ended by that."""
    lives = cell.lives
    if lives.series is not None and cell.limits.late <= at - lives.series.at < cell.limits.silent:
        return None  # whether that one beats on is to be seen
    lives.forget(at, cell.limits.silent)
    if lives.others or not cell.duplicate or lives.series is None:
        return None
    return DuplicateEnded(cell.csc, lives.series.origin, _keeps_state(cell), _keeps_substate(cell), at)


def beat_found_in_log(ledger: Ledger, found: BeatFoundInLog) -> tuple[Record, ...]:
    """Keep the newest beat of the log; it is weighed on the next tick.

    A feed that comes back tells what was appended meanwhile in this way too. That may show a restart and when
    the CSC beat last, never that it lives.
    """
    if found.csc.name in NEVER_EXPECTED:
        return NOTHING
    cell = ledger.cell(found.csc)
    if cell.lives.series is not None:
        records = _beat_while_lost(ledger, cell, cell.lives.series, found)
        began = min(series.first_at for series in (cell.lives.series, *cell.lives.others))
        if found.appended_utc is None and began < ledger.hearing.connected_at:
            return records  # what is stamped by its sender cannot be told from what was received before
        return *records, *_turns_of_log(ledger, cell, found, cell.lives, found.at)
    held = cell.log_beat
    if held is None or (held.appended_utc or 0.0) <= (found.appended_utc or 0.0):
        cell.log_beat = found
        cell.deadline = 0.0
    return NOTHING


def _beat_while_lost(ledger: Ledger, cell: Cell, series: Series, found: BeatFoundInLog) -> tuple[Record, ...]:
    ahead = cell.component.append_ahead
    beat_at, stamp = series.at, 0.0
    if found.appended_utc is not None and ahead is not None:
        beat_at, stamp = found.appended_utc - ahead, found.appended_utc + TAI_MINUS_UTC
        if beat_at <= series.at:
            return NOTHING
    elif cell.liveness is not Liveness.FEED_DOWN:
        return NOTHING
    cell.deadline = 0.0
    placed = cell.lives.place(found.process, stamp, beat_at, cell.limits.silent)
    return NOTHING if placed is Placed.CONTINUES else (_process_noticed(ledger, cell, placed, found.at),)


def beats_read_back(ledger: Ledger, read: BeatsReadBack) -> tuple[Record, ...]:
    """Keep how far a component's log is known, and weigh it at once: a start waits for nothing else."""
    component = ledger.component(read.component)
    known_since = read.at - read.reaches_s
    if component.known_since is None or known_since < component.known_since:
        component.known_since = known_since
        ledger.mark(component.cells)
    if read.append_time:
        since = component.log_since_utc
        component.log_since_utc = read.since_utc if since is None else min(since, read.since_utc)
        component.log_complete = component.log_complete or read.complete
        unheard = [cell for cell in component.cells if cell.lives.series is None]
        records: list[Record] = []
        for cell in unheard:
            if (change := review(cell, ledger.hearing, read.at)) is not None:
                records += (change, *two_in_log(ledger, cell, change))
        return tuple(records)
    return NOTHING

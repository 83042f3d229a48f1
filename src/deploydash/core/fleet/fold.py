"""Records in, state out: the durable half of the fleet. Nothing here reads a clock or guesses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from deploydash.core.fleet import outages, records, standstill
from deploydash.core.fleet.effective import effective_state
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.records import (
    BeatsChanged,
    CommandNoticed,
    CscAppeared,
    DuplicateEnded,
    DuplicateNoticed,
    EfdRead,
    ErrorLogged,
    ErrorRecorded,
    FactNoted,
    ProcessNoticed,
    Record,
    StateRecorded,
    StatesRead,
    StateUnread,
    SubstateRecorded,
    UndecodableNoticed,
)
from deploydash.core.fleet.snapshot import OtherHand
from deploydash.core.model import NEVER_EXPECTED, CscId, Liveness, SummaryState, Verdict

_HEARD = (Liveness.BEATING, Liveness.LATE)
_STILL = (Liveness.UNSEEN, Liveness.SILENT)


def apply(ledger: Ledger, record: Record) -> None:
    """Take in one record; the same records in the same order give the same ledger."""
    _APPLIERS[type(record)](ledger, record)


def _csc_appeared(ledger: Ledger, record: CscAppeared) -> None:
    cell = ledger.cell(record.csc)
    if not cell.shown:
        cell.shown = True
        ledger.mark((cell,))
        ledger.events.add(record.at, str(record.csc), "appeared", "not in the roster of this site")


def _state_recorded(ledger: Ledger, record: StateRecorded) -> None:
    cell = ledger.cell(record.csc)
    said = cell.reported
    cell.told = record
    cell.current = record.current
    if not record.live:
        cell.told_since = None
    elif said is not record.state or cell.told_since is None:
        cell.told_since = record.at
    told = (record.sent_utc, record.state, record.source)
    cell.history.keep(told, live=record.live, connected_at=ledger.hearing.connected_at)
    cell.deadline = 0.0
    ledger.mark((cell,))


def _substate_recorded(ledger: Ledger, record: SubstateRecorded) -> None:
    cell = ledger.cell(record.csc)
    cell.substate = record
    cell.substate_current = record.current
    ledger.mark((cell,))


def _state_unread(ledger: Ledger, record: StateUnread) -> None:
    cell = ledger.cell(record.csc)
    if record.why:
        cell.unread_states[record.event] = record
    else:
        cell.unread_states.pop(record.event, None)
    ledger.mark((cell,))


def _error_recorded(ledger: Ledger, record: ErrorRecorded) -> None:
    cell = ledger.cell(record.csc)
    cell.error = record
    ledger.mark((cell,))


def _error_logged(ledger: Ledger, record: ErrorLogged) -> None:
    cell = ledger.cell(record.csc)
    cell.logged = record
    ledger.mark((cell,))


def _beats_changed(ledger: Ledger, record: BeatsChanged) -> None:
    cell = ledger.cell(record.csc)
    was_heard = cell.liveness in _HEARD
    cell.listening = record.listening
    cell.beat_at = record.beat_at
    cell.at_least = record.at_least
    cell.has_beaten = record.has_beaten
    cell.unread_why = record.why
    if record.liveness is not Liveness.FEED_DOWN:
        cell.back_at = cell.stood_for = None
    if record.liveness is Liveness.BEATING and cell.liveness in _STILL:
        cell.stopped_by = ""  # it came up again: the next silence is its own
    ledger.set_liveness(cell, record.liveness)
    if was_heard and record.liveness is Liveness.SILENT and cell.reported is not SummaryState.OFFLINE:
        heard = ledger.livenesses[Liveness.BEATING] + ledger.livenesses[Liveness.LATE]
        ledger.quiet.fell_silent(cell, heard, record.at)


def _process_noticed(ledger: Ledger, record: ProcessNoticed) -> None:
    cell = ledger.cell(record.csc)
    cell.origin = record.origin
    cell.exited_at = None
    cell.current = record.keeps_state
    cell.substate_current = record.keeps_substate
    if not record.keeps_error:
        cell.error = None
    if not record.keeps_logged:
        cell.logged = None
    if record.restarted:
        cell.restarts += 1
        if cell.liveness in _HEARD:
            detail = "another process sends heartbeats; the state of the previous one is discarded"
            ledger.events.add(record.at, str(record.csc), "restarted", detail)
    ledger.mark((cell,))


def _duplicate_noticed(ledger: Ledger, record: DuplicateNoticed) -> None:
    cell = ledger.cell(record.csc)
    if not cell.duplicate:
        cell.duplicate = True
        detail = f"two processes send heartbeats as {record.csc}"
        ledger.events.add(record.at, str(record.csc), "duplicate", detail)
        ledger.mark((cell,))


def _duplicate_ended(ledger: Ledger, record: DuplicateEnded) -> None:
    cell = ledger.cell(record.csc)
    if cell.duplicate:
        cell.duplicate = False
        cell.origin = record.origin
        cell.current = record.keeps_state
        cell.substate_current = record.keeps_substate
        left = "one process sends heartbeats on" if cell.liveness in _HEARD else "neither sends heartbeats any more"
        ledger.events.add(record.at, str(record.csc), "duplicate ended", left, calm=cell.liveness in _HEARD)
        ledger.mark((cell,))


def _states_read(ledger: Ledger, record: StatesRead) -> None:
    component = ledger.component(record.component)
    component.states_read = True
    ledger.mark(component.cells)


def _efd_read(ledger: Ledger, record: EfdRead) -> None:
    for csc in record.cscs:
        if csc.name not in NEVER_EXPECTED:
            cell = ledger.cell(csc)
            cell.efd_read = True
            ledger.mark((cell,))


def _undecodable_noticed(ledger: Ledger, record: UndecodableNoticed) -> None:
    ledger.events.undecodable(record.topic, record.example, record.at)


def _command_noticed(ledger: Ledger, record: CommandNoticed) -> None:
    ledger.commanded[record.csc] = (record.identity, record.at)
    ledger.events.commanded(str(record.csc), record.identity, record.at)
    what = f"{record.command}, {record.outcome}" if record.command else record.outcome
    ledger.events.add(record.at, str(record.csc), "commanded by another", f"{record.identity}: {what}")
    if "@" in record.identity:
        ledger.others[record.identity] = OtherHand(record.identity, record.csc, record.at)
    cell = ledger.cells.get(record.csc)
    if cell is not None:
        ledger.mark((cell,))


def _fact_noted(ledger: Ledger, record: FactNoted) -> None:
    fact, before = record.fact, ledger.facts.get(record.fact.name)
    ledger.keep(fact)
    if before is not None and before.ok is not fact.ok and not _as_planned(ledger, fact.about, record.at):
        change = "as it should be again" if fact.ok else "departs"
        ledger.events.add(record.at, fact.about or fact.name, f"{fact.name} {change}", fact.sentence)


def _as_planned(ledger: Ledger, about: str, at: float) -> bool:
    """Say whether a CSC is where it is wanted, or on its way: that its process ends with it then is no event."""
    try:
        cell = ledger.cells.get(CscId.parse(about))
    except ValueError:
        return False
    if cell is None:
        return False
    verdict = effective_state(ledger.seen(cell), ledger.target(cell), at).verdict
    return verdict not in {Verdict.OFF_TARGET, Verdict.UNKNOWN}


_APPLIERS: Mapping[type[Any], Callable[[Ledger, Any], None]] = MappingProxyType(
    {
        CscAppeared: _csc_appeared,
        StateRecorded: _state_recorded,
        SubstateRecorded: _substate_recorded,
        StateUnread: _state_unread,
        ErrorRecorded: _error_recorded,
        ErrorLogged: _error_logged,
        BeatsChanged: _beats_changed,
        ProcessNoticed: _process_noticed,
        DuplicateNoticed: _duplicate_noticed,
        DuplicateEnded: _duplicate_ended,
        StatesRead: _states_read,
        EfdRead: _efd_read,
        CommandNoticed: _command_noticed,
        UndecodableNoticed: _undecodable_noticed,
        FactNoted: _fact_noted,
        records.FeedReported: outages.feed_reported,
        records.FetchesLost: outages.fetches_lost,
        records.FetchesBack: outages.fetches_back,
        records.StandstillNoted: standstill.standstill_noted,
        records.TopicsFound: outages.topics_found,
    }
)

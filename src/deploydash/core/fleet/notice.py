"""From observations to records: what of a fact just seen is durable. Touches transient fields only."""

from __future__ import annotations

from deploydash.core.fleet.cell import STATE, SUBSTATE, Cell
from deploydash.core.fleet.event_order import counts, counts_from, overtaken, told_by, told_by_the_next
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.observations import (
    EfdAnswered,
    ErrorTold,
    FeedChanged,
    FetchesResumed,
    FetchesStopped,
    Process,
    StatesReadBack,
    StateTold,
    SubstateTold,
    TopicsListed,
)
from deploydash.core.fleet.records import (
    NOTHING,
    CscAppeared,
    EfdRead,
    ErrorRecorded,
    FeedReported,
    FetchesBack,
    FetchesLost,
    Record,
    StateRecorded,
    StatesRead,
    SubstateRecorded,
    TopicsFound,
)
from deploydash.core.fleet.unread import state_told_at
from deploydash.core.model import NEVER_EXPECTED


def state_told(ledger: Ledger, told: StateTold) -> tuple[Record, ...]:
    """Record a summary state, unless a newer one is held."""
    if told.csc.name in NEVER_EXPECTED:
        return NOTHING
    cell = ledger.cell(told.csc)
    held, process = cell.told, told.process
    if not counts_from(told, held, ledger.hearing.connected_at):
        return NOTHING
    origin, seq_num = (None, None) if process is None else (process.origin, process.seq_num)
    if held is not None:
        same_process = process is not None and held.origin == origin and held.seq_num is not None
        if same_process and held.seq_num == seq_num and held.sent_utc == told.sent_utc:
            return NOTHING
        if overtaken(process, told.sent_utc, _process(held), held.sent_utc):
            return NOTHING
        if same_process and told.live and process is not None and process.seq_num <= (held.seq_num or 0):
            cell.fell_at = told.at
    current = told_by(cell.lives, process, told, watching_since=cell.listening_since, fell_at=cell.fell_at) or (
        told.live and told_by_the_next(cell.lives, process)
    )
    record = StateRecorded(
        told.csc, told.state, told.sent_utc, told.source, origin, seq_num, told.live, current, told.at
    )
    return (*_appearing(cell, record, live=told.live), *state_told_at(cell, STATE, told.order, told.at))


def _process(held: StateRecorded | SubstateRecorded) -> Process | None:
    return None if held.origin is None or held.seq_num is None else Process(held.origin, held.seq_num)


def substate_told(ledger: Ledger, told: SubstateTold) -> tuple[Record, ...]:
    """Record a camera's sub-state, unless a newer one is held."""
    cell = ledger.cell(told.csc)
    held, process = cell.substate, told.process
    if not counts_from(told, held, ledger.hearing.connected_at):
        return NOTHING
    if held is not None:
        if process is not None and process == _process(held) and held.sent_utc == told.sent_utc:
            return NOTHING
        if overtaken(process, told.sent_utc, _process(held), held.sent_utc):
            return NOTHING
    current = cell.lives.series is None or (
        process is not None
        and (
            told_by(cell.lives, process, told, watching_since=cell.listening_since)
            or (told.live and told_by_the_next(cell.lives, process))
        )
    )
    origin, seq_num = (None, None) if process is None else (process.origin, process.seq_num)
    record = SubstateRecorded(
        told.csc, told.substate, told.sent_utc, told.source, origin, seq_num, told.live, current, told.at
    )
    return (*_appearing(cell, record, live=told.live), *state_told_at(cell, SUBSTATE, told.order, told.at))


def error_told(ledger: Ledger, told: ErrorTold) -> tuple[Record, ...]:
    """Record an errorCode, unless a newer one is held."""
    if told.csc.name in NEVER_EXPECTED:
        return NOTHING
    cell = ledger.cell(told.csc)
    held = cell.error
    if not counts(told, held, ledger.hearing.connected_at):
        return NOTHING
    if held is not None and (held.code, held.report, held.sent_utc) == (told.code, told.report, told.sent_utc):
        return NOTHING
    record = ErrorRecorded(told.csc, told.code, told.report, told.sent_utc, told.live, told.at)
    return _appearing(cell, record, live=told.live)


def _appearing(
    cell: Cell, record: StateRecorded | SubstateRecorded | ErrorRecorded, *, live: bool
) -> tuple[Record, ...]:
    if live and not cell.shown:
        return (CscAppeared(cell.csc, record.at), record)
    return (record,)


def states_read_back(ledger: Ledger, read: StatesReadBack) -> tuple[Record, ...]:
    """Record the first complete reading of a component's states."""
    return NOTHING if ledger.component(read.component).states_read else (StatesRead(read.component, read.at),)


def efd_answered(ledger: Ledger, answer: EfdAnswered) -> tuple[Record, ...]:
    """Record for whom the EFD has answered."""
    news = frozenset(csc for csc in answer.cscs if csc.name not in NEVER_EXPECTED and not ledger.cell(csc).efd_read)
    return (EfdRead(news, answer.at),) if news else NOTHING


def topics_listed(ledger: Ledger, listed: TopicsListed) -> tuple[Record, ...]:
    """Record a list of topics that differs from the one held."""
    if ledger.hearing.topics == listed.components:
        return NOTHING
    return (TopicsFound(listed.components, listed.at),)


def fetches_stopped(ledger: Ledger, stopped: FetchesStopped) -> tuple[Record, ...]:
    """Record the components whose heartbeats cannot be read any more."""
    news = frozenset(name for name in stopped.components if ledger.component(name).lost_at is None)
    return (FetchesLost(news, stopped.answered_until, stopped.why, stopped.at),) if news else NOTHING


def fetches_resumed(ledger: Ledger, resumed: FetchesResumed) -> tuple[Record, ...]:
    """Record the components whose heartbeats can be read again, or for the first time."""
    components = ((name, ledger.component(name)) for name in resumed.components)
    news = frozenset(name for name, held in components if held.lost_at is not None or held.heard_since is None)
    return (FetchesBack(news, resumed.at),) if news else NOTHING


def feed_changed(ledger: Ledger, changed: FeedChanged) -> tuple[Record, ...]:
    """Record a feed's health, where anything of it changed."""
    held = ledger.feeds.get(changed.feed)
    if held is not None and (held.state, held.detail) == (changed.state, changed.detail):
        return NOTHING
    return (FeedReported(changed.feed, changed.state, changed.detail, changed.at),)

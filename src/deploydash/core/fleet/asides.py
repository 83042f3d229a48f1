"""Observations that make no record: what the detail view, the header and the counts show in passing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from deploydash.core.fleet.event_order import Telling, counts
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.observations import (
    CommandSeen,
    EventShown,
    ExitAcknowledged,
    FactRead,
    FeedMeasured,
    LogTold,
    RecordsUndecodable,
)
from deploydash.core.fleet.records import NOTHING, CommandNoticed, ErrorLogged, FactNoted, Record, UndecodableNoticed
from deploydash.core.fleet.snapshot import LogLine, Undecodable
from deploydash.core.model import NEVER_EXPECTED, CscId

ERROR = 40
"""From this level on a log message is an error (Python's logging)."""

LOGGED_AT_MOST_EVERY = 30.0
"""Seconds between two errors of one CSC's log that are recorded; the detail shows every one."""

KEPT_CHARACTERS = 300
"""So much of a logged error is recorded: its beginning says what happened, what follows is a traceback."""
FOREIGN_WINDOW_S = 60.0
"""A thing that others do to a CSC is told so often."""
FOREIGN_TOLD = 200
"""So many things are told within a window: a shutdown by somebody else is four commands to each of a hundred CSCs."""


def log_told(ledger: Ledger, told: LogTold) -> tuple[Record, ...]:
    """Keep a log message, read back ones before those that arrived since; an error that is news is a record, too."""
    if told.csc.name in NEVER_EXPECTED:
        return NOTHING
    cell = ledger.cell(told.csc)
    line = LogLine(told.sent_utc, told.level, told.message)
    cell.logs.keep(line, live=told.live, connected_at=ledger.hearing.connected_at)
    if told.level < ERROR:
        return NOTHING
    held, message = cell.logged, " ".join(told.message.split())[:KEPT_CHARACTERS]
    if held is not None:
        older = not told.live and held.live and held.at >= ledger.hearing.connected_at
        too_soon = told.live and told.at - held.at < LOGGED_AT_MOST_EVERY
        if older or too_soon or message == held.message:
            return NOTHING
    return (ErrorLogged(told.csc, told.level, message, told.sent_utc, told.live, told.at),)


def exit_acknowledged(ledger: Ledger, exited: ExitAcknowledged) -> tuple[Record, ...]:
    """Expect no further beat of the process that beats now; the next tick looks at it again."""
    cell = ledger.cell(exited.csc)
    cell.exited_at = exited.at
    cell.deadline = 0.0
    return NOTHING


def command_seen(ledger: Ledger, seen: CommandSeen) -> tuple[Record, ...]:
    """Say who else commands: while a run is open nobody should without the lead's consent.

    Each thing is told once a minute: who does the same to one CSC again and again, as a pointing component does many
    times a second, or a queue to a script that it runs, is named with the first of it. Where it is not known which
    command it was, all of them to one CSC are one thing.
    """
    command = "" if seen.csc.name in NEVER_EXPECTED else seen.command  # its queue tells a script many things
    thing = (seen.csc, seen.identity, command, seen.outcome)
    told = ledger.foreign.get(thing)
    if told is not None and seen.at - told <= FOREIGN_WINDOW_S:
        return NOTHING
    ledger.foreign = {one: at for one, at in ledger.foreign.items() if seen.at - at <= FOREIGN_WINDOW_S}
    ledger.foreign[thing] = seen.at
    if len(ledger.foreign) > FOREIGN_TOLD:
        return NOTHING
    return (CommandNoticed(seen.csc, seen.identity, seen.outcome, seen.at, seen.command),)


class _Detail(Telling, Protocol):
    @property
    def csc(self) -> CscId: ...


def newest(field: str) -> Callable[[Ledger, _Detail], tuple[Record, ...]]:
    """Return what keeps the newest event of one kind in this field of its CSC's cell: nothing of it is durable."""

    def keep(ledger: Ledger, told: _Detail) -> tuple[Record, ...]:
        if told.csc.name not in NEVER_EXPECTED:
            cell = ledger.cell(told.csc)
            held: _Detail | None = getattr(cell, field)
            if counts(told, held, ledger.hearing.connected_at):
                setattr(cell, field, told)
                ledger.mark((cell,))
        return NOTHING

    return keep


def feed_measured(ledger: Ledger, measured: FeedMeasured) -> tuple[Record, ...]:
    """Put a feed's measures into the header."""
    held = ledger.feed(measured.feed, measured.at)
    ledger.feeds[measured.feed] = replace(held, rate=measured.rate, lag_s=measured.lag_s, skew_s=measured.skew_s)
    return NOTHING


def fact_read(ledger: Ledger, read: FactRead) -> tuple[Record, ...]:
    """Keep a fact with the time it was read; it is a record where more than that time changed."""
    held = ledger.facts.get(read.fact.name)
    if held is None or not held.same(read.fact):
        return (FactNoted(read.fact, read.at),)
    ledger.keep(read.fact)
    return NOTHING


def event_shown(ledger: Ledger, told: EventShown) -> tuple[Record, ...]:
    """Keep an event that steps show, as a fact; the newest counts, whoever told it."""
    held = ledger.shown.get(told.fact.name)
    if told.csc.name in NEVER_EXPECTED or not counts(told, held, ledger.hearing.connected_at):
        return NOTHING
    ledger.shown[told.fact.name] = told
    return fact_read(ledger, FactRead(told.fact, told.at))


def records_undecodable(ledger: Ledger, found: RecordsUndecodable) -> tuple[Record, ...]:
    """Count what cannot be decoded, and say so once a topic."""
    if found.waiting:
        ledger.waiting[found.topic] = Undecodable(found.topic, found.count, found.example)
        return NOTHING
    held = ledger.undecodable.get(found.topic)
    if held is None:
        ledger.undecodable[found.topic] = Undecodable(found.topic, found.count, found.example)
        return (UndecodableNoticed(found.topic, found.example, found.at),)
    ledger.undecodable[found.topic] = replace(held, records=held.records + found.count)
    return NOTHING

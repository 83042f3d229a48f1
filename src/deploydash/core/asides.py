"""Observations that make no record: what the detail view, the header and the counts show in passing."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fold import Fold
from deploydash.core.model import NEVER_EXPECTED
from deploydash.core.notice import NOTHING
from deploydash.core.observations import (
    ConfigurationTold,
    FeedMeasured,
    LogTold,
    RecordsUndecodable,
    SimulationModeTold,
    VersionsTold,
)
from deploydash.core.records import Record, UndecodableNoticed
from deploydash.core.snapshot import LogLine, Undecodable


def log_told(fold: Fold, told: LogTold) -> tuple[Record, ...]:
    """Keep a log message; those read back are sorted in by their stamp."""
    if told.csc.name not in NEVER_EXPECTED:
        logs = fold.cell(told.csc).logs
        logs.append(LogLine(told.sent_utc, told.level, told.message))
        if not told.live and len(logs) > 1:
            lines = sorted(logs, key=_sent)
            logs.clear()
            logs.extend(lines)
    return NOTHING


def _sent(line: LogLine) -> float:
    return line.sent_utc


def versions_told(fold: Fold, told: VersionsTold) -> tuple[Record, ...]:
    """Keep the newest versions."""
    if told.csc.name not in NEVER_EXPECTED:
        cell = fold.cell(told.csc)
        if cell.versions is None or cell.versions.sent_utc <= told.sent_utc:
            cell.versions = told
    return NOTHING


def simulation_mode_told(fold: Fold, told: SimulationModeTold) -> tuple[Record, ...]:
    """Keep the newest simulation mode."""
    if told.csc.name not in NEVER_EXPECTED:
        cell = fold.cell(told.csc)
        if cell.simulation is None or cell.simulation.sent_utc <= told.sent_utc:
            cell.simulation = told
    return NOTHING


def configuration_told(fold: Fold, told: ConfigurationTold) -> tuple[Record, ...]:
    """Keep the newest applied configuration."""
    if told.csc.name not in NEVER_EXPECTED:
        cell = fold.cell(told.csc)
        if cell.configuration is None or cell.configuration.sent_utc <= told.sent_utc:
            cell.configuration = told
    return NOTHING


def feed_measured(fold: Fold, measured: FeedMeasured) -> tuple[Record, ...]:
    """Put a feed's measures into the header."""
    held = fold.feeds[measured.feed]
    fold.feeds[measured.feed] = replace(held, rate=measured.rate, lag_s=measured.lag_s, skew_s=measured.skew_s)
    return NOTHING


def records_undecodable(fold: Fold, found: RecordsUndecodable) -> tuple[Record, ...]:
    """Count what cannot be decoded, and say so once a topic."""
    held = fold.undecodable.get(found.topic)
    if held is None:
        fold.undecodable[found.topic] = Undecodable(found.topic, found.count, found.example)
        return (UndecodableNoticed(found.topic, found.example, found.at),)
    fold.undecodable[found.topic] = replace(held, records=held.records + found.count)
    return NOTHING

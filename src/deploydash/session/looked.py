"""What changed in a run since an observer last looked. The memory is the observer's own; the run is not touched."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploydash.core.procedure.names import DIRECT
from deploydash.core.run.records import (
    CscsWaived,
    DebtPaid,
    DebtPassed,
    DebtWaived,
    ItemAdded,
    ItemEnded,
    ItemSignedOff,
    NoteWritten,
    Outcome,
    RunClosed,
    RunHeld,
    RunReleased,
    RunResumed,
    StepDone,
    StepSkipped,
    WaitExtended,
)
from deploydash.core.words import counted
from deploydash.stored import parse_json, read_small

log = logging.getLogger(__name__)

_MOST_BYTES = 1000


@dataclass(frozen=True, slots=True)
class Looked:
    """How far somebody had read a run's journal: the number of its last entry, and when, in UTC unix seconds."""

    entry: int
    utc: float


def last_look(file: Path) -> Looked | None:
    """Return the last look, or None where there was none or its file cannot be read."""
    try:
        document = parse_json(read_small(file, _MOST_BYTES))
        looked = Looked(int(document["entry"]), float(document["utc"]))
        datetime.fromtimestamp(looked.utc, UTC)  # what is no time is no look
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return looked


def remember(file: Path, looked: Looked) -> None:
    """Keep a look for the next time; a disk that refuses is no reason not to observe."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f"{file.name}.{os.getpid()}")
        new.write_text(json.dumps({"entry": looked.entry, "utc": looked.utc}), encoding="utf-8")
        new.replace(file)
    except OSError as error:
        log.warning("the last look cannot be kept: %s", error)


def told_since(looked: Looked, records: Sequence[object]) -> str:
    """Return one line about the records that were written since a look."""
    since = datetime.fromtimestamp(looked.utc, UTC).strftime("%H:%M")
    told = [*_counted(records), *_named(records)]
    return f"since {since} UTC: {', '.join(told)}" if told else f"nothing has changed since you looked at {since} UTC"


def _counted(records: Sequence[object]) -> list[str]:
    """Return how many of each kind there were, in the order of a run."""
    ended = Counter(record.outcome for record in records if isinstance(record, ItemEnded))
    direct = sum(isinstance(record, ItemAdded) and record.step == DIRECT for record in records)
    waived = {csc for record in records if isinstance(record, CscsWaived) for csc in record.cscs}
    kinds = Counter(type(record) for record in records)
    told = [
        (kinds[StepDone], "step done", "steps done"),
        (kinds[StepSkipped], "step skipped", "steps skipped"),
        (kinds[ItemSignedOff], "item signed off", "items signed off"),
        (direct, "direct command", "direct commands"),
        (kinds[ItemAdded] - direct, "item added", "items added"),
        (ended[Outcome.FAILED], "item failed", "items failed"),
        (ended[Outcome.UNKNOWN], "outcome unknown", "outcomes unknown"),
        (len(waived), "CSC waived", "CSCs waived"),
        (kinds[DebtPassed], "debt passed on", "debts passed on"),
        (kinds[DebtPaid], "debt paid", "debts paid"),
        (kinds[DebtWaived], "debt waived", "debts waived"),
        (kinds[NoteWritten], "note", "notes"),
    ]
    return [counted(number, one, many) for number, one, many in told if number]


def _named(records: Sequence[object]) -> list[str]:
    """Return what somebody did to the run as a whole; of holding and releasing only how it stands."""
    told = []
    extended = sum(record.seconds for record in records if isinstance(record, WaitExtended))
    if extended:
        told.append(f"the wait extended by {extended / 60:g} min")
    told += [f"taken up again by {record.operator}" for record in records if isinstance(record, RunResumed)][-1:]
    holds = [record for record in records if isinstance(record, RunHeld | RunReleased)]
    if holds:
        last = holds[-1]
        told.append(f"HOLD by {last.by}" if isinstance(last, RunHeld) else f"held, and released by {last.operator}")
    told += [f"closed by {record.operator}" for record in records if isinstance(record, RunClosed)]
    return told

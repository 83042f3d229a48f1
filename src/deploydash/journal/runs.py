"""The runs on this machine: where each one's folder is and which one an operator means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from deploydash.core.records import Record
from deploydash.core.run_records import RUN_RECORDS, RunClosed, RunOpened
from deploydash.errors import UserError
from deploydash.journal.line import Codec, Entry
from deploydash.journal.read import Cursor, JournalDamaged, read_on
from deploydash.journal.write import holder_of

JOURNAL = "journal.jsonl"
CODEC = Codec((*RUN_RECORDS, *get_args(Record)))
"""Every kind of line that a run's journal holds: what the fleet noticed, and the run itself."""


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run as its folder tells it. ``holder`` names who has it open now, else it is empty."""

    id: str
    folder: Path
    opened: RunOpened
    closed: bool
    entries: int
    holder: str
    damage: str = ""


def new_run_id(site: str, cycle: str, utc: float) -> str:
    """Return an id such as ``summit-c0045-20261120T2104Z``."""
    at = datetime.fromtimestamp(utc, UTC).strftime("%Y%m%dT%H%MZ")
    return "-".join(part for part in (site, cycle, at) if part)


def known_runs(state: Path) -> list[KnownRun]:
    """Return every readable run of a state directory, oldest first."""
    return sorted(_runs(state / "runs"), key=lambda run: run.id)


def find_run(reference: str | None, state: Path) -> KnownRun:
    """Return the run with this id, an unambiguous beginning of one, or this path; without any, the only open one.

    Raises:
        UserError: there is none, or more than one; it names them.
    """
    if reference is not None and "/" in reference:
        path = Path(reference)
        folder = path.parent if path.name == JOURNAL else path
        found = _read(folder)
        if found is None:
            raise UserError(f"{reference} holds no run", hint="name a run's folder or its journal.jsonl")
        return found
    runs = known_runs(state)
    if reference is None:
        fitting = [run for run in runs if not run.closed]
        what = "open run"
    else:
        fitting = [run for run in runs if run.id == reference] or [run for run in runs if run.id.startswith(reference)]
        what = f"run {reference!r}"
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(run.id for run in (fitting or runs)[-6:])
    if not fitting:
        raise UserError(f"there is no {what}", hint=f"known are {names}" if names else "no run was opened here yet")
    raise UserError(f"there is more than one {what}", hint=f"name one of {names}")


def read_run(run: KnownRun) -> list[Entry]:
    """Return every whole entry of a run.

    Raises:
        JournalDamaged: a line before the last is damaged.
    """
    return read_on(run.folder / JOURNAL, CODEC, Cursor())


def journal_reader(path: Path, cursor: Cursor | None = None) -> Callable[[], list[Entry]]:
    """Return a function that reads what was written to a journal since it was last called.

    It raises JournalDamaged for a line before the last that is damaged, and OSError.
    """
    place = cursor or Cursor()
    return lambda: read_on(path, CODEC, place)


def _runs(folder: Path) -> Iterator[KnownRun]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        run = _read(path)
        if run is not None:
            yield run


def _read(folder: Path) -> KnownRun | None:
    path = folder / JOURNAL
    damage = ""
    try:
        entries = read_on(path, CODEC, Cursor())
    except JournalDamaged as error:
        damage = str(error)
        entries = []
    except OSError:
        return None
    opened = entries[0].record if entries else _first(path)
    if not isinstance(opened, RunOpened):
        return None
    closed = any(isinstance(entry.record, RunClosed) for entry in entries)
    return KnownRun(opened.run, folder, opened, closed, len(entries), holder_of(folder), damage)


def _first(path: Path) -> object:
    with path.open("rb") as file:
        line = file.readline()
    try:
        document = json.loads(line)
        return CODEC.entry(line, 1, document["prev"]).record
    except (ValueError, KeyError, TypeError):
        return None

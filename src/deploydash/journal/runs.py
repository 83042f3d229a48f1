"""The runs on this machine: where each one's folder is and which one an operator means."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from deploydash.core.fleet.records import Record
from deploydash.core.run.records import RUN_RECORDS, RunClosed, RunOpened
from deploydash.errors import UserError
from deploydash.journal.line import Codec, Entry
from deploydash.journal.read import Cursor, JournalDamaged, JournalNewer, read_ends, read_on
from deploydash.journal.write import holder_of

JOURNAL = "journal.jsonl"
CODEC = Codec((*RUN_RECORDS, *get_args(Record)))
"""Every kind of line that a run's journal holds: what the fleet noticed, and the run itself."""

_NAMED = 6
_NONE_YET = "no run was opened here yet"


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run as the ends of its journal show it, ``id`` being the folder's name: a copy of a run is another run.

    ``phase`` is where it stands, empty where that is not known. ``holder`` names who has it open now, else it is
    empty. ``damage`` says why its journal cannot be read to its end, with ``newer`` where that is because a newer
    version wrote it; ``entries`` counts those before. What lies between the ends shows when the run is read.
    """

    id: str
    folder: Path
    opened: RunOpened
    closed: bool
    phase: str
    entries: int
    holder: str
    damage: str = ""
    newer: bool = False

    @property
    def state(self) -> str:
        """The word for it: open, closed, newer, damaged."""
        return "newer" if self.newer else "damaged" if self.damage else "closed" if self.closed else "open"


@dataclass(frozen=True, slots=True)
class BrokenRun:
    """A folder with a journal of which nothing can be read.

    ``readable`` is False where its user may not, ``newer`` True where a newer version wrote it from the first line on.
    """

    id: str
    folder: Path
    damage: str
    readable: bool = True
    newer: bool = False

    @property
    def state(self) -> str:
        """The word for it: newer, damaged, unreadable."""
        return "newer" if self.newer else "damaged" if self.readable else "unreadable"


def new_run_id(site: str, cycle: str, utc: float) -> str:
    """Return an id such as ``summit-c0045-20261120T2104Z``."""
    at = datetime.fromtimestamp(utc, UTC).strftime("%Y%m%dT%H%MZ")
    return "-".join(part for part in (site, cycle, at) if part)


def all_runs(state: Path) -> list[KnownRun | BrokenRun]:
    """Return every run of a state directory by its name, which ends with its time.

    Raises:
        UserError: the directory may not be read.
    """
    found = (_read(folder) for folder in _folders(state / "runs"))
    return sorted((run for run in found if run is not None), key=lambda run: run.id)


def known_runs(state: Path) -> list[KnownRun]:
    """Return every run of a state directory of which anything can be read, by its name."""
    return [run for run in all_runs(state) if isinstance(run, KnownRun)]


def find_run(reference: str | None, state: Path) -> KnownRun:
    """Return the run with this id, an unambiguous beginning of one, or this path; without any, the only open one.

    A run is looked for by its folder's name, so that no other run's journal is read for it.

    Raises:
        UserError: there is none, more than one (it names their folders), or nothing can be read of it.
    """
    if reference is None:
        return _only_open(state)
    if "/" in reference:
        path = Path(reference)
        return _readable(path.parent if path.name == JOURNAL else path, reference)
    folders = [folder for folder in _folders(state / "runs") if folder.name.startswith(reference)]
    exact = [folder for folder in folders if folder.name == reference]
    if len(folders) == 1 or exact:
        return _readable((exact or folders)[0], reference)
    if folders:
        raise _ambiguous(f"run {reference!r}", folders)
    names = ", ".join(sorted(folder.name for folder in _folders(state / "runs"))[-_NAMED:])
    raise UserError(f"there is no run {reference!r}", hint=f"known are {names}" if names else _NONE_YET)


def _only_open(state: Path) -> KnownRun:
    runs = known_runs(state)
    fitting = [run for run in runs if not run.closed]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise _ambiguous("open run", [run.folder for run in fitting])
    names = ", ".join(run.id for run in runs[-_NAMED:])
    raise UserError("there is no open run", hint=f"known are {names}" if names else _NONE_YET)


def _ambiguous(what: str, folders: list[Path]) -> UserError:
    return UserError(
        f"there is more than one {what}", hint="name one of " + ", ".join(map(str, sorted(folders)[-_NAMED:]))
    )


def _readable(folder: Path, reference: str) -> KnownRun:
    run = _read(folder)
    if isinstance(run, KnownRun):
        return run
    if run is None:
        raise UserError(f"{reference} holds no run", hint="name a run's folder or its journal.jsonl")
    hint = "keep the folder; deploydash runs lists the others"
    if run.newer:
        hint = "use that version for this run; deploydash runs lists the others"
    elif not run.readable:
        hint = "ask its owner for leave to read it"
    raise UserError(f"{folder / JOURNAL}: {run.damage}", hint=hint)


def read_run(run: KnownRun) -> list[Entry]:
    """Return every whole entry of a run, up to the first that a newer version wrote.

    Raises:
        JournalDamaged: a line before the last is damaged.
    """
    return RunReader(run.folder).read_on()


class RunReader:
    """Reads on in the journal of a run's folder; ``cursor`` is how far it came.

    ``newer`` says why the rest is left unread: a newer version wrote it. It is empty as long as there is no such rest.
    """

    def __init__(self, folder: Path) -> None:
        self.cursor = Cursor()
        self.newer = ""
        self._path = folder / JOURNAL

    def read_on(self) -> list[Entry]:
        """Return what was written since the last call.

        Raises:
            JournalDamaged: a line before the last is damaged.
            OSError: the journal cannot be read.
        """
        try:
            return read_on(self._path, CODEC, self.cursor)
        except JournalNewer as error:
            self.newer = str(error)
            return error.entries


def _folders(runs: Path) -> list[Path]:
    """Return the folders that hold a journal, of whatever kind."""
    try:
        folders = (path for path in runs.iterdir() if path.is_dir())
        return [path for path in folders if os.path.lexists(path / JOURNAL) or not os.access(path, os.X_OK)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f"{runs} cannot be read: {error.strerror}", hint="see DEPLOYDASH_STATE_DIR") from error


def _read(folder: Path) -> KnownRun | BrokenRun | None:
    damage, newer = "", False
    try:
        entries = read_ends(folder / JOURNAL, CODEC)
    except (JournalDamaged, JournalNewer) as error:
        damage, newer, entries = str(error), isinstance(error, JournalNewer), error.entries
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return BrokenRun(folder.name, folder, "not readable by you", readable=False)
    except OSError as error:
        return BrokenRun(folder.name, folder, f"the journal cannot be read: {error.strerror}")
    if not entries:
        damage = damage or "the journal is empty, or its first line was never finished"
        return BrokenRun(folder.name, folder, damage, newer=newer)
    opened = entries[0].record
    if not isinstance(opened, RunOpened):
        return BrokenRun(folder.name, folder, "the journal does not begin with a run")
    last = entries[-1]
    closed = last.phase is None or any(isinstance(entry.record, RunClosed) for entry in entries)
    phase = "" if closed or damage else last.phase or ""
    return KnownRun(folder.name, folder, opened, closed, phase, last.number, holder_of(folder), damage, newer)

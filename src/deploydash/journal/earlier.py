"""How long steps took in earlier runs on this machine, for what that shows of the next. Reads only, never complains."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from deploydash.core.run.eta import EarlierStep, runs
from deploydash.core.run.records import CscsArrived, CscsLeft, ItemEnded, RunOpened, StepApproved, StepDone
from deploydash.journal.line import FIRST_PREV, Codec, LineDamaged, digest
from deploydash.journal.runs import CODEC, JOURNAL
from deploydash.stored import open_file

MOST_RUNS = 20
"""So many earlier runs are learned from, the newest: a site changes from year to year."""

LOOKED_AT = 200
"""So many folders of runs are looked into."""

LARGEST = 64_000_000
"""A journal of a whole run is some megabytes; a larger one is left alone."""

TELLING: tuple[bytes, ...] = tuple(
    f'"kind":"{kind.__name__}"'.encode() for kind in (StepApproved, CscsArrived, CscsLeft, ItemEnded, StepDone)
)
"""What a line must hold to be read at all: most of a journal is what the fleet noticed."""


def earlier_runs(runs: Path, opened: RunOpened) -> list[EarlierStep]:
    """Return the steps that ended of the newest runs like this one, oldest last.

    Alike are runs at the same site, by the same runbook, and rehearsals at the same speed. What is damaged, foreign
    or unreadable is left out without a word: an estimate is not worth a complaint.
    """
    found: list[EarlierStep] = []
    told = 0
    for path in _newest(runs)[:LOOKED_AT]:
        if told >= MOST_RUNS:
            break
        try:
            steps = _steps_of(path, opened) if path.stat().st_size <= LARGEST else []
        except (OSError, LineDamaged):
            continue
        found += steps
        told += bool(steps)
    return found


def _newest(runs: Path) -> list[Path]:
    aged: list[tuple[float, Path]] = []
    for path in runs.glob(f"*/{JOURNAL}"):
        with suppress(OSError):
            aged.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(aged, reverse=True)]


def _steps_of(path: Path, opened: RunOpened) -> list[EarlierStep]:
    with open_file(path) as file:
        first = file.readline()
        if not first.endswith(b"\n") or not _alike(CODEC.entry(first, 1, FIRST_PREV).record, opened):
            return []
        return list(runs(_telling(first, file, CODEC)))


def _alike(other: object, opened: RunOpened) -> bool:
    return (
        isinstance(other, RunOpened)
        and other.run != opened.run
        and (other.site, other.runbook, other.rehearsal, other.speed, bool(other.only))
        == (opened.site, opened.runbook, opened.rehearsal, opened.speed, bool(opened.only))
    )


def _telling(first: bytes, lines: Iterable[bytes], codec: Codec) -> list[tuple[float, object]]:
    """Return the entries that tell how long steps took; every line must carry the hash of the one before it."""
    found: list[tuple[float, object]] = []
    prev = digest(first)
    for number, line in enumerate(lines, 2):
        if not line.endswith(b"\n"):
            break
        if not line.endswith(f'"prev":"{prev}"}}\n'.encode()):
            raise LineDamaged("it does not carry the hash of the line before it")
        if any(kind in line for kind in TELLING):
            entry = codec.entry(line, number, prev)
            found.append((entry.utc, entry.record))
        prev = digest(line)
    return found

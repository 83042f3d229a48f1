"""Whether a run's files are still what they were when it was opened: by the SHA-256 of their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploydash.config.load import MAX_BYTES
from deploydash.core.run.records import RunOpened, RunResumed
from deploydash.stored import read_small


@dataclass(frozen=True, slots=True)
class Files:
    """The hashes of a run's site file and runbook, in hex; empty where there is none to tell."""

    site: str = ""
    runbook: str = ""


def hashed(site_file: str | Path, runbook_file: str | Path) -> Files:
    """Return the hashes of two files as they are now, empty for one that cannot be read."""
    return Files(_sha256(Path(site_file)), _sha256(Path(runbook_file)))


def last_known(records: Iterable[object]) -> Files:
    """Return the hashes with which a run was opened or last taken up; earlier versions wrote none."""
    known = Files()
    for record in records:
        if isinstance(record, RunOpened | RunResumed):
            known = Files(record.site_sha256 or known.site, record.runbook_sha256 or known.runbook)
    return known


def changed(opened: RunOpened, known: Files, now: Files) -> tuple[str, ...]:
    """Return the paths of the files that are not what they were; those that are gone are told of elsewhere."""
    pairs = ((opened.site_file, known.site, now.site), (opened.runbook_file, known.runbook, now.runbook))
    return tuple(path for path, before, after in pairs if before and after and after != before)


def told(paths: tuple[str, ...]) -> str:
    """Return a sentence about changed files, or nothing."""
    if not paths:
        return ""
    verb = "has" if len(paths) == 1 else "have"
    return f"{' and '.join(paths)} {verb} changed since this run was opened or last taken up"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(read_small(path, MAX_BYTES)).hexdigest()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return ""

"""Reading a journal: whole, or on from where one stopped. Readers never write."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from deploydash.errors import UserError
from deploydash.journal.line import FIRST_PREV, Codec, Entry, LineDamaged, digest


class JournalDamaged(UserError):
    """A line before the last is damaged. ``path`` and ``line`` (from 1) say where."""

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(
            f"{path}:{line}: the journal is damaged here: {why}",
            hint="keep the file; the lines before it still tell what happened",
        )
        self.path = path
        self.line = line


@dataclass(slots=True)
class Cursor:
    """How far a journal was read: ``offset`` in bytes, the number of the last entry, its hash."""

    offset: int = 0
    number: int = 0
    prev: str = field(default=FIRST_PREV)


def read_on(path: Path, codec: Codec, cursor: Cursor) -> list[Entry]:
    """Return the entries after ``cursor`` and move it behind them.

    A last line without its newline is still being written, or was torn by a crash: it is left unread.

    Raises:
        JournalDamaged: a whole line cannot be read or does not follow the one before it.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(cursor.offset)
        data = file.read()
    entries: list[Entry] = []
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        try:
            entries.append(codec.entry(line, cursor.number + 1, cursor.prev))
        except LineDamaged as error:
            raise JournalDamaged(path, cursor.number + 1, str(error)) from error
        cursor.offset += len(line)
        cursor.number += 1
        cursor.prev = digest(line)
    return entries

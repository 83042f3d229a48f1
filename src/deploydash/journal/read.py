"""Reading a journal: whole, or on from where one stopped. Readers never write."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploydash.errors import UserError
from deploydash.journal.line import FIRST_PREV, Codec, Entry, LineDamaged, LineNewer, digest
from deploydash.stored import open_file, parse_json

TAIL = 16_384
"""Bytes; so much of a journal's end is looked at first for its last entries."""

LONGEST_LINE = 16_000_000
"""Bytes; a line of ours has some hundred, the plan of a whole site some ten thousand."""


class JournalDamaged(UserError):
    """A line before the last is damaged. ``path`` and ``line`` (from 1) say where, ``entries`` what stands before."""

    def __init__(self, path: Path, line: int, why: str, entries: Sequence[Entry] = ()) -> None:
        super().__init__(
            f"{path}:{line}: the journal is damaged here: {why}",
            hint="keep the file; the lines before it still show what happened",
        )
        self.path = path
        self.line = line
        self.entries = list(entries)


class JournalNewer(UserError):
    """From ``line`` (from 1) on another version wrote the journal; ``entries`` is what stands before."""

    def __init__(self, path: Path, line: int, why: str, entries: Sequence[Entry] = ()) -> None:
        super().__init__(
            f"{path}:{line}: a newer deploydash wrote this journal: {why}",
            hint="use that version; observe and report show the run up to this line",
        )
        self.path = path
        self.line = line
        self.entries = list(entries)


@dataclass(slots=True)
class Cursor:
    """How far a journal was read: ``offset`` in bytes, the number of the last entry, its hash."""

    offset: int = 0
    number: int = 0
    prev: str = field(default=FIRST_PREV)


def read_on(path: Path, codec: Codec, cursor: Cursor, most: int | None = None) -> list[Entry]:
    """Return the entries after ``cursor``, at most so many, and move it behind them.

    A last line without its newline is still being written, or was torn by a crash: it is left unread.

    Raises:
        JournalNewer: a whole line follows the one before it, and its kind or content is unknown here.
        JournalDamaged: a whole line cannot be read or does not follow the one before it.
        OSError: the file cannot be read, or is none.
    """
    entries: list[Entry] = []
    with open_file(path) as file:
        file.seek(cursor.offset)
        while len(entries) != most and (line := file.readline(LONGEST_LINE)).endswith(b"\n"):
            try:
                entries.append(codec.entry(line, cursor.number + 1, cursor.prev))
            except LineNewer as error:
                if _follows(file.readline(LONGEST_LINE), line):
                    raise JournalNewer(path, cursor.number + 1, str(error), entries) from error
                why = f"{error}, and the line after it does not carry its hash"
                raise JournalDamaged(path, cursor.number + 1, why, entries) from error
            except LineDamaged as error:
                raise JournalDamaged(path, cursor.number + 1, str(error), entries) from error
            cursor.offset += len(line)
            cursor.number += 1
            cursor.prev = digest(line)
    if len(line) >= LONGEST_LINE:
        raise JournalDamaged(path, cursor.number + 1, f"it is longer than {LONGEST_LINE} bytes", entries)
    return entries


def read_ends(path: Path, codec: Codec) -> list[Entry]:
    """Return the first entry and the last ones; what lies between is read only if one of these is damaged or newer.

    Raises:
        JournalNewer, JournalDamaged, OSError: as ``read_on`` does.
    """
    cursor = Cursor()
    first = read_on(path, codec, cursor, most=1)
    if first and (near_end := _near_end(path, cursor.offset)) is not None:
        with suppress(JournalDamaged, JournalNewer):  # which line it is shows when the whole journal is read
            return first + read_on(path, codec, near_end)
    return read_on(path, codec, Cursor())


def _near_end(path: Path, begin: int) -> Cursor | None:
    """Return the place before one of the last lines, by its own word, or None where none is found behind ``begin``."""
    reach = TAIL
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        while size - reach > begin:
            file.seek(size - reach)
            file.readline(LONGEST_LINE)
            offset = file.tell()
            line = file.readline(LONGEST_LINE)
            if line.endswith(b"\n"):
                try:
                    document = parse_json(line)
                    return Cursor(offset, int(document["n"]) - 1, str(document["prev"]))
                except (ValueError, TypeError, KeyError, OverflowError):
                    return None
            reach *= 4
    return None


def _follows(after: bytes, line: bytes) -> bool:
    return not after.endswith(b"\n") or digest(line).encode() in after

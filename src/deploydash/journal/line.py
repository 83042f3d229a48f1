"""A record as one JSON line and back.

A line is ``{"n": 7, "utc": 1794996400.5, "phase": "run", "kind": "StateNoted", "record": {...}, "prev": "9f2c…"}``:
numbers rise by one from 1, ``utc`` is unix seconds of writing, ``phase`` is where the run stands after it, so that the
last line shows it, and ``prev`` is the SHA-256 of the line before, so that a line left out or changed is noticed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from deploydash.core.outside_text import visible
from deploydash.stored import parse_json

_YEAR_2100 = 4_102_444_800.0
_LONGEST_KIND = 60

FIRST_PREV = "0" * 64
"""What the first line has in place of the hash of a line before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, read: its number, UTC unix seconds of writing, and the record.

    ``phase`` is the phase that the run was in when it was written, None once it was closed, empty where none is given.
    """

    number: int
    utc: float
    record: object
    phase: str | None = ""


class LineDamaged(ValueError):
    """A line is no entry or does not follow the one before it; the message says which of the two and how."""


class LineNewer(LineDamaged):
    """A line is whole and follows the one before it, and says what this version does not know."""


class Codec:
    """Writes and reads the records of the given dataclasses, by the name of their class."""

    def __init__(self, kinds: Iterable[type[Any]]) -> None:
        self._adapters = {kind.__name__: TypeAdapter(kind) for kind in kinds}

    def line(self, number: int, utc: float, record: object, prev: str, phase: str | None = "") -> bytes:
        """Return the line with its newline; ``phase`` as in ``Entry``.

        Raises:
            KeyError: the record is of no kind this codec knows.
        """
        kind = type(record).__name__
        document = {
            "n": number,
            "utc": round(utc, 6),
            **({} if phase == "" else {"phase": phase}),
            "kind": kind,
            "record": self._adapters[kind].dump_python(record, mode="json"),
            "prev": prev,
        }
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        # A lone surrogate (a byte of a path that is no UTF-8) becomes the escape that JSON has for it.
        return text.encode(errors="backslashreplace") + b"\n"

    def entry(self, line: bytes, number: int, prev: str) -> Entry:
        """Return the entry of a line that should have ``number`` and follow the line whose hash is ``prev``.

        Raises:
            LineNewer: it is such a line, and another version wrote it.
            LineDamaged: it is not such a line.
        """
        try:
            document = parse_json(line)
            n, utc, kind = int(document["n"]), float(document["utc"]), str(document["kind"])
            body, chained, phase = document["record"], str(document["prev"]), document.get("phase", "")
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise LineDamaged(f"it is not an entry ({type(error).__name__})") from error
        if not 0.0 <= utc < _YEAR_2100:
            raise LineDamaged("its time is none")
        if n != number:
            raise LineDamaged(f"it has number {n} where {number} should follow")
        if chained != prev:
            raise LineDamaged("it does not carry the hash of the line before it")
        if kind not in self._adapters:
            raise LineNewer(f"its kind '{visible(kind[:_LONGEST_KIND])}' is unknown to this version")
        try:
            return Entry(n, utc, self._adapters[kind].validate_python(body), None if phase is None else str(phase))
        except ValidationError as error:
            raise LineNewer(f"its {kind} cannot be read: {error.errors()[0]['msg']}") from error


def digest(line: bytes) -> str:
    """Return the hash that the next line carries as ``prev``."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest()

"""What a piece of text means on the screen; a theme says how that looks."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from deploydash.core.model import Effective


class Ink(StrEnum):
    """The roles that text can have. ``LINE`` is for rules and empty bars only, never for words."""

    DIM = "dim"
    TEXT = "text"
    BRIGHT = "bright"
    TITLE = "title"
    FOUND = "found"
    LINE = "line"
    ACCENT = "accent"
    GOOD = "good"
    WARN = "warn"
    WARN_TITLE = "warn_title"
    BAD = "bad"
    BADGE = "badge"
    REHEARSAL = "rehearsal"
    FILL_ENABLED = "fill_enabled"
    FILL_DISABLED = "fill_disabled"
    FILL_STANDBY = "fill_standby"
    FILL_FAULT = "fill_fault"
    FILL_OFFLINE = "fill_offline"
    FILL_OFFLINE_AMISS = "fill_offline_amiss"
    FILL_LOST = "fill_lost"
    FILL_UNKNOWN = "fill_unknown"
    LETTER_ENABLED = "letter_enabled"
    LETTER_DISABLED = "letter_disabled"
    LETTER_STANDBY = "letter_standby"
    LETTER_FAULT = "letter_fault"
    LETTER_OFFLINE = "letter_offline"
    LETTER_LOST = "letter_lost"
    LETTER_UNKNOWN = "letter_unknown"


class Surface(StrEnum):
    """What the text stands on."""

    PAGE = "page"
    BAR = "bar"
    REHEARSAL = "rehearsal"
    SELECTED = "selected"


class Span(NamedTuple):
    """A run of text in one look."""

    text: str
    ink: Ink = Ink.TEXT
    surface: Surface = Surface.PAGE


Spans = tuple[Span, ...]


class Line(NamedTuple):
    """One line of the screen; the rest of the line has its surface too."""

    spans: Spans = ()
    surface: Surface = Surface.PAGE


def fill(effective: Effective) -> Ink:
    """Return the filled look of a state."""
    return Ink(f"fill_{effective.value.lower()}")


def amiss(effective: Effective) -> Ink:
    """Return the filled look of a state that is not at its target.

    OFFLINE's own background hardly differs from the page, as it should where a CSC is meant to be OFFLINE.
    """
    return Ink.FILL_OFFLINE_AMISS if effective is Effective.OFFLINE else fill(effective)


def letter(effective: Effective) -> Ink:
    """Return the look of a state's letter or name without a background."""
    return Ink(f"letter_{effective.value.lower()}")


def plain(line: Line) -> str:
    """Return a line's text alone."""
    return "".join(span.text for span in line.spans)

"""The exact lines of a card: each request or command once, unwrapped, with the item it is of. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from deploydash.core.outside_text import visible
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.reading import Reading


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines in their order; ``heads`` says before which of them an item begins, and what it is called."""

    texts: tuple[str, ...] = ()
    heads: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is, how many cells are left out at the left, and which lines are marked."""

    row: int = 0
    left: int = 0
    marked: frozenset[int] = field(default_factory=frozenset)


def exact_lines_of(run: RunView) -> Lines:
    """Return the lines of the card: of each item what would be sent or typed; items alike stand there once."""
    texts: list[str] = []
    heads: list[tuple[int, str]] = []
    seen: set[tuple[str, ...]] = set()
    card = run.card
    for row in _rows(card) if card is not None else ():
        lines = tuple(visible(line) for line in _of(row))
        if lines and lines not in seen:
            seen.add(lines)
            heads.append((len(texts), row.item.label))
            texts += lines
    if card is not None and card.way_back:
        heads.append((len(texts), "the way back, once this run was left: it stays open"))
        texts.append(visible(card.way_back))
    return Lines(tuple(texts), tuple(heads))


def _rows(card: Card) -> Iterator[ItemRow]:
    yield from card.rows
    yield from card.added


def _of(row: ItemRow) -> tuple[str, ...]:
    if row.item.by_person or row.plan is None or not row.plan.lines:
        return row.item.manual
    return row.plan.lines


def drawn(reading: Reading, lines: Lines, place: Place, width: int, height: int) -> list[Line]:
    """Return as many lines as fit around the cursor, shifted sideways, never wrapped."""
    heads = dict(lines.heads)
    found: list[Line] = []
    at = 0
    for number, text in enumerate(lines.texts):
        if number in heads and len(heads) > 1:
            found.append(Line((Span(f"  {visible(heads[number])}", Ink.DIM),)))
        here = number == place.row
        at = len(found) if here else at
        mark = reading.signs.marked if number in place.marked else " "
        lead = (Span(reading.glyphs.cursor if here else " ", Ink.BRIGHT), Span(mark, Ink.ACCENT))
        surface = Surface.SELECTED if here else Surface.PAGE
        found.append(Line((*lead, *_shifted(text, place.left, width - 2, reading)), surface))
    first = max(0, min(at - height // 2, len(found) - height))
    return found[first : first + height]


def _shifted(text: str, left: int, width: int, reading: Reading) -> tuple[Span, ...]:
    """Return the part of a line that is in sight, with a sign where it goes on."""
    cut = reading.glyphs.cut
    part = text[left:]
    before = Span(cut, Ink.WARN) if left and text else Span("")
    room = width - (1 if before.text else 0)
    if before.text:
        part = part[1:] if part else ""
    if len(part) > room:
        return before, Span(part[: room - 1], Ink.ACCENT), Span(cut, Ink.WARN)
    return before, Span(part, Ink.ACCENT)


def longest(lines: Lines) -> int:
    """Return the length of the longest line."""
    return max(map(len, lines.texts), default=0)


def copied_words(number: int, of: int) -> str:
    """Return what a copy was of, in words."""
    if number == of:
        return "the line" if of == 1 else f"all {of} lines"
    return "1 line" if number == 1 else f"{number} lines"

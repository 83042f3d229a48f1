"""The lines of a card about what failed: one item, or a whole group that was LOST before the run opened."""

from __future__ import annotations

from collections.abc import Iterable

from deploydash.core.model import CscId
from deploydash.core.procedure.names import ItemId
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.ui.draw.run.item_offers import chosen
from deploydash.ui.draw.run.reading import Focus

Asked = tuple[ItemRow, ...]
"""Those of one line, never empty."""


def asked_lines(card: Card | None) -> tuple[Asked, ...]:
    """Return the lines in their order; a group is where the first of it is."""
    lines: dict[str, list[ItemRow]] = {}
    for row in card.asking if card is not None else ():
        lines.setdefault(row.lost_of or f"{row.item.id}:", []).append(row)
    return tuple(map(tuple, lines.values()))


def here(card: Card, focus: Focus) -> Asked:
    """Return what is under the cursor of a card that asks: in a list of all items, one of them if it asks, else all."""
    if not card.of_cscs:
        row = chosen(card, focus)
        return (row,) if row is not None and row.asks else card.asking
    lines = asked_lines(card)
    return lines[min(focus.row, len(lines) - 1)]


def asked(run: RunView, focus: Focus) -> Asked:
    """Return the items that a key is about: those marked, else those under the cursor; none where nothing asks."""
    if run.card is None or not run.card.asking:
        return ()
    return tuple(row for row in run.card.asking if row.item.id in focus.marked) or here(run.card, focus)


def ids_of(rows: Iterable[ItemRow]) -> tuple[ItemId, ...]:
    """Return the names of items."""
    return tuple(row.item.id for row in rows)


def cscs_of(rows: Iterable[ItemRow]) -> tuple[CscId, ...]:
    """Return the CSCs that items are about, of those that are about one."""
    return tuple(row.csc for row in rows if row.csc is not None)

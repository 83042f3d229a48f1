"""The lines of a card about those that did not go: one CSC, or a whole group that was LOST before the run opened."""

from __future__ import annotations

from deploydash.core.model import CscId
from deploydash.core.views.run_view import Card, RunView, TargetRow
from deploydash.ui.draw.run.reading import Focus

Asked = tuple[TargetRow, ...]
"""Those of one line, never empty."""


def asked_lines(card: Card | None) -> tuple[Asked, ...]:
    """Return the lines in their order; a group is where the first of it is."""
    lines: dict[str, list[TargetRow]] = {}
    for row in card.asking if card is not None else ():
        lines.setdefault(row.lost_of or f"{row.csc}:", []).append(row)
    return tuple(map(tuple, lines.values()))


def here(card: Card, focus: Focus) -> Asked:
    """Return the line under the cursor of a card that asks."""
    lines = asked_lines(card)
    return lines[min(focus.row, len(lines) - 1)]


def asked(run: RunView, focus: Focus) -> tuple[CscId, ...]:
    """Return the CSCs that a key is about: those marked, else those of the line under the cursor."""
    if run.card is None or not run.card.asking:
        return ()
    marked = tuple(row.csc for row in run.card.asking if row.csc in focus.marked)
    return marked or tuple(row.csc for row in here(run.card, focus))

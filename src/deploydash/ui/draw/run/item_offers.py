"""Which item of a card is meant, whether it may be signed off, what it can be told and what it asks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from deploydash.core.run.state import ItemStatus, StepStatus
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.ui.draw.run.reading import Focus
from deploydash.ui.run_keys import RUN

KEYS = {key.act: key.shown for key in reversed(RUN)}
"""How the key of an act is written."""

LIVE = frozenset({StepStatus.UNDER_WAY, StepStatus.ASKING})


def is_list(card: Card) -> bool:
    """Say whether a card shows its items one by one: a system works on them, and they are not one CSC each."""
    return card.step.acts and bool(card.rows) and not card.of_cscs


def next_row(card: Card) -> ItemRow | None:
    """Return the item that a list has come to: the first that asks, else the first that is not done."""
    asking = next((row for row in card.rows if row.asks), None)
    return asking or next((row for row in card.rows if not row.done), None)


def first_row(card: Card) -> int:
    """Return the line where the cursor belongs."""
    row = next_row(card)
    return card.rows.index(row) if row is not None else 0


def lines_of(card: Card) -> int:
    """Return how many lines the arrows go through; the last one of a step that was approved stands for all of it."""
    return len(card.rows) + (card.status in LIVE)


def chosen(card: Card, focus: Focus) -> ItemRow | None:
    """Return the item under the cursor of a list; None on the last line and before approval: the step as a whole."""
    whole = card.status is StepStatus.PENDING or focus.row >= len(card.rows)
    return None if whole else card.rows[focus.row]


def to_edit(card: Card, focus: Focus) -> ItemRow | None:
    """Return the item under the cursor where it says something to people that may still be written otherwise."""
    row = card.rows[min(focus.row, len(card.rows) - 1)] if card.rows else None
    if row is None or not row.item.text or row.done:
        return None
    waits = card.status is StepStatus.PENDING or row.progress.status is ItemStatus.FAILED
    return row if waits else None


def person_next(card: Card) -> bool:
    """Say whether a list has come to what a person does."""
    row = next_row(card)
    return row is not None and row.item.by_person and not any(row.moves for row in card.rows)


def sign_off_refusal(card: Card, row: ItemRow | None) -> str | None:
    """Return why an item, or None for the step as a whole, is not signed off now; None if it may be."""
    if card.status is StepStatus.PENDING:
        return None
    if row is not None and row.done:
        return f"{row.item.label} is done; the arrows go to another"
    moving = next((one for one in card.rows if one.moves and row in {None, one}), None)
    if moving is not None:
        return f"{moving.item.label} is under way: stop it first ({KEYS['control']}), or wait"
    return None


def needs_note(card: Card, rows: Iterable[ItemRow]) -> bool:
    """Say whether a sign-off of these has to say why: something counts as done that did not run to its end here."""
    return card.status is not StepStatus.PENDING and any(not row.done and not row.item.by_person for row in rows)


def controlled(run: RunView) -> list[ItemRow]:
    """Return the items in sight that may be told something, in their order."""
    return [row for row in _controlled(run) if row.controls]


def control_refusal(run: RunView) -> str | None:
    """Return why there is nothing to pause or to stop, or None."""
    if controlled(run):
        return None
    if run.card is None:
        return "no step is left"
    if run.card.status is StepStatus.PENDING:
        return f"{run.card.step.id} has begun nothing yet"
    return f"no item of {run.card.step.id} can be paused or stopped now"


def item_that_asks(run: RunView) -> ItemRow | None:
    """Return the first item in sight that cannot go on without an answer, or None."""
    return next((row for row in _in_sight(run) if row.moves and row.progress.question is not None), None)


def _controlled(run: RunView) -> Iterator[ItemRow]:
    """Yield the items that may be told something: those under way, and those of a step that is."""
    live = run.card.step.id if run.card is not None and run.card.status in LIVE else None
    return (row for row in _in_sight(run) if row.moves or row.step == live)


def _in_sight(run: RunView) -> Iterator[ItemRow]:
    """Yield the items of the card, those added to its step, and those added elsewhere."""
    card = run.card
    if card is not None:
        yield from card.rows
        yield from card.added
    yield from (row for row in run.added if card is None or row.step != card.step.id)

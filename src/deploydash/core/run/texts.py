"""What an item says to people, written otherwise by the lead before it goes. Pure."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.orders import EditText
from deploydash.core.run.records import RunRecord
from deploydash.core.run.state import ItemStatus, RunState, StepStatus
from deploydash.core.run.text_records import TextEdited

LONGEST = 40_000
"""So many characters of a text are kept."""


def text_edited(order: EditText, step: Step, state: RunState, operator: str) -> tuple[RunRecord, ...] | str:
    """Return the record of writing an item's text otherwise, or why it is refused: what was sent stays as it was."""
    item = step.item(order.item)
    if item is None or not item.text:
        return f"{order.item or step.id} says nothing that could be written otherwise"
    if state.settled(step):
        return f"{step.id} is {state.status(step).value.replace('_', ' ')}"
    begun = state.status(step) is not StepStatus.PENDING
    if begun and state.progress(step.id).item(item.id).status is not ItemStatus.FAILED:
        return f"{item.label} was sent or may have been: its text stays as it is"
    text = "\n".join(line.rstrip() for line in order.text.splitlines()).strip("\n")
    if not text.strip():
        return "it says nothing"
    if len(text) > LONGEST:
        return f"{len(text):,} characters are too many: at most {LONGEST:,}"
    return (TextEdited(step.id, item.id, text, operator),)


def as_edited(item: Item, text: str | None) -> Item:
    """Return an item with the text that the lead gave it; None for none."""
    return item if text is None else replace(item, text=text, manual=tuple(text.split("\n")))

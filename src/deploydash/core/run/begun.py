"""Whether a runbook still has the items with which its steps were begun: a record names an item by its place alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Runbook, Step
from deploydash.core.run.records import StepApproved, StepDone, StepSkipped


def items_digest(step: Step) -> str:
    """Return what the items of a step are, in a few characters: changed or renumbered ones are others."""
    text = "\n".join(
        "\x1f".join(
            (
                *(item.id, item.label, item.system, item.spec, str(item.wave), *item.manual),
                *(f"{effect.csc} {effect.target}" for effect in item.effects),
            )
        )
        for item in step.items
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def begun_otherwise(book: Runbook, records: Iterable[object]) -> tuple[StepId, ...]:
    """Return the steps that were begun and have not ended, and whose items are others in this runbook.

    What ended is over: its items are not worked on any more, whatever the runbook calls them now.
    """
    begun: dict[StepId, str] = {}
    for record in records:
        if isinstance(record, StepApproved):
            begun[record.step] = record.items
        elif isinstance(record, StepDone | StepSkipped):
            begun.pop(record.step, None)
    known = {step.id: step for step in book.steps()}
    return tuple(
        name for name, digest in begun.items() if digest and name in known and items_digest(known[name]) != digest
    )

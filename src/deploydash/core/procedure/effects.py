"""What doing an item does to CSCs, whatever system carries it out: the rules of order look at nothing else."""

from __future__ import annotations

from deploydash.core.procedure.runbook import CscEffect, CscItem, Item, ScriptItem


def effects_of(item: Item) -> tuple[CscEffect, ...]:
    """Return what an item does to CSCs, in its order; nothing where that is not known, or where a person does it."""
    if isinstance(item, CscItem):
        return (CscEffect(item.csc, item.target),)
    return item.effects if isinstance(item, ScriptItem) else ()

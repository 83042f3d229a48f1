"""What doing an item does to CSCs, whatever system carries it out: the rules of order look at nothing else."""

from __future__ import annotations

from deploydash.core.model import SummaryState, Target
from deploydash.core.procedure.runbook import CscEffect, CscItem, Effect, Item, ScriptItem, Step

_LEADS_TO = {Effect.STOPS: SummaryState.OFFLINE, Effect.STARTS: SummaryState.STANDBY}


def effects_of(item: Item, step: Step) -> tuple[CscEffect, ...]:
    """Return what an item of a step does to CSCs, in its order; nothing where that is not known."""
    if isinstance(item, CscItem):
        return (CscEffect(item.csc, item.target),)
    if isinstance(item, ScriptItem):
        return item.effects
    state = _LEADS_TO.get(step.effect)
    return () if state is None else tuple(CscEffect(csc, Target(state)) for csc in item.cscs)


def is_opaque(item: Item) -> bool:
    """Say whether what an item does to CSCs cannot be known before: its step is severe, and its card says so."""
    return isinstance(item, ScriptItem) and item.opaque

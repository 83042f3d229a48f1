"""An order about items that the lead considers: what it is about, in words, and how it is confirmed. Pure.

A retry, an added item, a control, an answer and a release change the world as a step does, or let something go on
that does; so each goes through an arm of its tier (UX.md, tiers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deploydash.core.model import CscId, SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.orders import (
    AddItem,
    AnswerItem,
    Approve,
    Control,
    DirectCommand,
    Proposal,
    Release,
    Retry,
    RunOrder,
)
from deploydash.core.run.plans import Plan
from deploydash.core.run.ports import ControlOffer
from deploydash.core.run.state import RunState
from deploydash.core.words import counted

ARMED = frozenset({Tier.MODERATE, Tier.SEVERE})
"""What is armed before it goes; the rest takes one key on its card."""


def items_of(order: Proposal, state: RunState) -> tuple[Item, ...]:
    """Return the items that an order is about; none for a release."""
    if isinstance(order, AddItem):
        return (order.item,)
    if isinstance(order, Retry):
        asking = tuple(item for step in state.runbook.steps() if step.id == order.step for item in state.asking(step))
        return tuple(item for item in asking if not order.items or item.id in order.items)
    if isinstance(order, Control | AnswerItem):
        item = state.item(order.step, order.item)
        return (item,) if item is not None else ()
    return ()


def tier_of(order: Proposal, state: RunState, offers: Sequence[ControlOffer] = ()) -> Tier:
    """Return how an order is confirmed; ``offers`` are the controls of its item.

    By what it does: several CSCs that go OFFLINE, or what nobody can tell, are severe; one CSC is moderate whatever its
    step is, as in a direct command. What else is tried again or goes another way counts as its step does.
    """
    if isinstance(order, Release):
        return Tier.MODERATE
    if isinstance(order, Control):
        return next((offer.tier for offer in offers if offer.name == order.name), Tier.MODERATE)
    if isinstance(order, AnswerItem):
        asked = state.progress(order.step).item(order.item).question
        offered = asked.answers if asked is not None else ()
        return next((each.tier for each in offered if each.answer == order.answer), Tier.MODERATE)
    items = items_of(order, state)
    if any(item.opaque for item in items) or len(taken_down(items)) > 1:
        return Tier.SEVERE
    one_csc = len({csc for item in items for csc in item.cscs}) == 1 and all(item.effects for item in items)
    if one_csc or (isinstance(order, AddItem) and not order.instead_of):
        return Tier.MODERATE
    return next((step.tier for step in state.runbook.steps() if step.id == order.step), Tier.MODERATE)


def taken_down(items: Sequence[Item]) -> tuple[CscId, ...]:
    """Return the CSCs that items lead to OFFLINE, each once."""
    effects = (effect for item in items for effect in item.effects)
    return tuple(dict.fromkeys(each.csc for each in effects if each.target.state is SummaryState.OFFLINE))


def title_of(order: Proposal, state: RunState, offers: Sequence[ControlOffer] = ()) -> str:
    """Return verb and object of an order: ``retry MTDome of cscs``."""
    if isinstance(order, Release):
        return "release the held run"
    if isinstance(order, Control):
        return next((offer.text for offer in offers if offer.name == order.name), f"{order.name} {order.item}")
    if isinstance(order, AnswerItem):
        return f"answer {order.answer}"
    if isinstance(order, AddItem):
        return f"{'fallback' if order.instead_of else 'add'}: {order.item.label}"
    items = items_of(order, state)
    what = items[0].label if len(items) == 1 else counted(len(items), "item")
    return f"retry {what} of {order.step}"


def unarmed(order: RunOrder, state: RunState, offers: Sequence[ControlOffer] = ()) -> str | None:
    """Return why a single key must not order this, or None: what its tier arms comes by its arm alone."""
    if isinstance(order, DirectCommand):
        return "a direct command is armed first"
    if isinstance(order, Approve):
        tiers = (step.tier for step in state.runbook.steps() if step.id == order.step)
        return f"{order.step} is armed first" if next(tiers, Tier.MODERATE) in ARMED else None
    if isinstance(order, Proposal) and tier_of(order, state, offers) in ARMED:
        return f"it is armed first: {title_of(order, state, offers)}"
    return None


def with_plan(order: Proposal, plan: Plan) -> Proposal:
    """Return an order that carries what was read and let go with it."""
    if isinstance(order, Retry):
        return replace(order, approved=plan.approved, digest=plan.digest)
    if isinstance(order, AddItem):
        return replace(order, approved=plan.items[0].approved if plan.items else "")
    return order

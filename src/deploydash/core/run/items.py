"""The rules of items in a run: which go, which follow, what is tried again or another way, what may be sent now."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.core.procedure.items import Item, last_effects
from deploydash.core.procedure.names import ADDED, DIRECT, SAL, WHOLE, ItemId, StepId
from deploydash.core.procedure.runbook import Fallback, Order, Step
from deploydash.core.run.fact_gate import missing_fact
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.giving_up import GIVE_UP, given_up
from deploydash.core.run.order_rules import blocked_by, item_blocked_by, registry_lost, worked_on
from deploydash.core.run.orders import AddItem, Control, Retry
from deploydash.core.run.records import (
    ControlOrdered,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestIntended,
    RunRecord,
    StepDone,
)
from deploydash.core.run.sight import effects_seen
from deploydash.core.run.state import ASKS, ItemStatus, RunState, StepProgress, StepStatus

PROCEDURE = "the procedure"
"""Who dispatches what follows from an approval, without another key."""

Ruled = tuple[RunRecord, ...] | str
"""Records to be written, or why not."""


def of_cscs(step: Step) -> bool:
    """Say whether every item of a step is one CSC on its way to a state."""
    return step.acts and all(item.is_transition for item in step.items)


def to_dispatch(step: Step, state: RunState, fleet: FleetView) -> tuple[Item, ...]:
    """Return the items of a step that have to be worked on: nothing waived, protected or unknown to the site."""
    keep = set(state.runbook.protected)
    return tuple(
        item
        for item in step.items
        if not state.is_waived(item) and (not item.is_transition or (item.csc not in keep and item.csc in fleet.views))
    )


def is_over(item: Item, step: Step, state: RunState) -> bool:
    """Say whether an item holds its step no more: reached, signed off or waived."""
    progress = state.progress(step.id)
    return progress.item(item.id).status is ItemStatus.REACHED or progress.signed_off(item.id) or state.is_waived(item)


def following(step: Step, state: RunState, fleet: FleetView) -> tuple[RunRecord, ...]:
    """Return what follows by itself in a step that is under way: what is seen, its next item, its end, or nothing."""
    progress = state.progress(step.id)
    seen = tuple(
        ItemEnded(step.id, item.id, Outcome.REACHED, "seen there")
        for item in step.items
        if progress.item(item.id).status is ItemStatus.UNKNOWN and _told_by_sight(item, progress)
        if effects_seen(item.effects, fleet.views.get)
    )
    now_there = {record.item for record in seen}
    open_ = [
        item for item in to_dispatch(step, state, fleet) if item.id not in now_there and not is_over(item, step, state)
    ]
    if not open_:
        return (*seen, StepDone(step.id))
    return (*seen, *_next(step, open_[0], progress, state, fleet)) if step.order is Order.SEQUENCE else seen


def _told_by_sight(item: Item, progress: StepProgress) -> bool:
    """Say whether nothing more is to be known of an item than where its CSC is.

    What else changes something outside may not be done though its effects are seen, or go on: a service is not stopped
    because its CSC was silent before. Its system looks for it, or the lead decides.
    """
    return item.is_transition or bool(progress.item(item.id).other_way)


def _next(step: Step, item: Item, progress: StepProgress, state: RunState, fleet: FleetView) -> tuple[RunRecord, ...]:
    """Dispatch the next item of a sequence; where a person's turn has come, or an item asks, nothing follows."""
    if item.by_person or progress.item(item.id).status is not ItemStatus.PENDING or not _can_go(item, state, fleet):
        return ()
    why = item_blocked_by(item, state, fleet)
    if progress.approved and item.id not in progress.approved:
        why = "nothing of it was shown when the step was approved"
    if why:
        return (ItemEnded(step.id, item.id, Outcome.FAILED, f"not begun: {why}"),)
    return (ItemsDispatched(step.id, (item.id,), PROCEDURE),)


def _can_go(item: Item, state: RunState, fleet: FleetView) -> bool:
    if state.held_by is not None or worked_on(item, state):
        return False
    return not needs_kafka(item) or (fleet.feeds.get(FeedName.KAFKA) is FeedState.UP and not registry_lost(fleet))


def needs_kafka(item: Item) -> bool:
    """Say whether an item is carried out, or its effect seen, over Kafka."""
    return bool(item.effects) or item.system == SAL


def retried(order: Retry, step: Step, state: RunState, fleet: FleetView, operator: str) -> Ruled:
    """Return the records of trying items once more: those named, else every one that asks."""
    asking = {item.id: item for item in state.asking(step)}
    items = [asking[name] for name in order.items or tuple(asking) if name in asking]
    if state.held_by is not None:
        return f"the run is held by {state.held_by}"
    if over := _over(step, state):
        return over
    if not items:
        return "none of these failed or is unknown"
    if why := missing_fact(step, state, fleet):
        return why
    for item in items:
        if why := item_blocked_by(item, state, fleet) or worked_on(item, state):
            return why
    return (ItemsDispatched(step.id, tuple(item.id for item in items), operator, order.approved, order.digest),)


def may_sign_off(step: Step, name: ItemId, note: str, state: RunState, fleet: FleetView) -> str | None:
    """Return why an item of a step that acts may not be signed off now, or None."""
    progress = state.progress(step.id)
    if progress.approved_utc is None:
        return None if name == WHOLE and not of_cscs(step) else f"approve {step.id} first"
    moving = [item.id for item in step.items if progress.item(item.id).status is ItemStatus.UNDER_WAY]
    if moving and name in {WHOLE, *moving}:
        return "an item is under way: stop it first, or wait"
    if name != WHOLE and step.item(name) is None:
        return f"{step.id} has no item {name}"
    if name == WHOLE and of_cscs(step):
        return f"{step.id} ends by what is seen: sign off one CSC after the other, with a note, or waive them"
    named = [item for item in step.items if name in {WHOLE, item.id} and not is_over(item, step, state)]
    unseen = [item for item in named if not item.by_person and not effects_seen(item.effects, fleet.views.get)]
    return "what was not done here needs a note that says who did it where" if unseen and not note.strip() else None


def control_ordered(order: Control, step: Step, state: RunState, operator: str) -> Ruled:
    """Return the record of telling an item's system one of its controls."""
    progress = state.progress(step.id).item(order.item)
    if state.item(step.id, order.item) is None or progress.status is ItemStatus.PENDING:
        return f"nothing is known of an item {order.item} of {step.id}"
    if progress.status is not ItemStatus.UNDER_WAY and (over := _over(step, state)):
        return f"{over}, and this item is not under way"
    if order.name == GIVE_UP and (item := state.item(step.id, order.item)) is not None:
        return given_up(step.id, item, state, operator)
    return (ControlOrdered(step.id, order.item, order.name, operator),)


def item_added(order: AddItem, step: Step, state: RunState, fleet: FleetView, operator: str) -> Ruled:
    """Return the record of letting an item go that the runbook does not have: another way for items, or beside them."""
    progress = state.progress(step.id)
    if state.held_by is not None:
        return f"the run is held by {state.held_by}"
    if order.instead_of:
        if over := _over(step, state):
            return over
        if not all(_asks(state.item(step.id, name), progress, state) for name in order.instead_of):
            return "not all of these failed or are unknown"
        if elsewhere := _leads_elsewhere(order, state) or missing_fact(step, state, fleet):
            return elsewhere
    if itself := [csc for csc in _takes_down(order.item) if csc in order.item.runs_in]:
        return f"{order.item.label} is carried out by {itself[0]}, which it takes down"
    if why := item_blocked_by(order.item, state, fleet) or worked_on(order.item, state):
        return why
    name = ItemId(f"{ADDED}{len(progress.added) + 1}")
    item = replace(order.item, id=name)
    return (ItemAdded(step.id, item, operator, order.instead_of, order.approved),)


def _asks(item: Item | None, progress: StepProgress, state: RunState) -> bool:
    if item is None or progress.signed_off(item.id) or state.is_waived(item):
        return False
    return progress.item(item.id).status in ASKS


def _takes_down(item: Item) -> list[CscId]:
    return [effect.csc for effect in item.effects if effect.target.is_down]


def _leads_elsewhere(order: AddItem, state: RunState) -> str:
    """Return why an item is no other way for those it should stand for, or nothing."""
    reached = last_effects(order.item.effects)
    for name in order.instead_of:
        item = state.item(order.step, name)
        for effect in last_effects(item.effects) if item is not None else ():
            if effect not in reached:
                return f"this other way does not lead {effect.csc} to {effect.target}"
    return ""


def _over(step: Step, state: RunState) -> str | None:
    status = state.status(step)
    over = status not in {StepStatus.UNDER_WAY, StepStatus.ASKING}
    return f"{step.id} is {status.value.replace('_', ' ')}" if over else None


def fallbacks_of(step: Step, state: RunState) -> tuple[Fallback, ...]:
    """Return the other ways of a step: its own, or those of the step which decides about what it left."""
    deciding = (other.fallbacks for other in state.runbook.steps() if other.settles == step.id and other.fallbacks)
    return step.fallbacks or next(deciding, ())


def may_intend(record: RequestIntended, state: RunState, fleet: FleetView, *, asks_only: bool = False) -> str | None:
    """Return why a request that an action is about to send must not be sent, or None: the last look before each one.

    ``asks_only``: it changes nothing outside, or only stops.
    """
    step, name = record.step, record.item
    item, progress = state.item(step, name), state.progress(step).item(name)
    if item is None or progress.status is not ItemStatus.UNDER_WAY:
        return f"{name} is not approved in {step}"
    if progress.other_way:
        return f"{name} goes another way: {progress.request}"
    if progress.request and not progress.answered:
        return f"{progress.request}: it has no answer yet"
    if record.begins and progress.key:
        return f"it was begun before ({progress.key}), and its outcome is unknown"
    if why := _step_over(step, name, state):
        return why
    if needs_kafka(item) and fleet.feeds.get(FeedName.KAFKA) is not FeedState.UP:
        return "Kafka is not up, so its effect would not be seen"
    if asks_only:
        return None
    if state.held_by is not None:
        return f"the run is held by {state.held_by}"
    if step != DIRECT:
        if (why := _missing_fact(step, name, state, fleet)) is not None:
            return why
        if name not in state.progress(step).added and state.is_waived(item):
            return f"{item.label} is waived"
        return item_blocked_by(item, state, fleet)
    if progress.request:
        return f"{progress.request} was sent, and only one command is approved"
    blocked = (blocked_by(each.csc, each.target, state, fleet, bulk=False, direct=True) for each in item.effects)
    return next((why for why in blocked if why), None)


def _missing_fact(step: StepId, name: ItemId, state: RunState, fleet: FleetView) -> str | None:
    """What was added beside the runbook needs none of the facts that its step asks for."""
    added = state.progress(step).added.get(name)
    beside = added is not None and not added.instead_of
    return None if beside else missing_fact(state.runbook.step(step), state, fleet)


def _step_over(step: StepId, name: ItemId, state: RunState) -> str | None:
    """What was added beside the runbook may go on when its step is over; all else ends with it."""
    if state.closed:
        return "the run is closed"
    added = state.progress(step).added.get(name)
    if step == DIRECT or (added is not None and not added.instead_of):
        return None
    return _over(state.runbook.step(step), state)


def may_control(step: StepId, name: ItemId, state: RunState, fleet: FleetView) -> str | None:
    """Return why a control of an item must not be sent, or None; it may while the run is held."""
    item = state.item(step, name)
    if item is None:
        return f"nothing is known of an item {name} of {step}"
    if needs_kafka(item) and fleet.feeds.get(FeedName.KAFKA) is not FeedState.UP:
        return "Kafka is not up, so its effect would not be seen"
    return None

"""Giving up an item that hangs: the lead ends the wait for it, and its outcome is unknown; nothing is sent again.

Every item under way has this control after its usual time, whatever its system offers: one without a budget could
otherwise hold its step for ever.
"""

from __future__ import annotations

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.run.eta import usual_s
from deploydash.core.run.ports import ControlOffer
from deploydash.core.run.records import ControlOrdered, ItemEnded, Outcome, RunRecord
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState

GIVE_UP = "give-up"
"""The name of the control; no system has one of this name."""

AFTER_S = 300.0
"""Seconds after which an item may be given up of which no earlier run tells how long it takes."""

LEAST_S = 60.0
SLOWER = 2.0
"""So many times the longest of earlier runs is unusual."""


def give_up_offer(step: StepId, item: Item, progress: ItemProgress, state: RunState, utc: float) -> ControlOffer | None:
    """Return the offer to give an item up, None while it is within its usual time or not under way by itself."""
    elapsed = utc - progress.began_utc
    if progress.status is not ItemStatus.UNDER_WAY or progress.other_way or elapsed < LEAST_S:
        return None
    usual = usual_s(item.id, state.learned.get(step))
    limit = AFTER_S if usual is None else max(LEAST_S, SLOWER * usual)
    if elapsed < limit:
        return None
    text = f"give up {item.label}: its outcome is unknown, the lead decides"
    return ControlOffer(GIVE_UP, text, lines=("nothing is sent, and nothing that was begun outside is stopped",))


def given_up(step: StepId, item: Item, state: RunState, operator: str) -> tuple[RunRecord, ...] | str:
    """Return the records of giving an item up, with those it went instead of; or why not."""
    progress = state.progress(step)
    one = progress.item(item.id)
    if one.status is not ItemStatus.UNDER_WAY:
        return f"{item.label} is not under way"
    if one.other_way:
        return f"{item.label} goes another way: {one.request}"
    what = f"{one.request} was sent" if one.request else "nothing had been sent"
    why = f"given up by {operator}: {what}, its outcome is unknown"
    added = progress.added.get(item.id)
    names = (item.id, *(added.instead_of if added is not None else ()))
    ended = (ItemEnded(step, name, Outcome.UNKNOWN, why) for name in names)
    return (ControlOrdered(step, item.id, GIVE_UP, operator), *ended)

"""What is seen of what somebody signed off: a sign-off is believed of what nobody can see, and of nothing else."""

from __future__ import annotations

from deploydash.core.model import CscId, Liveness, SummaryState, Target
from deploydash.core.procedure.items import CscEffect, Item, last_effects
from deploydash.core.procedure.names import ItemId
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.records import ItemEnded, Outcome
from deploydash.core.run.sight import effect_seen
from deploydash.core.run.state import ItemStatus, RunState, StepStatus
from deploydash.core.words import and_list, first_of

LINKS = frozenset({"page"})
"""The words of later commands that are links; a key or a number whose link was pasted would be no branch."""


def not_seen(item: Item, state: RunState, fleet: FleetView) -> tuple[CscEffect, ...]:
    """Return what doing an item leads to and is not seen, but for CSCs that are waived or not of this site."""
    return tuple(
        effect
        for effect in last_effects(item.effects)
        if effect.csc not in state.waived and effect.csc in fleet.views and not _seen(effect, state, fleet)
    )


def against(item: Item, state: RunState, fleet: FleetView) -> tuple[str, ...]:
    """Return what is seen against a sign-off of an item now, one sentence for each CSC.

    A CSC that was started may take its time: where a wait of the run looks for it, that it is not there yet speaks
    against nothing.
    """
    awaited = {csc for step in state.runbook.steps() if step.waits for csc in step.cscs}
    open_ = (effect for effect in not_seen(item, state, fleet) if _stops(effect) or effect.csc not in awaited)
    return tuple(f"{effect.csc}: {_told(effect.csc, fleet)}, not {_wanted(effect)}" for effect in open_)


def unseen_items(step: Step, state: RunState, fleet: FleetView) -> tuple[Item, ...]:
    """Return the items of a step that are signed off and whose effect was not seen, neither then nor since."""
    progress = state.progress(step.id)
    return tuple(
        item
        for item in step.items
        if progress.signed_off(item.id) and progress.item(item.id).status is not ItemStatus.REACHED
        if not_seen(item, state, fleet)
    )


def seen_by_now(step: Step, state: RunState, fleet: FleetView) -> tuple[ItemEnded, ...]:
    """Return the ends of items that are signed off and whose effect is seen for the first time."""
    progress = state.progress(step.id)
    if not progress.sign_offs:
        return ()
    return tuple(
        ItemEnded(step.id, item.id, Outcome.REACHED, f"seen {_led_to(item)}")
        for item in step.items
        if item.effects and progress.signed_off(item.id)
        if progress.item(item.id).status is (ItemStatus.PENDING if item.by_person else ItemStatus.FAILED)
        if all(effect.csc in fleet.views and _seen(effect, state, fleet) for effect in last_effects(item.effects))
    )


def stopped_before(step: Step, state: RunState, fleet: FleetView) -> list[GateReason]:
    """Return what is red because a step that this one follows was signed off and its CSCs are seen up all the same.

    Looked at live: what was stopped and came up again keeps the gate closed, too, until a later step starts it.
    """
    found = []
    for other in _follows(step, state):
        up = [effect.csc for item in _signed(other, state) for effect in not_seen(item, state, fleet) if _stops(effect)]
        if up := [csc for csc in dict.fromkeys(up) if not _taken_over(csc, other, state)]:
            waits_for = ", ".join(f"{csc} ({_told(csc, fleet)})" for csc in up[:3])
            more = f" and {len(up) - 3} more" if len(up) > 3 else ""
            sentence = f"what {other.id} stops is seen to be down"
            found.append(GateReason(sentence, met=False, own=True, by_reason=True, waits_for=waits_for + more))
    return found


def _follows(step: Step, state: RunState) -> tuple[Step, ...]:
    """Return the steps that a step follows at once; behind those that do not apply or were skipped what is before."""
    found: dict[str, Step] = {}
    ahead = [step]
    while ahead:
        for other in state.runbook.named_before(ahead.pop()):
            if other.id in found:
                continue
            if state.status(other) in {StepStatus.NOT_APPLICABLE, StepStatus.SKIPPED}:
                ahead.append(other)
            found[other.id] = other
    return tuple(found.values())


def _signed(step: Step, state: RunState) -> tuple[Item, ...]:
    progress = state.progress(step.id)
    return tuple(item for item in step.items if progress.signed_off(item.id))


def _taken_over(csc: CscId, step: Step, state: RunState) -> bool:
    """Say whether a later step has begun that brings a CSC somewhere else."""
    began = state.progress(step.id).approved_utc or 0.0
    return any(
        effect.csc == csc and not _stops(effect)
        for other in state.runbook.steps()
        if (since := state.progress(other.id).approved_utc) is not None and since > began
        for item in other.items
        for effect in item.effects
    )


def _seen(effect: CscEffect, state: RunState, fleet: FleetView) -> bool:
    """Say whether an effect is seen; what is started is there, too, where a wait of the run wants it to be."""
    view = fleet.views.get(effect.csc)
    if effect_seen(effect, view):
        return True
    if _stops(effect):
        return False
    replaced = state.runbook.startup_targets(state.answers)
    wanted = (each for step in state.runbook.steps() for each in step.awaits if each.csc == effect.csc)
    return any(effect_seen(CscEffect(each.csc, replaced.get(each.csc, each.target)), view) for each in wanted)


def _stops(effect: CscEffect) -> bool:
    return effect.target == Target(SummaryState.OFFLINE)


def _wanted(effect: CscEffect) -> str:
    return "stopped" if effect.silent else str(effect.target)


def _led_to(item: Item) -> str:
    effects = last_effects(item.effects)
    states = list(dict.fromkeys(map(_wanted, effects)))
    return f"{first_of([effect.csc for effect in effects], 4)} {and_list(states)}"


def _told(csc: CscId, fleet: FleetView) -> str:
    """Return in a phrase how a CSC is seen."""
    view = fleet.views[csc]
    if view.liveness in {Liveness.BEATING, Liveness.LATE}:
        return f"{view.reported.name if view.reported is not None else 'no state'}, heartbeat received"
    if view.liveness is Liveness.SILENT:
        return f"{view.effective.value}, no heartbeat"
    return "cannot be seen now"


def not_a_word(step: Step, note: str) -> str | None:
    """Return why what was written down cannot be filled into later commands, or None."""
    if not step.manual or not step.fills:
        return None
    if len(note.split()) != 1:
        return f"one word is wanted: it is filled into later commands as <{step.fills}>"
    if "://" in note and step.fills not in LINKS:
        return f"no link is wanted: <{step.fills}> is filled into later commands as it stands"
    return None


def one_by_one(step: Step, name: ItemId) -> str | None:
    """Return why an item of a step may not be signed off, or None: nobody says go for another."""
    if step.one_each and step.items and step.item(name) is None:
        return f"{and_list([item.label for item in step.items])} each say yes or no: sign them off one by one"
    return None

"""What a run wants of one CSC, step by step, and what has come of it: sentences for the page about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from deploydash.core.model import CscId, Target
from deploydash.core.procedure.items import Item, last_effects
from deploydash.core.procedure.names import WHOLE, ItemId
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.placeholders import filled_item, placeholders_of
from deploydash.core.run.state import ItemStatus, RunState, StepProgress, StepStatus
from deploydash.core.words import clock


def in_run(csc: CscId, state: RunState) -> tuple[str, ...]:
    """Return a sentence for each step that has an effect on a CSC, in the runbook's order, and one for its waiver."""
    told = [
        f"{step.id}: {sentence}"
        for step in state.runbook.steps()
        if state.status(step) is not StepStatus.NOT_APPLICABLE
        for sentence in _step(csc, step, state)
    ]
    if csc in state.runbook.protected:
        told.append("protected: no bulk step touches it")
    if csc in state.waived:
        told.append(f"waived by {state.waived[csc].operator}: {state.waived[csc].reason}")
    return tuple(told) or ("no step names it",)


def _step(csc: CscId, step: Step, state: RunState) -> Iterator[str]:
    progress, status = state.progress(step.id), state.status(step)
    for effect in step.awaits:
        if effect.csc == csc:
            yield _waited(csc, effect.target, progress)
    for item in (*step.items, *(added.item for added in progress.added.values())):
        target = next((effect.target for effect in last_effects(item.effects) if effect.csc == csc), None)
        if target is not None:
            yield _item(filled_item(item, placeholders_of(state)), target, status, progress)


def _waited(csc: CscId, target: Target, progress: StepProgress) -> str:
    if csc in progress.arrived:
        return f"at {target} since {clock(progress.arrived[csc])}"
    return f"waited for at {target}" if progress.approved_utc is not None else f"to be waited for at {target}"


def _item(item: Item, target: Target, status: StepStatus, progress: StepProgress) -> str:
    if item.by_person:
        return f"{item.label}, {_signed_off(item.id, status, progress)}"
    its_own = item.id == str(item.csc)
    return f"{'' if its_own else f'{item.label} '}to {target}, {_went(item.id, status, progress)}"


def _went(item: ItemId, status: StepStatus, progress: StepProgress) -> str:
    if progress.signed_off(item):
        return _signed_off(item, status, progress)
    went = progress.item(item)
    if went.status is ItemStatus.PENDING:
        return "skipped" if status is StepStatus.SKIPPED else "not approved yet"
    if went.status is ItemStatus.UNDER_WAY and went.other_way:
        return f"under way by {progress.added[went.other_way].item.label}"
    if went.status is ItemStatus.UNDER_WAY:
        return f"under way: {went.request} was sent" if went.request else "under way"
    why = f": {went.why}" if went.why else ""
    return f"{went.status.value} at {clock(went.utc)}{why}"


def _signed_off(item: ItemId, status: StepStatus, progress: StepProgress) -> str:
    sign_off = progress.sign_offs.get(item) or progress.sign_offs.get(WHOLE)
    if sign_off is not None:
        return f"signed off by {sign_off.by}"
    return "skipped" if status is StepStatus.SKIPPED else "not signed off yet"

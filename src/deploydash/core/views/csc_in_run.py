"""What a run wants of one CSC, step by step, and what has come of it: sentences for the page about it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from deploydash.core.model import CscId, Target
from deploydash.core.procedure.runbook import WHOLE, CscItem, ManualItem, Step, StepKind, csc_item, numbered
from deploydash.core.run.state import RunState, StepProgress, StepStatus, TargetStatus


def in_run(csc: CscId, state: RunState) -> tuple[str, ...]:
    """Return a sentence for each step that names a CSC, in the runbook's order, and one for its waiver."""
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


def _step(csc: CscId, step: Step, state: RunState) -> list[str]:
    progress = state.progress(step.id)
    if step.kind is StepKind.WAIT:
        return [_waited(csc, item.target, progress) for item in _items(csc, step)]
    if step.kind is StepKind.CSC:
        return [f"to {item.target}, {_went(csc, state.status(step), progress)}" for item in _items(csc, step)]
    return [
        f"{item.name}, {_signed_off(place, state.status(step), progress)}"
        for place, item in enumerate(step.items)
        if isinstance(item, ManualItem) and csc in item.cscs
    ]


def _items(csc: CscId, step: Step) -> list[CscItem]:
    return [item for item in step.items if isinstance(item, CscItem) and item.csc == csc]


def _waited(csc: CscId, target: Target, progress: StepProgress) -> str:
    if csc in progress.arrived:
        return f"there at {target} since {_clock(progress.arrived[csc])}"
    return f"waited for at {target}" if progress.approved_utc is not None else f"to be waited for at {target}"


def _went(csc: CscId, status: StepStatus, progress: StepProgress) -> str:
    went = progress.item(csc_item(csc))
    if went.status is TargetStatus.PENDING:
        return "skipped" if status is StepStatus.SKIPPED else "not approved yet"
    if went.status is TargetStatus.UNDER_WAY:
        return f"under way: {went.command} was sent" if went.command else "under way"
    why = f": {went.why}" if went.why else ""
    return f"{went.status.value} at {_clock(went.utc)}{why}"


def _signed_off(place: int, status: StepStatus, progress: StepProgress) -> str:
    sign_off = progress.sign_offs.get(numbered(place)) or progress.sign_offs.get(WHOLE)
    if sign_off is not None:
        return f"signed off by {sign_off.by}"
    return "skipped" if status is StepStatus.SKIPPED else "not signed off yet"


def _clock(utc: float) -> str:
    return f"{datetime.fromtimestamp(utc, UTC):%H:%M:%S}Z"

"""What a run does with an order: records to be written, or a refusal in words; and what follows from looking.

Pure: the caller journals the records, folds them with ``run_state.evolve`` and only then acts on them.
"""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness, SummaryState, Target, Verdict
from deploydash.core.procedure.runbook import (
    DIRECT,
    WHOLE,
    CscItem,
    Step,
    StepId,
    StepKind,
    StepsSettled,
    csc_item,
    csc_items,
)
from deploydash.core.run.arm import closed_reasons
from deploydash.core.run.direct_commands import approved, may_intend_direct, unsettled
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.core.run.items import (
    Ruled,
    control_ordered,
    following,
    may_intend_script,
    may_sign_off,
    retried,
    route_of,
    route_taken,
    script_added,
)
from deploydash.core.run.order_rules import directly_commanded, item_blocked_by
from deploydash.core.run.orders import (
    AddScript,
    Answer,
    Approve,
    Close,
    Control,
    DirectCommand,
    Extend,
    Finish,
    Hold,
    Note,
    Release,
    Retry,
    RunOrder,
    SetPlaceholders,
    SignOff,
    Skip,
    TakeRoute,
    Waive,
    WaiveDebt,
)
from deploydash.core.run.placeholders import OF_THE_RUN
from deploydash.core.run.records import (
    ChoiceAnswered,
    CscsArrived,
    CscsLeft,
    CscsWaived,
    DebtWaived,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    NoteWritten,
    Outcome,
    PlaceholderSet,
    RequestIntended,
    RunClosed,
    RunHeld,
    RunRecord,
    RunReleased,
    StepApproved,
    StepDone,
    StepSkipped,
    WaitExtended,
)
from deploydash.core.run.state import ItemProgress, RunState, StepStatus, TargetStatus, csc_of


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an order may not go now, in a sentence for the card."""

    why: str


SIGNED_OFF = frozenset({StepKind.MANUAL, StepKind.SCRIPT})
"""What may be done by a person and ticked by name. Scripts may be let go as well, and are then added and followed."""

Decision = tuple[RunRecord, ...] | Refused


def decide(order: RunOrder, state: RunState, fleet: FleetView, operator: str) -> Decision:
    """Return the records of an order, or why it is refused. Nothing is ever half done."""
    if state.closed:
        return Refused("the run is closed")
    if isinstance(order, Hold):
        return (RunHeld(order.by),)
    if isinstance(order, Note):
        return (NoteWritten(order.text, operator),) if order.text.strip() else Refused("a note needs words")
    if isinstance(order, Release):
        return (RunReleased(operator),) if state.held_by else Refused("the run is not held")
    if isinstance(order, Waive):
        return _waive(order, state, operator)
    if isinstance(order, WaiveDebt):
        return _waive_debt(order, state, operator)
    if isinstance(order, DirectCommand):
        return _ruled(approved(order, state, fleet, operator))
    if isinstance(order, Answer):
        return _answer(order, state, operator)
    if isinstance(order, SetPlaceholders):
        return _set_placeholders(order, state, operator)
    if isinstance(order, Close):
        return _close(state, operator)
    return _decide_step(order, state, fleet, operator)


def _decide_step(
    order: Approve | SignOff | Finish | Skip | Retry | TakeRoute | AddScript | Control | Extend,
    state: RunState,
    fleet: FleetView,
    operator: str,
) -> Decision:
    try:
        step = state.runbook.step(order.step)
    except KeyError:
        return Refused(f"this runbook has no step {order.step}")
    if isinstance(order, Approve):
        return _approve(order, step, state, fleet, operator)
    if isinstance(order, SignOff):
        return _sign_off(order, step, state, fleet, operator)
    if isinstance(order, Finish):
        return _finish(step, state, fleet)
    if isinstance(order, Retry):
        return _retry(order, step, state, fleet, operator)
    if isinstance(order, TakeRoute):
        return _ruled(route_taken(order, step, route_of(step, state), state, fleet, operator))
    if isinstance(order, AddScript):
        return _ruled(script_added(order, step, state, fleet, operator))
    if isinstance(order, Control):
        return _ruled(control_ordered(order, step, state, fleet, operator))
    if isinstance(order, Extend):
        waits = step.kind is StepKind.WAIT and state.status(step) is StepStatus.UNDER_WAY
        return (WaitExtended(step.id, order.seconds, operator),) if waits else Refused(f"{step.id} is no open wait")
    if not order.reason.strip():
        return Refused("skipping needs a reason")
    if state.status(step) not in {StepStatus.PENDING, StepStatus.ASKING}:
        return Refused(f"{step.id} is {state.status(step).value.replace('_', ' ')}")
    return (StepSkipped(step.id, operator, order.reason.strip()),)


def _ruled(ruled: Ruled) -> Decision:
    return Refused(ruled) if isinstance(ruled, str) else ruled


def _approve(order: Approve, step: Step, state: RunState, fleet: FleetView, operator: str) -> Decision:
    if step.kind in {StepKind.MANUAL, StepKind.CLOSE}:
        return Refused(f"{step.id} is manual: sign it off, or close the run")
    if order.overridden and not order.reason.strip():
        return Refused("an override needs a typed reason")
    closed = closed_reasons(reasons(step, state, fleet), frozenset(order.overridden))
    if closed:
        first = closed[0]
        return Refused(first.sentence + (f"; it waits for {first.waits_for}" if first.waits_for else ""))
    approved = StepApproved(step.id, operator, order.snapshot, order.overridden, order.reason.strip())
    if step.kind is not StepKind.CSC:
        return (approved,)
    return (approved, ItemsDispatched(step.id, csc_items(first_targets(step, state, fleet)), operator))


def first_targets(step: Step, state: RunState, fleet: FleetView) -> tuple[CscId, ...]:
    """Return the CSCs of a step that have to be worked on: not waived, not protected."""
    keep = set(state.runbook.protected)
    return tuple(csc for csc in step.cscs if csc not in state.waived and csc not in keep and csc in fleet.views)


def _sign_off(order: SignOff, step: Step, state: RunState, fleet: FleetView, operator: str) -> Decision:
    if step.kind not in SIGNED_OFF:
        return Refused(f"{step.id} ends by what is seen, not by a sign-off")
    if not order.by.strip():
        return Refused("a sign-off needs the name of who did it")
    if step.records and not order.note.strip():
        return Refused(f"the sign-off of {step.id} needs {step.records}")
    progress = state.progress(step.id)
    scripts = step.kind is StepKind.SCRIPT
    if scripts and (why := may_sign_off(step, order.item, order.note, progress)):
        return Refused(why)
    if progress.approved_utc is None:
        closed = closed_reasons(reasons(step, state, fleet))
        if closed:
            return Refused(
                closed[0].sentence + (f"; it waits for {closed[0].waits_for}" if closed[0].waits_for else "")
            )
    elif state.status(step) is not StepStatus.UNDER_WAY and not (scripts and state.status(step) is StepStatus.ASKING):
        return Refused(f"{step.id} is {state.status(step).value}")
    records: list[RunRecord] = []
    if progress.approved_utc is None:
        records.append(StepApproved(step.id, operator, fleet.number))
    records.append(ItemSignedOff(step.id, order.item, order.by.strip(), operator, order.note.strip()))
    signed_off = {*progress.sign_offs, order.item}
    if order.item == WHOLE or (len(signed_off) >= len(step.items) and not scripts):
        records.append(StepDone(step.id))
    return tuple(records)


def _retry(order: Retry, step: Step, state: RunState, fleet: FleetView, operator: str) -> Decision:
    if step.kind is StepKind.SCRIPT:
        return _ruled(retried(order, step, state, fleet, operator))
    progress = state.progress(step.id)
    open_ = {TargetStatus.FAILED, TargetStatus.UNKNOWN}
    items = {name: item for name in order.items if (item := step.item(name)) and progress.item(name).status in open_}
    if not items:
        return Refused("none of these failed or is unknown")
    for item in items.values():
        if why := item_blocked_by(item, state, fleet):
            return Refused(why)
    return (ItemsDispatched(step.id, tuple(items), operator),)


def _waive(order: Waive, state: RunState, operator: str) -> Decision:
    cscs = tuple(csc for csc in dict.fromkeys(order.cscs) if csc not in state.waived)
    if not cscs:
        return Refused("nothing to waive")
    if not order.reason.strip():
        return Refused("a waiver needs a reason")
    if len(cscs) > 1 and order.count != len(cscs):
        return Refused(f"type the count, {len(cscs)}, to waive these together")
    return (CscsWaived(cscs, operator, order.reason.strip()),)


def _waive_debt(order: WaiveDebt, state: RunState, operator: str) -> Decision:
    if not any(debt.id == order.debt for _, debt in state.debts()):
        return Refused("this debt is not open")
    if not order.reason.strip():
        return Refused("a waiver needs a reason")
    return (DebtWaived(order.debt, operator, order.reason.strip()),)


def _answer(order: Answer, state: RunState, operator: str) -> Decision:
    choices = {choice.id: choice for choice in state.runbook.choices}
    if order.choice not in choices:
        return Refused(f"this runbook asks no question {order.choice}")
    known = [option.answer for option in choices[order.choice].options]
    if order.answer not in known:
        return Refused(f"answer one of {', '.join(known)}")
    if state.progress(choices[order.choice].asked_by).ended_utc is not None:
        return Refused("the step that asked is over; write a note instead")
    return (ChoiceAnswered(order.choice, order.answer, operator),)


def _set_placeholders(order: SetPlaceholders, state: RunState, operator: str) -> Decision:
    told = tuple((word, text.strip()) for word, text in order.words)
    for word, text in told:
        if word not in state.runbook.blanks or word in OF_THE_RUN:
            return Refused(f"<{word}> is no word that this runbook waits for")
        if not text or not text.isprintable() or "<" in text or ">" in text:
            return Refused(f"<{word}> needs a text in one line, without angle brackets")
    return tuple(PlaceholderSet(word, text, operator) for word, text in told)


def _close(state: RunState, operator: str) -> Decision:
    debts = [debt.what for _, debt in state.debts()]
    if debts:
        return Refused("these debts are open: " + "; ".join(debts))
    moving = [str(csc) for csc in state.direct if directly_commanded(csc, state)]
    if moving:
        return Refused(f"direct commands not ended: {', '.join(moving)}")
    open_ = [step.id for step in state.runbook.steps() if not state.settled(step) and step.kind is not StepKind.CLOSE]
    if open_:
        return Refused("these steps are not settled: " + ", ".join(open_[:5]))
    return (RunClosed(operator),)


def _finish(step: Step, state: RunState, fleet: FleetView) -> Decision:
    if step.kind not in {StepKind.WAIT, StepKind.SETTLE}:
        return Refused(f"{step.id} ends by itself when its effect is seen")
    missing = not_there(step, state, fleet)
    if missing:
        return Refused(f"{len(missing)} are not there: {', '.join(str(csc) for csc, _ in missing[:4])}")
    return (StepDone(step.id),)


def not_there(step: Step, state: RunState, fleet: FleetView) -> list[tuple[CscId, CscView | None]]:
    """Return the CSCs of a wait that are not at their target and not waived, by the live state."""
    replaced = state.runbook.startup_targets(state.answers)
    wanted = {item.csc: replaced.get(item.csc, item.target) for item in step.items if isinstance(item, CscItem)}
    return [
        (csc, fleet.views.get(csc))
        for csc, target in wanted.items()
        if csc not in state.waived and not is_at(fleet.views.get(csc), target)
    ]


def is_at(view: CscView | None, target: Target) -> bool:
    """Say whether a CSC is seen at a target now, by the live state alone; what is unknown or lost is at none.

    OFFLINE asks for silence, except of a camera, which lives on in it; OFFLINE/AVAILABLE asks a camera to beat.
    """
    if view is None or view.liveness is Liveness.FEED_DOWN or view.verdict is Verdict.UNKNOWN or view.duplicate:
        return False
    if view.effective.value != target.state.name:
        return False
    beats = view.liveness in {Liveness.BEATING, Liveness.LATE}
    if target.substate is not None:
        return beats and view.substate is target.substate
    return target.state is not SummaryState.OFFLINE or view.camera or not beats


def settle(state: RunState, fleet: FleetView) -> tuple[RunRecord, ...]:
    """Return what follows from looking, without any order: waits that begin, targets seen, steps that ended.

    Nothing here acts on the outside. An unknown target that is seen where it should be has arrived.
    """
    if state.closed or state.opened is None:
        return ()
    records: list[RunRecord] = [
        ItemEnded(DIRECT, csc_item(csc), Outcome.REACHED, "seen there")
        for csc, target in unsettled(state)
        if is_at(fleet.views.get(csc), target)
    ]
    for step in state.runbook.steps():
        status = state.status(step)
        if step.kind is StepKind.WAIT and status is StepStatus.PENDING and _deployed(step, state, fleet):
            records.append(StepApproved(step.id, "the procedure", fleet.number))
        elif step.kind is StepKind.WAIT and status is StepStatus.UNDER_WAY:
            records += _arrivals(step, state, fleet)
        elif step.kind is StepKind.CSC and status in {StepStatus.UNDER_WAY, StepStatus.ASKING}:
            records += _seen(step, state, fleet)
        elif step.kind is StepKind.SCRIPT and status is StepStatus.UNDER_WAY:
            records += following(step, state, fleet)
    return tuple(records)


def _deployed(step: Step, state: RunState, fleet: FleetView) -> bool:
    named = [condition for condition in step.preconditions if isinstance(condition, StepsSettled)]
    return bool(named) and step.applies(state.answers) is True and not closed_reasons(reasons(step, state, fleet))


def _arrivals(step: Step, state: RunState, fleet: FleetView) -> list[RunRecord]:
    """Return who of a wait is seen to have arrived or to have left; what is unknown has done neither."""
    missing = dict(not_there(step, state, fleet))
    arrived = state.progress(step.id).arrived
    came = [csc for csc in step.cscs if csc not in arrived and csc not in missing and csc not in state.waived]
    left = [
        csc
        for csc, view in missing.items()
        if csc in arrived and view is not None and view.verdict is not Verdict.UNKNOWN
    ]
    records: list[RunRecord] = [CscsArrived(step.id, tuple(came))] if came else []
    return [*records, CscsLeft(step.id, tuple(left))] if left else records


def _seen(step: Step, state: RunState, fleet: FleetView) -> list[RunRecord]:
    wanted = {item.csc: item.target for item in step.items if isinstance(item, CscItem)}
    targets = state.progress(step.id).targets
    found: list[RunRecord] = [
        ItemEnded(step.id, csc_item(csc), Outcome.REACHED, "seen there")
        for csc, target in targets.items()
        if target.status is TargetStatus.UNKNOWN and is_at(fleet.views.get(csc), wanted[csc])
    ]
    now_there = {csc_of(record.item) for record in found if isinstance(record, ItemEnded)}
    if all(_is_over(csc, targets.get(csc), now_there, state) for csc in first_targets(step, state, fleet)):
        found.append(StepDone(step.id))
    return found


def _is_over(csc: CscId, target: ItemProgress | None, now_there: set[CscId | None], state: RunState) -> bool:
    reached = target is not None and target.status is TargetStatus.REACHED
    return reached or csc in now_there or csc in state.waived


def may_intend(record: RequestIntended, state: RunState, fleet: FleetView) -> str | None:
    """Return why a command that an action is about to send must not be sent, or None.

    The last look before each command: the step is approved and under way for this CSC, nothing is in flight
    for it, and no order rule forbids it.
    """
    if record.step == DIRECT:
        return may_intend_direct(record, state, fleet)
    step = state.runbook.step(StepId(record.step))
    item, progress = step.item(record.item), state.progress(step.id).item(record.item)
    if not isinstance(item, CscItem):
        return may_intend_script(record, state, fleet)
    if progress.status is not TargetStatus.UNDER_WAY:
        return f"{record.item} is not approved in {step.id}"
    if progress.command and not progress.answered:
        return f"{progress.command} to {record.item} has no answer yet"
    return item_blocked_by(item, state, fleet)

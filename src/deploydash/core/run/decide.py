"""What a run does with an order: records to be written, or a refusal in words; and what follows from looking.

Pure: the caller journals the records, folds them with ``run_state.evolve`` and only then acts on them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploydash.core.model import Verdict
from deploydash.core.procedure.names import ADDED, DIRECT, WHOLE, ItemId, StepId
from deploydash.core.procedure.preconditions import StepsSettled
from deploydash.core.procedure.runbook import Order, Step
from deploydash.core.run.arm import closed_reasons
from deploydash.core.run.begun import items_digest
from deploydash.core.run.debts import debt_ordered, owed_words, paid_by_sight, passed_by_steps
from deploydash.core.run.direct_commands import approved, directly_under_way, settled_by_sight
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.gate import reasons
from deploydash.core.run.items import (
    PROCEDURE,
    Ruled,
    control_ordered,
    following,
    item_added,
    may_sign_off,
    retried,
    to_dispatch,
)
from deploydash.core.run.orders import (
    Acknowledge,
    AddItem,
    Answer,
    AnswerItem,
    Approve,
    Close,
    Control,
    DirectCommand,
    EditText,
    EmergencyStop,
    Extend,
    Finish,
    Hold,
    Note,
    PassDebt,
    PayDebt,
    Release,
    Retry,
    RunOrder,
    SetPlaceholders,
    SignOff,
    Skip,
    Waive,
    WaiveDebt,
)
from deploydash.core.run.other_hands import unacknowledged
from deploydash.core.run.placeholders import OF_THE_RUN
from deploydash.core.run.records import (
    ChoiceAnswered,
    CscsArrived,
    CscsLeft,
    CscsWaived,
    ItemAdded,
    ItemsDispatched,
    ItemSignedOff,
    NoteWritten,
    NoticeAcknowledged,
    PlaceholderSet,
    QuestionAnswered,
    Reply,
    RunClosed,
    RunHeld,
    RunRecord,
    RunReleased,
    StepApproved,
    StepDone,
    StepSkipped,
    WaitExtended,
)
from deploydash.core.run.sight import effects_seen, not_there
from deploydash.core.run.sign_offs import against, not_a_word, one_by_one, seen_by_now
from deploydash.core.run.state import ItemStatus, RunState, StepStatus
from deploydash.core.run.texts import text_edited
from deploydash.core.words import first_of


@dataclass(frozen=True, slots=True)
class Refused:
    """Why an order may not go now, in a sentence for the card."""

    why: str


Decision = tuple[RunRecord, ...] | Refused


def decide(order: RunOrder, state: RunState, fleet: FleetView, operator: str) -> Decision:
    """Return the records of an order, or why it is refused. Nothing is ever half done."""
    if state.closed:
        return Refused("the run is closed")
    if isinstance(order, Hold):
        return (RunHeld(order.by),)
    if isinstance(order, EmergencyStop):
        return _stop(order, state, operator)
    if isinstance(order, Note):
        return (NoteWritten(order.text, operator),) if order.text.strip() else Refused("a note needs words")
    if isinstance(order, Acknowledge):
        unseen = [other.identity for other in unacknowledged(state, fleet) if other.identity in order.identities]
        return tuple(NoticeAcknowledged(each, operator) for each in unseen) or Refused("nobody else is to be noted")
    if isinstance(order, Release):
        return (RunReleased(operator),) if state.held_by else Refused("the run is not held")
    if isinstance(order, Waive):
        return _waive(order, state, operator)
    if isinstance(order, WaiveDebt | PassDebt | PayDebt):
        return _ruled(debt_ordered(order, state, operator))
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
    order: Approve | SignOff | Finish | Skip | Retry | AddItem | Control | AnswerItem | EditText | Extend,
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
        return _ruled(retried(order, step, state, fleet, operator))
    if isinstance(order, AddItem):
        return _ruled(item_added(order, step, state, fleet, operator))
    if isinstance(order, Control):
        return _ruled(control_ordered(order, step, state, operator))
    if isinstance(order, AnswerItem):
        return _answer_item(order, state, operator)
    if isinstance(order, EditText):
        return _ruled(text_edited(order, step, state, operator))
    if isinstance(order, Extend):
        waits = step.waits and state.status(step) is StepStatus.UNDER_WAY
        return (WaitExtended(step.id, order.seconds, operator),) if waits else Refused(f"{step.id} is no open wait")
    if not order.reason.strip():
        return Refused("skipping needs a reason")
    if state.status(step) not in {StepStatus.PENDING, StepStatus.ASKING}:
        return Refused(f"{step.id} is {state.status(step).value.replace('_', ' ')}")
    return (StepSkipped(step.id, operator, order.reason.strip()),)


def _stop(order: EmergencyStop, state: RunState, operator: str) -> Decision:
    """Let emergency stops go, whatever else goes on, also while the run is held; pressed twice they go twice."""
    count = len(state.progress(DIRECT).added)
    named = (replace(item, id=ItemId(f"{ADDED}{count + at}")) for at, item in enumerate(order.items, 1))
    return tuple(ItemAdded(DIRECT, item, operator) for item in named) or Refused("no system here has an emergency stop")


def _closed(reason: GateReason) -> str:
    return reason.sentence + (f"; it waits for {reason.waits_for}" if reason.waits_for else "")


def _ruled(ruled: Ruled) -> Decision:
    return Refused(ruled) if isinstance(ruled, str) else ruled


def _approve(order: Approve, step: Step, state: RunState, fleet: FleetView, operator: str) -> Decision:
    if step.manual or step.closes:
        return Refused(f"{step.id} is manual: sign it off, or close the run")
    if order.overridden and not order.reason.strip():
        return Refused("an override needs a typed reason")
    closed = closed_reasons(reasons(step, state, fleet), frozenset(order.overridden))
    if closed:
        return Refused(_closed(closed[0]))
    let_go = StepApproved(
        step=step.id,
        operator=operator,
        snapshot=order.snapshot,
        overridden=order.overridden,
        reason=order.reason.strip(),
        approved=order.approved,
        digest=order.digest,
        items=items_digest(step),
    )
    if not step.acts or step.order is Order.SEQUENCE:
        return (let_go,)
    items = tuple(item.id for item in to_dispatch(step, state, fleet) if not item.by_person)
    return (let_go, ItemsDispatched(step.id, items, operator))


def _sign_off(order: SignOff, step: Step, state: RunState, fleet: FleetView, operator: str) -> Decision:
    if not (step.manual or step.acts):
        return Refused(f"{step.id} ends by what is seen, not by a sign-off")
    if not order.by.strip():
        return Refused("a sign-off needs the name of who did it")
    if step.records and not order.note.strip() and order.reply is Reply.YES:
        return Refused(f"the sign-off of {step.id} needs {step.records}")
    if order.reply is Reply.YES and (why := not_a_word(step, order.note)):
        return Refused(why)
    if order.item != WHOLE and step.item(order.item) is None:
        return Refused(f"{step.id} has no item {order.item}")
    if why := one_by_one(step, order.item):
        return Refused(why)
    reason = order.reason.strip()
    if order.reply is not Reply.YES and not (step.one_each and (reason or order.note.strip())):
        why = "a no, or a waiver of it, needs words why" if step.one_each else f"{step.id} asks nobody for a yes or no"
        return Refused(why)
    progress = state.progress(step.id)
    if step.acts and (why := may_sign_off(step, order.item, order.note, state, fleet)):
        return Refused(why)
    overridden: tuple[str, ...] = ()
    if progress.approved_utc is None:
        found = reasons(step, state, fleet)
        overridden = tuple(each.sentence for each in found if not each.met and each.by_reason and reason)
        if closed := closed_reasons(found, frozenset(overridden)):
            return Refused(_closed(closed[0]))
    elif state.status(step) is not StepStatus.UNDER_WAY and not (step.acts and state.status(step) is StepStatus.ASKING):
        return Refused(f"{step.id} is {state.status(step).value}")
    named = [item for item in step.items if order.item in {WHOLE, item.id} and not progress.signed_off(item.id)]
    seen = tuple(sentence for item in named for sentence in against(item, state, fleet))
    if seen and order.reply is Reply.YES and not (reason or (step.acts and order.note.strip())):
        return Refused(f"seen against it: {first_of(seen, 3)}; wait until it is seen, or give a reason why it stands")
    records: list[RunRecord] = []
    if progress.approved_utc is None:
        why = reason if overridden else ""
        records.append(StepApproved(step.id, operator, fleet.number, overridden, why, items=items_digest(step)))
    signed = ItemSignedOff(
        step.id, order.item, order.by.strip(), operator, order.note.strip(), order.reply, seen, reason
    )
    records.append(signed)
    left = [item for item in step.items if item.id != order.item and not progress.signed_off(item.id)]
    if order.item == WHOLE or (not left and not step.acts and order.reply is not Reply.NO):
        records.append(StepDone(step.id))
    return tuple(records)


def _answer_item(order: AnswerItem, state: RunState, operator: str) -> Decision:
    asked = state.progress(order.step).item(order.item).question
    if asked is None or asked.question != order.question:
        return Refused("this is not asked any more")
    if order.digest and order.digest != asked.digest:
        return Refused("it is asked about something else now: read it once more")
    known = [offered.answer for offered in asked.answers]
    if order.answer not in known:
        return Refused(f"answer one of {', '.join(known)}")
    return (QuestionAnswered(order.step, order.item, order.question, order.answer, operator, asked.digest),)


def _waive(order: Waive, state: RunState, operator: str) -> Decision:
    cscs = tuple(csc for csc in dict.fromkeys(order.cscs) if csc not in state.waived)
    if not cscs:
        return Refused("nothing to waive")
    if not order.reason.strip():
        return Refused("a waiver needs a reason")
    if len(cscs) > 1 and order.count != len(cscs):
        return Refused(f"type the count, {len(cscs)}, to waive these together")
    return (CscsWaived(cscs, operator, order.reason.strip()),)


def _answer(order: Answer, state: RunState, operator: str) -> Decision:
    choices = {choice.id: choice for choice in state.runbook.choices}
    if order.choice not in choices:
        return Refused(f"this runbook asks no question {order.choice}")
    known = [option.answer for option in choices[order.choice].options]
    if order.answer not in known:
        return Refused(f"answer one of {', '.join(known)}")
    asked_by = state.progress(choices[order.choice].asked_by)
    over = asked_by.ended_utc is not None or (asked_by.skipped is not None and order.choice in state.answers)
    if over:  # what followed by the first answer would not fit another
        return Refused("the step that asked is over; write a note instead")
    before = state.answers.get(order.choice)
    if before not in {None, order.answer} and (begun := _begun_by(order.choice, state)):
        return Refused(f"{begun} has begun, which follows from the answer {before!r}; write a note instead")
    return (ChoiceAnswered(order.choice, order.answer, operator, order.about),)


def _begun_by(choice: str, state: RunState) -> StepId | None:
    """Return a step that has begun and applies by this answer, or builds on one that does; None where there is none.

    With another answer that one would have had to come first, and it cannot any more.
    """
    steps = [*state.runbook.steps()]
    asked = {step.id for step in steps if any(condition.choice == choice for condition in step.when)}
    begun = {StepStatus.UNDER_WAY, StepStatus.ASKING, StepStatus.DONE}
    built = (step for step in steps if asked & {step.id, *(each.id for each in state.runbook.before(step))})
    return next((step.id for step in built if state.status(step) in begun), None)


def _set_placeholders(order: SetPlaceholders, state: RunState, operator: str) -> Decision:
    told = tuple((word, text.strip()) for word, text in order.words)
    for word, text in told:
        if word not in state.runbook.blanks or word in OF_THE_RUN:
            return Refused(f"<{word}> is no placeholder of this runbook")
        if not text or not text.isprintable() or "<" in text or ">" in text:
            return Refused(f"<{word}> needs one line of text, without < and >")
    return tuple(PlaceholderSet(word, text, operator) for word, text in told)


def _close(state: RunState, operator: str) -> Decision:
    debts = [owed_words(debt, state) for _, debt in state.debts()]
    if debts:
        return Refused("these debts are open: " + "; ".join(debts))
    moving = [str(csc) for csc in directly_under_way(state)]
    if moving:
        return Refused(f"direct commands not ended: {', '.join(moving)}")
    working = [f"{item.label} of {step}" for step, item, one in state.work() if one.status is ItemStatus.UNDER_WAY]
    if working:
        return Refused(f"not ended: {first_of(working, 4)}")
    open_ = [step.id for step in state.runbook.steps() if not state.settled(step) and not step.closes]
    if open_:
        return Refused("these steps are not settled: " + ", ".join(open_[:5]))
    return (RunClosed(operator),)


def _finish(step: Step, state: RunState, fleet: FleetView) -> Decision:
    if not (step.waits or step.decides):
        return Refused(f"{step.id} ends by itself when its effect is seen")
    if state.settled(step) or (step.waits and state.status(step) is StepStatus.PENDING):
        return Refused(f"{step.id} is {state.status(step).value.replace('_', ' ')}")
    pending = state.status(step) is StepStatus.PENDING
    if pending and (closed := closed_reasons(reasons(step, state, fleet))):
        return Refused(_closed(closed[0]))
    missing = not_there(step, state, fleet)
    if missing:
        return Refused(f"{len(missing)} not at target: {', '.join(str(csc) for csc, _ in missing[:4])}")
    return (StepDone(step.id),)


def settle(state: RunState, fleet: FleetView) -> tuple[RunRecord, ...]:
    """Return what follows from looking, without any order: waits that begin, targets seen, steps that ended.

    Nothing here acts on the outside. An unknown target that is seen where it should be has arrived.
    """
    if state.closed or state.opened is None:
        return ()
    records: list[RunRecord] = [*settled_by_sight(state, fleet), *passed_by_steps(state), *paid_by_sight(state, fleet)]
    for step in state.runbook.steps():
        status = state.status(step)
        if step.decides and status is StepStatus.PENDING and _left_nothing(step, state, fleet):
            records += (StepApproved(step.id, PROCEDURE, fleet.number), StepDone(step.id))
        if step.waits and status is StepStatus.PENDING and _deployed(step, state, fleet):
            records.append(StepApproved(step.id, PROCEDURE, fleet.number))
        elif step.waits and status is StepStatus.UNDER_WAY:
            records += _arrivals(step, state, fleet)
        elif step.acts and status in {StepStatus.UNDER_WAY, StepStatus.ASKING}:
            records += following(step, state, fleet)
        records += seen_by_now(step, state, fleet)
    return tuple(records)


def _deployed(step: Step, state: RunState, fleet: FleetView) -> bool:
    named = [condition for condition in step.preconditions if isinstance(condition, StepsSettled)]
    return bool(named) and step.applies(state.answers) is True and not closed_reasons(reasons(step, state, fleet))


def _left_nothing(step: Step, state: RunState, fleet: FleetView) -> bool:
    """Say whether nothing is to be decided: the step that it is about was done, and all of it is seen or waived."""
    about = next((other for other in state.runbook.steps() if other.id == step.settles), None)
    if about is None or state.status(about) is not StepStatus.DONE or step.applies(state.answers) is not True:
        return False
    if not all(state.is_waived(item) or effects_seen(item.effects, fleet.views.get) for item in about.items):
        return False
    return not closed_reasons(reasons(step, state, fleet))


def _arrivals(step: Step, state: RunState, fleet: FleetView) -> list[RunRecord]:
    """Return who of a wait is seen at target or to have left; what is unknown has done neither."""
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

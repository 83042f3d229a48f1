"""One record after the other onto a run: the one fold for the lead's process, resume, observers and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from deploydash.core.model import CscId, SummaryState, Target
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import SAL, WHOLE, ItemId, StepId
from deploydash.core.procedure.runbook import Order, Step
from deploydash.core.run.records import (
    ArrivalsLearned,
    ChoiceAnswered,
    ControlOrdered,
    CscsArrived,
    CscsLeft,
    CscsWaived,
    DebtPaid,
    DebtPassed,
    DebtWaived,
    GateClosedSpuriously,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    LostFound,
    NoteWritten,
    NoticeAcknowledged,
    Outcome,
    PlaceholderSet,
    QuestionAnswered,
    QuestionAsked,
    RequestAnswered,
    RequestIntended,
    RunClosed,
    RunHeld,
    RunOpened,
    RunRecord,
    RunReleased,
    RunResumed,
    StepApproved,
    StepDone,
    StepSkipped,
    WaitExtended,
)
from deploydash.core.run.state import ASKS, UNTOUCHED, ItemProgress, ItemStatus, RunState, StepProgress
from deploydash.core.run.text_records import TextEdited


def evolve(state: RunState, record: RunRecord, utc: float) -> RunState:
    """Return the state after one more record. Total: any record may follow any other."""
    state = replace(state, last_utc=utc)
    if isinstance(record, RunOpened):
        return replace(state, opened=record, opened_utc=utc)
    if isinstance(record, RunResumed):
        return _after_resume(state, utc)
    if isinstance(record, ChoiceAnswered):
        return replace(state, answers={**state.answers, record.choice: record.answer})
    if isinstance(record, PlaceholderSet):
        return replace(state, words={**state.words, record.word: record.text})
    if isinstance(record, TextEdited):
        texts = {**state.texts.get(record.step, {}), record.item: record.text}
        return replace(state, texts={**state.texts, record.step: texts})
    if isinstance(record, CscsWaived):
        return replace(state, waived={**state.waived, **dict.fromkeys(record.cscs, record)})
    if isinstance(record, DebtWaived):
        return replace(state, debts_waived={**state.debts_waived, record.debt: record})
    if isinstance(record, DebtPassed):
        return replace(state, passed={**state.passed, record.debt: record.to})
    if isinstance(record, DebtPaid):
        return replace(state, paid={**state.paid, record.debt: record.by})
    if isinstance(record, RunHeld):
        return replace(state, held_by=record.by)
    if isinstance(record, RunReleased):
        return replace(state, held_by=None)
    if isinstance(record, NoteWritten):
        return replace(state, notes=(*state.notes, record))
    if isinstance(record, NoticeAcknowledged):
        return replace(state, acknowledged=state.acknowledged | {record.identity})
    if isinstance(record, GateClosedSpuriously):
        return replace(state, spurious_closures=(*state.spurious_closures, record))
    if isinstance(record, LostFound):
        return replace(state, lost=frozenset(record.cscs))
    if isinstance(record, ArrivalsLearned):
        return replace(state, learned={**state.learned, record.step: record})
    if isinstance(record, RunClosed):
        return replace(state, closed=True)
    if isinstance(record, ItemSignedOff):
        asks_who = any(step.id == record.step and asks_for_a_name(step) for step in state.runbook.steps())
        named = record.note if asks_who and record.note else state.named
        state = replace(state, signed_by=record.by, named=named)
        state = replace(state, stopped=_stopped(state, record.step, _signed_off(state, record), utc))
    if isinstance(record, RequestIntended | RequestAnswered):
        state = replace(state, stopped=_stopped_by_request(state, record, utc))
    if isinstance(record, RequestIntended) and record.owes is not None:
        owes = record.owes
        before = state.incurred.get(owes.id)
        if before in state.debts():
            # Asked once more while it is owed, a system reads what we made of it: the first value is to be put back.
            owes = replace(owes, restore=before[1].restore)
        # Whoever has ended by now pays for nothing that is owed from now on.
        open_payers = tuple(payer for payer in owes.paid_by if state.progress(payer).ended_utc is None)
        owes = replace(owes, paid_by=open_payers)
        paid = {debt: by for debt, by in state.paid.items() if debt != owes.id}
        passed = {debt: to for debt, to in state.passed.items() if debt != owes.id or before in state.debts()}
        incurred = {**state.incurred, owes.id: (record.step, owes)}
        state = replace(state, incurred=incurred, paid=paid, passed=passed)
    return _with_step(state, record.step, _evolve_step(state.progress(record.step), record, utc))


def asks_for_a_name(step: Step) -> bool:
    """Say whether what a step wants written down is who: ``who signed``."""
    return bool(step.records) and step.records.split()[0].lower() in {"who", "whose", "whom"}


def _signed_off(state: RunState, sign_off: ItemSignedOff) -> list[Item]:
    """Return the items of people that a sign-off is about."""
    step = next((step for step in state.runbook.steps() if step.id == sign_off.step), None)
    items = step.items if step is not None else ()
    return [item for item in items if sign_off.item in {WHOLE, item.id} and item.by_person]


def _stopped(state: RunState, step: StepId, items: Iterable[Item], utc: float) -> Mapping[CscId, str]:
    """Return whom the run stopped from outside, these items among them: a silent one is not LOST (CLI.md, row 12)."""
    effects = [effect for item in items for effect in item.effects]
    stops = [effect.csc for effect in effects if effect.target == Target(SummaryState.OFFLINE)]
    starts = {effect.csc for effect in effects} - set(stops)
    when = datetime.fromtimestamp(utc, UTC)
    kept = {csc: text for csc, text in state.stopped.items() if csc not in starts}
    return {**kept, **dict.fromkeys(stops, f"{step} at {when:%H:%M} UTC")}


def _stopped_by_request(state: RunState, record: RequestIntended | RequestAnswered, utc: float) -> Mapping[CscId, str]:
    """Return whom the run stopped from outside once a request to another system than SAL is sent, or refused.

    From the intent on, since an answer may never come though the service was stopped. CSCs that are commanded report
    OFFLINE themselves.
    """
    item = state.item(record.step, record.item)
    if item is None or item.system == SAL:
        return state.stopped
    if isinstance(record, RequestIntended):
        return _stopped(state, record.step, (item,), utc)
    if record.ok is not False or state.progress(record.step).item(item.id).taken:
        return state.stopped
    mine = f"{record.step} at "
    return {csc: by for csc, by in state.stopped.items() if csc not in item.cscs or not by.startswith(mine)}


_ENDED = {
    Outcome.REACHED: ItemStatus.REACHED,
    Outcome.FAILED: ItemStatus.FAILED,
    Outcome.UNKNOWN: ItemStatus.UNKNOWN,
}

ItemRecord = RequestIntended | RequestAnswered | ItemProgressed | ItemEnded | QuestionAsked | QuestionAnswered
StepRecord = (
    ItemRecord
    | StepApproved
    | ItemsDispatched
    | ItemAdded
    | ControlOrdered
    | ItemSignedOff
    | StepDone
    | StepSkipped
    | WaitExtended
    | CscsArrived
    | CscsLeft
)


def _evolve_step(progress: StepProgress, record: StepRecord, utc: float) -> StepProgress:
    if isinstance(record, StepApproved):
        read = dict(record.approved)
        return replace(progress, approved_utc=utc, ended_utc=None, approved=read, overridden=record.overridden)
    if isinstance(record, StepDone):
        return replace(progress, ended_utc=utc)
    if isinstance(record, StepSkipped):
        return replace(progress, skipped=record.reason)
    if isinstance(record, ItemSignedOff):
        return replace(progress, sign_offs={**progress.sign_offs, record.item: record})
    if isinstance(record, WaitExtended):
        return replace(progress, extended_s=progress.extended_s + record.seconds)
    if isinstance(record, CscsArrived):
        return replace(progress, arrived={**progress.arrived, **dict.fromkeys(record.cscs, utc)})
    if isinstance(record, CscsLeft):
        return replace(progress, arrived={c: at for c, at in progress.arrived.items() if c not in record.cscs})
    if isinstance(record, ItemsDispatched):
        # Where a plan was read anew, it alone holds: an item that it leaves out has nothing left to do.
        approved = dict(record.approved) if record.digest else progress.approved
        return _dispatched(progress, record.items, approved, utc)
    if isinstance(record, ItemAdded):
        return _added(progress, record, utc)
    if isinstance(record, ControlOrdered):
        return progress
    item = _evolve_item(progress.item(record.item), record, utc)
    return replace(progress, items={**progress.items, record.item: item})


def _dispatched(
    progress: StepProgress, items: Iterable[ItemId], approved: Mapping[ItemId, str], utc: float
) -> StepProgress:
    """What was begun outside and of which nothing is known is looked for again; all else begins anew.

    With an item that the lead added instead of others, those are under way again, too.

    ``approved``: what was read of each and let go with it.
    """
    under_way = {}
    for item in items:
        before = progress.item(item)
        kept = before if before.status is ItemStatus.UNKNOWN and before.key else UNTOUCHED
        went = approved.get(item) or kept.approved
        under_way[item] = replace(
            kept,
            status=ItemStatus.UNDER_WAY,
            why="",
            utc=utc,
            began_utc=utc,
            approved=went,
            question=None,
            taken=before.taken,
        )
        added = progress.added.get(item)
        for name in added.instead_of if added is not None else ():
            if added is not None and progress.item(name).status in ASKS:
                label = added.item.label
                under_way[name] = ItemProgress(
                    ItemStatus.UNDER_WAY, request=label, utc=utc, began_utc=utc, other_way=item
                )
    return replace(progress, items={**progress.items, **under_way})


def _added(progress: StepProgress, record: ItemAdded, utc: float) -> StepProgress:
    """An item added under a name that was there before takes its place: one direct command follows another."""
    before = {name: one for name, one in progress.items.items() if name != record.item.id}
    fresh = replace(progress, items=before, added={**progress.added, record.item.id: record})
    return _dispatched(fresh, (record.item.id,), {record.item.id: record.approved}, utc)


def _evolve_item(item: ItemProgress, record: ItemRecord, utc: float) -> ItemProgress:
    if isinstance(record, RequestIntended):
        key = record.key if record.begins else item.key
        return replace(item, request=record.text, answered=False, ok=None, answer="", key=key, utc=utc)
    if isinstance(record, RequestAnswered):
        taken = item.taken or record.ok is True
        return replace(item, answered=record.ok is not None, ok=record.ok, answer=record.text, taken=taken, utc=utc)
    if isinstance(record, ItemEnded):
        status = _ENDED[record.outcome]
        return replace(
            item, status=status, why=record.why, utc=utc, question=None, values=record.values, left=record.left
        )
    if isinstance(record, QuestionAsked):
        return replace(item, question=record, utc=utc)
    if isinstance(record, QuestionAnswered):
        return replace(item, question=None, utc=utc)
    return replace(
        item,
        state=record.state,
        line=record.line,
        done=record.done,
        of=record.of,
        known_as=record.known_as or item.known_as,
        paused=record.paused,
        utc=utc,
    )


def _after_resume(state: RunState, utc: float) -> RunState:
    """Whatever was under way when the process ended is unknown: it is looked at, never repeated by itself.

    A process may die between an approval and the record of what was dispatched, though both are written at once: then
    nothing was, and the step is the lead's to approve again.
    """
    steps = dict(state.steps)
    waves = {step.id: step for step in state.runbook.steps() if step.acts and step.order is Order.WAVES and step.items}
    for step, progress in state.steps.items():
        torn = step in waves and not any(item.id in progress.items for item in waves[step].items)
        if torn and progress.ended_utc is None and not progress.sign_offs:
            progress = replace(progress, approved_utc=None)  # noqa: PLW2901 - what follows is of this, too
        items = {item: _interrupted(one, utc) for item, one in progress.items.items()}
        steps[step] = replace(progress, items=items)
    return replace(state, steps=steps)


def _interrupted(progress: ItemProgress, utc: float) -> ItemProgress:
    if progress.status is not ItemStatus.UNDER_WAY:
        return progress
    if progress.state:
        known = f" as {progress.known_as}" if progress.known_as else ""
        what = f"it was {progress.state}{known}"
    else:
        what = f"{progress.request} was sent" if progress.request else "nothing had been sent"
    return replace(progress, status=ItemStatus.UNKNOWN, why=f"{what} when deploydash stopped", utc=utc, question=None)


def _with_step(state: RunState, step: StepId, progress: StepProgress) -> RunState:
    return replace(state, steps={**state.steps, step: progress})

"""A record in words: who did what to whom. One telling for the timeline on the screen and for the report.

The state *before* the record is given, because the same record may begin something, try it again or settle it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from deploydash.core.fleet.records import (
    BeatsChanged,
    CommandNoticed,
    DuplicateEnded,
    DuplicateNoticed,
    ErrorRecorded,
    FeedReported,
    ProcessNoticed,
    StandstillNoted,
    StateRecorded,
)
from deploydash.core.fleet.standstill import cause, in_words, total_s
from deploydash.core.model import CscId, Liveness
from deploydash.core.procedure.runbook import ItemId, ManualItem, StepId
from deploydash.core.run.records import (
    ArrivalsLearned,
    ChoiceAnswered,
    ControlOrdered,
    CscsArrived,
    CscsLeft,
    CscsWaived,
    DebtWaived,
    DirectCommandApproved,
    GateClosedSpuriously,
    ItemAdded,
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    ItemSignedOff,
    LostFound,
    NoteWritten,
    Outcome,
    PlaceholderSet,
    RequestAnswered,
    RequestIntended,
    RunClosed,
    RunHeld,
    RunOpened,
    RunReleased,
    RunResumed,
    StepApproved,
    StepDone,
    StepSkipped,
    WaitExtended,
)
from deploydash.core.run.state import RunState, TargetStatus, csc_of, script_of
from deploydash.core.views import direct_view as hand_view

COMPLETE = 303
"""``ackcmd.ack`` of a command that was carried out (ts_salobj ``SalRetCode``)."""

OPEN = frozenset({TargetStatus.FAILED, TargetStatus.UNKNOWN})


class Kind(Enum):
    """What a reader of a report looks for; each but ``OTHER`` is a section of its own there."""

    OTHER = "other"
    OVERRIDE = "overrides"
    WAIVER = "waivers"
    DEBT_WAIVER = "debts waived"
    SKIP = "steps skipped"
    RETRY = "retries and other routes"
    HOLD = "holds and releases"
    SIGN_OFF = "signed off"
    NOTE = "notes"
    QUEUE = "orders to queues"
    DIRECT = "direct commands"
    FOREIGN = "commands of others"
    CLOSURE = "spurious gate closures"


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that happened. ``who`` is empty where nobody did it; ``cscs`` are those it concerns.

    ``notable``: it belongs into a report's timeline, which has no room for every single command.
    """

    who: str
    what: str
    cscs: tuple[CscId, ...] = ()
    notable: bool = True
    kind: Kind = Kind.OTHER


def said(record: object, before: RunState) -> Said | None:
    """Return a record in words, or None for one that tells a person nothing."""
    return _of_hands(record) or _of_items(record, before) or _of_run(record, before) or _of_fleet(record)


def _of_hands(record: object) -> Said | None:
    if isinstance(record, CommandNoticed):
        what = f"commanded {record.csc} from elsewhere: {record.outcome}"
        return Said(record.identity, what, (record.csc,), kind=Kind.FOREIGN)
    words = hand_view.said(record)
    if words is None:
        return None
    cscs = record.cscs if isinstance(record, DirectCommandApproved) else ()
    named = _cscs((record.item,)) if isinstance(record, ItemEnded) else cscs
    return Said(*words, named, kind=Kind.DIRECT)


def _of_items(record: object, before: RunState) -> Said | None:
    if isinstance(record, ItemsDispatched):
        return _dispatched(record, before)
    if isinstance(record, ItemAdded):
        how = f"{record.path} on {record.queue}"
        if record.instead_of:
            cscs = _cscs(record.instead_of)
            return Said(record.operator, f"took the other route for {_names(cscs)}: {how}", cscs, kind=Kind.RETRY)
        downs = tuple(effect.csc for effect in record.effects)
        return Said(
            record.operator, f"added {record.path} to {record.queue} outside the runbook", downs, kind=Kind.QUEUE
        )
    if isinstance(record, ControlOrdered):
        what = f"ordered {record.name} for {script_name(before, record.step, record.item)}"
        return Said(record.operator, what, kind=Kind.QUEUE)
    if isinstance(record, RequestIntended):
        return Said(record.identity, f"sends {record.command} to {record.to}", (record.to,), notable=False)
    if isinstance(record, RequestAnswered):
        return _answered(record, before)
    if isinstance(record, ItemProgressed):
        at = f", at {record.checkpoint}" if record.checkpoint else ""
        what = f"{script_name(before, record.step, record.item)} is {record.state} as {record.sal_index}{at}"
        return Said("", what, notable=False)
    return _ended(record, before) if isinstance(record, ItemEnded) else None


def _dispatched(record: ItemsDispatched, before: RunState) -> Said:
    items, cscs = before.progress(record.step).items, _cscs(record.items)
    again = any(item in items and items[item].status in OPEN for item in record.items)
    kind = Kind.RETRY if again else Kind.OTHER
    if not cscs:
        names = "; ".join(script_name(before, record.step, item) for item in record.items)
        return Said(record.operator, f"{'retried' if again else 'approved'} {names}", kind=kind)
    if again:
        return Said(record.operator, f"retried {_names(cscs)} in {record.step}", cscs, kind=kind)
    return Said(record.operator, f"{record.step}: {_count(len(cscs), 'CSC')} may be worked on", cscs)


def _answered(record: RequestAnswered, before: RunState) -> Said | None:
    csc = csc_of(record.item)
    why = f" ({record.result})" if record.result else ""
    if csc is None:
        if record.ack == COMPLETE:
            return None
        what = f"answered {record.ack}{why}" if record.ack else "gave no answer in time"
        return Said("", f"{script_name(before, record.step, record.item)}: {record.command} {what}")
    if record.ack == 0:
        return Said("", f"{csc} gave no answer in time", (csc,), notable=False)
    answer = "answered COMPLETE" if record.ack == COMPLETE else f"answered {record.ack}{why}"
    return Said("", f"{csc} {answer}", (csc,), notable=False)


def _ended(record: ItemEnded, before: RunState) -> Said:
    csc, was = csc_of(record.item), before.progress(record.step).item(record.item)
    if csc is None:
        return Said("", f"{script_name(before, record.step, record.item)}: {record.outcome.value}, {record.why}")
    if record.outcome is not Outcome.REACHED:
        return Said("", f"{csc}: {record.outcome.value}, {record.why}", (csc,))
    settled = was.status in OPEN
    what = f"{csc} was {was.status.value}, settled: {record.why}" if settled else f"{csc} has arrived: {record.why}"
    return Said("", what, (csc,), notable=settled)


def _cscs(items: tuple[ItemId, ...]) -> tuple[CscId, ...]:
    return tuple(csc for item in items if (csc := csc_of(item)) is not None)


def _of_run(record: object, before: RunState) -> Said | None:
    if isinstance(record, StepApproved):
        red = f", overriding: {'; '.join(record.overridden)} ({record.reason})" if record.overridden else ""
        kind = Kind.OVERRIDE if record.overridden else Kind.OTHER
        return Said(record.operator, f"approved {record.step}{red}", kind=kind)
    if isinstance(record, ItemSignedOff):
        return Said(record.operator, _signed_off(record, before), kind=Kind.SIGN_OFF)
    if isinstance(record, StepDone):
        return Said("", f"{record.step} is done", notable=False)
    if isinstance(record, StepSkipped):
        return Said(record.operator, f"skipped {record.step}: {record.reason}", kind=Kind.SKIP)
    if isinstance(record, CscsWaived):
        what = f"waived {_names(record.cscs)}: {record.reason}"
        return Said(record.operator, what, record.cscs, kind=Kind.WAIVER)
    if isinstance(record, DebtWaived):
        return Said(record.operator, f"waived the debt {record.debt}: {record.reason}", kind=Kind.DEBT_WAIVER)
    if isinstance(record, ChoiceAnswered):
        return Said(record.operator, f"answered {record.choice}: {record.answer}")
    if isinstance(record, PlaceholderSet):
        return Said(record.operator, f"told <{record.word}>: {record.text}")
    if isinstance(record, WaitExtended):
        return Said(record.operator, f"extended {record.step} by {record.seconds / 60:g} min")
    if isinstance(record, GateClosedSpuriously):
        return Said("", _falsely(record), kind=Kind.CLOSURE)
    return _of_wait(record) or _of_whole(record)


def _of_wait(record: object) -> Said | None:
    if isinstance(record, CscsArrived):
        return Said("", f"arrived at target: {_names(record.cscs)}", record.cscs, notable=False)
    if isinstance(record, CscsLeft):
        return Said("", f"left their target again: {_names(record.cscs)}", record.cscs)
    if isinstance(record, ArrivalsLearned):
        return Said("", f"{record.step}: arrivals learned from {_count(record.runs, 'earlier night')}", notable=False)
    if isinstance(record, LostFound):
        what = f"LOST before the run opened: {_names(record.cscs)}" if record.cscs else "nobody was LOST before"
        return Said("", what, record.cscs, notable=bool(record.cscs))
    return None


def _of_whole(record: object) -> Said | None:
    if isinstance(record, RunOpened):
        return Said(record.operator, "opened the run")
    if isinstance(record, RunResumed):
        changed = f"; changed since it was opened: {', '.join(record.changed)}" if record.changed else ""
        return Said(record.operator, f"resumed the run{changed}")
    if isinstance(record, RunHeld):
        return Said(record.by, "held everything", kind=Kind.HOLD)
    if isinstance(record, RunReleased):
        return Said(record.operator, "let the run go on", kind=Kind.HOLD)
    if isinstance(record, NoteWritten):
        return Said(record.operator, f"noted: {record.text}", kind=Kind.NOTE)
    return Said(record.operator, "closed the run") if isinstance(record, RunClosed) else None


_BEATS = {
    Liveness.BEATING: "beats",
    Liveness.LATE: "beats late",
    Liveness.SILENT: "is silent",
    Liveness.UNSEEN: "was not heard yet",
    Liveness.UNREADABLE: "sends heartbeats that cannot be read",
    Liveness.FEED_DOWN: "cannot be heard",
}


def _of_fleet(record: object) -> Said | None:
    if isinstance(record, FeedReported):
        what = f"{record.feed.value} is {record.state.value}" + (f": {record.detail}" if record.detail else "")
        return Said("", what, notable=False)
    if isinstance(record, StandstillNoted):
        long = in_words(total_s(record))
        stood = f"{len(record.joined) + 1} times, {long} in all" if record.joined else f"for {long}"
        return Said("", f"deploydash stood still {stood}: {cause(record)}", record.touched)
    what = _of_csc(record)
    if not what or not isinstance(record, StateRecorded | ErrorRecorded | BeatsChanged | ProcessNoticed | _Duplicate):
        return None
    return Said("", f"{record.csc} {what}", (record.csc,), notable=False)


_Duplicate = DuplicateNoticed | DuplicateEnded


def _of_csc(record: object) -> str:
    if isinstance(record, StateRecorded):
        return f"says {record.state.name}" if record.live else f"had said {record.state.name}"
    if isinstance(record, ErrorRecorded):
        return f"tells error {record.code}: {record.report}" if record.code else "clears its error"
    if isinstance(record, BeatsChanged):
        return "is listened for" if record.listening else _BEATS[record.liveness]
    if isinstance(record, ProcessNoticed):
        return "was restarted" if record.restarted else ""
    if isinstance(record, DuplicateNoticed):
        return "beats from two processes"
    return "beats from one process again" if isinstance(record, DuplicateEnded) else ""


def _falsely(record: GateClosedSpuriously) -> str:
    how = ", overridden" if record.overridden else ", armed" if record.armed else ""
    return f"{record.step} was shut for {record.seconds:.1f} s ({record.cause}{how}): {record.sentence}"


def _signed_off(record: ItemSignedOff, before: RunState) -> str:
    what = str(record.step)
    try:
        item = before.runbook.step(record.step).item(record.item)
    except KeyError:
        item = None
    if item is not None:
        what += f", {item.name if isinstance(item, ManualItem) else script_name(before, record.step, record.item)}"
    note = f" ({record.note})" if record.note else ""
    return f"recorded {what} as signed off by {record.by}{note}"


def script_name(before: RunState, step_id: StepId, item: ItemId) -> str:
    """Return what a person calls a script of a step, also where the runbook has lost it."""
    try:
        script = script_of(before.runbook.step(step_id), before.progress(step_id), item)
    except KeyError:
        script = None
    return f"{script.path} on {script.queue}" if script is not None else f"script {item.lstrip('#')} of {step_id}"


def _names(cscs: tuple[CscId, ...]) -> str:
    return ", ".join(map(str, cscs))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

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
from deploydash.core.procedure.runbook import ManualItem, StepId
from deploydash.core.run.records import (
    ArrivalsLearned,
    ChoiceAnswered,
    CommandAnswered,
    CommandIntended,
    CscsArrived,
    CscsLeft,
    CscsWaived,
    DebtWaived,
    DirectCommandApproved,
    GateClosedSpuriously,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    LostFound,
    NoteWritten,
    Outcome,
    PlaceholderSet,
    QueueOrdered,
    RouteTaken,
    RunClosed,
    RunHeld,
    RunOpened,
    RunReleased,
    RunResumed,
    ScriptAdded,
    ScriptAnswered,
    ScriptFollowed,
    ScriptIntended,
    StepApproved,
    StepDone,
    StepSkipped,
    TargetEnded,
    TargetsDispatched,
    WaitExtended,
)
from deploydash.core.run.state import RunState, TargetStatus, script_of
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
    return (
        _of_hands(record)
        or _of_targets(record, before)
        or _of_scripts(record, before)
        or _of_run(record, before)
        or _of_fleet(record)
    )


def _of_hands(record: object) -> Said | None:
    if isinstance(record, CommandNoticed):
        what = f"commanded {record.csc} from elsewhere: {record.outcome}"
        return Said(record.identity, what, (record.csc,), kind=Kind.FOREIGN)
    words = hand_view.said(record)
    if words is None:
        return None
    cscs = record.cscs if isinstance(record, DirectCommandApproved) else ()
    named = (record.csc,) if isinstance(record, TargetEnded) else cscs
    return Said(*words, named, kind=Kind.DIRECT)


def _of_targets(record: object, before: RunState) -> Said | None:
    if isinstance(record, TargetsDispatched):
        targets = before.progress(record.step).targets
        again = [csc for csc in record.cscs if csc in targets and targets[csc].status in OPEN]
        if again:
            return Said(
                record.operator, f"retried {_names(record.cscs)} in {record.step}", record.cscs, kind=Kind.RETRY
            )
        return Said(record.operator, f"{record.step}: {_count(len(record.cscs), 'CSC')} may be worked on", record.cscs)
    if isinstance(record, CommandIntended):
        return Said(record.identity, f"sends {record.command} to {record.csc}", (record.csc,), notable=False)
    if isinstance(record, CommandAnswered):
        if record.ack == 0:
            return Said("", f"{record.csc} gave no answer in time", (record.csc,), notable=False)
        why = f" ({record.result})" if record.result else ""
        answer = "answered COMPLETE" if record.ack == COMPLETE else f"answered {record.ack}{why}"
        return Said("", f"{record.csc} {answer}", (record.csc,), notable=False)
    if isinstance(record, TargetEnded):
        return _target_ended(record, before)
    return None


def _target_ended(record: TargetEnded, before: RunState) -> Said:
    was = before.progress(record.step).targets.get(record.csc)
    if record.outcome is not Outcome.REACHED:
        return Said("", f"{record.csc}: {record.outcome.value}, {record.why}", (record.csc,))
    settled = was is not None and was.status in OPEN
    what = (
        f"{record.csc} was {was.status.value}, settled: {record.why}"
        if settled and was
        else f"{record.csc} has arrived: {record.why}"
    )
    return Said("", what, (record.csc,), notable=settled)


def _of_scripts(record: object, before: RunState) -> Said | None:
    if isinstance(record, ItemsDispatched):
        scripts = before.progress(record.step).scripts
        again = any(number in scripts and scripts[number].status in OPEN for number in record.items)
        names = "; ".join(script_name(before, record.step, number) for number in record.items)
        kind = Kind.RETRY if again else Kind.OTHER
        return Said(record.operator, f"{'retried' if again else 'approved'} {names}", kind=kind)
    if isinstance(record, RouteTaken):
        how = f"{record.path} on {record.queue}"
        what = f"took the other route for {_names(record.cscs)}: {how}"
        return Said(record.operator, what, record.cscs, kind=Kind.RETRY)
    if isinstance(record, ScriptAdded):
        what = f"added {record.path} to {record.queue} outside the runbook"
        return Said(record.operator, what, record.downs, kind=Kind.QUEUE)
    if isinstance(record, QueueOrdered):
        what = f"ordered {record.command} for {script_name(before, record.step, record.item)}"
        return Said(record.operator, what, kind=Kind.QUEUE)
    if isinstance(record, ScriptIntended):
        return Said(record.identity, f"sends {record.command} to {record.queue}", (record.queue,), notable=False)
    if isinstance(record, ScriptAnswered):
        if record.ack == COMPLETE:
            return None
        what = f"answered {record.ack} ({record.result})" if record.ack else "gave no answer in time"
        return Said("", f"{script_name(before, record.step, record.item)}: {record.command} {what}")
    if isinstance(record, ScriptFollowed):
        at = f", at {record.checkpoint}" if record.checkpoint else ""
        what = f"{script_name(before, record.step, record.item)} is {record.state} as {record.sal_index}{at}"
        return Said("", what, notable=False)
    if isinstance(record, ItemEnded):
        return Said("", f"{script_name(before, record.step, record.item)}: {record.outcome.value}, {record.why}")
    return None


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
        items = before.runbook.step(record.step).items
    except KeyError:
        items = ()
    if 0 <= record.item < len(items):
        item = items[record.item]
        name = item.name if isinstance(item, ManualItem) else script_name(before, record.step, record.item)
        what += f", {name}"
    note = f" ({record.note})" if record.note else ""
    return f"recorded {what} as signed off by {record.by}{note}"


def script_name(before: RunState, step_id: StepId, number: int) -> str:
    """Return what a person calls a script of a step, also where the runbook has lost it."""
    try:
        script = script_of(before.runbook.step(step_id), before.progress(step_id), number)
    except KeyError:
        script = None
    return f"{script.path} on {script.queue}" if script is not None else f"script {number + 1} of {step_id}"


def _names(cscs: tuple[CscId, ...]) -> str:
    return ", ".join(map(str, cscs))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

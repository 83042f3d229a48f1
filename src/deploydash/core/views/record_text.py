"""A record in words: who did what to whom. One telling for the timeline on the screen and for the report.

The state *before* the record is given, because the same record may begin something, try it again or settle it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from deploydash.core.fleet.records import (
    BeatsChanged,
    CommandNoticed,
    DuplicateEnded,
    DuplicateNoticed,
    ErrorRecorded,
    FactNoted,
    FeedReported,
    ProcessNoticed,
    StandstillNoted,
    StateRecorded,
)
from deploydash.core.fleet.standstill import cause, in_words, total_s
from deploydash.core.model import CscId, Liveness
from deploydash.core.procedure.names import ADDED, DIRECT, ItemId, StepId
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.placeholders import filled_item, placeholders_of
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
    Reply,
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
from deploydash.core.run.state import ASKS, RunState
from deploydash.core.run.text_records import TextEdited
from deploydash.core.views import direct_view
from deploydash.core.words import counted, first_of, listed

NAMED = 4
"""So many items that are no CSCs are named; of more it is told how many."""


class Kind(Enum):
    """What a reader of a report looks for; each but ``OTHER`` is a section of its own there."""

    OTHER = "other"
    OVERRIDE = "overrides"
    WAIVER = "waivers"
    DEBT = "debts made and paid"
    DEBT_WAIVER = "debts waived"
    SKIP = "steps skipped"
    RETRY = "retries and other ways"
    HOLD = "holds and releases"
    SIGN_OFF = "signed off"
    NOTE = "notes"
    ADDED = "added outside the runbook"
    CONTROL = "controls ordered"
    QUESTION = "questions"
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
    return _of_others(record) or _of_direct(record, before) or _of_items(record, before) or _of_rest(record, before)


def _of_rest(record: object, before: RunState) -> Said | None:
    return _of_run(record, before) or _of_wait(record) or _of_whole(record) or _of_fleet(record)


def _of_others(record: object) -> Said | None:
    if isinstance(record, CommandNoticed):
        named = f"{record.command} to {record.csc}" if record.command else str(record.csc)
        what = f"commanded {named} from elsewhere: {record.outcome}"
        return Said(record.identity, what, (record.csc,), kind=Kind.FOREIGN)
    return None


def _of_direct(record: object, before: RunState) -> Said | None:
    words = direct_view.said(record)
    if words is None or not isinstance(record, ItemAdded | ItemEnded):
        return None
    cscs = record.item.cscs if isinstance(record, ItemAdded) else _about(before, DIRECT, (record.item,))
    return Said(*words, cscs, kind=Kind.DIRECT)


def _of_items(record: object, before: RunState) -> Said | None:
    if isinstance(record, ItemsDispatched):
        return _dispatched(record, before)
    if isinstance(record, ItemAdded):
        return _added(record, before)
    if isinstance(record, ControlOrdered):
        what = f"ordered {record.name} for {item_name(before, record.step, record.item)}"
        return Said(record.operator, what, kind=Kind.CONTROL)
    if isinstance(record, RequestIntended):
        return _intended(record, before)
    if isinstance(record, RequestAnswered):
        return _answered(record, before)
    if isinstance(record, ItemProgressed):
        return Said("", _progressed(record, before), notable=False)
    if isinstance(record, QuestionAsked):
        answers = " or ".join(offered.answer for offered in record.answers)
        what = f"{item_name(before, record.step, record.item)} asks: {record.question} ({answers})"
        return Said("", what, _about(before, record.step, (record.item,)), kind=Kind.QUESTION)
    if isinstance(record, QuestionAnswered):
        what = f"answered {item_name(before, record.step, record.item)}, {record.question}: {record.answer}"
        return Said(record.operator, what, _about(before, record.step, (record.item,)), kind=Kind.QUESTION)
    return _ended(record, before) if isinstance(record, ItemEnded) else None


def _dispatched(record: ItemsDispatched, before: RunState) -> Said:
    items, cscs = before.progress(record.step).items, _about(before, record.step, record.items)
    if any(item in items and items[item].status in ASKS for item in record.items):
        what = f"retried {_items(before, record.step, record.items)} in {record.step}"
        return Said(record.operator, what, cscs, kind=Kind.RETRY)
    if all(csc_called(item) for item in record.items):
        return Said(record.operator, f"{record.step}: {counted(len(record.items), 'CSC')} may be worked on", cscs)
    return Said(record.operator, f"approved {_items(before, record.step, record.items)}", cscs)


def _added(record: ItemAdded, before: RunState) -> Said:
    label = filled_item(record.item, placeholders_of(before)).label
    if record.instead_of:
        names = ", ".join(item_name(before, record.step, item) for item in record.instead_of)
        cscs = dict.fromkeys((*_about(before, record.step, record.instead_of), *record.item.cscs))
        return Said(record.operator, f"took another way for {names}: {label}", tuple(cscs), kind=Kind.RETRY)
    what = f"added {label} to {record.step}, outside the runbook"
    return Said(record.operator, what, record.item.cscs, kind=Kind.ADDED)


def _intended(record: RequestIntended, before: RunState) -> Said:
    what = f"{item_name(before, record.step, record.item)}, sent: {record.text}"
    cscs = _about(before, record.step, (record.item,))
    if record.owes is None:
        return Said("", what, cscs, notable=False)
    return Said("", f"{what}; owed since: {debt_words(record.owes)}", cscs, kind=Kind.DEBT)


def _answered(record: RequestAnswered, before: RunState) -> Said:
    how = "no answer came" if record.ok is None else "answered" if record.ok else "refused"
    told = f": {record.text}" if record.text else ""
    name, cscs = item_name(before, record.step, record.item), _about(before, record.step, (record.item,))
    unheard = not record.ok and csc_called(record.item) is None  # what becomes of a CSC is told when it ends
    return Said("", f"{name}, {how}{told}", cscs, notable=unheard)


def _progressed(record: ItemProgressed, before: RunState) -> str:
    known = f" as {record.known_as}" if record.known_as else ""
    far = f", {record.done} of {record.of}" if record.of else ""
    paused = ", paused" if record.paused else ""
    line = f": {record.line}" if record.line else ""
    return f"{item_name(before, record.step, record.item)} is {record.state}{known}{far}{paused}{line}"


def _ended(record: ItemEnded, before: RunState) -> Said:
    was = before.progress(record.step).item(record.item).status
    name, cscs = item_name(before, record.step, record.item), _about(before, record.step, (record.item,))
    left = f"left: {record.left}" if record.left else ""
    why = "; ".join(part for part in (record.why, values_words(record.values), left) if part)
    if record.outcome is Outcome.REACHED and was in ASKS:
        return Said("", f"{name} was {was.value}, settled: {why}", cscs)
    if record.outcome is Outcome.REACHED and csc_called(record.item) is not None:
        return Said("", f"{name} is at target: {why}", cscs, notable=False)
    return Said("", f"{name}: {record.outcome.value}, {why}", cscs)


def values_words(values: Sequence[tuple[str, str]]) -> str:
    """Return what an item made known: ``number 12, commit 9f2c``."""
    return ", ".join(f"{name} {value}" for name, value in values)


def debt_words(debt: Debt) -> str:
    """Return what is owed, with the value that has to be put back."""
    return f"{debt.what}, to be put back to {debt.restore}" if debt.restore else debt.what


def _about(before: RunState, step: StepId, items: Sequence[ItemId]) -> tuple[CscId, ...]:
    """Return the CSCs that items have an effect on, each once; also of one that the runbook has lost."""
    found: dict[CscId, None] = {}
    for name in items:
        item, called = before.item(step, name), csc_called(name)
        found.update(dict.fromkeys(item.cscs if item is not None else () if called is None else (called,)))
    return tuple(found)


def _items(before: RunState, step: StepId, items: Sequence[ItemId]) -> str:
    if len(items) <= NAMED or all(csc_called(item) for item in items):
        return ", ".join(item_name(before, step, item) for item in items)
    named = ", ".join(item_name(before, step, item) for item in items[:NAMED])
    return f"{named} and {len(items) - NAMED} more"


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
        what = f"waived {listed(record.cscs)}: {record.reason}"
        return Said(record.operator, what, record.cscs, kind=Kind.WAIVER)
    if isinstance(record, DebtWaived):
        return Said(record.operator, f"waived the debt {record.debt}: {record.reason}", kind=Kind.DEBT_WAIVER)
    if isinstance(record, ChoiceAnswered):
        about = f" (shown: {record.about})" if record.about else ""
        return Said(record.operator, f"answered {record.choice}: {record.answer}{about}")
    if isinstance(record, PlaceholderSet):
        return Said(record.operator, f"set <{record.word}>: {record.text}")
    if isinstance(record, TextEdited):
        return Said(record.operator, f"wrote the text of {record.step} {record.item}: {' '.join(record.text.split())}")
    if isinstance(record, WaitExtended):
        return Said(record.operator, f"extended {record.step} by {record.seconds / 60:g} min")
    if isinstance(record, NoticeAcknowledged):
        return Said(record.operator, f"took note that {record.identity} commands CSCs, too")
    if isinstance(record, GateClosedSpuriously):
        return Said("", _falsely(record), kind=Kind.CLOSURE)
    if isinstance(record, DebtPaid | DebtPassed):
        what = next((debt.what for _, debt in before.debts() if debt.id == record.debt), record.debt)
        if isinstance(record, DebtPassed):
            return Said(record.operator, f"passed on to {record.to}, still owed: {what}", kind=Kind.DEBT)
        return Said(record.operator, f"paid the debt {what}: {record.by}", kind=Kind.DEBT)
    return None


def _of_wait(record: object) -> Said | None:
    if isinstance(record, CscsArrived):
        return Said("", f"arrived at target: {listed(record.cscs)}", record.cscs, notable=False)
    if isinstance(record, CscsLeft):
        return Said("", f"left their target again: {listed(record.cscs)}", record.cscs)
    if isinstance(record, ArrivalsLearned):
        return Said("", f"{record.step}: arrivals learned from {counted(record.runs, 'earlier run')}", notable=False)
    if isinstance(record, LostFound):
        what = f"LOST before the run opened: {listed(record.cscs)}" if record.cscs else "no CSC was LOST before"
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
        return Said(record.operator, "released the hold", kind=Kind.HOLD)
    if isinstance(record, NoteWritten):
        return Said(record.operator, f"noted: {record.text}", kind=Kind.NOTE)
    return Said(record.operator, "closed the run") if isinstance(record, RunClosed) else None


_BEATS = {
    Liveness.BEATING: "sends heartbeats",
    Liveness.LATE: "sends heartbeats late",
    Liveness.SILENT: "is silent",
    Liveness.UNSEEN: "sent no heartbeat yet",
    Liveness.UNREADABLE: "sends heartbeats that cannot be read",
    Liveness.FEED_DOWN: "sends heartbeats that cannot be received",
}


def _of_fleet(record: object) -> Said | None:
    if isinstance(record, FeedReported):
        what = f"{record.feed} is {record.state.value}" + (f": {record.detail}" if record.detail else "")
        return Said("", what, notable=False)
    if isinstance(record, StandstillNoted):
        long = in_words(total_s(record))
        stood = f"{len(record.joined) + 1} times, {long} in all" if record.joined else f"for {long}"
        return Said("", f"deploydash stood still {stood}: {cause(record)}", record.touched)
    if isinstance(record, FactNoted):
        about = csc_called(ItemId(record.fact.about))
        return Said(
            "", f"{record.fact.system}: {record.fact.sentence}", () if about is None else (about,), notable=False
        )
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
    return f"{record.step} was closed for {record.seconds:.1f} s ({record.cause}{how}): {record.sentence}"


def _signed_off(record: ItemSignedOff, before: RunState) -> str:
    known = before.item(record.step, record.item) is not None
    name = f", {item_name(before, record.step, record.item)}" if known else ""
    return f"recorded {record.step}{name} as {signed_off_words(record)}"


def signed_off_words(record: ItemSignedOff) -> str:
    """Return in a phrase what was signed off by whom, what was seen against it and why it stands: ``NO by DM (…)``."""
    note = f" ({record.note})" if record.note else ""
    stands = f"; seen against it: {first_of(record.against, 3)}" if record.against else ""
    why = f"; reason: {record.reason}" if record.reason else ""
    said = {Reply.YES: "signed off", Reply.NO: "NO", Reply.WAIVED: "waived"}[record.reply]
    return f"{said} by {record.by}{note}{stands}{why}"


def item_name(state: RunState, step: StepId, name: ItemId) -> str:
    """Return what a person calls an item, with every word filled in that is known; also where the runbook lost it."""
    item = state.item(step, name)
    if item is None:
        return name if csc_called(name) is not None else f"item {name.lstrip('#')} of {step}"
    return filled_item(item, placeholders_of(state)).label if "<" in item.label else item.label


def csc_called(name: ItemId) -> CscId | None:
    """Return the CSC that an item is named after, None for any other item: by its name alone (``names.ItemId``)."""
    if name.startswith(("#", ADDED)):
        return None
    try:
        return CscId.parse(name)
    except ValueError:  # WHOLE, or what another program wrote
        return None

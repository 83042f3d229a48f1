"""A run as its records tell it: one fold, used by the lead's process, resume, observers and the report alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import (
    DIRECT,
    WHOLE,
    Debt,
    Effect,
    ItemId,
    ManualItem,
    Runbook,
    RunPhase,
    ScriptItem,
    Step,
    StepId,
    StepKind,
    csc_items,
    numbered,
)
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
    RunRecord,
    RunReleased,
    RunResumed,
    StepApproved,
    StepDone,
    StepSkipped,
    WaitExtended,
)


class StepStatus(StrEnum):
    """Where a step stands. ``ASKING``: some of its targets failed or are unknown, and the lead decides."""

    PENDING = "pending"
    UNDER_WAY = "under_way"
    ASKING = "asking"
    DONE = "done"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not_applicable"


SETTLED = frozenset({StepStatus.DONE, StepStatus.SKIPPED, StepStatus.NOT_APPLICABLE})


class TargetStatus(StrEnum):
    """Where one CSC of a step stands."""

    PENDING = "pending"
    UNDER_WAY = "under_way"
    REACHED = "reached"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ItemProgress:
    """One item within its step. ``command`` is the last one sent, ``utc`` when anything last happened to it.

    ``seq_num`` is the request that began what goes on outside, 0 before; ``sal_index`` what that is called there. Both
    stay while it is looked for again after its outcome was unknown: it is not begun a second time. ``began_utc`` is
    when it was dispatched, ``paused`` whether nothing further starts where it runs.
    """

    status: TargetStatus = TargetStatus.PENDING
    why: str = ""
    seq_num: int = 0
    sal_index: int = 0
    state: str = ""
    checkpoint: str = ""
    log: str = ""
    command: str = ""
    answered: bool = True
    utc: float = 0.0
    began_utc: float = 0.0
    paused: bool = False


UNTOUCHED = ItemProgress()
"""An item to which nothing has happened."""


@cache
def csc_of(item: ItemId) -> CscId | None:
    """Return the CSC that an item brings to its target, or None for all other items."""
    if not item or item.startswith(("#", ADDED)):
        return None
    return CscId.parse(item)


ADDED = "added-"
"""What the names of items begin with that the lead added to a step."""


@dataclass(frozen=True, slots=True)
class StepProgress:
    """One step's own history: when it was approved and ended (UTC), its items, what was added and who signed off.

    ``arrived``: of a wait, when each CSC that is there was seen to arrive (UTC).
    """

    approved_utc: float | None = None
    ended_utc: float | None = None
    skipped: str | None = None
    extended_s: float = 0.0
    items: Mapping[ItemId, ItemProgress] = field(default_factory=dict)
    sign_offs: Mapping[ItemId, ItemSignedOff] = field(default_factory=dict)
    arrived: Mapping[CscId, float] = field(default_factory=dict)
    added: Mapping[ItemId, ItemAdded] = field(default_factory=dict)

    @property
    def targets(self) -> Mapping[CscId, ItemProgress]:
        """The items that bring a CSC to its target, by the CSC."""
        return {csc: progress for item, progress in self.items.items() if (csc := csc_of(item)) is not None}

    def item(self, item: ItemId) -> ItemProgress:
        """Return what has become of an item."""
        return self.items.get(item, UNTOUCHED)


@dataclass(frozen=True, slots=True)
class RunState:
    """Everything durable of a run. ``last_utc`` is the time of its last record.

    ``stopped``: whom a step that a person ticked stopped from outside, with its name and when (UTC), until one that
    starts them is ticked. ``lost``: those that were LOST before it opened. ``learned``: of each wait, what earlier
    nights tell.
    ``by_hand``: the last command outside every step that each CSC was let go for; how it went is told by the targets
    of the step ``direct``.
    """

    runbook: Runbook
    opened: RunOpened | None = None
    opened_utc: float = 0.0
    last_utc: float = 0.0
    steps: Mapping[StepId, StepProgress] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    waived: Mapping[CscId, CscsWaived] = field(default_factory=dict)
    debts_waived: Mapping[str, DebtWaived] = field(default_factory=dict)
    direct: Mapping[CscId, DirectCommandApproved] = field(default_factory=dict)
    held_by: str | None = None
    notes: tuple[NoteWritten, ...] = ()
    spurious_closures: tuple[GateClosedSpuriously, ...] = ()
    lost: frozenset[CscId] = frozenset()
    stopped: Mapping[CscId, str] = field(default_factory=dict)
    learned: Mapping[StepId, ArrivalsLearned] = field(default_factory=dict)
    closed: bool = False
    _statuses: dict[StepId, StepStatus] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Where steps stand, each found out once: a card and its gate ask for all of them many times, and of a hundred
    targets. A state never changes, and the next one begins empty."""

    def progress(self, step: StepId) -> StepProgress:
        """Return a step's history, empty if it has none."""
        return self.steps.get(step, _NOTHING)

    def status(self, step: Step) -> StepStatus:
        """Return where a step stands."""
        known = self._statuses.get(step.id)
        if known is None:
            known = self._statuses[step.id] = self._status(step)
        return known

    def _status(self, step: Step) -> StepStatus:
        progress = self.progress(step.id)
        if step.applies(self.answers) is False:
            return StepStatus.NOT_APPLICABLE
        if progress.skipped is not None:
            return StepStatus.SKIPPED
        if progress.ended_utc is not None:
            return StepStatus.DONE
        if progress.approved_utc is None:
            return StepStatus.PENDING
        targets = progress.targets
        asking = [csc for csc, target in targets.items() if self._asks(csc, target)]
        moving = any(target.status is TargetStatus.UNDER_WAY for target in targets.values())
        if step.kind is StepKind.SCRIPT:
            return StepStatus.ASKING if asking_scripts(step, progress) else StepStatus.UNDER_WAY
        if asking and not moving and step.kind is not StepKind.WAIT:
            return StepStatus.ASKING
        return StepStatus.UNDER_WAY

    def settled(self, step: Step) -> bool:
        """Say whether a step holds nobody any more."""
        return self.status(step) in SETTLED

    def debts(self) -> tuple[tuple[Step, Debt], ...]:
        """Return the debts that are open: their step was let go, no payer is done, nobody waived them."""
        return tuple(
            (step, debt)
            for step in self.runbook.steps()
            for debt in step.debts
            if self.progress(step.id).approved_utc is not None
            and debt.id not in self.debts_waived
            and not any(self.progress(payer).ended_utc is not None for payer in debt.paid_by)
        )

    def _asks(self, csc: CscId, target: ItemProgress) -> bool:
        return csc not in self.waived and target.status in {TargetStatus.FAILED, TargetStatus.UNKNOWN}


def asking_scripts(step: Step, progress: StepProgress) -> tuple[ItemId, ...]:
    """Return the items of a step that failed or whose outcome is unknown, and that nobody signed off."""
    asks = {TargetStatus.FAILED, TargetStatus.UNKNOWN}
    own = (numbered(place) for place in range(len(step.items)))
    return tuple(item for item in own if progress.item(item).status in asks and item not in progress.sign_offs)


def script_of(step: Step, progress: StepProgress, item: ItemId) -> ScriptItem | None:
    """Return a script by its name: an item of the step, or one that the lead added."""
    added = progress.added.get(item)
    if added is not None:
        return ScriptItem(added.queue, added.path, added.standard, added.config, added.effects)
    own = step.item(item)
    return own if isinstance(own, ScriptItem) else None


def under_way_in(queue: CscId, state: RunState) -> tuple[str, ...]:
    """Return the paths of the scripts of this run that are under way in a queue."""
    return tuple(
        script.path
        for step in state.runbook.steps()
        for item, one in state.progress(step.id).items.items()
        if one.status is TargetStatus.UNDER_WAY
        and (script := script_of(step, state.progress(step.id), item)) is not None
        and script.queue == queue
    )


_NOTHING = StepProgress()


def fold(runbook: Runbook, entries: Iterable[tuple[float, RunRecord]]) -> RunState:
    """Return the state after these records, each with the UTC of its line."""
    state = RunState(runbook)
    for utc, record in entries:
        state = evolve(state, record, utc)
    return state


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
    if isinstance(record, CscsWaived):
        return replace(state, waived={**state.waived, **dict.fromkeys(record.cscs, record)})
    if isinstance(record, DebtWaived):
        return replace(state, debts_waived={**state.debts_waived, record.debt: record})
    if isinstance(record, RunHeld):
        return replace(state, held_by=record.by)
    if isinstance(record, RunReleased):
        return replace(state, held_by=None)
    if isinstance(record, NoteWritten):
        return replace(state, notes=(*state.notes, record))
    if isinstance(record, GateClosedSpuriously):
        return replace(state, spurious_closures=(*state.spurious_closures, record))
    if isinstance(record, LostFound):
        return replace(state, lost=frozenset(record.cscs))
    if isinstance(record, ArrivalsLearned):
        return replace(state, learned={**state.learned, record.step: record})
    if isinstance(record, RunClosed):
        return replace(state, closed=True)
    if isinstance(record, DirectCommandApproved):
        state = replace(state, direct={**state.direct, **dict.fromkeys(record.cscs, record)})
        return _with_step(state, DIRECT, _dispatched(state.progress(DIRECT), csc_items(record.cscs), utc))
    if isinstance(record, ItemSignedOff):
        state = replace(state, stopped=_stopped(state, record, utc))
    return _with_step(state, record.step, _evolve_step(state.progress(record.step), record, utc))


def _stopped(state: RunState, sign_off: ItemSignedOff, utc: float) -> Mapping[CscId, str]:
    """Return whom ticked steps stopped: a silent one of these is not LOST (CLI.md, row 12)."""
    step = next((step for step in state.runbook.steps() if step.id == sign_off.step), None)
    if step is None or step.effect is Effect.NONE:
        return state.stopped
    items = step.items if sign_off.item == WHOLE else (step.item(sign_off.item),)
    cscs = [csc for item in items if isinstance(item, ManualItem) for csc in item.cscs]
    if step.effect is Effect.STARTS:
        return {csc: text for csc, text in state.stopped.items() if csc not in cscs}
    when = datetime.fromtimestamp(utc, UTC)
    return {**state.stopped, **dict.fromkeys(cscs, f"{step.id} at {when:%H:%M} UTC")}


StepRecord = (
    StepApproved
    | ItemsDispatched
    | ItemAdded
    | ControlOrdered
    | RequestIntended
    | RequestAnswered
    | ItemProgressed
    | ItemEnded
    | ItemSignedOff
    | StepDone
    | StepSkipped
    | WaitExtended
    | CscsArrived
    | CscsLeft
)

_ENDED = {
    Outcome.REACHED: TargetStatus.REACHED,
    Outcome.FAILED: TargetStatus.FAILED,
    Outcome.UNKNOWN: TargetStatus.UNKNOWN,
}


def _evolve_step(progress: StepProgress, record: StepRecord, utc: float) -> StepProgress:
    if isinstance(record, StepApproved):
        return replace(progress, approved_utc=utc, ended_utc=None)
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
        return _dispatched(progress, record.items, utc)
    if isinstance(record, ItemAdded):
        return _added(progress, record, utc)
    if isinstance(record, ControlOrdered):
        return progress
    item = _evolve_item(progress.item(record.item), record, utc)
    return replace(progress, items={**progress.items, record.item: item})


def _dispatched(progress: StepProgress, items: Iterable[ItemId], utc: float) -> StepProgress:
    """What was begun outside and of which nothing is known is looked for again; all else begins anew."""
    under_way = {}
    for item in items:
        before = progress.item(item)
        kept = before if before.status is TargetStatus.UNKNOWN and before.seq_num else UNTOUCHED
        under_way[item] = replace(kept, status=TargetStatus.UNDER_WAY, why="", utc=utc, began_utc=utc)
    return replace(progress, items={**progress.items, **under_way})


def _added(progress: StepProgress, record: ItemAdded, utc: float) -> StepProgress:
    progress = _dispatched(progress, (record.item,), utc)
    sent = dict.fromkeys(record.instead_of, ItemProgress(TargetStatus.UNDER_WAY, command=record.path, utc=utc))
    return replace(progress, items={**progress.items, **sent}, added={**progress.added, record.item: record})


def _evolve_item(
    item: ItemProgress, record: RequestIntended | RequestAnswered | ItemProgressed | ItemEnded, utc: float
) -> ItemProgress:
    if isinstance(record, RequestIntended):
        seq_num = record.seq_num if record.begins else item.seq_num
        return replace(item, command=record.command, answered=False, seq_num=seq_num, utc=utc)
    if isinstance(record, RequestAnswered):
        index = item.sal_index
        if record.seq_num == item.seq_num and re.fullmatch(r"[0-9]{1,10}", record.result):
            index = int(record.result)
        return replace(item, answered=record.ack != 0, sal_index=index, utc=utc)
    if isinstance(record, ItemEnded):
        return replace(item, status=_ENDED[record.outcome], why=record.why, utc=utc)
    return replace(
        item,
        sal_index=record.sal_index,
        state=record.state,
        checkpoint=record.checkpoint,
        log=record.log,
        paused=record.paused,
        utc=utc,
    )


def _after_resume(state: RunState, utc: float) -> RunState:
    """Whatever was under way when the process ended is unknown: it is looked at, never repeated by itself.

    A process may die between an approval and the record of what was dispatched, though both are written at once: then
    nothing was, and the step is the lead's to approve again.
    """
    steps = dict(state.steps)
    commanding = {step.id for step in state.runbook.steps() if step.kind is StepKind.CSC}
    for step, progress in state.steps.items():
        if step in commanding and not progress.targets and progress.ended_utc is None:
            progress = replace(progress, approved_utc=None)  # noqa: PLW2901 - what follows is of this, too
        items = {item: _interrupted(item, one, utc) for item, one in progress.items.items()}
        steps[step] = replace(progress, items=items)
    return replace(state, steps=steps)


def _interrupted(item: ItemId, progress: ItemProgress, utc: float) -> ItemProgress:
    if progress.status is not TargetStatus.UNDER_WAY:
        return progress
    if csc_of(item) is not None:
        what = f"{progress.command} was sent" if progress.command else "nothing had been sent"
    elif not progress.seq_num:
        what = "it had not been added"
    elif progress.sal_index:
        what = f"it was {progress.state or 'added'} as {progress.sal_index}"
    else:
        what = "it was being added"
    return replace(progress, status=TargetStatus.UNKNOWN, why=f"{what} when deploydash stopped", utc=utc)


def _with_step(state: RunState, step: StepId, progress: StepProgress) -> RunState:
    return replace(state, steps={**state.steps, step: progress})


def current_phase(state: RunState) -> RunPhase:
    """Return the first phase with a step that is not settled, else the last."""
    for phase in state.runbook.phases:
        if any(not state.settled(step) for step in phase.steps):
            return phase
    return state.runbook.phases[-1]

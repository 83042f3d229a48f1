"""A run as a screen shows it: frozen, made anew whenever something of it changed."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import (
    Choice,
    Debt,
    ItemId,
    Lane,
    RunPhase,
    ScriptItem,
    Step,
    StepId,
    StepKind,
    Tier,
    numbered,
)
from deploydash.core.run.arm import Arm
from deploydash.core.run.decide import not_there
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.gate import only_silence_awaited, reasons
from deploydash.core.run.items import route_of
from deploydash.core.run.lost_at_start import still_lost
from deploydash.core.run.placeholders import filled_in, missing_placeholders, placeholders_of
from deploydash.core.run.records import ArrivalsLearned, GateClosedSpuriously, ItemSignedOff
from deploydash.core.run.state import (
    ItemProgress,
    RunState,
    StepStatus,
    TargetStatus,
    asking_scripts,
    csc_of,
    current_phase,
    script_of,
)
from deploydash.core.views.csc_in_run import in_run
from deploydash.core.views.direct_view import DirectCard, DirectRow, rows


@dataclass(frozen=True, slots=True)
class StepRow:
    """One line of the runbook panel. ``evidence`` says in a phrase what is seen; times are UTC seconds."""

    step: StepId
    title: str
    kind: StepKind
    tier: Tier
    lane: Lane
    phase: str
    status: StepStatus
    evidence: str
    started_utc: float | None
    ended_utc: float | None


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One CSC that a card asks about: it failed or nobody knows.

    ``lost_of``: its group, if it was LOST before the run opened and still is; such are one decision.
    """

    csc: CscId
    status: TargetStatus
    why: str
    command: str
    lost_of: str = ""


@dataclass(frozen=True, slots=True)
class ScriptRow:
    """One script of a card, by its number in the step: where it runs and what it has come to.

    ``step`` is the one it belongs to; ``cscs``: those that it shall bring to their targets, if it is another route;
    ``by_hand``: the lead added it beside what the runbook says.
    """

    step: StepId
    item: ItemId
    script: ScriptItem
    signed_off: bool
    progress: ItemProgress
    cscs: tuple[CscId, ...] = ()
    by_hand: bool = False

    @property
    def asks(self) -> bool:
        """Whether it failed or nobody knows of it, and nobody ticked it."""
        return not self.signed_off and self.progress.status in {TargetStatus.FAILED, TargetStatus.UNKNOWN}

    @property
    def moves(self) -> bool:
        """Whether it is under way."""
        return self.progress.status is TargetStatus.UNDER_WAY


@dataclass(frozen=True, slots=True)
class Card:
    """The gate card: what would be done, on what, why it may or may not go now, and what it leaves behind.

    ``choices`` are the questions this step asks, ``answers`` (choice, answer) those answered so far. ``ticks``:
    items done by hand, by number. ``arrivals``: UTC seconds at which one of the ``total`` targets was reached.
    ``route``: the script by which targets that did not go may be sent another way, or None. ``scripts``: those of the
    step and of routes that were taken, as they stand. ``wanting``: the words that its commands still wait for.
    """

    step: Step
    status: StepStatus
    reasons: tuple[GateReason, ...]
    asking: tuple[TargetRow, ...]
    is_open: bool
    armed: Arm | None
    armed_message: str
    choices: tuple[Choice, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    sign_offs: tuple[ItemSignedOff, ...] = ()
    arrivals: tuple[float, ...] = ()
    total: int = 0
    route: ScriptItem | None = None
    scripts: tuple[ScriptRow, ...] = ()
    wanting: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitView:
    """The 30-minute wait. ``limit_s`` includes extensions.

    ``arrivals``: UTC seconds at which those there arrived, ascending; ``last`` came last. ``earlier``: what
    earlier nights tell.
    """

    step: StepId
    started_utc: float
    limit_s: float
    total: int
    missing: tuple[CscId, ...]
    arrivals: tuple[float, ...]
    last: CscId | None = None
    earlier: ArrivalsLearned | None = None


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything of a run that a screen may show.

    ``owed``: the open debts with the ids by which they are waived. ``lost``: who was LOST before the run opened and
    still is. ``added``: the scripts added by hand, beside whatever step, that are under way, and the last one that was.
    ``hands``: the last command by hand to each CSC, newest last. ``hand``: what the dialog about one shows, if open.
    ``inspected``: what the run wants of the CSC whose detail is open.
    """

    run: str
    runbook: str
    cycle: str
    phase: str
    phases: tuple[str, ...]
    opened_utc: float
    operator: str
    held_by: str | None
    closed: bool
    rows: tuple[StepRow, ...]
    card: Card | None
    wait: WaitView | None
    debts: tuple[str, ...]
    waived: tuple[tuple[CscId, str], ...]
    fault: str
    owed: tuple[Debt, ...] = ()
    lost: frozenset[CscId] = frozenset()
    spurious_closures: tuple[GateClosedSpuriously, ...] = ()
    added: tuple[ScriptRow, ...] = ()
    hands: tuple[DirectRow, ...] = ()
    hand: DirectCard | None = None
    inspected: tuple[str, ...] = ()


def card_step(state: RunState, fleet: FleetView, chosen: StepId | None = None) -> Step | None:
    """Return the step whose card is on top: the chosen one, else one that asks, is under way or is the next.

    Where only silence is awaited, and commands are next in that lane, their card is on top: they may go.
    """
    if chosen is not None:
        return state.runbook.step(chosen)
    steps = list(state.runbook.steps())
    for wanted in (StepStatus.ASKING, StepStatus.UNDER_WAY, StepStatus.PENDING):
        for step in steps:
            if state.status(step) is wanted:
                free = wanted is StepStatus.UNDER_WAY and only_silence_awaited(step, state, fleet)
                return _commands_behind(step, state) if free else step
    return None


def _commands_behind(step: Step, state: RunState) -> Step:
    """Return the next step in a step's lane if it commands CSCs, else the step itself."""
    lane = [other for other in state.runbook.steps() if other.lane is step.lane]
    behind = lane[lane.index(step) + 1 :]
    pending = next((other for other in behind if state.status(other) is StepStatus.PENDING), step)
    return pending if pending.kind is StepKind.CSC else step


def run_view(
    state: RunState,
    fleet: FleetView,
    *,
    chosen: StepId | None = None,
    arm: Arm | None = None,
    message: str = "",
    fault: str = "",
    hand: DirectCard | None = None,
    inspected: CscId | None = None,
) -> RunView:
    """Return the view of a run as of a sight.

    ``arm``, ``message``, ``fault``, ``hand`` are the process's own; ``inspected`` is the CSC whose detail is open.
    """
    opened = state.opened
    step = card_step(state, fleet, chosen)
    return RunView(
        run=opened.run if opened else "",
        runbook=state.runbook.title,
        cycle=opened.cycle if opened else "",
        phase=current_phase(state).id,
        phases=tuple(phase.id for phase in state.runbook.phases),
        opened_utc=state.opened_utc,
        operator=opened.operator if opened else "",
        held_by=state.held_by,
        closed=state.closed,
        rows=tuple(_row(step, phase, state, fleet) for phase in state.runbook.phases for step in phase.steps),
        card=_card(step, state, fleet, arm, message) if step is not None else None,
        wait=_wait(state, fleet),
        debts=tuple(debt.what for _, debt in state.debts()),
        waived=tuple((csc, record.reason) for csc, record in state.waived.items()),
        fault=fault,
        owed=tuple(debt for _, debt in state.debts()),
        spurious_closures=state.spurious_closures,
        lost=still_lost(state, fleet),
        added=_added(state),
        hands=rows(state),
        hand=hand,
        inspected=in_run(inspected, state) if inspected is not None else (),
    )


def _row(step: Step, phase: RunPhase, state: RunState, fleet: FleetView) -> StepRow:
    progress = state.progress(step.id)
    return StepRow(
        step.id,
        step.title,
        step.kind,
        step.tier,
        step.lane,
        phase.id,
        state.status(step),
        _evidence(step, state, fleet),
        progress.approved_utc,
        progress.ended_utc,
    )


def decisions(number: int) -> str:
    """Return how many wait for the lead: ``1 needs a decision``."""
    return f"{number} need{'s' if number == 1 else ''} a decision"


def _evidence(step: Step, state: RunState, fleet: FleetView) -> str:
    progress = state.progress(step.id)
    status = state.status(step)
    if status is StepStatus.SKIPPED:
        return f"skipped: {progress.skipped}"
    if step.kind is StepKind.WAIT and status is StepStatus.UNDER_WAY:
        total = len(step.cscs)
        return f"{total - len(not_there(step, state, fleet))}/{total}"
    targets = progress.targets
    if step.kind is StepKind.CSC and targets:
        reached = sum(target.status is TargetStatus.REACHED for target in targets.values())
        asking = len(_asking(step, state, fleet))
        return f"{reached}/{len(targets)}" + (f" · {decisions(asking)}" if asking else "")
    if step.kind is StepKind.SCRIPT and progress.items:
        ran = {item for item, one in progress.items.items() if one.status is TargetStatus.REACHED}
        ended = ran - set(progress.added)
        asking = len(asking_scripts(step, progress))
        return f"{len(ended | set(progress.sign_offs))}/{len(step.items)}" + (
            f" · {decisions(asking)}" if asking else ""
        )
    if progress.sign_offs:
        return "by " + ", ".join(dict.fromkeys(sign_off.by for sign_off in progress.sign_offs.values()))
    return ""


def _asking(step: Step, state: RunState, fleet: FleetView) -> tuple[TargetRow, ...]:
    lost = {csc: fleet.views[csc].group for csc in still_lost(state, fleet)}
    return tuple(
        TargetRow(csc, target.status, target.why, target.command, lost.get(csc, ""))
        for csc, target in state.progress(step.id).targets.items()
        if csc not in state.waived and target.status in {TargetStatus.FAILED, TargetStatus.UNKNOWN}
    )


def _card(step: Step, state: RunState, fleet: FleetView, arm: Arm | None, message: str) -> Card:
    found = reasons(step, state, fleet)
    status = state.status(step)
    is_open = status is StepStatus.PENDING and all(reason.met for reason in found)
    armed = arm if arm is not None and arm.step == step.id else None
    progress = state.progress(step.id)
    targets = progress.targets
    reached = (target.utc for target in targets.values() if target.status is TargetStatus.REACHED)
    return Card(
        filled_in(step, placeholders_of(state)),
        status,
        found,
        _asking(step, state, fleet),
        is_open,
        armed,
        message,
        choices=tuple(choice for choice in state.runbook.choices if choice.id in step.asks),
        answers=tuple(state.answers.items()),
        sign_offs=tuple(progress.sign_offs.values()),
        arrivals=tuple(sorted(reached)),
        total=len(targets),
        route=route_of(step, state),
        scripts=_scripts(step, state),
        wanting=missing_placeholders(step, state),
    )


def _scripts(step: Step, state: RunState) -> tuple[ScriptRow, ...]:
    progress = state.progress(step.id)
    items = (*(numbered(place) for place in range(len(step.items))), *progress.added)
    asked = [(item, script_of(step, progress, item)) for item in items]
    return tuple(
        ScriptRow(
            step.id,
            item,
            script,
            item in progress.sign_offs,
            progress.item(item),
            tuple(csc for one in added.instead_of if (csc := csc_of(one))) if added is not None else (),
            added is not None and not added.instead_of,
        )
        for item, script in asked
        if script is not None
        for added in (progress.added.get(item),)
    )


def _added(state: RunState) -> tuple[ScriptRow, ...]:
    steps = [step for step in state.runbook.steps() if state.progress(step.id).added]
    rows = [row for step in steps for row in _scripts(step, state) if row.by_hand]
    last = max(rows, key=lambda row: row.progress.began_utc, default=None)
    return tuple(row for row in rows if row.moves or row is last)


def _wait(state: RunState, fleet: FleetView) -> WaitView | None:
    for step in state.runbook.steps():
        started = state.progress(step.id).approved_utc
        if step.kind is StepKind.WAIT and started is not None and state.status(step) is StepStatus.UNDER_WAY:
            missing = tuple(csc for csc, _ in not_there(step, state, fleet))
            limit = (step.limit_s or 0.0) + state.progress(step.id).extended_s
            arrived = sorted((at, csc) for csc, at in state.progress(step.id).arrived.items())
            return WaitView(
                step.id,
                started,
                limit,
                len(step.cscs),
                missing,
                tuple(at for at, _ in arrived),
                last=arrived[-1][1] if arrived else None,
                earlier=state.learned.get(step.id),
            )
    return None

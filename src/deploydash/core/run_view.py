"""A run as a screen shows it: frozen, made anew whenever something of it changed."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.arm import Arm
from deploydash.core.gate import GateReason, Sight, reasons
from deploydash.core.hand_view import HandCard, HandRow, rows
from deploydash.core.model import CscId
from deploydash.core.run import not_there
from deploydash.core.run_records import ItemTicked
from deploydash.core.run_scripts import route_of
from deploydash.core.run_state import ItemProgress, RunState, StepStatus, TargetStatus, asking_scripts, script_of
from deploydash.core.runbook import Choice, Debt, Lane, RunPhase, ScriptItem, Step, StepId, StepKind, Tier


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
    """One CSC that a card asks about: it failed or nobody knows."""

    csc: CscId
    status: TargetStatus
    why: str
    command: str


@dataclass(frozen=True, slots=True)
class ScriptRow:
    """One script of a card, by its number in the step: where it runs and what it has come to."""

    item: int
    queue: CscId
    path: str
    ticked: bool
    progress: ItemProgress


@dataclass(frozen=True, slots=True)
class Card:
    """The gate card: what would be done, on what, why it may or may not go now, and what it leaves behind.

    ``choices`` are the questions this step asks, ``answers`` (choice, answer) those answered so far. ``ticks``:
    items done by hand, by number. ``arrivals``: UTC seconds at which one of the ``total`` targets was reached.
    ``route``: the script by which targets that did not go may be sent another way, or None. ``scripts``: those of the
    step and of routes that were taken, as they stand.
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
    ticks: tuple[ItemTicked, ...] = ()
    arrivals: tuple[float, ...] = ()
    total: int = 0
    route: ScriptItem | None = None
    scripts: tuple[ScriptRow, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitView:
    """The 30-minute wait. ``limit_s`` includes extensions; ``arrivals`` are UTC seconds at which one arrived."""

    step: StepId
    started_utc: float
    limit_s: float
    total: int
    missing: tuple[CscId, ...]
    arrivals: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """Everything of a run that a screen may show. ``owed``: the open debts with the ids by which they are waived.

    ``hands``: the last command by hand to each CSC, newest last. ``hand``: what the dialog about one shows, if open.
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
    hands: tuple[HandRow, ...] = ()
    hand: HandCard | None = None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Who of a wait was seen to arrive while this process looked on, and when (UTC). For the picture alone.

    A CSC that leaves its target and comes back arrives again.
    """

    step: StepId | None = None
    missing: frozenset[CscId] = frozenset()
    at: tuple[float, ...] = ()

    def after(self, wait: WaitView | None, utc: float) -> Arrivals:
        """Return what is known after a look at ``utc``; another wait begins anew."""
        if wait is None:
            return self if self.step is None else Arrivals()
        missing = frozenset(wait.missing)
        if wait.step != self.step:
            return Arrivals(wait.step, missing)
        if missing == self.missing:
            return self
        return Arrivals(wait.step, missing, self.at + (utc,) * len(self.missing - missing))


def current_phase(state: RunState) -> RunPhase:
    """Return the first phase with a step that is not settled, else the last."""
    for phase in state.runbook.phases:
        if any(not state.settled(step) for step in phase.steps):
            return phase
    return state.runbook.phases[-1]


def card_step(state: RunState, chosen: StepId | None = None) -> Step | None:
    """Return the step whose card is on top: the chosen one, else one that asks, else the first that is pending."""
    if chosen is not None:
        return state.runbook.step(chosen)
    steps = list(state.runbook.steps())
    for wanted in (StepStatus.ASKING, StepStatus.UNDER_WAY, StepStatus.PENDING):
        for step in steps:
            if state.status(step) is wanted:
                return step
    return None


def run_view(
    state: RunState,
    sight: Sight,
    *,
    chosen: StepId | None = None,
    arm: Arm | None = None,
    message: str = "",
    fault: str = "",
    arrivals: tuple[float, ...] = (),
    hand: HandCard | None = None,
) -> RunView:
    """Return the view of a run as of a sight; ``arm``, ``message``, ``fault``, ``hand`` are the process's own."""
    opened = state.opened
    step = card_step(state, chosen)
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
        rows=tuple(_row(step, phase, state, sight) for phase in state.runbook.phases for step in phase.steps),
        card=_card(step, state, sight, arm, message) if step is not None else None,
        wait=_wait(state, sight, arrivals),
        debts=tuple(debt.what for _, debt in state.debts()),
        waived=tuple((csc, record.reason) for csc, record in state.waived.items()),
        fault=fault,
        owed=tuple(debt for _, debt in state.debts()),
        hands=rows(state),
        hand=hand,
    )


def _row(step: Step, phase: RunPhase, state: RunState, sight: Sight) -> StepRow:
    progress = state.progress(step.id)
    return StepRow(
        step.id,
        step.title,
        step.kind,
        step.tier,
        step.lane,
        phase.id,
        state.status(step),
        _evidence(step, state, sight),
        progress.approved_utc,
        progress.ended_utc,
    )


def _evidence(step: Step, state: RunState, sight: Sight) -> str:
    progress = state.progress(step.id)
    status = state.status(step)
    if status is StepStatus.SKIPPED:
        return f"skipped: {progress.skipped}"
    if step.kind is StepKind.WAIT and status is StepStatus.UNDER_WAY:
        total = len(step.cscs)
        return f"{total - len(not_there(step, state, sight))}/{total}"
    if step.kind is StepKind.CSC and progress.targets:
        reached = sum(target.status is TargetStatus.REACHED for target in progress.targets.values())
        asking = len(_asking(step, state))
        return f"{reached}/{len(progress.targets)}" + (f" · {asking} ask" if asking else "")
    if step.kind is StepKind.SCRIPT and progress.scripts:
        ended = {number for number, one in progress.scripts.items() if one.status is TargetStatus.REACHED}
        asking = len(asking_scripts(step, progress))
        return f"{len(ended | set(progress.ticks))}/{len(step.items)}" + (f" · {asking} ask" if asking else "")
    if progress.ticks:
        return "by " + ", ".join(dict.fromkeys(tick.by for tick in progress.ticks.values()))
    return ""


def _asking(step: Step, state: RunState) -> tuple[TargetRow, ...]:
    return tuple(
        TargetRow(csc, target.status, target.why, target.command)
        for csc, target in state.progress(step.id).targets.items()
        if csc not in state.waived and target.status in {TargetStatus.FAILED, TargetStatus.UNKNOWN}
    )


def _card(step: Step, state: RunState, sight: Sight, arm: Arm | None, message: str) -> Card:
    found = reasons(step, state, sight)
    status = state.status(step)
    is_open = status is StepStatus.PENDING and all(reason.met for reason in found)
    armed = arm if arm is not None and arm.step == step.id else None
    progress = state.progress(step.id)
    reached = (target.utc for target in progress.targets.values() if target.status is TargetStatus.REACHED)
    return Card(
        step,
        status,
        found,
        _asking(step, state),
        is_open,
        armed,
        message,
        choices=tuple(choice for choice in state.runbook.choices if choice.id in step.asks),
        answers=tuple(state.answers.items()),
        ticks=tuple(progress.ticks.values()),
        arrivals=tuple(sorted(reached)),
        total=len(progress.targets),
        route=route_of(step, state),
        scripts=_scripts(step, state),
    )


def _scripts(step: Step, state: RunState) -> tuple[ScriptRow, ...]:
    progress = state.progress(step.id)
    numbers = (*range(len(step.items)), *progress.routes)
    asked = [(number, script_of(step, progress, number)) for number in numbers]
    return tuple(
        ScriptRow(
            number, script.queue, script.path, number in progress.ticks, progress.scripts.get(number, ItemProgress())
        )
        for number, script in asked
        if script is not None
    )


def _wait(state: RunState, sight: Sight, arrivals: tuple[float, ...]) -> WaitView | None:
    for step in state.runbook.steps():
        started = state.progress(step.id).approved_utc
        if step.kind is StepKind.WAIT and started is not None and state.status(step) is StepStatus.UNDER_WAY:
            missing = tuple(csc for csc, _ in not_there(step, state, sight))
            limit = (step.limit_s or 0.0) + state.progress(step.id).extended_s
            return WaitView(step.id, started, limit, len(step.cscs), missing, arrivals)
    return None

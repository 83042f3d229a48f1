"""Why a step may not go now: the runbook's preconditions and the order rules that no runbook can switch off.

The reasons go into every snapshot and are evaluated again when the key is pressed; the order rules once more
before each single command is sent. Sources: the Watcher goes first and the ScriptQueues last, and the Summit
keeps MTM1M3 and MTM1M3TS, by the public control-system upgrade procedure (observatory-controls-docs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import CscId, Effective, FeedName, FeedState, Liveness, SummaryState, Target
from deploydash.core.procedure.runbook import (
    DIRECT,
    Answered,
    CscAt,
    CscItem,
    CscsDown,
    DebtsPaid,
    FeedsUp,
    Precondition,
    Step,
    StepKind,
    StepsSettled,
)
from deploydash.core.run.state import RunState, StepStatus, TargetProgress, TargetStatus, under_way_in

WATCHER = CscId("Watcher")
QUEUE = "ScriptQueue"
OFFLINE = Target(SummaryState.OFFLINE)
_KAFKA = {
    FeedState.CONNECTING: "connecting to Kafka: nothing is read yet",
    FeedState.DEGRADED: "Kafka is degraded: some of what is shown may be old",
}
"""What keeps a step from acting, by how the feed fares; everything else is down."""


@dataclass(frozen=True, slots=True)
class FleetView:
    """What is seen of the world at the moment of asking: a snapshot's CSCs and feeds."""

    views: Mapping[CscId, CscView]
    feeds: Mapping[FeedName, FeedState]
    at: float
    utc: float
    number: int
    cscs: tuple[CscView, ...] = ()

    @classmethod
    def of(cls, snapshot: Snapshot, before: FleetView | None = None) -> FleetView:
        """Return what a snapshot shows; ``before`` lends its views where none of them changed since."""
        if before is not None and before.cscs is snapshot.cscs:
            views = before.views
        else:
            views = {view.csc: view for view in snapshot.cscs}
        feeds = {feed.feed: feed.state for feed in snapshot.feeds}
        return cls(views, feeds, snapshot.at, snapshot.utc, snapshot.number, snapshot.cscs)


@dataclass(frozen=True, slots=True)
class GateReason:
    """One precondition as it stands now. ``own`` says that it concerns this step's own targets, or what reaches them.

    ``rule`` marks an order rule that is built in: a red one may only be met or have its CSC waived by name,
    never overridden. ``waits_for`` says in a phrase what would open it.
    """

    sentence: str
    met: bool
    own: bool = False
    rule: bool = False
    waits_for: str = ""


def reasons(step: Step, state: RunState, fleet: FleetView) -> tuple[GateReason, ...]:
    """Return every precondition of a step with whether it is met, order rules first."""
    general = [_not_held(state), _status(step, state), *_lane(step, state, fleet), *_feeds(step, fleet)]
    rules = [reason for reason in order_rules(step, state, fleet) if reason is not None]
    own = [_evaluate(condition, step, state, fleet) for condition in step.preconditions]
    return tuple([reason for reason in general if not reason.met] + rules + own)


def order_rules(step: Step, state: RunState, fleet: FleetView) -> list[GateReason]:
    """Return the built-in order rules that concern a step's CSC commands."""
    if step.kind is not StepKind.CSC:
        return []
    items = [item for item in step.items if isinstance(item, CscItem)]
    going_down = [item.csc for item in items if item.target.state is SummaryState.OFFLINE]
    found = []
    touched = [csc for csc in step.cscs if csc in state.runbook.protected]
    if touched:
        names = ", ".join(map(str, touched))
        found.append(GateReason(f"{names} must keep running and no step touches them", met=False, own=True, rule=True))
    busy = [csc for csc in step.cscs if directly_commanded(csc, state)]
    if busy:
        names = ", ".join(map(str, busy))
        found.append(GateReason(f"{names} commanded by hand", met=False, own=True, rule=True, waits_for="its end"))
    if any(csc != WATCHER for csc in going_down):
        found.append(_watcher_down(state, fleet))
    running = [why for csc in going_down if (why := _runs_ours(csc, state)) is not None]
    found += [GateReason(why, met=False, rule=True, waits_for="the end of that script") for why in running]
    if any(csc.name == QUEUE for csc in going_down):
        found.append(
            _all_down("every CSC of this run's shutdown set", state.runbook.shutdown_set, state, fleet, rule=True)
        )
    return found


def directly_commanded(csc: CscId, state: RunState) -> bool:
    """Say whether a command by hand to this CSC is under way."""
    target = state.progress(DIRECT).targets.get(csc)
    return target is not None and target.status is TargetStatus.UNDER_WAY


def blocked_by(
    csc: CscId, target: Target, state: RunState, fleet: FleetView, *, bulk: bool, direct: bool = False
) -> str | None:
    """Return why a command towards ``target`` must not be sent to a CSC at this moment, or None.

    The last look before each single command: the order rules hold while a step is under way, too. ``by_hand``: the
    command is the one by hand itself.
    """
    if not direct and directly_commanded(csc, state):
        return f"{csc} is being commanded by hand"
    if state.held_by is not None:
        return f"the run is held by {state.held_by}"
    if bulk and csc in state.runbook.protected:
        return f"{csc} is protected: no bulk action touches it"
    if fleet.feeds.get(FeedName.KAFKA) is not FeedState.UP:
        return "Kafka is not up, so nobody would see what happens"
    if direct and registry_lost(fleet):
        return "the schema registry is not up, so no command can be written"
    if target.state is not SummaryState.ENABLED and (why := _runs_ours(csc, state)) is not None:
        return why
    if target.state is not SummaryState.OFFLINE or csc == WATCHER:
        return None
    rule = _watcher_down(state, fleet)
    if rule.met and csc.name == QUEUE:
        rule = _all_down("the shutdown set", state.runbook.shutdown_set, state, fleet, rule=True)
    return None if rule.met else f"{rule.sentence}: {rule.waits_for}"


def registry_lost(fleet: FleetView) -> bool:
    """Say whether the registry is known not to answer: then no command can be written."""
    return fleet.feeds.get(FeedName.SCHEMA_REGISTRY) in {FeedState.DOWN, FeedState.DEGRADED}


def _runs_ours(csc: CscId, state: RunState) -> str | None:
    """The queue that runs a script of this run goes down last: its end would be the script's."""
    paths = under_way_in(csc, state) if csc.name == QUEUE else ()
    return f"{csc} runs {paths[0]} for this run: it goes down when that is over" if paths else None


def is_up(view: CscView | None) -> bool:
    """Say whether a CSC is up: it beats and does not report OFFLINE (cameras beat while OFFLINE).

    A CSC whose liveness is not decided counts as up: a gate opens on facts only.
    """
    if view is None or view.liveness is Liveness.SILENT:
        return False
    if view.liveness in {Liveness.BEATING, Liveness.LATE}:
        return view.reported is not SummaryState.OFFLINE
    return view.effective is not Effective.OFFLINE


def only_silence_awaited(step: Step, state: RunState, fleet: FleetView) -> bool:
    """Say whether nothing is left of a step but to see processes end that acknowledged exitControl and told OFFLINE.

    By the order rules those are down, and they take no command any more. So the next step of commands may go; each of
    its commands is looked at once more before it is sent, and this step goes on until they are silent.
    """
    if step.kind is not StepKind.CSC or state.status(step) is not StepStatus.UNDER_WAY:
        return False
    targets = state.progress(step.id).targets
    leaving = {item.csc for item in step.items if isinstance(item, CscItem) and item.target == OFFLINE}
    return all(
        csc in state.waived
        or target.status is TargetStatus.REACHED
        or (csc in leaving and _told_offline(target, fleet.views.get(csc)))
        for csc, target in targets.items()
    )


def _told_offline(target: TargetProgress, view: CscView | None) -> bool:
    acknowledged = target.status is TargetStatus.UNDER_WAY and target.command == "exitControl" and target.answered
    if view is None or view.duplicate or view.liveness is Liveness.UNREADABLE:
        return False
    return acknowledged and view.reported is SummaryState.OFFLINE


def _watcher_down(state: RunState, fleet: FleetView) -> GateReason:
    waived = WATCHER in state.waived
    up = is_up(fleet.views.get(WATCHER)) and WATCHER in state.runbook.concerns
    words = "the Watcher is waived by name" if waived else "the Watcher is down first"
    return GateReason(words, met=waived or not up, rule=True, waits_for="Watcher OFFLINE, or waived by name")


def _all_down(what: str, cscs: tuple[CscId, ...], state: RunState, fleet: FleetView, *, rule: bool) -> GateReason:
    up = [csc for csc in cscs if csc not in state.waived and is_up(fleet.views.get(csc))]
    if not up:
        return GateReason(f"{what} is down or waived", met=True, rule=rule)
    names = ", ".join(map(str, up[:4])) + (f" and {len(up) - 4} more" if len(up) > 4 else "")
    return GateReason(f"{what} is down or waived: {len(up)} still up", met=False, rule=rule, waits_for=names)


def _not_held(state: RunState) -> GateReason:
    held = state.held_by is not None
    return GateReason(f"the run is held by {state.held_by}", met=not held, rule=True, waits_for="the lead's release")


def _status(step: Step, state: RunState) -> GateReason:
    status = state.status(step)
    free = status is StepStatus.PENDING and not state.closed
    return GateReason(f"{step.id} is {status.value.replace('_', ' ')}", met=free, rule=True)


def _lane(step: Step, state: RunState, fleet: FleetView) -> list[GateReason]:
    busy = (StepStatus.UNDER_WAY, StepStatus.ASKING)
    return [
        GateReason(f"{other.id} is under way in the same lane", met=False, rule=True, waits_for=f"{other.id} ended")
        for other in state.runbook.steps()
        if other.lane is step.lane and other.id != step.id and state.status(other) in busy
        if step.kind is not StepKind.CSC or not only_silence_awaited(other, state, fleet)
    ]


def _feeds(step: Step, fleet: FleetView) -> list[GateReason]:
    if step.kind not in {StepKind.CSC, StepKind.SCRIPT}:
        return []
    kafka = fleet.feeds.get(FeedName.KAFKA, FeedState.CONNECTING)
    sentence = _KAFKA.get(kafka, "Kafka is down: what is shown is old")
    return [GateReason(sentence, met=kafka is FeedState.UP, rule=True, waits_for="Kafka up")]


def _until(step: Step, state: RunState) -> str:
    """Say when the limit of a wait under way is over, which is the one end of a step that is known before."""
    progress = state.progress(step.id)
    if step.kind is not StepKind.WAIT or progress.approved_utc is None or step.limit_s is None:
        return ""
    at = int(progress.approved_utc + step.limit_s + progress.extended_s) % 86_400
    return f" (its limit is over at {at // 3600:02}:{at // 60 % 60:02} UTC)"


def _evaluate(condition: Precondition, step: Step, state: RunState, fleet: FleetView) -> GateReason:
    if isinstance(condition, StepsSettled):
        others = [state.runbook.step(other) for other in condition.steps]
        open_ = [other for other in others if not state.settled(other)]
        if step.kind is StepKind.CSC and open_ and all(only_silence_awaited(other, state, fleet) for other in open_):
            names = ", ".join(other.id for other in open_)
            return GateReason(f"{names} told OFFLINE; only its silence is awaited", met=True)
        waits_for = ", ".join(f"{other.id}{_until(other, state)}" for other in open_[:4])
        return GateReason(condition.sentence, met=not open_, waits_for=waits_for)
    if isinstance(condition, CscsDown):
        return _all_down(condition.what, condition.cscs, state, fleet, rule=False)
    if isinstance(condition, CscAt):
        view = fleet.views.get(condition.csc)
        now = view.effective.value if view is not None else "unknown"
        met = now == condition.target.state.name or condition.csc in state.waived
        return GateReason(condition.sentence, met=met, own=True, waits_for=f"{condition.csc}, now {now}")
    if isinstance(condition, FeedsUp):
        states = {feed: fleet.feeds.get(feed, FeedState.OFF) for feed in condition.feeds}
        down = [f"{feed.replace('_', ' ')} {now.value}" for feed, now in states.items() if now is not FeedState.UP]
        return GateReason(condition.sentence, met=not down, own=True, waits_for=", ".join(down))
    if isinstance(condition, Answered):
        return GateReason(condition.sentence, met=condition.choice in state.answers, waits_for="your answer")
    assert isinstance(condition, DebtsPaid)  # noqa: S101 - exhausts the union for the type checker
    debts = [debt.what for _, debt in state.debts()]
    return GateReason(condition.sentence, met=not debts, waits_for="; ".join(debts))

"""Why a step may not go now: the runbook's preconditions and the order rules that no runbook can switch off.

The reasons go into every snapshot and are evaluated again when the key is pressed.
"""

from __future__ import annotations

from deploydash.core.model import FeedName, FeedState, Liveness, SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.preconditions import (
    Answered,
    CscAt,
    CscsDown,
    DebtsPaid,
    FactHolds,
    FeedsUp,
    Precondition,
    StepsSettled,
)
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.debts import owed_words
from deploydash.core.run.fact_gate import fact_reason
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.fuse import fuse_reasons
from deploydash.core.run.items import needs_kafka, of_cscs
from deploydash.core.run.order_rules import OFFLINE, all_down, order_rules
from deploydash.core.run.sign_offs import stopped_before
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState, StepStatus

_KAFKA = {
    FeedState.CONNECTING: "connecting to Kafka: nothing is read yet",
    FeedState.DEGRADED: "Kafka is degraded: some of what is shown may be old",
}
"""What keeps a step from acting, by how the feed fares; everything else is down."""


EVERYTHING_BEFORE = "every step before that applies is settled"


def reasons(step: Step, state: RunState, fleet: FleetView) -> tuple[GateReason, ...]:
    """Return every precondition of a step with whether it is met, order rules first."""
    general = [_not_held(state), _status(step, state), *_lane(step, state, fleet), *_feeds(step, fleet)]
    general += fuse_reasons(step, fleet)
    rules = [reason for reason in order_rules(step, state, fleet) if reason is not None]
    own = [
        reason
        for condition in step.preconditions
        if (reason := _evaluate(condition, step, state, fleet)) and not _said(condition, reason, rules, step, fleet)
    ]
    behind = [*_behind(step, state, fleet), *stopped_before(step, state, fleet)]
    return tuple([reason for reason in general if not reason.met] + rules + own + behind)


def _said(condition: Precondition, reason: GateReason, rules: list[GateReason], step: Step, fleet: FleetView) -> bool:
    """Say whether a built-in rule says the same as a precondition of the runbook, so that it is not listed twice."""
    if isinstance(condition, FeedsUp):
        lost = [feed for feed in condition.feeds if fleet.feeds.get(feed, FeedState.OFF) is not FeedState.UP]
        return lost == [FeedName.KAFKA] and bool(_feeds(step, fleet))
    return bool(reason.about) and any(reason.about == rule.about for rule in rules)


def only_silence_awaited(step: Step, state: RunState, fleet: FleetView) -> bool:
    """Say whether nothing is left of a step but to see processes end that acknowledged exitControl and told OFFLINE.

    By the order rules those are down, and they take no command any more. So the next step of commands may go; each of
    its commands is looked at once more before it is sent, and this step goes on until they are silent.
    """
    if not of_cscs(step) or state.status(step) is not StepStatus.UNDER_WAY:
        return False
    progress = state.progress(step.id)
    return all(
        state.is_waived(item)
        or progress.item(item.id).status is ItemStatus.REACHED
        or _told_offline(item, progress.item(item.id), fleet)
        for item in step.items
        if item.id in progress.items
    )


def _told_offline(item: Item, progress: ItemProgress, fleet: FleetView) -> bool:
    view = fleet.views.get(item.csc) if item.csc is not None else None
    if view is None or view.duplicate or view.liveness is Liveness.UNREADABLE:
        return False
    acknowledged = progress.status is ItemStatus.UNDER_WAY and progress.ok is True
    leaves = all(effect.target == OFFLINE for effect in item.effects)
    return acknowledged and leaves and view.reported is SummaryState.OFFLINE


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
        if other.lane == step.lane and other.id != step.id and state.status(other) in busy
        if not of_cscs(step) or not only_silence_awaited(other, state, fleet)
    ]


def _feeds(step: Step, fleet: FleetView) -> list[GateReason]:
    if not step.acts or not any(needs_kafka(item) for item in step.items):
        return []
    kafka = fleet.feeds.get(FeedName.KAFKA, FeedState.CONNECTING)
    sentence = _KAFKA.get(kafka, "Kafka is down: what is shown is old")
    return [GateReason(sentence, met=kafka is FeedState.UP, rule=True, waits_for="Kafka up")]


def _until(step: Step, state: RunState) -> str:
    """Say when the limit of a wait under way is over, which is the one end of a step that is known before."""
    progress = state.progress(step.id)
    if not step.waits or progress.approved_utc is None or step.limit_s is None:
        return ""
    at = int(progress.approved_utc + step.limit_s + progress.extended_s) % 86_400
    return f" (its limit is over at {at // 3600:02}:{at // 60 % 60:02} UTC)"


def _evaluate(condition: Precondition, step: Step, state: RunState, fleet: FleetView) -> GateReason:
    if isinstance(condition, StepsSettled):
        open_ = [other for other in map(state.runbook.step, condition.steps) if not state.settled(other)]
        if of_cscs(step) and open_ and all(only_silence_awaited(other, state, fleet) for other in open_):
            names = ", ".join(other.id for other in open_)
            return GateReason(f"{names} told OFFLINE; only its silence is awaited", met=True)
        waits_for = ", ".join(f"{other.id}{_until(other, state)}" for other in open_[:4])
        return GateReason(condition.sentence, met=not open_, waits_for=waits_for)
    if isinstance(condition, CscsDown):
        return all_down(condition.what, condition.cscs, state, fleet, rule=False)
    if isinstance(condition, CscAt):
        view = fleet.views.get(condition.csc)
        now = view.effective.value if view is not None else "unknown"
        met = now == condition.target.state.name or condition.csc in state.waived
        return GateReason(condition.sentence, met=met, own=True, waits_for=f"{condition.csc}, now {now}")
    if isinstance(condition, FeedsUp):
        states = {feed: fleet.feeds.get(feed, FeedState.OFF) for feed in condition.feeds}
        down = [f"{feed.replace('_', ' ')} {now.value}" for feed, now in states.items() if now is not FeedState.UP]
        return GateReason(condition.sentence, met=not down, own=True, waits_for=", ".join(down))
    if isinstance(condition, FactHolds):
        return fact_reason(condition, fleet)
    if isinstance(condition, Answered):
        return GateReason(condition.sentence, met=condition.choice in state.answers, asks=True, waits_for="your answer")
    assert isinstance(condition, DebtsPaid)  # noqa: S101 - exhausts the union for the type checker
    debts = [owed_words(debt, state) for _, debt in state.debts()]
    return GateReason(condition.sentence, met=not debts, waits_for="; ".join(debts))


def _behind(step: Step, state: RunState, fleet: FleetView) -> list[GateReason]:
    """Return what is open behind steps that are settled: those may not apply, or were skipped, or went before it.

    What an open step that is named builds on is open with it, and is not said twice.
    """
    named = [name for each in step.preconditions if isinstance(each, StepsSettled) for name in each.steps]
    said = set(named)
    for other in map(state.runbook.step, named):
        if not state.settled(other):
            said |= {each.id for each in state.runbook.before(other)}
    open_ = [
        other
        for other in state.runbook.before(step)
        if other.id not in said and not state.settled(other)
        if not of_cscs(step) or not only_silence_awaited(other, state, fleet)
    ]
    if not open_:
        return []
    waits_for = ", ".join(f"{other.id}{_until(other, state)}" for other in open_[:4])
    return [GateReason(EVERYTHING_BEFORE, met=False, waits_for=waits_for)]

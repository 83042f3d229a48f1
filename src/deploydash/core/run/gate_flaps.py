"""False closures: a gate that stood open, was shut by what could not be seen, and opened again on the same facts.

They are counted because a lead who learns to override a gate that cries wolf has been failed. A gate shut by the run
itself (held, another step, a question), by something that a CSC did or by what another system told was shut rightly
and is not counted; one shut because nobody told it lately is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from deploydash.core.model import CscId, FeedName, FeedState, Liveness
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import CscAt, CscsDown, FactHolds, FeedsUp
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.gate import reasons
from deploydash.core.run.order_rules import QUEUE, WATCHER
from deploydash.core.run.records import GateClosedSpuriously
from deploydash.core.run.state import RunState, StepStatus

Facts = tuple[object, ...]
"""What CSCs and other systems themselves told, whether it could be heard at the moment or not."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A closure that may turn out false: since when (monotonic seconds), by which precondition, for which cause."""

    at: float
    sentence: str
    cause: str
    armed: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """One gate under watch. ``open``: what was seen when it last stood open, None if it has not yet."""

    step: StepId | None = None
    open: FleetView | None = None
    closing: Closing | None = None


def look(
    watched: Watched, step: Step | None, state: RunState, fleet: FleetView, *, armed: bool
) -> tuple[Watched, GateClosedSpuriously | None]:
    """Look once at the gate of a step; return what to watch from now on, and a false closure that ended with this."""
    if step is None or step.id != watched.step:
        opens = step is not None and all(reason.met for reason in reasons(step, state, fleet))
        return Watched(step.id if step else None, fleet if opens else None), _overridden(watched, state, fleet)
    if state.status(step) is not StepStatus.PENDING:
        return Watched(step.id), _overridden(watched, state, fleet)
    red = [reason for reason in reasons(step, state, fleet) if not reason.met]
    if not red:
        ended = _ended(watched, step, state, fleet) if watched.closing else None
        return Watched(step.id, fleet), ended
    if watched.open is None or watched.closing is not None:
        return watched, None
    return _closed(watched, watched.open, step, state, fleet, red, armed), None


def _closed(
    watched: Watched,
    before: FleetView,
    step: Step,
    state: RunState,
    fleet: FleetView,
    red: list[GateReason],
    armed: bool,
) -> Watched:
    """Begin to count, unless the run itself, a CSC or another system shut the gate."""
    by_the_run = any(not reason.met for reason in reasons(step, state, before))
    if by_the_run or facts(step, state, before) != facts(step, state, fleet):
        return Watched(step.id)
    return replace(watched, closing=Closing(fleet.at, red[0].sentence, cause(step, state, fleet), armed))


def _ended(
    watched: Watched, step: Step, state: RunState, fleet: FleetView, *, overridden: bool = False
) -> GateClosedSpuriously | None:
    closing, before = watched.closing, watched.open
    if closing is None or before is None or facts(step, state, before) != facts(step, state, fleet):
        return None
    seconds = round(fleet.at - closing.at, 2)
    return GateClosedSpuriously(
        step.id,
        closing.sentence,
        closing.cause,
        seconds,
        armed=closing.armed,
        overridden=overridden,
    )


def _overridden(watched: Watched, state: RunState, fleet: FleetView) -> GateClosedSpuriously | None:
    """Count a closure under which the step was let go: overridden, if the precondition is red even now."""
    if watched.step is None or watched.closing is None:
        return None
    step = state.runbook.step(watched.step)
    if state.progress(step.id).approved_utc is None:
        return None
    red = {reason.sentence for reason in reasons(step, state, fleet) if not reason.met}
    return _ended(watched, step, state, fleet, overridden=watched.closing.sentence in red)


def facts(step: Step, state: RunState, fleet: FleetView) -> Facts:
    """Return what the CSCs and other systems that a step's gate depends on have told themselves."""
    found: list[object] = []
    for csc in depends_on(step, state):
        view = fleet.views.get(csc)
        told = None if view is None else (view.reported, view.substate, view.restarts, view.duplicate)
        found.append((csc, told))
    for condition in _asked_for(step):
        fact = fleet.facts.get(condition.fact)
        found.append((condition.fact, None if fact is None else fact.ok))
    return tuple(found)


def depends_on(step: Step, state: RunState) -> tuple[CscId, ...]:
    """Return the CSCs that a step's preconditions and order rules look at."""
    named = list(step.cscs)
    for condition in step.preconditions:
        if isinstance(condition, CscsDown):
            named += condition.cscs
        elif isinstance(condition, CscAt):
            named.append(condition.csc)
    if any(csc != WATCHER for csc in step.cscs):
        named.append(WATCHER)
    if any(csc.name == QUEUE for csc in step.cscs):
        named += state.runbook.shutdown_set
    return tuple(dict.fromkeys(named))


def cause(step: Step, state: RunState, fleet: FleetView) -> str:
    """Return which kind of not seeing shut a gate."""
    named = (feed for condition in step.preconditions if isinstance(condition, FeedsUp) for feed in condition.feeds)
    for feed in dict.fromkeys((FeedName.KAFKA, *named)):
        now = fleet.feeds.get(feed, FeedState.OFF)
        if now is not FeedState.UP:
            return f"{feed} {now.value}"
    for condition in _asked_for(step):
        fact = fleet.facts.get(condition.fact)
        if fact is None or fleet.utc - fact.read_utc > condition.age_s:
            return f"{condition.fact} not told lately"
    livenesses = {view.liveness for csc in depends_on(step, state) if (view := fleet.views.get(csc)) is not None}
    if livenesses & {Liveness.FEED_DOWN, Liveness.UNREADABLE}:
        return "heartbeats cannot be read"
    if livenesses & {Liveness.UNSEEN, Liveness.LATE, Liveness.SILENT}:
        return "no heartbeat received"
    return "not known"


def _asked_for(step: Step) -> list[FactHolds]:
    return [condition for condition in step.preconditions if isinstance(condition, FactHolds)]

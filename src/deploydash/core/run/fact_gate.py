"""The facts that a step asks for: at its gate, at each retry or fallback, and before each single request."""

from __future__ import annotations

from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.state import RunState


def fact_reason(condition: FactHolds, fleet: FleetView) -> GateReason:
    """Return how a fact stands now; one that nobody reports, or reported too long ago, is not green."""
    fact = fleet.facts.get(condition.fact)
    if fact is None:
        return GateReason(condition.sentence, met=False, own=True, waits_for=f"{condition.fact}: not reported yet")
    age = max(0.0, fleet.utc - fact.read_utc)
    if age > condition.age_s:
        waits_for = f"{fact.sentence}, read {age:.0f} s ago"
        return GateReason(condition.sentence, met=False, own=True, waits_for=waits_for, read_utc=fact.read_utc)
    waits_for = "" if fact.ok else fact.sentence
    return GateReason(condition.sentence, met=fact.ok, own=True, waits_for=waits_for, read_utc=fact.read_utc)


def missing_fact(step: Step, state: RunState, fleet: FleetView) -> str | None:
    """Return which fact of a step that was approved does not hold now, and why; None where all hold.

    One that the lead overrode with a typed reason when they approved the step stays overridden.
    """
    overridden = state.progress(step.id).overridden
    for condition in step.preconditions:
        if isinstance(condition, FactHolds) and condition.sentence not in overridden:
            reason = fact_reason(condition, fleet)
            if not reason.met:
                return f"no longer true that {reason.sentence} ({reason.waits_for})"
    return None

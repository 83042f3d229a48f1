"""Who else commands while a run is open: a lead on another machine is named until the lead here has taken note."""

from __future__ import annotations

from deploydash.core.fleet.snapshot import OtherHand
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.state import RunState


def unacknowledged(state: RunState, fleet: FleetView) -> tuple[OtherHand, ...]:
    """Return the people elsewhere who command CSCs and of whom the lead has not taken note yet."""
    return tuple(other for other in fleet.others if other.identity not in state.acknowledged)

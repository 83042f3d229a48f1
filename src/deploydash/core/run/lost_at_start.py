"""Who was LOST before a run opened: the state it found, not an alarm for each. Pure."""

from __future__ import annotations

from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import CscId, Effective
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import LostFound
from deploydash.core.run.state import RunState


def lost_before(state: RunState, snapshot: Snapshot) -> tuple[LostFound, ...]:
    """Return who a process finds LOST at its first full look, unless this run has acted or knows already."""
    acted = any(state.progress(step.id).approved_utc is not None for step in state.runbook.steps() if step.acts)
    if state.lost or acted:
        return ()
    lost = tuple(view.csc for view in snapshot.cscs if view.effective is Effective.LOST)
    return (LostFound(lost),) if lost else ()


def still_lost(state: RunState, fleet: FleetView) -> frozenset[CscId]:
    """Return those LOST before the run opened that nobody has seen otherwise since."""
    return frozenset(
        csc
        for csc in state.lost
        if (view := fleet.views.get(csc)) is not None and view.effective is Effective.LOST and view.changed_at is None
    )

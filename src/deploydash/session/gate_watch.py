"""Looks at the gate of the card on top and keeps the false closures that ended until they are on disk."""

from __future__ import annotations

from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Step
from deploydash.core.run import gate_flaps as closures
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import GateClosedSpuriously
from deploydash.core.run.state import RunState


class GateWatch:
    """One gate at a time, looked at as often as the arms are."""

    def __init__(self) -> None:
        self._watched = closures.Watched()
        self.ended: tuple[GateClosedSpuriously, ...] = ()

    def look(self, step: Step | None, state: RunState, fleet: FleetView, armed: StepId | None) -> None:
        """Look once; ``armed`` is the step whose card is armed."""
        is_armed = step is not None and step.id == armed
        self._watched, ended = closures.look(self._watched, step, state, fleet, armed=is_armed)
        if ended is not None:
            self.ended = (*self.ended, ended)

    def written(self) -> None:
        """Forget what ended: it is on disk."""
        self.ended = ()

"""Whose card is on top in this process."""

from __future__ import annotations

from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.state import RunState
from deploydash.core.views.run_view import card_step, lane_card


class OnTop:
    """The card that the lead chose, or of None the one that is next."""

    def __init__(self) -> None:
        self.chosen: StepId | None = None
        self._by_lane = False

    def choose(self, step: StepId | None, *, lane: bool) -> None:
        """Put a step's card on top, or of None what is next; ``lane``: it was gone to for its lane."""
        self.chosen, self._by_lane = step, lane

    def step(self, state: RunState, fleet: FleetView) -> Step | None:
        """Return the step whose card is on top; a lane that was gone to goes on by itself."""
        if self.chosen is not None and self._by_lane:
            self.chosen = lane_card(state, fleet, self.chosen)
        return card_step(state, fleet, self.chosen)

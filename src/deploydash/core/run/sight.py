"""Whether CSCs are seen where something should have brought them: success is what is seen, not what was answered."""

from __future__ import annotations

from collections.abc import Callable

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Liveness, SummaryState, Target, Verdict
from deploydash.core.procedure.items import CscEffect, last_effects
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.state import RunState


def is_at(view: CscView | None, target: Target) -> bool:
    """Say whether a CSC is seen at a target now, by the live state alone; what is unknown or lost is at none.

    OFFLINE asks for silence, except of a camera, which lives on in it; OFFLINE/AVAILABLE asks a camera to beat.
    """
    if view is None or view.liveness is Liveness.FEED_DOWN or view.verdict is Verdict.UNKNOWN or view.duplicate:
        return False
    if view.effective.value != target.state.name:
        return False
    beats = view.liveness in {Liveness.BEATING, Liveness.LATE}
    if target.substate is not None:
        return beats and view.substate is target.substate
    return target.state is not SummaryState.OFFLINE or view.camera or not beats


def effect_seen(effect: CscEffect, view: CscView | None) -> bool:
    """Say whether a CSC is seen where an effect leads it; of one that is to fall silent silence is enough."""
    if effect.silent:
        return view is not None and view.liveness is Liveness.SILENT and not view.duplicate
    return is_at(view, effect.target)


def effects_seen(effects: tuple[CscEffect, ...], look: Callable[[CscId], CscView | None]) -> bool:
    """Say whether everything is seen that these effects lead to; False where there are none to see."""
    return bool(effects) and all(effect_seen(effect, look(effect.csc)) for effect in last_effects(effects))


def not_there(step: Step, state: RunState, fleet: FleetView) -> list[tuple[CscId, CscView | None]]:
    """Return the CSCs of a wait that are not at their target and not waived, by the live state."""
    replaced = state.runbook.startup_targets(state.answers)
    wanted = {effect.csc: replaced.get(effect.csc, effect.target) for effect in step.awaits}
    return [
        (csc, fleet.views.get(csc))
        for csc, target in wanted.items()
        if csc not in state.waived and not is_at(fleet.views.get(csc), target)
    ]

"""What the actions of a step would say, for screens under test: from the program's own pure functions."""

from __future__ import annotations

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import SAL
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState, StepStatus
from deploydash.systems.sal.commanding import plan as commands
from deploydash.systems.sal.commanding.specs import ScriptSpec, spec_of
from deploydash.systems.sal.steps import sal_lines


def planned(state: RunState, step: Step | None, seen: FleetView) -> Plan | None:
    """What the action of a step that waits to be let go would describe."""
    if step is None or not step.acts or state.status(step) is not StepStatus.PENDING:
        return None
    plans = tuple(_planned(item, seen) for item in step.items if item.system == SAL)
    cscs = tuple(one for one, item in zip(plans, step.items, strict=False) if item.csc is not None)
    return Plan(commands.sentence(cscs) if cscs else "", plans, seen.utc)


def _planned(item: Item, seen: FleetView) -> ItemPlan:
    spec = spec_of(item)
    if isinstance(spec, ScriptSpec):
        return ItemPlan(item.id, sal_lines(item, "sal"))
    return commands.planned(item.id, spec, seen.views.get(spec.csc), seen.at, "sal")


def queue_controls(item: Item, progress: ItemProgress) -> tuple[ControlOffer, ...]:
    """What the queue of a script could be told."""
    if not item.runs_in:
        return ()
    queue = item.runs_in[0]
    stop = ControlOffer("stop", f"stop {item.label} in {queue}", "" if progress.known_as else "it has no index yet")
    pause = ControlOffer("pause", f"pause {queue}: what runs goes on, nothing further starts")
    resume = ControlOffer("resume", f"resume {queue}: it goes on with what waits in it")
    return (stop, pause, resume) if progress.status is ItemStatus.UNDER_WAY else (pause, resume)

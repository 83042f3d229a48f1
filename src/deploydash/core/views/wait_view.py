"""What readers are told of a wait: who is missing, since when it goes on, what earlier runs say."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.core.model import CscId
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import ArrivalsLearned
from deploydash.core.run.sight import not_there
from deploydash.core.run.state import RunState, StepStatus


@dataclass(frozen=True, slots=True)
class WaitView:
    """The 30-minute wait. ``limit_s`` includes extensions. ``waived``: those of the ``total`` that nobody waits for.

    ``arrivals``: UTC seconds at which those there arrived, ascending; ``last`` came last. ``earlier``: what
    earlier runs tell.
    """

    step: StepId
    started_utc: float
    limit_s: float
    total: int
    missing: tuple[CscId, ...]
    arrivals: tuple[float, ...]
    last: CscId | None = None
    earlier: ArrivalsLearned | None = None
    waived: tuple[CscId, ...] = ()

    @property
    def there(self) -> int:
        """How many are seen at their target; who is waived is not counted among them."""
        return self.total - len(self.missing) - len(self.waived)


def waived_of(step: Step, state: RunState) -> tuple[CscId, ...]:
    """Return whom a wait does not wait for, because they were waived by name."""
    return tuple(csc for csc in step.cscs if csc in state.waived)


def wait_view(state: RunState, fleet: FleetView) -> WaitView | None:
    """Return the wait that is under way, if there is one."""
    for step in state.runbook.steps():
        started = state.progress(step.id).approved_utc
        if step.waits and started is not None and state.status(step) is StepStatus.UNDER_WAY:
            missing = tuple(csc for csc, _ in not_there(step, state, fleet))
            limit = (step.limit_s or 0.0) + state.progress(step.id).extended_s
            arrived = sorted((at, csc) for csc, at in state.progress(step.id).arrived.items())
            return WaitView(
                step.id,
                started,
                limit,
                len(step.cscs),
                missing,
                tuple(at for at, _ in arrived),
                last=arrived[-1][1] if arrived else None,
                earlier=state.learned.get(step.id),
                waived=waived_of(step, state),
            )
    return None

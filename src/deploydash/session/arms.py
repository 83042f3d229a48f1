"""The arms of a process: for each lane's step, for a direct command, for an order about items. None is journaled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from deploydash.core.fleet.snapshot import Standstill
from deploydash.core.procedure.names import DIRECT, PROPOSED, StepId
from deploydash.core.procedure.runbook import Step, Tier
from deploydash.core.run.arm import Arm, closed_reasons, disarm_reason, outside_disarm_reason, ready, typed, unseen
from deploydash.core.run.direct_commands import refusal
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.core.run.items import of_cscs
from deploydash.core.run.orders import ArmDirect, ArmProposal, ArmStep, Proposal
from deploydash.core.run.plans import Plan
from deploydash.core.run.state import RunState


@dataclass(frozen=True, slots=True)
class Armed:
    """An arm with the order it was made by, and the plan that its card showed.

    ``firing``: it goes off, and what it would do is read once more.
    """

    arm: Arm
    order: ArmStep | ArmDirect | ArmProposal
    plan: Plan | None = None
    firing: bool = False


Refuses = Callable[[Proposal], str | None]
ShownPlan = Callable[[StepId], Plan | None]


class Arms:
    """What is armed, by step; ``DIRECT`` for a direct command, ``PROPOSED`` for an order about items.

    ``refuses``: why such an order may not go now, or None.
    """

    def __init__(self, refuses: Refuses) -> None:
        self._refuses = refuses
        self._armed: dict[StepId, Armed] = {}

    def by_step(self) -> dict[StepId, Arm]:
        """Return the arms, by step."""
        return {step: armed.arm for step, armed in self._armed.items()}

    def get(self, step: StepId) -> Armed | None:
        """Return the arm of a step, if it is armed."""
        return self._armed.get(step)

    def step(self, order: ArmStep, plan: Plan, state: RunState, fleet: FleetView, now: float) -> str | None:
        """Arm a step as its card shows it; return why not."""
        step = state.runbook.step(order.step)
        closed = closed_reasons(reasons(step, state, fleet), frozenset(order.overridden))
        if closed:
            return closed[0].sentence
        if why := nothing_goes(step, plan):
            return why
        self._armed[step.id] = Armed(Arm(step.id, step.tier, now), order, plan)
        return None

    def direct(self, order: ArmDirect, state: RunState, fleet: FleetView, now: float) -> str | None:
        """Arm a direct command as its dialog shows it; return why not."""
        why = refusal(order.order, state, fleet)
        if why is None:
            self._armed[DIRECT] = Armed(Arm(DIRECT, Tier.MODERATE, now), order)
        return why

    def proposal(self, order: ArmProposal, plan: Plan, tier: Tier, now: float) -> str | None:
        """Arm an order about items as its dialog shows it; return why not."""
        why = self._refuses(order.order)
        if why is None:
            self._armed[PROPOSED] = Armed(Arm(PROPOSED, tier, now), order, plan)
        return why

    def type_name(self, step: StepId, text: str, site: str, now: float) -> str | None:
        """Take the site's name as typed; return why not."""
        armed = self.get(step)
        if armed is None:
            return "nothing is armed"
        arm = typed(armed.arm, text, site, now)
        if isinstance(arm, str):
            return arm
        self._armed[arm.step] = Armed(arm, armed.order, armed.plan)
        return None

    def fire(self, armed: Armed) -> Armed:
        """Return an arm as it goes off; it does so once."""
        firing = self._armed[armed.arm.step] = replace(armed, firing=True)
        return firing

    def drop(self, step: StepId | None = None) -> list[StepId]:
        """Disarm a step, or all; return what was armed."""
        dropped = [name for name in self._armed if step in {None, name}]
        for name in dropped:
            del self._armed[name]
        return dropped

    def tend(
        self, state: RunState, fleet: FleetView, stood: Standstill | None, shown: ShownPlan, now: float
    ) -> tuple[list[tuple[StepId, str]], list[Armed]]:
        """Drop the arms that have died; return them with why, and those whose countdown is over.

        ``shown``: what a step would do as its card shows it now.
        """
        dead: list[tuple[StepId, str]] = []
        due: list[Armed] = []
        for name, armed in tuple(self._armed.items()):
            why = dies(armed, state, fleet, stood, now, self._refuses)
            if not why and isinstance(armed.order, ArmStep) and (plan := shown(name)) is not None:
                blocked = nothing_goes(state.runbook.step(name), plan)
                why = f"disarmed: {blocked}" if blocked else None
            if why:
                del self._armed[name]
                dead.append((name, why))
            elif not armed.firing and armed.arm.typed_at is not None and ready(armed.arm, now) is None:
                due.append(armed)
        return dead, due


def nothing_goes(step: Step, plan: Plan) -> str | None:
    """Return why nothing of a step can be carried out as things stand, or None where something can.

    A CSC is looked at once more at its turn, and then retried or waived; other work would end as failed.
    """
    blocked = not of_cscs(step) and bool(plan.items) and all(item.blocked for item in plan.items)
    return plan.items[0].why if blocked else None


def dies(
    armed: Armed, state: RunState, fleet: FleetView, stood: Standstill | None, now: float, refuses: Refuses
) -> str | None:
    """Return why an arm has died, in a sentence for its card, or None while it lives."""
    if why := unseen(armed.arm, stood):
        return why
    if isinstance(armed.order, ArmDirect):
        return outside_disarm_reason(armed.arm, now, refusal(armed.order.order, state, fleet))
    if isinstance(armed.order, ArmProposal):
        return outside_disarm_reason(armed.arm, now, refuses(armed.order.order))
    step = state.runbook.step(armed.arm.step)
    return disarm_reason(armed.arm, now, reasons(step, state, fleet), frozenset(armed.order.overridden))

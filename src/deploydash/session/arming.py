"""Arm, type, fire and disarm: what is fired is what the card showed, read once more, or less (UX.md, tiers)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

from deploydash.core.fleet.snapshot import Standstill
from deploydash.core.ports import Clock
from deploydash.core.procedure.names import DIRECT, PROPOSED, StepId
from deploydash.core.run.arm import Arm, ready, unseen
from deploydash.core.run.decide import Decision, Refused
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import (
    Approve,
    ArmDirect,
    ArmOrder,
    ArmProposal,
    ArmStep,
    Disarm,
    Proposal,
    RunOrder,
    TypeName,
)
from deploydash.core.run.plans import Plan, difference
from deploydash.core.run.proposals import with_plan
from deploydash.core.run.state import RunState
from deploydash.core.views.proposal_view import ProposalCard
from deploydash.errors import UserError
from deploydash.session.arms import Armed, Arms, nothing_goes
from deploydash.session.describing import CardPlan
from deploydash.session.proposing import Proposing


class Armable(Protocol):
    """What arming needs of the run."""

    @property
    def state(self) -> RunState:
        """The run as its journal has it."""
        ...

    def fleet_view(self) -> FleetView:
        """Return what is seen now."""
        ...

    def stood(self) -> Standstill | None:
        """Return a standstill of ours, while it matters."""
        ...

    async def describe(self, step: StepId) -> Plan | None:
        """Return what a step's items would do now; None where nobody acts."""
        ...

    async def carry_out(self, order: RunOrder) -> Decision:
        """Decide an order that carries what it would do, and act on it."""
        ...


class Arming:
    """The arms of this process, and what their cards are told. Each lane's step has its own."""

    def __init__(self, run: Armable, plans: CardPlan, proposing: Proposing, clock: Clock) -> None:
        self._run = run
        self._plans = plans
        self._proposing = proposing
        self._clock = clock
        self._arms = Arms(proposing.refuses)
        self._firing: set[asyncio.Task[Decision]] = set()
        self._gone: dict[StepId, Armed] = {}
        self._messages: dict[StepId, str] = {}
        self._being_read: set[StepId] = set()

    def by_step(self) -> dict[StepId, Arm]:
        """Return the arms, by step, with those that have fired and are being written down."""
        return {**self._arms.by_step(), **{step: armed.arm for step, armed in self._gone.items()}}

    def direct(self) -> Armed | None:
        """Return the armed direct command, if there is one."""
        return self._gone.get(DIRECT) or self._arms.get(DIRECT)

    def consider(self, order: Proposal | None) -> None:
        """Show in its dialog what an order about items would do, or nothing; an arm of the one before ends."""
        self._arms.drop(PROPOSED)
        self._being_read.discard(PROPOSED)
        self.say(PROPOSED, "")
        self._proposing.consider(order)

    def proposal(self) -> ProposalCard | None:
        """Return the order about items that is considered, with its arm."""
        armed = self._gone.get(PROPOSED) or self._arms.get(PROPOSED)
        return self._proposing.card(armed.arm if armed is not None else None, self.message(PROPOSED))

    def message(self, step: StepId) -> str:
        """Return what the lead is told on the card of a step."""
        return self._messages.get(step, "")

    def say(self, step: StepId, message: str) -> None:
        """Tell the lead something on the card of a step."""
        self._messages[step] = message

    def drop_all(self) -> None:
        """Disarm everything, without a word."""
        self._arms.drop()
        self._being_read.clear()

    async def take(self, order: ArmOrder) -> Decision:
        """Arm, type, fire or disarm. Firing approves the armed step as its card showed it."""
        now = self._clock.monotonic()
        if isinstance(order, ArmStep | ArmDirect | ArmProposal) and _place(order) in self._gone:
            return Refused("it is being sent")
        if isinstance(order, Disarm):
            for step in self._arms.drop(order.step):
                self.say(step, "disarmed")
            self._being_read -= self._being_read if order.step is None else {order.step}
            return ()
        if isinstance(order, ArmStep):
            return await self._arm_step(order)
        if isinstance(order, ArmDirect):
            return self._armed(DIRECT, self._arms.direct(order, self._run.state, self._run.fleet_view(), now))
        if isinstance(order, ArmProposal):
            return await self._arm_proposal(order)
        armed = self._arms.get(order.step)
        if armed is None:
            return Refused("nothing is armed")
        if dead := unseen(armed.arm, self._run.stood()):
            return self._dead(order.step, dead)
        if isinstance(order, TypeName):
            why = self._arms.type_name(order.step, order.text, self._run.state.runbook.site, now)
            return Refused(why) if why else ()
        not_yet = ready(armed.arm, now)
        return Refused(not_yet) if not_yet else await self._fire(self._arms.fire(armed))

    def tend(self) -> None:
        """Drop the arms that have died, and fire those whose countdown is over."""
        now = self._clock.monotonic()
        dead, due = self._arms.tend(self._run.state, self._run.fleet_view(), self._run.stood(), self._plans.of, now)
        for step, why in dead:
            self.say(step, why)
        for armed in due:
            task = asyncio.create_task(self._fire(self._arms.fire(armed)), name=f"fire {armed.arm.step}")
            self._firing.add(task)
            task.add_done_callback(self._firing.discard)

    async def aclose(self) -> None:
        """Fire nothing any more."""
        for task in self._firing:
            task.cancel()
        await asyncio.gather(*self._firing, return_exceptions=True)

    async def _arm_step(self, order: ArmStep) -> Decision:
        self._being_read.add(order.step)
        try:
            plan = await self._run.describe(order.step)
        except UserError as error:
            return Refused(str(error))
        if order.step not in self._being_read:
            return Refused("it was disarmed meanwhile")
        self._being_read.discard(order.step)
        plan = plan or Plan("", (), self._clock.utc())
        self._plans.keep(order.step, plan)
        now = self._clock.monotonic()
        return self._armed(order.step, self._arms.step(order, plan, self._run.state, self._run.fleet_view(), now))

    async def _arm_proposal(self, order: ArmProposal) -> Decision:
        if order.order != self._proposing.order:
            return Refused("this is not considered any more")
        self._being_read.add(PROPOSED)
        try:
            plan = await self._proposing.describe(order.order)
        except UserError as error:
            return Refused(str(error))
        if PROPOSED not in self._being_read or order.order != self._proposing.order:
            return Refused("it was disarmed meanwhile")
        self._being_read.discard(PROPOSED)
        self._proposing.keep(plan)
        tier = self._proposing.tier(order.order)
        return self._armed(PROPOSED, self._arms.proposal(order, plan, tier, self._clock.monotonic()))

    def _armed(self, step: StepId, why: str | None) -> Decision:
        if why is not None:
            return Refused(why)
        self.say(step, "")
        return ()

    async def _fire(self, firing: Armed) -> Decision:
        """Approve what is armed, if it would still do what its card showed, or less.

        It stays armed while that is read, so that Esc and a hold take it back.
        """
        order = firing.order
        self.say(firing.arm.step, "")
        if isinstance(order, ArmDirect):
            return await self._gone_with(firing, order.order)
        step = firing.arm.step
        try:
            plan = await self._read(order)
        except UserError as error:
            return self._dead(step, f"disarmed: {error}")
        if self._arms.get(step) is not firing:
            return Refused("it was disarmed meanwhile")
        changed = difference(firing.plan, plan) if plan is not None and firing.plan is not None else ""
        if plan is not None and isinstance(order, ArmStep):
            changed = nothing_goes(self._run.state.runbook.step(step), plan) or changed
        if plan is not None and changed:
            self._keep(order, plan)
            return self._dead(step, f"disarmed: {changed}")
        if isinstance(order, ArmProposal):
            proposed = order.order if plan is None else with_plan(order.order, plan)
            return self._over(await self._gone_with(firing, proposed))
        approved, digest = (plan.approved, plan.digest) if plan is not None else ((), "")
        approve = Approve(order.step, order.snapshot, order.overridden, order.reason, approved, digest)
        return await self._gone_with(firing, approve)

    async def _gone_with(self, fired: Armed, order: RunOrder) -> Decision:
        """Carry out what fired; until it is on disk its card says that it goes, and offers no second arm."""
        step = fired.arm.step
        self._arms.drop(step)
        self._gone[step] = replace(fired, arm=replace(fired.arm, gone=True))
        try:
            return await self._run.carry_out(order)
        finally:
            self._gone.pop(step, None)

    def _over(self, decision: Decision) -> Decision:
        """End what was considered where it was taken; where it was refused its dialog says why."""
        if isinstance(decision, Refused):
            self.say(PROPOSED, decision.why)
        else:
            self._proposing.consider(None)
        return decision

    async def _read(self, order: ArmStep | ArmProposal) -> Plan | None:
        if isinstance(order, ArmProposal):
            return await self._proposing.describe(order.order)
        return await self._run.describe(order.step)

    def _keep(self, order: ArmStep | ArmProposal, plan: Plan) -> None:
        if isinstance(order, ArmProposal):
            self._proposing.keep(plan)
        else:
            self._plans.keep(order.step, plan)

    def _dead(self, step: StepId, why: str) -> Decision:
        self._arms.drop(step)
        self.say(step, why)
        return Refused(why)


def _place(order: ArmStep | ArmDirect | ArmProposal) -> StepId:
    """Return by what name an arm is kept."""
    if isinstance(order, ArmStep):
        return order.step
    return DIRECT if isinstance(order, ArmDirect) else PROPOSED

"""The order about items that the lead considers in this process: read, shown, armed, and done as it was shown."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.arm import Arm
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import AddItem, AnswerItem, Control, Proposal, Retry
from deploydash.core.run.placeholders import filled_item, words_for
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer
from deploydash.core.run.proposals import items_of, tier_of, title_of
from deploydash.core.run.state import RunState
from deploydash.core.views.proposal_view import ProposalCard
from deploydash.errors import UserError
from deploydash.session.describing import EVERY_S


class Proposable(Protocol):
    """What an order about items needs of the run."""

    @property
    def state(self) -> RunState:
        """The run as its journal has it."""
        ...

    def fleet_view(self) -> FleetView:
        """Return what is seen now."""
        ...

    def offers(self, step: StepId, name: ItemId) -> tuple[ControlOffer, ...]:
        """Return what an item's system can be told about it now."""
        ...

    async def describe(self, step: StepId, names: Sequence[ItemId] = ()) -> Plan | None:
        """Return what items of a step would do now; None where nobody acts."""
        ...

    async def describe_items(self, items: Sequence[Item]) -> Plan:
        """Return what these items would do now."""
        ...


class Proposing:
    """What one order would do, read anew every so often while its dialog is open, and whether it may go."""

    def __init__(self, run: Proposable, clock: Clock) -> None:
        self._run = run
        self._clock = clock
        self._order: Proposal | None = None
        self._plan: Plan | None = None
        self._unread = ""
        self._due = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def order(self) -> Proposal | None:
        """What is considered."""
        return self._order

    def consider(self, order: Proposal | None) -> None:
        """Show what this order would do from now on, or nothing."""
        self._order, self._plan, self._unread, self._due = order, None, "", 0.0

    def tier(self, order: Proposal) -> Tier:
        """Return how an order is confirmed."""
        return tier_of(order, self._run.state, self._offers(order))

    def refuses(self, order: Proposal) -> str | None:
        """Return why an order may not go now, or None."""
        decision = decide(order, self._run.state, self._run.fleet_view(), "")
        if isinstance(decision, Refused):
            return decision.why
        return self._control_refusal(order) if isinstance(order, Control) else None

    async def describe(self, order: Proposal) -> Plan:
        """Return what an order would do now.

        Raises:
            UserError: it cannot be read, or cannot go as things stand.
        """
        plan = await self._read(order)
        if isinstance(order, AddItem) and plan.items and plan.items[0].blocked:
            raise UserError(plan.items[0].why)
        return plan

    def keep(self, plan: Plan) -> None:
        """Show a plan that was read elsewhere."""
        self._plan = plan

    def card(self, arm: Arm | None, message: str) -> ProposalCard | None:
        """Return what the dialog shows, None where nothing is considered."""
        order = self._order
        if order is None:
            return None
        state, offers = self._run.state, self._offers(order)
        blocked = self._plan.items[0] if isinstance(order, AddItem) and self._plan and self._plan.items else None
        why = self.refuses(order) or (blocked.why if blocked is not None and blocked.blocked else "") or self._unread
        title, tier = title_of(order, state, offers), tier_of(order, state, offers)
        return ProposalCard(order, title, tier, items_of(order, state), self._plan, why, arm, message)

    def tend(self) -> None:
        """Read what the order would do if that is due."""
        now, order = self._clock.monotonic(), self._order
        if order is None or now < self._due or (self._task is not None and not self._task.done()):
            return
        self._due = now + EVERY_S
        self._task = asyncio.create_task(self._look(order), name="what an order would do")

    async def aclose(self) -> None:
        """Give up reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _look(self, order: Proposal) -> None:
        plan, unread = None, ""
        try:
            plan = await self._read(order)
        except UserError as error:
            unread = str(error)
        if self._order == order:
            self._plan, self._unread = plan, unread

    async def _read(self, order: Proposal) -> Plan:
        if isinstance(order, Retry):
            return await self._run.describe(order.step, order.items) or self._said(order)
        if isinstance(order, AddItem):
            words = words_for((order.item,), self._run.state, self._run.fleet_view)
            return await self._run.describe_items((filled_item(order.item, words),))
        return self._said(order)

    def _said(self, order: Proposal) -> Plan:
        """Return the plan of what needs no reading: a control, an answer, a release."""
        lines: tuple[str, ...] = ()
        name = order.item if isinstance(order, Control | AnswerItem) else None
        if isinstance(order, Control):
            found = (offer for offer in self._offers(order) if offer.name == order.name)
            lines = next((offer.lines or (offer.text,) for offer in found), ())
        elif isinstance(order, AnswerItem):
            lines = (f"{order.question} {order.answer}",)
        items = (ItemPlan(name, lines),) if name is not None else ()
        return Plan("", items, self._clock.utc())

    def _control_refusal(self, order: Control) -> str | None:
        offer = next((offer for offer in self._offers(order) if offer.name == order.name), None)
        if offer is None:
            return f"{order.name} is not offered for this item now"
        return offer.why_not or None

    def _offers(self, order: Proposal) -> tuple[ControlOffer, ...]:
        return self._run.offers(order.step, order.item) if isinstance(order, Control) else ()

"""What the screen of a run talks to: orders go in and never wait, refusals come back in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, Composer, ItemOffer, NoComposer
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import (
    ArmDirect,
    ArmOrder,
    ArmProposal,
    ArmStep,
    Disarm,
    EmergencyStop,
    Fire,
    Hold,
    Proposal,
    RunOrder,
    TypeName,
)
from deploydash.session.run_controller import RunController

_ARM_ORDERS = (ArmStep, ArmDirect, ArmProposal, TypeName, Fire, Disarm)


class RunControllerInbox:
    """Hands the screen's orders to the controller one after the other, in the order of the keys."""

    def __init__(self, controller: RunController, composer: Composer | None = None) -> None:
        self._controller = controller
        self._composer = composer or NoComposer()
        self._orders: asyncio.Queue[RunOrder | ArmOrder] = asyncio.Queue()
        self._urgent: asyncio.Queue[RunOrder | ArmOrder] = asyncio.Queue()
        self._listeners: list[Callable[[str], None]] = []

    def run_order(self, order: RunOrder | ArmOrder) -> None:
        """Take an order; never waits."""
        (self._urgent if isinstance(order, Hold | EmergencyStop | Disarm) else self._orders).put_nowait(order)

    def choose(self, step: StepId | None, /, *, lane: bool = False) -> None:
        """Put a step's card on top, or the one that is next."""
        self._controller.on_top.choose(step, lane=lane)

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return what the lead may add beside the runbook."""
        return tuple(offer for offer in self._composer.offers() if not offer.stops)

    def stops(self) -> tuple[Item, ...]:
        """Return the emergency stops of the systems here."""
        return self._composer.stops()

    def compose(self, offer: str, texts: Sequence[str]) -> Composed:
        """Return the item that was typed; asks nobody outside, and may take long."""
        return self._composer.compose(offer, texts)

    def compose_fallback(self, fallback: Fallback, items: Sequence[Item]) -> Composed:
        """Return the item that is another way for these; asks nobody outside."""
        return self._composer.compose_fallback(fallback, items)

    def show_direct_options(self, cscs: tuple[CscId, ...]) -> None:
        """Put what may be commanded directly of these CSCs into the coming snapshots, or nothing."""
        self._controller.direct_options = cscs

    def propose(self, order: Proposal | None) -> None:
        """Put what an order about items would do into the coming snapshots, or nothing."""
        self._controller.propose(order)

    def subscribe_refusals(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with the words of every refusal from now on."""
        self._listeners.append(callback)

    async def serve(self) -> None:
        """Carry out orders until cancelled. What stops something waits for no other order that reads outside."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._serve(self._orders), name="orders")
            group.create_task(self._serve(self._urgent), name="urgent orders")

    async def _serve(self, orders: asyncio.Queue[RunOrder | ArmOrder]) -> None:
        while True:
            order = await orders.get()
            if isinstance(order, _ARM_ORDERS):
                decision = await self._controller.arm(order)
            elif why := self._controller.unarmed(order):
                decision = Refused(why)
            else:
                decision = await self._controller.order(order)
            if isinstance(decision, Refused):
                for listener in tuple(self._listeners):
                    listener(decision.why)

"""What the screen of a run talks to: orders go in and never wait, refusals come back in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import StepId
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import ArmDirect, ArmOrder, ArmStep, Disarm, Fire, RunOrder, TypeName
from deploydash.core.run.scripts import ScriptChecked
from deploydash.session.run_controller import RunController

_ARM_ORDERS = (ArmStep, ArmDirect, TypeName, Fire, Disarm)


def _unchecked(path: str, standard: bool, config: str) -> ScriptChecked:
    del path, standard
    return ScriptChecked(config, wrong=("this process knows no scripts",))


class RunControllerInbox:
    """Hands the screen's orders to the keeper one after the other, in the order of the keys."""

    def __init__(self, controller: RunController) -> None:
        self._keeper = controller
        self.checking: Callable[[str, bool, str], ScriptChecked] = _unchecked
        self._orders: asyncio.Queue[RunOrder | ArmOrder] = asyncio.Queue()
        self._listeners: list[Callable[[str], None]] = []

    def run_order(self, order: RunOrder | ArmOrder) -> None:
        """Take an order; never waits."""
        self._orders.put_nowait(order)

    def choose(self, step: StepId | None) -> None:
        """Put a step's card on top, or the one that is next."""
        self._keeper.chosen = step

    def check_script(self, path: str, standard: bool, config: str) -> ScriptChecked:
        """Return what is known of a script with this configuration; asks nobody outside."""
        return self.checking(path, standard, config)

    def show_direct_options(self, cscs: tuple[CscId, ...]) -> None:
        """Put what may be commanded by hand of these CSCs into the coming snapshots, or nothing."""
        self._keeper.direct_options = cscs

    def subscribe_refusals(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with the words of every refusal from now on."""
        self._listeners.append(callback)

    async def serve(self) -> None:
        """Carry out orders until cancelled."""
        while True:
            order = await self._orders.get()
            if isinstance(order, _ARM_ORDERS):
                decision = await self._keeper.arm(order)
            else:
                decision = await self._keeper.order(order)
            if isinstance(decision, Refused):
                for listener in tuple(self._listeners):
                    listener(decision.why)

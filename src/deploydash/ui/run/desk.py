"""Where the orders of the screen go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from deploydash.core.model import CscId
from deploydash.core.run_orders import ArmOrder, RunOrder
from deploydash.core.runbook import StepId


class RunDesk(Protocol):
    """The run as the lead's screen sees it; what it shows comes back with the next snapshot."""

    def run_order(self, order: RunOrder | ArmOrder, /) -> None:
        """Hand over an order of the lead; never waits. A refusal comes through ``subscribe_refusals``."""
        ...

    def subscribe_refusals(self, callback: Callable[[str], None], /) -> None:
        """Call ``callback`` on the screen's event loop with the sentence of every refusal from now on."""
        ...

    def choose(self, step: StepId | None, /) -> None:
        """Put the card of this step on top of the coming snapshots, or of what is next."""
        ...

    def consider(self, cscs: tuple[CscId, ...], /) -> None:
        """Put what may be commanded by hand of these CSCs into the coming snapshots; of none: nothing."""
        ...

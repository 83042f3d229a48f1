"""Where the orders of the screen go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.core.run.orders import ArmOrder, Proposal, RunOrder
from deploydash.core.views.timeline import Timeline


class RunInbox(Protocol):
    """The run as the lead's screen sees it; what it shows comes back with the next snapshot."""

    def run_order(self, order: RunOrder | ArmOrder, /) -> None:
        """Hand over an order of the lead; never waits. A refusal comes through ``subscribe_refusals``."""
        ...

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return the kinds of items that may be added beside the runbook now."""
        ...

    def stops(self) -> tuple[Item, ...]:
        """Return the emergency stops of the systems here."""
        ...

    def compose(self, offer: str, texts: tuple[str, ...], /) -> Composed:
        """Return the item that was typed into an offer's fields; asks nobody outside, may take long: in a thread."""
        ...

    def compose_fallback(self, fallback: Fallback, items: tuple[Item, ...], /) -> Composed:
        """Return the item by which these go another way, as ``compose``."""
        ...

    def subscribe_refusals(self, callback: Callable[[str], None], /) -> None:
        """Call ``callback`` on the screen's event loop with the sentence of every refusal from now on."""
        ...

    def choose(self, step: StepId | None, /, *, lane: bool = False) -> None:
        """Put the card of this step on top of the coming snapshots, or of what is next.

        ``lane``: it is gone to for its lane, so that once it has ended the next one of that lane follows.
        """
        ...

    def show_direct_options(self, cscs: tuple[CscId, ...], /) -> None:
        """Put what may be commanded directly to these CSCs into the coming snapshots; of none: nothing."""
        ...

    def propose(self, order: Proposal | None, /) -> None:
        """Put what an order about items would do into the coming snapshots; None: nothing."""
        ...


class History(Protocol):
    """The run so far, as its journal tells it."""

    def read_on(self) -> Timeline:
        """Read what was written since the last call and return the run over time; waits for the disk.

        Raises:
            UserError: the journal is damaged.
            OSError: it cannot be read.
        """
        ...

"""What the actions of several systems have in common (core.run.ports.Action): nothing to hold, no control to offer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from deploydash.core.procedure.items import Item
from deploydash.core.run.ports import ControlOffer, ItemContext, Look
from deploydash.core.run.state import ItemProgress
from deploydash.errors import UserError


class HoldsNothing:
    """An action whose connections last as long as the run."""

    def open(self, items: Sequence[Item]) -> AbstractAsyncContextManager[None]:
        """Hold nothing while these are worked on."""
        del items
        return nullcontext()


class NoControls:
    """An action to which nothing can be told about what is under way."""

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return none."""
        del item, history, look
        return ()

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Refuse.

        Raises:
            UserError: always.
        """
        del history, context
        raise UserError(f"{name} is not offered for {item.label}")

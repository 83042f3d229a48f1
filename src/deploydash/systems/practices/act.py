"""Practices carry nothing out: they are facts of gates (``core.run.ports.Action``)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import Plan
from deploydash.core.run.ports import ControlOffer, End, Finding, ItemContext, Look
from deploydash.core.run.state import ItemProgress
from deploydash.errors import UserError

_NOTHING = "practices carry nothing out"


class NoAction:
    """Refuses everything: no step can name this system, for it knows none."""

    def open(self, items: Sequence[Item]) -> AbstractAsyncContextManager[None]:
        """Hold nothing."""
        del items
        return nullcontext()

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Refuse."""
        del items, look
        raise UserError(_NOTHING)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Refuse."""
        del item, history, look
        raise UserError(_NOTHING)

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Refuse."""
        del item, approved, context
        raise UserError(_NOTHING)

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Refuse."""
        del item, history, context
        raise UserError(_NOTHING)

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return none."""
        del item, history, look
        return ()

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Refuse."""
        del item, name, history, context
        raise UserError(_NOTHING)

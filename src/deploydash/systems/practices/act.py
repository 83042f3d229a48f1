"""Practices carry nothing out: they are facts of gates (``core.run.ports.Action``)."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import Plan
from deploydash.core.run.ports import End, Finding, ItemContext, Look
from deploydash.core.run.state import ItemProgress
from deploydash.errors import UserError
from deploydash.systems.acting import HoldsNothing, NoControls

_NOTHING = "practices carry nothing out"


class NoAction(HoldsNothing, NoControls):
    """Refuses everything: no step can name this system, for it knows none."""

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

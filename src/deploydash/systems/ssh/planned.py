"""What would be sent for one item as things stand, before it has a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploydash.core.procedure.names import ItemId
from deploydash.core.run.plans import ItemPlan

Read = Mapping[str, Any]
"""What was read of an item when it was approved, as its kind of work wrote it; empty where nothing was."""


@dataclass(frozen=True, slots=True)
class Planned:
    """``lines``, ``why``, ``approved`` and ``blocked`` as in ItemPlan."""

    lines: tuple[str, ...] = ()
    why: str = ""
    approved: str = ""
    blocked: bool = False

    def of(self, item: ItemId, host: str) -> ItemPlan:
        """Return it as the plan of an item, with the host before each line."""
        lines = tuple(line if line.startswith("#") else f"{host}: {line}" for line in self.lines)
        return ItemPlan(item, lines, self.why, self.blocked, self.approved)

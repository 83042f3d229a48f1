"""What is known of the step that asks every system: an item for each that the runbook touches at the site."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import OWN, ItemId, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.systems.table import Entry, Wrong


class PreflightSteps:
    """Makes the items of a step whose system is ``deploydash`` (systems.table.Steps)."""

    keys: frozenset[str] = frozenset()

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield that there is nothing to ask."""
        if not entry.asked:
            yield Wrong(("system",), "no system of this runbook can be asked at this site", "leave the step out")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return an item for each system, in the order of the table."""
        return tuple(_item(name, numbered(place), entry) for place, name in enumerate(entry.asked))

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return none: what is red is fixed and asked once more, or waived by name."""
        del entry
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return what is done: it is asked, and nothing is sent that could change anything."""
        return (f"ask {system_of(item)} once, read-only, as deploydash check does",)

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Return nothing.

        Raises:
            ValueError: always.
        """
        del fallback, items
        raise ValueError("what is red has no other way: fix it and retry, or waive it")

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return that nothing may be added."""
        return ()

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Return that nothing is made."""
        del texts
        return Composed(None, (f"nothing is offered as {offer_id!r}",))


def system_of(item: Item) -> str:
    """Return which system an item asks."""
    return str(json.loads(item.spec)["asks"])


def _item(name: str, id: ItemId, entry: Entry) -> Item:  # noqa: A002 - as the item calls it
    return Item(
        id, name.replace("_", " "), OWN, json.dumps({"asks": name}), manual=(f"deploydash check {entry.roster.site}",)
    )

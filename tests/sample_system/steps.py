"""A step of a runbook to machines, and what would be asked of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, SystemName, numbered
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer, OfferField
from deploydash.systems.table import Entry, Wrong

SAMPLE = SystemName("sample")


def machine_item(name: str, order: str, at: ItemId, wave: int = 0) -> Item:
    """Return the item that brings a machine where it should be: ``start`` or ``force``."""
    spec = json.dumps({"machine": name, "order": order})
    label = name if order == "start" else f"{order} {name}"
    return Item(at, label, SAMPLE, spec, manual=(f"machinectl {order} {name}",), wave=wave)


class SampleSteps:
    """What is known of machines without asking them."""

    keys = frozenset({"machines", "forced"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        if not entry.own.get("machines"):
            yield Wrong(("machines",), "no machine is named", "name some, such as [m1, m2]")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return an item for each machine."""
        return tuple(machine_item(name, "start", numbered(at)) for at, name in enumerate(entry.own["machines"]))

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return the other way for machines that do not start."""
        return (Fallback("force them", SAMPLE, "force"),) if entry.own.get("forced") else ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the exact requests for an item."""
        spec = json.loads(item.spec)
        return (f"POST /machines/{spec['machine']}/{spec['order']}",)

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Return the item by which these go another way."""
        names = ",".join(json.loads(item.spec)["machine"] for item in items)
        return machine_item(names, fallback.template, ItemId(""))

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return the offer to start any machine."""
        body = ("Any machine can be started, whatever the runbook says.",)
        return (ItemOffer("machine", SAMPLE, "Start a machine", body, (OfferField("machine", "its name"),)),)

    def compose(self, offer: str, texts: Sequence[str]) -> Composed:
        """Return the item that starts the machine that was typed."""
        del offer
        if not texts[0].strip():
            return Composed(None, ("name a machine",))
        item = machine_item(texts[0].strip(), "start", ItemId(""))
        return Composed(item, exact=self.lines(item))

"""What the lead may add beside the runbook, and an item as its system made it from what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import SystemName
from deploydash.core.procedure.runbook import Fallback


@dataclass(frozen=True, slots=True)
class OfferField:
    """One line to type: its label, an example, and what stands in it at first."""

    label: str
    hint: str
    initial: str = ""


@dataclass(frozen=True, slots=True)
class ItemOffer:
    """A kind of item that a system lets the lead add. ``id`` is unique among all of them.

    ``stops``: an emergency stop, which needs no field: one key sends it at once, whatever else goes on, for it only
    stops.
    """

    id: str
    system: SystemName
    title: str
    body: tuple[str, ...]
    fields: tuple[OfferField, ...]
    stops: bool = False


@dataclass(frozen=True, slots=True)
class Composed:
    """What a system made of what was typed.

    ``wrong``: why it must not go, in sentences; then there is no ``item``. ``told``: what else to know before it does.
    ``exact``: what would be sent, as it would be sent.
    """

    item: Item | None
    wrong: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()


class Composer(Protocol):
    """Makes items of what the lead chose or typed; pure, and may take long, so it is called in a thread."""

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return what the lead may add beside the runbook."""
        ...

    def stops(self) -> tuple[Item, ...]:
        """Return the emergency stops, as items that have no name yet."""
        ...

    def compose(self, offer: str, texts: Sequence[str]) -> Composed:
        """Return the item that an offer's fields describe, or what is wrong with them."""
        ...

    def compose_fallback(self, fallback: Fallback, items: Sequence[Item]) -> Composed:
        """Return the item that is another way for these, or why there is none."""
        ...


class NoComposer:
    """Of a process that adds nothing."""

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return nothing."""
        return ()

    def stops(self) -> tuple[Item, ...]:
        """Return nothing."""
        return ()

    def compose(self, offer: str, texts: Sequence[str]) -> Composed:
        """Refuse everything."""
        del offer, texts
        return Composed(None, wrong=("this process adds nothing",))

    def compose_fallback(self, fallback: Fallback, items: Sequence[Item]) -> Composed:
        """Refuse everything."""
        del fallback, items
        return Composed(None, wrong=("this process adds nothing",))

"""A step of a runbook that changes the registry's compatibility, or puts back what stood there before. Pure.

``set`` is a level such as NONE, or ``<compatibility>``, the level that was read before the change. ``paid_by`` names
the steps that put it back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Debt, Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.systems.address import shown
from deploydash.systems.registry.compatibility import PATH, UNSET, is_level
from deploydash.systems.table import Entry, Wrong

REGISTRY = SystemName("registry")
DEBT = "registry/compatibility"
"""By what the debt of a changed level is known; there is one registry at a site, and so one level."""

BEFORE = "<compatibility>"
"""The word that the run fills in with the level that was read before it was changed."""

REHEARSED = "# rehearsal: "
_BLANK = re.compile(r"<[a-z][a-z-]*>")


@dataclass(frozen=True, slots=True)
class LevelWork:
    """A level to be set; ``paid_by``: the steps that put back what stands there, none where this is one of them.

    ``address``: where the site file says that the registry is, for paper; what acts knows where it really is.
    """

    level: str
    paid_by: tuple[StepId, ...] = ()
    address: str = ""

    @property
    def known(self) -> bool:
        """Whether the level is one, and not a word that nobody has filled in."""
        return is_level(self.level)

    def debt(self, before: str) -> Debt | None:
        """Return what is owed once ``before`` is not set any more."""
        what = f"schema compatibility to restore to {before}"
        return Debt(DEBT, what, self.paid_by, restore=before) if self.paid_by else None


def work_of(spec: str) -> LevelWork:
    """Return the work of an item.

    Raises:
        ValueError: a spec that is none of this system's.
    """
    read = json.loads(spec)
    payers = tuple(StepId(str(step)) for step in read["paid_by"])
    return LevelWork(str(read["set"]), payers, shown(str(read.get("address", ""))))


def request(level: str, address: str = "") -> str:
    """Return the request that sets a level, as it is sent and journaled."""
    if level == UNSET:
        return f"DELETE {address}{PATH}"
    return f"PUT {address}{PATH} {json.dumps({'compatibility': level})}"


class RegistrySteps:
    """What is known of a site's registry without asking it. Keys of a step: ``set``, ``paid_by``."""

    keys = frozenset({"set", "paid_by"})

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step."""
        level, payers = entry.own.get("set"), entry.own.get("paid_by", [])
        if not isinstance(level, str) or not (level == BEFORE or (is_level(level) and level != UNSET)):
            yield Wrong(("set",), f"{level!r} is no compatibility level", f"write NONE, or {BEFORE} to put it back")
        if not isinstance(payers, list) or not all(isinstance(step, str) for step in payers):
            yield Wrong(("paid_by",), "is no list of steps", "write for example [schema-back]")
            return
        for at, step in enumerate(payers):
            if step not in entry.later:
                yield Wrong(("paid_by", at), f"no step {step!r} comes after this one", "name a later step")
        if level != BEFORE and not payers:
            yield Wrong(("paid_by",), "no step restores the previous value", "name the later step that does")

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return the one item of a step."""
        level, lead = str(entry.own["set"]), REHEARSED if entry.rehearsal else ""
        address = shown(str(entry.words.get("schema_registry.url", "")))
        spec = json.dumps({"set": level, "paid_by": list(entry.own.get("paid_by", [])), "address": address})
        look = f"curl -s {address}{PATH}"
        body = json.dumps({"compatibility": level})
        change = f"curl -s -X PUT -H 'Content-Type: application/vnd.schemaregistry.v1+json' --data '{body}' "
        manual = (f"{look}   # note what it says", f"{change}{address}{PATH}", look)
        label = f"schema compatibility {level}"
        return (Item(numbered(0), label, REGISTRY, spec, manual=tuple(lead + line for line in manual)),)

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return nothing: there is no other way."""
        del entry
        return ()

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the exact request of an item."""
        work = work_of(item.spec)
        line = request(work.level, work.address)
        return (f"{line}, or {request(UNSET, work.address)} where none was set" if _BLANK.search(work.level) else line,)

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Refuse: there is no other way.

        Raises:
            ValueError: always.
        """
        del items
        raise ValueError(f"a schema registry knows no other way {fallback.label}")

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return nothing: the level is changed by a runbook alone."""
        return ()

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Refuse: nothing is offered."""
        del texts
        return Composed(None, (f"nothing is offered as {offer_id!r}",))

"""What reads runbooks and sites knows of a system without importing it: the table of systems, and what stands in it.

Types only. A system that acts puts one :class:`Reading` into the table; that of CSCs and scripts, ``sal``, is read with
the runbook itself, and only composes and prints here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from deploydash.core.model import CscId, Roster
from deploydash.core.ports import Clock, Feed
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId, SystemName
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.errors import UserError

if TYPE_CHECKING:
    from deploydash.systems.section import SiteSection


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something wrong at a place inside a step: the keys and places that lead there, a sentence, what to do."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A site as one of its systems sees it.

    ``settings``: the system's own section of the site file. ``others``: the sections of the other systems, to be read
    through their ``words`` and ``loops``. ``words``: what is filled in of a run, such as ``branch``; empty without one.
    """

    settings: SiteSection
    roster: Roster
    others: Mapping[SystemName, SiteSection] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A step of a runbook as its system reads it.

    ``own``: the system's own keys of it, as they stand in the file. ``settings``: the system's section of the site
    file, as its settings model made it; None where it has no model. ``rehearsal``: nothing real may be reached.
    ``only``: the CSCs that the run is about where it is for named ones, None for all. ``others``: the sections of the
    other systems, to be read through their ``words`` and ``loops``. ``later``: the steps that come after it here.
    ``words``: what the site fills into texts, by its name without braces, such as ``schema_registry.url``.
    ``asked``: the feeds and systems that this runbook touches here and that can be asked how they fare.
    """

    step: StepId
    own: Mapping[str, Any]
    roster: Roster
    settings: SiteSection | None = None
    rehearsal: bool = False
    only: frozenset[CscId] | None = None
    others: Mapping[SystemName, SiteSection] = field(default_factory=dict)
    later: tuple[StepId, ...] = ()
    words: Mapping[str, Any] = field(default_factory=dict)
    asked: tuple[str, ...] = ()


class Steps(Protocol):
    """What a system knows of its own steps and items. Pure: nothing is contacted."""

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a step of a runbook that are this system's own."""
        ...

    def problems(self, entry: Entry) -> Iterator[Wrong]:
        """Yield what is wrong with a step; places are inside the step."""
        ...

    def items(self, entry: Entry) -> tuple[Item, ...]:
        """Return the items of a step with which nothing is wrong."""
        ...

    def fallbacks(self, entry: Entry) -> tuple[Fallback, ...]:
        """Return the other ways for items of a step that do not go."""
        ...

    def lines(self, item: Item) -> tuple[str, ...]:
        """Return the exact requests that may be sent for an item, wherever it starts from."""
        ...

    def fallback(self, fallback: Fallback, items: Sequence[Item]) -> Item:
        """Return the item that goes instead of these. It has no name yet.

        Raises:
            ValueError: this way is none for them; says why.
        """
        ...

    def offers(self) -> tuple[ItemOffer, ...]:
        """Return what the lead may add beside the runbook."""
        ...

    def compose(self, offer_id: str, texts: Sequence[str]) -> Composed:
        """Return the item that an offer makes of what was typed, a text for each of its fields. It has no name yet."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of ``deploydash check``; one that is red makes its answer no.

    ``do``: what to do about it, for a credential that lacks the command that sets it up.
    """

    level: Literal["ok", "warning", "red"]
    subject: str
    sentence: str
    do: str = ""

    @classmethod
    def refused(cls, subject: str, error: UserError) -> Finding:
        """Return what a refusal comes to: red, with its hint as what to do."""
        return cls("red", subject, error.message, error.hint)


@dataclass(frozen=True, slots=True)
class Reading:
    """A system in the table.

    ``settings``: the shape of its section below ``systems:`` in a site file, or None where it has none. ``steps``: what
    it knows of its steps, or None where it carries none out. ``feed``: makes its feed. ``check``: asks it once, reads
    only, and returns what ``deploydash check`` shows of it. ``fuse``: says, a sentence for each, where it would be led
    to that is not of the site. These three are only for sites that have its section.
    """

    name: SystemName
    settings: type[SiteSection] | None = None
    steps: Steps | None = None
    feed: Callable[[Place, Clock], Feed] | None = None
    check: Callable[[Place], Awaitable[tuple[Finding, ...]]] | None = None
    fuse: Callable[[Place], Awaitable[tuple[str, ...]]] | None = None

    @property
    def reaches_out(self) -> bool:
        """Whether anything here contacts the system: what it only prints for people reaches nobody."""
        return self.steps is not None or self.feed is not None or self.check is not None


Table = Mapping[SystemName, Reading]

NO_SYSTEMS: Table = MappingProxyType({})
"""A table without a system: runbooks then act on CSCs and scripts alone."""

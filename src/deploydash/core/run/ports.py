"""The shapes at the border of a run: what its actions are, and what they may ask of it. Types only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Debt, Tier
from deploydash.core.run.plans import Plan
from deploydash.core.run.records import AnswerOffered, Outcome
from deploydash.core.run.state import ItemProgress

Look = Callable[[CscId], CscView | None]
"""Returns what is seen of a CSC now."""


@dataclass(frozen=True, slots=True)
class End:
    """How an item ended. ``values``: what it made known, such as a commit; ``left``: what of it remains outside."""

    outcome: Outcome
    why: str
    values: tuple[tuple[str, str], ...] = ()
    left: str = ""


class Found(StrEnum):
    """What a look outside says of an item whose outcome is unknown."""

    DONE = "done"
    NOT_DONE = "not done"
    UNDER_WAY = "under way"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found, in a sentence, and when that was read (UTC unix seconds)."""

    found: Found
    sentence: str
    read_utc: float


@dataclass(frozen=True, slots=True)
class ControlOffer:
    """Something that an item's system can be told about it.

    An action offers the same names in the same order all the time: ``why_not`` says why it would not take one at this
    moment, and is empty where it would. ``tier``: how it is confirmed. ``lines``: the exact requests, where they say
    more than ``text``.
    """

    name: str
    text: str
    why_not: str = ""
    tier: Tier = Tier.MODERATE
    lines: tuple[str, ...] = ()


class ItemContext(Protocol):
    """What an action may ask of the run while it works on one item. The run alone journals and decides."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Hold one of the places of those worked on at once; what is only waited for needs none."""
        ...

    async def intend(
        self, text: str, key: str = "", *, begins: bool = False, owes: Debt | None = None, asks_only: bool = False
    ) -> str | None:
        """Put an intent on disk. None: it is there and the request may be sent now; else why it must not be.

        ``begins``, ``owes`` as in ``RequestIntended``. ``asks_only``: it changes nothing, or only stops, and may go
        while the run is held.
        """
        ...

    async def answered(self, ok: bool | None, text: str) -> None:
        """Put the answer to the last request on disk: taken, refused, or None for no answer."""
        ...

    async def progress(
        self, state: str, line: str = "", *, done: int = 0, of: int = 0, known_as: str = "", paused: bool = False
    ) -> None:
        """Tell what the item has come to. A new ``line`` alone reaches the journal once in 2 s, all else at once."""
        ...

    async def paid(self, debt: str, by: str) -> None:
        """Say that what was owed was undone."""
        ...

    def output(self, text: str) -> None:
        """Show live output; the last lines are kept for the screen, none in the journal."""
        ...

    async def ask(self, question: str, answers: Sequence[AnswerOffered], about: str = "") -> str:
        """Ask the lead, and return the answer; waits as long as that takes.

        ``about``: what was read for it, such as a difference, as JSON or text; an answer holds for that alone.

        Raises:
            UserError: nobody can be asked.
        """
        ...

    def view(self, csc: CscId) -> CscView | None:
        """Return what is seen of a CSC now."""
        ...

    def fact(self, name: str) -> Fact | None:
        """Return a fact as it was told last, or None where nobody told it."""
        ...

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Wait until a CSC is seen as ``when`` asks; False after ``limit_s`` monotonic seconds."""
        ...


class Action(Protocol):
    """How one system carries out its items."""

    def open(self, items: Sequence[Item]) -> AbstractAsyncContextManager[None]:
        """Hold what these items share, such as a connection, while they are worked on."""
        ...

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return exactly what would be done now; changes nothing.

        Raises:
            UserError: it cannot be read, in words.
        """
        ...

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look outside what became of an item whose outcome is unknown; changes nothing."""
        ...

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Carry out an item as it was approved.

        Raises:
            UserError: it is not known; says why.
        """
        ...

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow to its end what goes on outside already; sends nothing that changes it."""
        ...

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return what can be told about an item, in an order that never changes; none where that makes no sense."""
        ...

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Tell an item's system one of its controls.

        Raises:
            UserError: it was not done, or nobody knows; says why.
        """
        ...

"""What an action may ask of the run while it works on one item (core.run.ports.ItemContext)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.plans import question_digest
from deploydash.core.run.records import (
    AnswerOffered,
    DebtPaid,
    ItemProgressed,
    QuestionAsked,
    RequestAnswered,
    RequestIntended,
    RunRecord,
)

LINE_EVERY_S = 2.0
"""What an item tells may come in bursts; not every line of it goes to the journal."""


LONGEST_LINE = 1000
"""So many characters of a line of live output are kept."""


class Desk(Protocol):
    """What a context needs of the run."""

    def item(self, step: StepId, name: ItemId) -> Item | None:
        """Return an item with every known word filled in."""
        ...

    async def intend(self, record: RequestIntended, *, asks_only: bool) -> str | None:
        """Journal an intent after the last look; None means it may be sent now."""
        ...

    def may_control(self, step: StepId, name: ItemId) -> str | None:
        """Return why a control of an item must not be sent now, or None."""
        ...

    async def tell(self, record: RunRecord) -> None:
        """Journal what came of it."""
        ...

    async def answer_to(self, record: QuestionAsked) -> str:
        """Journal a question and return the lead's answer."""
        ...

    def view(self, csc: CscId) -> CscView | None:
        """Return what is seen of a CSC now."""
        ...

    def fleet_view(self) -> FleetView:
        """Return everything that is seen now."""
        ...

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Wait until a CSC is seen as asked; False at the limit."""
        ...


class BoundContext:
    """Bound to one item. ``lines`` takes its live output; ``control``: for one of its controls, not for its work."""

    def __init__(
        self,
        desk: Desk,
        step: StepId,
        item: Item,
        slots: asyncio.Semaphore,
        lines: deque[str],
        clock: Clock,
        *,
        control: bool = False,
    ) -> None:
        self._desk = desk
        self._step = step
        self._item = item
        self._slots = slots
        self._lines = lines
        self._clock = clock
        self._control = control
        self._in_slot = control
        self._told: ItemProgressed | None = None
        self._told_at = 0.0
        self._late: ItemProgressed | None = None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the places of those worked on at once."""
        async with self._slots:
            self._in_slot = True
            try:
                yield
            finally:
                self._in_slot = self._control

    async def intend(
        self, text: str, key: str = "", *, begins: bool = False, owes: Debt | None = None, asks_only: bool = False
    ) -> str | None:
        """Put an intent on disk; None means that the request may be sent now, else why it must not be.

        Raises:
            RuntimeError: outside ``slot``: more would be worked on at once than was approved.
        """
        if not self._in_slot:
            raise RuntimeError(f"{self._item.label}: a request outside of slot()")
        if self._control:  # the order is on disk already
            return self._desk.may_control(self._step, self._item.id)
        return await self._desk.intend(
            RequestIntended(self._step, self._item.id, text, key, begins, owes), asks_only=asks_only
        )

    async def answered(self, ok: bool | None, text: str) -> None:
        """Put the answer to the last request on disk."""
        if not self._control:
            await self._desk.tell(RequestAnswered(self._step, self._item.id, ok, text))

    async def progress(
        self, state: str, line: str = "", *, done: int = 0, of: int = 0, known_as: str = "", paused: bool = False
    ) -> None:
        """Tell what the item has come to; a new line alone goes to the journal only every so often."""
        now = ItemProgressed(self._step, self._item.id, state, line, done, of, known_as, paused)
        before = self._told
        if now == before:
            self._late = None
            return
        only_line = before is not None and _but_for_line(now) == _but_for_line(before)
        if only_line and self._clock.monotonic() < self._told_at + LINE_EVERY_S:
            self._late = now
            return
        await self._write(now)

    async def flush(self) -> None:
        """Write what was held back."""
        if self._late is not None:
            await self._write(self._late)

    async def _write(self, now: ItemProgressed) -> None:
        self._told, self._told_at, self._late = now, self._clock.monotonic(), None
        await self._desk.tell(now)

    async def paid(self, debt: str, by: str) -> None:
        """Say that what was owed was undone."""
        await self._desk.tell(DebtPaid(debt, by))

    def output(self, text: str) -> None:
        """Keep the last lines of live output for the screen."""
        self._lines.extend(line[:LONGEST_LINE] for line in text.splitlines())

    async def ask(self, question: str, answers: Sequence[AnswerOffered], about: str = "") -> str:
        """Ask the lead, and return the answer; waits as long as that takes."""
        offered = tuple(answers)
        digest = question_digest(question, offered, about)
        return await self._desk.answer_to(QuestionAsked(self._step, self._item.id, question, offered, digest))

    def view(self, csc: CscId) -> CscView | None:
        """Return what is seen of a CSC now."""
        return self._desk.view(csc)

    def fact(self, name: str) -> Fact | None:
        """Return a fact as it was told last, or None where nobody told it."""
        return self._desk.fleet_view().facts.get(name)

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Wait until a CSC is seen as ``when`` asks; False after ``limit_s`` monotonic seconds."""
        return await self._desk.seen(csc, when, limit_s)


def _but_for_line(record: ItemProgressed) -> tuple[object, ...]:
    return (record.state, record.done, record.of, record.known_as, record.paused)

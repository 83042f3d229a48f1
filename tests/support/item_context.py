"""An ItemContext that writes down what an action asks of the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.records import AnswerOffered


@dataclass(frozen=True, slots=True)
class Intended:
    """A request that was put on disk."""

    text: str
    key: str = ""
    begins: bool = False
    owes: Debt | None = None
    asks_only: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of the last request."""

    ok: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """What the item has come to."""

    state: str
    line: str = ""
    done: int = 0
    of: int = 0
    known_as: str = ""
    paused: bool = False


@dataclass
class RecordingContext:
    """Keeps in ``told`` what is intended, answered and told, in order.

    ``refuses``: why requests are refused, by how their texts begin. ``views``: what is seen; a test may change it and
    calls ``look``. ``answers``: what the lead answers, by question. ``slots``: how many are worked on at once.
    """

    views: dict[CscId, CscView] = field(default_factory=dict)
    refuses: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    told: list[Intended | Answered | Progressed] = field(default_factory=list)
    debts_paid: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    in_slot: bool = False
    unanswered: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        async with self.slots:
            self.in_slot = True
            try:
                yield
            finally:
                self.in_slot = False

    async def intend(
        self, text: str, key: str = "", *, begins: bool = False, owes: Debt | None = None, asks_only: bool = False
    ) -> str | None:
        if not self.in_slot:
            raise RuntimeError(f"{text}: a request outside of slot()")
        for start, why in self.refuses.items():
            if text.startswith(start):
                return why
        if self.unanswered:
            return f"{self.unanswered}: it has no answer yet"
        self.unanswered = text
        self.told.append(Intended(text, key, begins, owes, asks_only))
        return None

    async def answered(self, ok: bool | None, text: str) -> None:
        self.unanswered = "" if ok is not None else self.unanswered
        self.told.append(Answered(ok, text))

    async def progress(
        self, state: str, line: str = "", *, done: int = 0, of: int = 0, known_as: str = "", paused: bool = False
    ) -> None:
        self.told.append(Progressed(state, line, done, of, known_as, paused))

    async def paid(self, debt: str, by: str) -> None:
        self.debts_paid[debt] = by

    def output(self, text: str) -> None:
        self.printed += text.splitlines()

    async def ask(self, question: str, answers: Sequence[AnswerOffered], about: str = "") -> str:
        del about
        self.asked.append(question)
        answer = self.answers[question]
        assert answer in {offered.answer for offered in answers}
        return answer

    def view(self, csc: CscId) -> CscView | None:
        return self.views.get(csc)

    def fact(self, name: str) -> Fact | None:
        return self.facts.get(name)

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Look at once, and at every ``look`` until the limit."""
        try:
            async with asyncio.timeout(limit_s):
                while (view := self.view(csc)) is None or not when(view):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def look(self, *views: CscView) -> None:
        """Let these be seen from now on."""
        self.views |= {view.csc: view for view in views}
        self._news.set()

    def intended(self) -> list[str]:
        """Return the texts of the requests, in order."""
        return [one.text for one in self.told if isinstance(one, Intended)]

    def progressed(self) -> list[Progressed]:
        """Return what it was said to have come to, in order."""
        return [one for one in self.told if isinstance(one, Progressed)]

"""The dialogs by which an item is added: of what kind, what it is, then exactly what would be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deploydash.core.procedure.names import ItemId, StepId
from deploydash.core.procedure.runbook import Fallback
from deploydash.core.published import Published
from deploydash.core.run.composing import Composed, ItemOffer
from deploydash.core.run.orders import AddItem, Proposal
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.core.words import counted, listed
from deploydash.ui.draw.run.asked import cscs_of, ids_of
from deploydash.ui.inbox import RunInbox
from deploydash.ui.screens.form import Field, Form, Option

CHECK_S = 5.0
"""Seconds within which an item is made of what was typed: a moment is usual."""

STAY = "stay"

Ask = Callable[[Form], object]


class Propose(Protocol):
    """Opens the dialog that shows exactly what an order would do, and arms it."""

    def __call__(self, order: Proposal, told: Sequence[str] = (), exact: Sequence[str] = ()) -> object:
        """Show it, with what else to know, and the requests as far as they are known without asking anybody."""


def add_refusal(run: RunView) -> str | None:
    """Return why nothing is added now, or None."""
    if run.closed:
        return "the run is closed"
    if run.held_by is not None:
        return f"the run is held by {run.held_by}; R releases it"
    return None if run.card is not None else "no step is left"


@dataclass(slots=True)
class _Composing:
    """What was made last, and how: beside the screen, for nobody knows how long what was typed takes to look at."""

    made: Composed | None = None

    async def make(self, compose: Callable[[], Composed]) -> str:
        """Return why the item must not go, or nothing."""
        try:
            async with asyncio.timeout(CHECK_S):
                self.made = await asyncio.to_thread(compose)
        except TimeoutError:
            return f"the check takes longer than {CHECK_S:.0f} s: write less, or something simpler"
        if self.made.item is None and not self.made.wrong:
            return "nothing came of it that could be added"
        return "; ".join(self.made.wrong)


@dataclass(frozen=True, slots=True)
class AddDialog:
    """The dialogs that add an item outside the runbook to a step."""

    step: StepId
    inbox: RunInbox
    propose: Propose
    ask: Ask
    _composing: _Composing = field(default_factory=_Composing)

    def form(self, offers: tuple[ItemOffer, ...]) -> Form:
        """Return the dialog that asks of what kind it is; where there is one kind only, what it is."""
        if len(offers) == 1:
            return self._fields(offers[0])
        options = [Option(STAY, "nothing is added"), *(Option(offer.id, offer.title) for offer in offers)]
        known = {offer.id: offer for offer in offers}

        def done(answer: str, _: Sequence[str]) -> object:
            return answer != STAY and self.ask(self._fields(known[answer]))

        return Form("Add an item outside the runbook", ("What is to be added?",), options=options, done=done)

    def _fields(self, offer: ItemOffer) -> Form:
        async def check(_: str, texts: Sequence[str]) -> str:
            return await self._composing.make(lambda: self.inbox.compose(offer.id, tuple(texts)))

        return Form(
            offer.title,
            offer.body,
            fields=tuple(Field(each.label, each.hint, each.initial) for each in offer.fields),
            done=lambda _, __: _last_look(self._composing.made, self.step, (), self.propose),
            check=check,
        )


@dataclass(frozen=True, slots=True)
class FallbackDialog:
    """The dialogs by which items that failed go another way."""

    card: Card
    rows: tuple[ItemRow, ...]
    inbox: RunInbox
    propose: Propose
    _composing: _Composing = field(default_factory=_Composing)

    def form(self) -> Form:
        """Return the dialog that asks which fallback."""
        known = {str(number): one for number, one in enumerate(self.card.fallbacks)}
        options = [Option(STAY, "back to the card, nothing is added")]
        options += [Option(number, one.label) for number, one in known.items()]
        cscs = cscs_of(self.rows)
        whom = listed(cscs) if len(cscs) == len(self.rows) else ", ".join(row.item.label for row in self.rows)
        count = counted(len(self.rows), "CSC" if len(cscs) == len(self.rows) else "item")

        async def check(answer: str, _: Sequence[str]) -> str:
            return "" if answer == STAY else await self._composing.make(lambda: self._compose(known[answer]))

        def done(answer: str, _: Sequence[str]) -> object:
            if answer == STAY:
                return None
            return _last_look(self._composing.made, self.card.step.id, ids_of(self.rows), self.propose)

        body = (f"For {count}: {whom}", "Nothing is sent yet: the next dialog shows exactly what would be.")
        return Form("A fallback", body, options=options, done=done, check=check, lives=self._lives)

    def _compose(self, fallback: Fallback) -> Composed:
        return self.inbox.compose_fallback(fallback, tuple(row.item for row in self.rows))

    def _lives(self, newer: Published) -> bool:
        there = newer.run.card if newer.run is not None else None
        asking = ids_of(there.asking) if there is not None and there.step.id == self.card.step.id else ()
        return set(ids_of(self.rows)) <= set(asking)


def _last_look(made: Composed | None, step: StepId, instead_of: tuple[ItemId, ...], propose: Propose) -> object:
    """Show an item exactly, to be armed; none where nothing came of what was typed."""
    item = made.item if made is not None else None
    if made is None or item is None:
        return None
    told = made.told and (*made.told, *(f"It leads {each.csc} to {each.target}." for each in item.effects))
    return propose(AddItem(step, item, instead_of), told, made.exact)

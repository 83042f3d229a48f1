"""A lead without a screen for a whole upgrade: goes from lane to lane, and answers what each card asks from a table.

As ``headless_run``, but for what a run of one lane never asks: questions, words that commands wait for, a yes of each
owner, what is written down beside a sign-off, items that ask.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pytest

from deploydash.cli import main
from deploydash.cli import run as cli_run
from deploydash.cli.exits import Exit
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run import arm
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import (
    Answer,
    AnswerItem,
    Approve,
    ArmStep,
    Close,
    Finish,
    Fire,
    Retry,
    RunOrder,
    SetPlaceholders,
    SignOff,
    TypeName,
)
from deploydash.core.run.state import ItemStatus, StepStatus
from deploydash.core.views.run_view import Card
from deploydash.wiring.acting import Acting
from tests.support.deadly_journal import DeadlyJournal

LOOK_S = 0.05
"""How often the lead looks at all lanes."""

READ_S = 0.6
"""So long the card of a shut step stays on top: what its system reads meanwhile may open it."""

PATIENCE = 12
"""So often a step is tried again before the lead gives up."""

UNKNOWN_S = 30.0
"""What is unknown for so long nobody can tell: the lead looks at where each CSC is, and tries them again."""

STUCK_S = 100.0
"""After so long without an order that was taken, the run is stuck."""

Arms = ArmStep | TypeName | Fire
Given = RunOrder | Arms


@dataclass(frozen=True, slots=True)
class Table:
    """What a lead knows beforehand.

    ``answers``: by question of the runbook, else the safe one is taken. ``words``: what commands wait for. ``record``:
    what is written down where a sign-off asks for it.
    """

    name: str = "Ana"
    record: str = "OPS-1"
    answers: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


class GaveUpError(Exception):
    """A step did not go however often it was tried."""


def wanted(card: Card, shown: Published, table: Table) -> Iterator[Given]:
    """Yield what a lead who lets everything go in order would do about a card, one after the other."""
    step = card.step
    answered = dict(card.answers)
    for choice in card.choices:
        if choice.id not in answered:
            yield Answer(choice.id, table.answers.get(choice.id, choice.options[0].answer))
            return
    words = tuple((word, table.words[word]) for word in card.wanting if word in table.words)
    if words:
        yield SetPlaceholders(words)
    elif card.status is StepStatus.ASKING:
        # Of what is unknown nobody says yet whether it was done: its system looks outside first.
        failed = tuple(row.item.id for row in card.asking if row.progress.status is ItemStatus.FAILED)
        if failed:
            yield Retry(step.id, failed)
    elif asking := [row for row in card.rows if row.progress.question is not None]:
        for row in asking:
            assert row.progress.question is not None
            asked = row.progress.question
            yield AnswerItem(step.id, row.item.id, asked.question, asked.answers[0].answer, asked.digest)
    elif (step.decides or step.waits) and card.status is StepStatus.UNDER_WAY:
        yield Finish(step.id)
    elif step.manual and (card.is_open or card.status is StepStatus.UNDER_WAY):
        yield from _signed_off(card, table)
    elif card.is_open and step.closes:
        yield Close()
    elif card.is_open and step.decides:
        yield Finish(step.id)
    elif card.is_open and not step.waits:
        yield from _let_go(card, shown, table)


def _signed_off(card: Card, table: Table) -> Iterator[RunOrder]:
    note = table.record if card.step.records else ""
    if not card.step.one_each:
        yield SignOff(card.step.id, table.name, note=note)
        return
    for row in card.rows:
        if not row.done and row.sign_off is None:
            yield SignOff(card.step.id, table.name, row.item.id, note)


def _let_go(card: Card, shown: Published, table: Table) -> Iterator[Given]:
    step = card.step
    if card.plan is not None and card.plan.items and all(one.blocked for one in card.plan.items):
        yield SignOff(step.id, table.name, note=table.record)  # nothing can be sent for it here: a person does it
    elif card.armed is None:
        mild = step.tier in {Tier.READ, Tier.MILD}
        yield Approve(step.id, shown.number) if mild else ArmStep(step.id, shown.number)
    elif card.armed.tier is not Tier.SEVERE:
        yield Fire(step.id)
    elif card.armed.typed_at is None:
        yield TypeName(shown.roster.site, step.id)


class Lead:
    """One lead of one run; what was refused is told once on standard error."""

    def __init__(self, run: Acting, table: Table) -> None:
        self._run = run
        self._table = table
        self._tried: Counter[StepId] = Counter()
        self._told: set[str] = set()

    async def play(self) -> None:
        """Lead the run to its end.

        Raises:
            GaveUpError: a step failed again and again.
        """
        turn, last = 0, time.monotonic()
        while not self._run.controller.state.closed:
            await asyncio.sleep(LOOK_S)
            shown = self._look(None)
            if not shown.decided or shown.run is None:
                continue
            heads = shown.run.heads
            mine = [head.step for head in heads if head.waits_for_lead or head.status is StepStatus.UNDER_WAY]
            given = [await self._tend(step) for step in mine]
            idle = time.monotonic() - last
            if idle > UNKNOWN_S:
                given += [await self._unknown(step) for step in mine]
            if any(given):
                last = time.monotonic()
            elif idle > STUCK_S:
                raise GaveUpError(f"nothing goes any more: {'; '.join(self._asking(head.step) for head in heads)}")
            shut = [head.step for head in heads if head.status is StepStatus.PENDING]
            if shut and not any(given):
                turn += 1
                self._look(shut[turn % len(shut)])
                await asyncio.sleep(READ_S)
                await self._tend(shut[turn % len(shut)])

    def _look(self, step: StepId | None) -> Published:
        """Put a step's card on top, and return what stands there."""
        if step is not None:
            self._run.controller.on_top.choose(step, lane=False)
        return self._run.controller.attach(self._run.reader.session.snapshot())

    async def _unknown(self, step: StepId) -> bool:
        """Try again what stays unknown of a step; say whether there is any."""
        shown = self._look(step)
        card = shown.run.card if shown.run is not None else None
        if card is None or card.status is not StepStatus.ASKING:
            return False
        self._again(card)
        return not isinstance(await self._run.controller.order(Retry(step)), Refused)

    def _asking(self, step: StepId) -> str:
        """Return where a step stands, and what its items and its gate say."""
        shown = self._look(step)
        card = shown.run.card if shown.run is not None else None
        if card is None:
            return str(step)
        rows = [f"{row.item.label} {row.progress.status.value}: {row.progress.why}" for row in card.asking[:4]]
        shut = [reason.sentence for reason in card.reasons if not reason.met][:2]
        return f"{step} {card.status.value}: {', '.join([*rows, *shut])}"

    async def _tend(self, step: StepId) -> bool:
        """Do what a step's card wants; False where that is nothing, or was refused."""
        shown = self._look(step)
        card = shown.run.card if shown.run is not None else None
        if card is None or card.step.id != step:
            return False
        given = False
        for order in wanted(card, shown, self._table):
            desk = self._run.controller
            decision = await (desk.arm(order) if isinstance(order, Arms) else desk.order(order))
            if isinstance(decision, Refused):
                self._say(f"{step}: {type(order).__name__} refused: {decision.why}")
                continue
            given = True
            if not isinstance(order, Arms):
                self._say(f"{step}: {type(order).__name__}")
            if isinstance(order, Retry):
                self._again(card)
        return given

    def _again(self, card: Card) -> None:
        why = "; ".join(f"{row.item.label}: {row.progress.why}" for row in card.asking[:4])
        self._tried[card.step.id] += 1
        sys.stderr.write(f"{card.step.id}: tried again: {why}\n")
        if self._tried[card.step.id] >= PATIENCE:
            raise GaveUpError(f"{card.step.id} did not go: {why}")

    def _say(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


async def _screen(table: Table, run: Acting, *_: object) -> Exit:
    """Stand where the screen stands."""
    working = asyncio.create_task(run.work(), name="work")
    leading = asyncio.create_task(Lead(run, table).play(), name="lead")
    await asyncio.wait({working, leading}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    leading.cancel()
    for fault in await asyncio.gather(working, leading, return_exceptions=True):
        if isinstance(fault, Exception):
            raise fault
    return Exit.YES if run.controller.state.closed else Exit.NO


def _no_terminal(_: str, __: str) -> None: ...


def play(table: Table, last: int, late: float, words: Sequence[str]) -> None:
    """Run the command line with this lead; unless ``last`` is 0 the process is killed, ``late`` s after that record."""
    DeadlyJournal.left, DeadlyJournal.late = last, late
    patch = pytest.MonkeyPatch()
    patch.setattr(cli_run, "_screen", partial(_screen, table))
    patch.setattr(cli_run, "need_terminal", _no_terminal)
    patch.setattr(cli_run, "JournalWriter", DeadlyJournal)
    patch.setattr(arm, "FIRE_FROM_S", 0.1)
    patch.setattr(arm, "COUNTDOWN_S", 0.3)  # no person is there who might take it back
    patch.setattr(sys, "argv", ["deploydash", *words])
    main()

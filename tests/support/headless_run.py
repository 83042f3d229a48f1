"""A lead without a screen: ``deploydash run`` and ``resume`` with orders in place of keys.

All but the screen is the program's own: command line, lock, journal, keeper, gate, arms, actions, Kafka. The process
may end itself by SIGKILL at the very moment a record is on disk, before anything of it is folded, shown or sent. Where
several records are written together, the rest of them is lost as a torn write loses them.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import pytest

from deploydash.cli import main
from deploydash.cli import run as cli_run
from deploydash.cli.exits import Exit
from deploydash.core.procedure.runbook import StepKind, Tier
from deploydash.core.published import Published
from deploydash.core.run.orders import (
    Approve,
    ArmOrder,
    ArmStep,
    Close,
    Finish,
    Fire,
    Retry,
    RunOrder,
    SignOff,
    TypeName,
)
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card
from deploydash.journal.write import JournalWriter
from deploydash.wiring.acting import Acting
from tests.support.deadly_journal import DeadlyJournal

LOOK_S = 0.05
"""How often the lead looks at the card."""


def wanted(card: Card, snapshot: Published) -> RunOrder | ArmOrder | None:
    """Return what a lead who lets everything go in order would do about a card, or None to wait."""
    step = card.step
    if card.status is StepStatus.ASKING:
        return Retry(step.id, tuple(row.item.id for row in card.asking))
    if step.kind is StepKind.DECIDE and card.status is StepStatus.UNDER_WAY:
        return Finish(step.id)
    if step.kind is StepKind.MANUAL and (card.is_open or card.status is StepStatus.UNDER_WAY):
        return SignOff(step.id, "Ana")
    if not card.is_open:
        return None
    if step.kind is StepKind.CLOSE:
        return Close()
    if card.armed is None:
        mild = step.tier in {Tier.READ, Tier.MILD}
        return Approve(step.id, snapshot.number) if mild else ArmStep(step.id, snapshot.number)
    if card.armed.tier is Tier.SEVERE:
        return TypeName(snapshot.roster.site, step.id) if card.armed.typed_at is None else None
    return Fire(step.id)


async def lead(run: Acting) -> None:
    """Give the orders of a whole run, each after a look at what is shown."""
    shown: list[Published] = []
    unsubscribe = run.reader.session.subscribe(lambda snapshot: shown.__setitem__(slice(None), [snapshot]))
    while not run.controller.state.closed:
        await asyncio.sleep(LOOK_S)
        snapshot = shown[-1] if shown else None
        if snapshot is None or not snapshot.decided or snapshot.run is None or snapshot.run.card is None:
            continue
        order = wanted(snapshot.run.card, snapshot)
        if isinstance(order, ArmOrder):
            await run.controller.arm(order)
        elif order is not None:
            await run.controller.order(order)
    unsubscribe()


async def screen(run: Acting, *_: object) -> Exit:
    """Stand where the screen stands."""
    working = asyncio.create_task(run.work(), name="work")
    leading = asyncio.create_task(lead(run), name="lead")
    await asyncio.wait({working, leading}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    leading.cancel()
    for fault in await asyncio.gather(working, leading, return_exceptions=True):
        if isinstance(fault, Exception):
            raise fault
    return Exit.YES if run.controller.state.closed else Exit.NO


def _no_terminal(_: str, __: str) -> None: ...


def play(last: int, words: Sequence[str], journal: type[JournalWriter] = DeadlyJournal) -> None:
    """Run the command line with another lead and, unless ``last`` is 0, a journal that is its end.

    ``journal``: another one, which knows itself when to end.
    """
    DeadlyJournal.left = last
    patch = pytest.MonkeyPatch()
    patch.setattr(cli_run, "_screen", screen)
    patch.setattr(cli_run, "need_terminal", _no_terminal)
    patch.setattr(cli_run, "JournalWriter", journal)
    patch.setattr(sys, "argv", ["deploydash", *words])
    main()

"""What an action may ask of the run while it works on an item: controls, questions, lines, output, debts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.orders import AnswerItem, Approve, Control, Hold
from deploydash.core.run.ports import ControlOffer, End, ItemContext
from deploydash.core.run.records import (
    AnswerOffered,
    ControlOrdered,
    DebtPaid,
    ItemEnded,
    ItemProgressed,
    Outcome,
    QuestionAnswered,
    QuestionAsked,
    RequestIntended,
)
from deploydash.core.run.state import ItemStatus
from deploydash.errors import UserError
from deploydash.session.item_context import LINE_EVERY_S
from deploydash.session.item_runner import OUTPUT_LINES
from tests.session.fake_action import (
    Journal,
    World,
    ends,
    item_status,
    keeping,
    refusal,
    snapshot_of,
    until,
)
from tests.session.small_steps import ONE, TWO, WORK, book, item, step
from tests.support.clock import ManualClock
from tests.support.runs import OPERATOR, PLAIN

ATAOS, ESS, _ = PLAIN
R, F, U = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN


OFFERS = (ControlOffer("pause", "pause it"), ControlOffer("stop", "stop it", "it has no number yet"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("pause", ""),
        ("stop", "it has no number yet"),
        ("explode", "explode is not offered for this item now"),
    ],
)
async def test_a_control_goes_only_where_its_system_offers_it_now(name: str, why: str) -> None:
    world = replace(World(), offers=OFFERS)
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.at_work)
        run = controller.attach(snapshot_of(world.seen)).run
        assert run is not None
        assert run.card is not None
        assert [row.controls for row in run.card.rows] == [OFFERS]
        decision = await controller.order(Control(WORK, ONE, name))
        if why:
            assert refusal(decision) == why
        else:
            assert decision == (ControlOrdered(WORK, ONE, name, OPERATOR),)
            await until(lambda: world.controlled)
        world.waits[ONE].set()
        await controller.idle()
        assert world.controlled == ([] if why else [(ONE, "pause")])
        intents = [line.text for line in world.journal.lines if isinstance(line, RequestIntended)]
        assert intents == ["item 0, please"], "a control is journaled as the order that it is"


async def test_a_control_goes_while_held_and_one_that_fails_says_why_on_the_card() -> None:
    world = replace(World(), offers=OFFERS)
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.at_work)
        await controller.order(Hold("ops2"))
        await controller.order(Control(WORK, ONE, "pause"))
        await until(lambda: world.controlled == [(ONE, "pause")])
        world.offers = (replace(OFFERS[0], name="break"),)

        async def broken(*_: object) -> None:
            raise UserError("its door is locked")

        world.control = broken  # type: ignore[assignment, method-assign]
        await controller.order(Control(WORK, ONE, "break"))
        await until(lambda: _message(controller.attach(snapshot_of(world.seen))) == "its door is locked")
        assert item_status(controller, WORK, ONE) is ItemStatus.UNDER_WAY


def _message(shown: object) -> str:
    card = getattr(getattr(shown, "run"), "card")  # noqa: B009 - the run has a card
    return str(card.armed_message)


ANSWERS = (AnswerOffered("yes", "go on"), AnswerOffered("no", "leave it"))


async def test_an_item_asks_the_lead_and_goes_on_with_the_answer() -> None:
    world = World()
    heard: list[str] = []

    async def asks(_: Item, __: str, context: ItemContext) -> End:
        heard.append(await context.ask("Really?", ANSWERS))
        return End(R, f"told {heard[-1]}")

    world.does = {ONE: asks}
    async with keeping(world, runbook=book(step(item(0), item(1)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: controller.state.progress(WORK).item(ONE).question)
        assert refusal(await controller.order(AnswerItem(WORK, ONE, "Really?", "perhaps"))) == "answer one of yes, no"
        assert refusal(await controller.order(AnswerItem(WORK, TWO, "Really?", "no"))) == "this is not asked any more"
        assert heard == []
        await controller.order(AnswerItem(WORK, ONE, "Really?", "no"))
        await controller.idle()
        assert heard == ["no"]
        told = [line for line in world.journal.lines if isinstance(line, QuestionAsked | QuestionAnswered)]
        assert told == [
            QuestionAsked(WORK, ONE, "Really?", ANSWERS),
            QuestionAnswered(WORK, ONE, "Really?", "no", OPERATOR),
        ]
        assert (ONE, R, "told no") in ends(world.journal.lines)


async def test_a_question_that_cannot_be_written_down_is_not_asked_and_the_item_is_unknown() -> None:
    world = World(Journal())
    ended = asyncio.Event()

    async def asks(_: Item, __: str, context: ItemContext) -> End:
        world.journal.full = True
        try:
            await context.ask("Really?", ANSWERS)
        finally:
            world.journal.full = False
            ended.set()
        return End(R, "done")

    world.does = {ONE: asks}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert ended.is_set()
        assert ends(world.journal.lines) == [(ONE, U, "'Really?' could not be asked: the disk is full")]


async def test_a_line_alone_reaches_the_journal_once_in_two_seconds_and_the_last_one_at_the_end() -> None:
    world, clock = World(), ManualClock()

    async def talks(_: Item, __: str, context: ItemContext) -> End:
        for number in range(10):
            await context.progress("RUNNING", f"line {number}", of=3)
            clock.advance(0.5)
        await context.progress("RUNNING", "line 9", of=3)
        await context.progress("RUNNING", "line 10", done=1, of=3)
        await context.progress("RUNNING", "line 11", done=1, of=3)
        await context.progress("RUNNING", "line 11", done=1, of=3, paused=True)
        await context.progress("RUNNING", "line 12", done=1, of=3, paused=True)
        await context.progress("RUNNING", "line 13", done=1, of=3, paused=True)
        return End(R, "done")

    world.does = {ONE: talks}
    async with keeping(world, clock, book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert LINE_EVERY_S == 2.0
        told = [(line.line, line.done, line.paused) for line in world.journal.lines if isinstance(line, ItemProgressed)]
        assert told == [
            ("line 0", 0, False),
            ("line 4", 0, False),
            ("line 8", 0, False),
            ("line 10", 1, False),
            ("line 11", 1, True),
            ("line 13", 1, True),
        ]
        assert isinstance(world.journal.lines[-1], ItemEnded), "the last line comes before the end"


async def test_live_output_is_shown_with_its_last_lines_and_none_of_it_is_journaled() -> None:
    world = World()
    world.waits = {ONE: asyncio.Event()}

    async def prints(_: Item, __: str, context: ItemContext) -> End:
        context.output("".join(f"{number}\n" for number in range(OUTPUT_LINES + 5)))
        await world.waits[ONE].wait()
        return End(R, "done")

    world.does = {ONE: prints}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.started)
        run = controller.attach(snapshot_of(world.seen)).run
        assert run is not None
        assert run.card is not None
        [row] = run.card.rows
        assert row.output == tuple(str(number) for number in range(5, OUTPUT_LINES + 5))
        world.waits[ONE].set()
        await controller.idle()
        assert not any("204" in str(line) for line in world.journal.lines)


async def test_what_is_owed_is_on_disk_with_the_intent_and_is_paid_by_who_undid_it() -> None:
    world = World()
    owes = Debt("replicas", "3 replicas", (), restore="3")

    async def lowers(_: Item, __: str, context: ItemContext) -> End:
        async with context.slot():
            assert await context.intend("lower it", "key-1", owes=owes) is None
            assert [debt for _, debt in controller.state.debts()] == [owes]
            await context.answered(None, "no answer")
        return End(U, "no answer", (("replicas", "3"),), "0 replicas")

    async def restores(_: Item, __: str, context: ItemContext) -> End:
        await context.paid("replicas", "#2")
        return End(R, "3 again")

    world.does = {ONE: lowers, TWO: restores}
    async with keeping(world, runbook=book(step(item(0), item(1, wave=1)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert RequestIntended(WORK, ONE, "lower it", "key-1", owes=owes) in world.journal.lines
        assert DebtPaid("replicas", "#2") in world.journal.lines
        assert controller.state.debts() == ()
        one = controller.state.progress(WORK).item(ONE)
        assert (one.values, one.left) == ((("replicas", "3"),), "0 replicas")

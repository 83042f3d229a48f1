"""What is read before anything goes, and fails, is broken off or taken back meanwhile: nothing goes on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Choice, Condition, Option, Tier
from deploydash.core.run.orders import (
    AddItem,
    Answer,
    Approve,
    ArmStep,
    Control,
    Disarm,
    TypeName,
)
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer, End, ItemContext, Look
from deploydash.core.run.records import ChoiceAnswered, Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.session.describing import CardPlan
from tests.session.fake_action import (
    World,
    keeping,
    refusal,
    snapshot_of,
    until,
    watched,
)
from tests.session.small_steps import ONE, WORK, book, item, step
from tests.support.clock import ManualClock
from tests.support.runs import FIRST_ADDED, PLAIN

ATAOS, ESS, MTDOME = PLAIN
R, F, U = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN


class Faulty(World):
    """Its describe or controls fail in a way nobody foresaw."""

    describing: Exception | None = None
    controlling: Exception | None = None

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        if self.describing is not None:
            raise self.describing
        return await super().describe(items, look)

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        if self.controlling is not None:
            raise self.controlling
        return super().controls(item, history, look)


async def test_a_describe_that_raises_a_fault_of_ours_refuses_in_words() -> None:
    world = Faulty()
    world.describing = KeyError("uid")
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        for order in (Approve(WORK, 1), AddItem(WORK, item(7))):
            assert "KeyError" in refusal(await controller.order(order))
        assert "KeyError" in refusal(await controller.arm(ArmStep(WORK, 1)))
    assert world.started == []


async def test_a_describe_that_raises_at_the_end_of_a_countdown_disarms() -> None:
    world, clock = Faulty(), ManualClock()
    async with keeping(world, clock, book(step(item(0), tier=Tier.SEVERE))) as controller, watched(controller):
        await controller.arm(ArmStep(WORK, 1))
        clock.advance(1.0)
        await controller.arm(TypeName("summit", WORK))
        world.describing = KeyError("uid")
        clock.advance(4.0)
        await until(lambda: WORK not in controller._arming.by_step())
        assert "KeyError" in controller._arming.message(WORK)


async def test_controls_that_raise_are_none_and_end_no_screen() -> None:
    world = Faulty()
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        world.waits = {ONE: asyncio.Event()}
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.at_work)
        world.controlling = KeyError("uid")
        run = controller.attach(snapshot_of(world.seen)).run
        assert run is not None
        assert "not offered" in refusal(await controller.order(Control(WORK, ONE, "stop")))


async def test_escape_while_it_is_read_what_a_step_would_do_leaves_it_disarmed() -> None:
    reading, go = asyncio.Event(), asyncio.Event()

    class Slow(World):
        async def describe(self, items: Sequence[Item], look: Look) -> Plan:
            reading.set()
            await go.wait()
            return await super().describe(items, look)

    world, clock = Slow(), ManualClock()
    async with keeping(world, clock, book(step(item(0)))) as controller:
        arming = asyncio.create_task(controller.arm(ArmStep(WORK, 1)))
        await reading.wait()
        await controller.arm(Disarm(WORK))
        go.set()
        assert "disarmed meanwhile" in refusal(await arming)
        assert not controller._arming.by_step()


async def test_an_added_item_is_described_with_its_words_filled_in_as_it_is_carried_out() -> None:
    world = World()
    told: list[str] = []

    async def tells(item: Item, approved: str, context: ItemContext) -> End:  # noqa: ARG001 - the shape of an action
        told.append(item.label)
        return End(R, "done")

    described: list[str] = []

    class Noting(World):
        async def describe(self, items: Sequence[Item], look: Look) -> Plan:
            described.extend(one.label for one in items)
            return await super().describe(items, look)

    world = Noting()
    world.does = {FIRST_ADDED: tells}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(AddItem(WORK, replace(item(7), label="for <cycle>")))
        await controller.idle()
    assert described == told == ["for c0045"]


async def test_an_answer_is_kept_with_what_the_card_showed_of_the_step_that_asks() -> None:
    options = (Option("leave", "it is left"), Option("sync", "it is synced"))
    asking = replace(step(item(0)), asks=("q",), when=(Condition("q", ("sync",)),))
    asks = replace(book(asking), choices=(Choice("q", "Is it to be applied?", options, WORK),))
    world = World()
    world.plans = {ONE: ItemPlan(ONE, ("POST /sync",), "changes ConfigMap a")}
    async with keeping(world, runbook=asks) as controller, watched(controller):
        await until(lambda: controller._plans.of(WORK) is not None)
        await controller.order(Answer("q", "leave"))
    (answered,) = [one for one in world.journal.lines if isinstance(one, ChoiceAnswered)]
    assert (answered.choice, answered.answer) == ("q", "leave")
    assert answered.about == "changes ConfigMap a; POST /sync"


async def test_a_describe_that_is_cancelled_from_inside_refuses_and_the_next_order_is_heard() -> None:
    world = Faulty()
    world.describing = asyncio.CancelledError()  # type: ignore[assignment]
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        assert "CancelledError" in refusal(await controller.order(Approve(WORK, 1)))


async def test_a_plan_that_was_read_before_a_word_was_set_is_not_shown_any_more() -> None:
    clock, read, go = ManualClock(), list[str](), asyncio.Event()

    async def describe(_: StepId) -> Plan:
        sentence = f"reading {len(read) + 1}"
        read.append(sentence)
        if len(read) == 2:
            await go.wait()
        return Plan(sentence, (), clock.utc())

    plans = CardPlan(describe, clock)
    plans.tend(WORK, {})
    await until(lambda: plans.of(WORK) is not None)
    plans.tend(WORK, {})
    assert read == ["reading 1"]
    plans.tend(WORK, {"pr": "1"})
    assert plans.of(WORK) is None
    await until(lambda: len(read) == 2)
    plans.tend(WORK, {"pr": "2"})
    go.set()
    await until(lambda: plans._task is not None and plans._task.done())
    assert plans.of(WORK) is None
    plans.tend(WORK, {"pr": "2"})
    await until(lambda: plans.of(WORK) is not None)
    assert [found.sentence for found in [plans.of(WORK)] if found] == ["reading 3"]
    await plans.aclose()

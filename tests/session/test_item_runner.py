"""Items at work: in waves, so many at once, within their budgets, and ended by what is seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from deploydash.core.model import FeedState
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import SAL, ItemId, StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Order
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import AddItem, Approve, Hold, Retry, Waive
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.records import (
    Outcome,
    RequestAnswered,
    RequestIntended,
)
from deploydash.core.run.state import ItemStatus, StepStatus
from deploydash.errors import UserError
from deploydash.session import item_runner
from tests.session.fake_action import (
    World,
    ends,
    item_status,
    keeping,
    of_kind,
    refusal,
    seen_at,
    status,
    until,
    watched,
)
from tests.session.small_steps import ONE, THREE, TWO, WORK, book, item, step
from tests.support.clock import START_UTC
from tests.support.runs import FIRST_ADDED, OFFLINE, PLAIN, WATCHER, down, fleet

ATAOS, ESS, _ = PLAIN
R, F, U = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN


def quiet_world() -> World:
    """The Watcher is down, so that CSCs may go down."""
    return World(seen=fleet(down(WATCHER)))


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for what does not come."""
    monkeypatch.setattr(item_runner, "SEEN_S", 0.01)
    monkeypatch.setattr(item_runner, "GLANCE_S", 0.01)


async def test_a_wave_goes_when_every_item_of_the_one_before_has_ended_however() -> None:
    world = World()
    world.waits = {ONE: asyncio.Event(), TWO: asyncio.Event()}
    runbook = book(step(item(0), item(1), item(2, wave=1)))

    async def fails(_: Item, __: str, ___: ItemContext) -> End:
        await world.waits[TWO].wait()
        return End(F, "no")

    world.does = {TWO: fails}
    async with keeping(world, runbook=runbook) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: len(world.started) == 2)
        world.waits[ONE].set()
        await until(lambda: item_status(controller, WORK, ONE) is ItemStatus.REACHED)
        assert [name for name, _ in world.started] == [ONE, TWO]
        world.waits[TWO].set()
        await controller.idle()
        assert ends(world.journal.lines) == [(ONE, R, "done"), (TWO, F, "no"), (THREE, R, "done")]
        assert status(controller, WORK) is StepStatus.ASKING
        assert (world.opened, world.closed) == ([(ONE, TWO, THREE)], 1)


async def test_so_many_are_worked_on_at_once_as_the_step_allows_and_who_only_waits_holds_no_place() -> None:
    world = World()
    looks = asyncio.Event()
    world.waits = {numbered(place): asyncio.Event() for place in range(4)}

    async def only_looks(_: Item, __: str, ___: ItemContext) -> End:
        await looks.wait()
        return End(R, "seen")

    world.does = {numbered(4): only_looks, numbered(5): only_looks}
    runbook = book(step(*(item(place) for place in range(6)), at_once=2))
    async with keeping(world, runbook=runbook) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: len(world.started) == 6)
        assert len(world.at_work) == 2
        looks.set()
        await until(lambda: len(ends(world.journal.lines)) == 2)
        for event in world.waits.values():
            event.set()
        await controller.idle()
        assert world.most == 2
        assert len(world.sent) == 4
        assert {outcome for _, outcome, _ in ends(world.journal.lines)} == {R}


async def test_a_request_outside_of_a_slot_is_a_fault_of_ours_and_is_not_intended() -> None:
    world = World()
    raised: list[Exception] = []

    async def hasty(_: Item, __: str, context: ItemContext) -> End:
        async with context.slot():
            pass
        try:
            await context.intend("do it at once")
        except RuntimeError as error:
            raised.append(error)
            raise
        return End(R, "done")

    world.does = {ONE: hasty}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert [str(error) for error in raised] == ["item 0: a request outside of slot()"]
        assert of_kind(world.journal.lines, RequestIntended) == []
        assert ends(world.journal.lines) == [(ONE, U, "deploydash failed: RuntimeError; the log has the details")]


async def test_what_has_not_ended_within_its_budget_is_unknown_if_anything_was_sent_and_says_what_it_waited_for() -> (
    None
):
    async def sends(_: Item, __: str, context: ItemContext) -> End:
        async with context.slot():
            await context.intend("POST /sync")
        await context.progress("waits", "a sync by lead@example.org")
        await asyncio.Event().wait()
        return End(R, "never")

    world = World()
    world.does = {ONE: sends}
    async with keeping(world, runbook=book(step(item(0), budget_s=0.05))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert ends(world.journal.lines) == [(ONE, U, "not ended within 0.05 s: a sync by lead@example.org")]


async def test_what_has_not_ended_within_its_budget_failed_if_nothing_was_sent_and_the_others_go_on() -> None:
    world = World()
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, runbook=book(step(item(0), item(1), budget_s=0.05))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert sorted(ends(world.journal.lines)) == [
            (ONE, F, "not ended within 0.05 s; nothing was sent"),
            (TWO, R, "done"),
        ]
        assert world.sent == [TWO]


@pytest.mark.parametrize("budget_s", [None, 60.0])
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (UserError("nobody answers at the far end"), "nobody answers at the far end"),
        (ValueError("half a byte"), "deploydash failed: ValueError; the log has the details"),
        (TimeoutError(), "deploydash failed: TimeoutError; the log has the details"),
        (ExceptionGroup("two", [KeyError("a")]), "deploydash failed: ExceptionGroup; the log has the details"),
    ],
)
async def test_what_an_action_raises_leaves_its_item_unknown_in_words_and_no_other(
    error: Exception, why: str, budget_s: float | None
) -> None:
    world = World()

    async def breaks(_: Item, __: str, ___: ItemContext) -> End:
        raise error

    world.does = {ONE: breaks}
    async with keeping(world, runbook=book(step(item(0), item(1), budget_s=budget_s))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert sorted(ends(world.journal.lines)) == [(ONE, U, why), (TWO, R, "done")]
        assert status(controller, WORK) is StepStatus.ASKING


async def test_what_they_share_and_cannot_be_opened_leaves_all_of_them_unknown() -> None:
    class Unreachable(World):
        @asynccontextmanager
        async def open(self, items: Sequence[Item]) -> AsyncIterator[None]:
            self.opened.append(tuple(item.id for item in items))
            raise UserError("no line to the far end")
            yield

    world = Unreachable()
    async with keeping(world, runbook=book(step(item(0), item(1, wave=1)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert ends(world.journal.lines) == [(name, U, "no line to the far end") for name in (ONE, TWO)]
        assert world.started == []


async def test_a_system_that_this_process_does_not_speak_to_gets_no_approval() -> None:
    stranger = replace(item(0), system=SystemName("stranger"))
    async with keeping(world := World(), runbook=book(step(stranger))) as controller:
        assert refusal(await controller.order(Approve(WORK, 1))) == "this process does not speak to stranger"
        assert world.journal.lines == []


async def test_carried_out_is_not_reached_where_the_effect_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)
    world = replace(quiet_world(), effects_come=False)
    effects = (CscEffect(ATAOS, OFFLINE), CscEffect(ESS, OFFLINE))
    async with keeping(world, runbook=book(step(item(0, effects=effects)))) as controller:
        world.see(down(ESS))
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert ends(world.journal.lines) == [(ONE, F, "done, but not seen: ATAOS OFFLINE")]


async def test_an_effect_that_comes_after_the_answer_is_waited_for() -> None:
    world = replace(quiet_world(), effects_come=False)
    async with keeping(world, runbook=book(step(item(0, effects=(CscEffect(ATAOS, OFFLINE),))))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: of_kind(world.journal.lines, RequestAnswered))
        assert item_status(controller, WORK, ONE) is ItemStatus.UNDER_WAY
        world.see(seen_at(ATAOS, OFFLINE.state))
        await controller.idle()
        assert ends(world.journal.lines) == [(ONE, R, "done")]


INSTEAD = {
    "one of two came": (End(R, "done"), (ATAOS,), (R, F)),
    "failed but both came": (End(F, "broke"), (ATAOS, ESS), (R, R)),
    "failed": (End(F, "broke"), (), (F, F)),
    "nobody knows": (End(U, "no answer"), (ESS,), (U, R)),
}


@pytest.mark.parametrize("case", INSTEAD)
async def test_another_way_settles_those_it_stands_for_by_what_is_seen_of_each(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    end, comes, outcomes = INSTEAD[case]
    world = quiet_world()
    world.fails = UserError("it hangs")
    each = tuple(item(place, effects=(CscEffect(csc, OFFLINE),)) for place, csc in enumerate((ATAOS, ESS)))

    async def other_way(_: Item, __: str, ___: ItemContext) -> End:
        world.see(*(down(csc) for csc in comes))
        return end

    world.does = {FIRST_ADDED: other_way}
    async with keeping(world, runbook=book(step(*each))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert status(controller, WORK) is StepStatus.ASKING
        world.fails = None
        world.journal.lines.clear()
        both = item(9, effects=(CscEffect(ATAOS, OFFLINE), CscEffect(ESS, OFFLINE)))
        decision = await controller.order(AddItem(WORK, both, (ONE, TWO)))
        assert not isinstance(decision, Refused), decision
        await controller.idle()
        found = {name: (outcome, why) for name, outcome, why in ends(world.journal.lines)}
        assert found[FIRST_ADDED] == (end.outcome, end.why)
        for name, csc, outcome in zip((ONE, TWO), (ATAOS, ESS), outcomes, strict=True):
            seen = "seen" if csc in comes else "not seen"
            assert found[name] == (outcome, f"{seen} OFFLINE; item 9: {end.why}")


async def test_another_way_for_what_has_no_effect_ends_as_it_did_itself() -> None:
    world = World()
    world.fails = UserError("it hangs")
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        world.fails = None
        await controller.order(AddItem(WORK, item(9), (ONE,)))
        await controller.idle()
        assert ends(world.journal.lines)[1:] == [(ONE, R, "done"), (FIRST_ADDED, R, "done")]


async def test_items_one_after_the_other_go_by_sight_of_the_one_before() -> None:
    world = quiet_world()
    down_first = item(0, effects=(CscEffect(ATAOS, OFFLINE),))
    async with (
        keeping(world, runbook=book(step(down_first, item(1), order=Order.SEQUENCE))) as controller,
        watched(controller),
    ):
        await controller.order(Approve(WORK, 1))
        await until(lambda: status(controller, WORK) is StepStatus.DONE)
        assert [name for name, _ in world.started] == [ONE, TWO]
        assert ends(world.journal.lines) == [(ONE, R, "done"), (TWO, R, "done")]


async def test_a_hold_and_a_lost_kafka_stop_the_next_request_in_words() -> None:
    world = World()
    world.waits = {ONE: asyncio.Event(), TWO: asyncio.Event()}
    touches = item(1, effects=(CscEffect(ATAOS, replace(OFFLINE, state=fleet().views[ATAOS].reported)),))  # type: ignore[arg-type]
    async with keeping(world, runbook=book(step(item(0), touches))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: len(world.at_work) == 2)
        world.seen = fleet(kafka=FeedState.DOWN)
        world.waits[TWO].set()
        await until(lambda: item_status(controller, WORK, TWO) is ItemStatus.FAILED)
        await controller.order(Hold("ops2"))
        world.waits[ONE].set()
        await controller.idle()
        assert ends(world.journal.lines) == [
            (TWO, F, "Kafka is not up, so its effect would not be seen"),
            (ONE, F, "the run is held by ops2"),
        ]
        assert world.sent == []


async def test_what_was_waived_before_its_wave_is_not_worked_on() -> None:
    world = quiet_world()
    world.waits = {ONE: asyncio.Event()}
    later = replace(item(1, wave=1, effects=(CscEffect(ATAOS, OFFLINE),)), system=SAL)
    async with keeping(world, runbook=book(step(item(0), later))) as controller:
        await controller.order(Waive((ATAOS,), "broken", 1))
        await controller.order(Approve(WORK, 1))
        world.waits[ONE].set()
        await controller.idle()
        assert [name for name, _ in world.started] == [ONE]


async def test_a_retry_works_on_what_failed_alone_and_by_a_plan_of_its_own() -> None:
    world = World()
    world.fails = UserError("no")
    async with keeping(world, runbook=book(step(item(0), item(1)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        world.fails = None
        world.started.clear()
        world.plans = {TWO: replace((await world.describe((item(1),), lambda _: None)).items[0], approved='"anew"')}
        await controller.order(Retry(WORK, (TWO,)))
        await controller.idle()
        assert [name for name, _ in world.started] == [TWO]
        assert world.approved[TWO] == '"anew"'
        assert item_status(controller, WORK, ONE) is ItemStatus.UNKNOWN


async def test_leaving_lets_go_of_what_is_under_way_and_tells_no_end() -> None:
    world = World()
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.at_work)
    assert world.closed == 1
    assert ends(world.journal.lines) == []


def test_an_item_s_name_is_its_place() -> None:
    assert [ItemId("#1"), ItemId("#2"), ItemId("#3")] == [ONE, TWO, THREE]
    assert StepId("work") == WORK


@pytest.mark.parametrize(("found", "outcome"), [(Found.NOT_DONE, F), (Found.CANNOT_TELL, U), (Found.UNDER_WAY, U)])
async def test_what_was_begun_and_is_followed_in_vain_is_looked_at_and_sent_anew_only_where_it_was_not_done(
    found: Found, outcome: Outcome
) -> None:
    async def lost(_: Item, __: str, context: ItemContext) -> End:
        async with context.slot():
            assert await context.intend("merge it", "sha-1", begins=True) is None
            world.sent.append(ONE)
            await context.answered(None, "HTTP 503")
        return End(U, "no answer")

    world = World(does={ONE: lost})
    world.follows = {ONE: End(U, "it was to be merged")}
    world.findings = {ONE: Finding(found, "it is open", START_UTC)}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        for _ in range(2):
            await controller.order(Approve(WORK, 1) if not world.sent else Retry(WORK, (ONE,)))
            await controller.idle()
        assert (world.sent, world.followed) == ([ONE], [ONE])
        assert item_status(controller, WORK, ONE).value == outcome.value
        await controller.order(Retry(WORK, (ONE,)))
        await controller.idle()
        assert len(world.sent) == (2 if found is Found.NOT_DONE else 1)

"""Faults at work: of an action, of what its items share, of the disk, and what the lead decides meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import SAL
from deploydash.core.run.decide import Refused
from deploydash.core.run.orders import AddItem, Approve, Close, Retry, SignOff, Skip, Waive
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import ItemsDispatched, Outcome, RunClosed, RunResumed, StepApproved
from deploydash.core.run.state import ItemProgress, ItemStatus, StepStatus
from deploydash.errors import UserError
from deploydash.session import item_runner
from tests.session.fake_action import (
    World,
    ends,
    item_status,
    keeping,
    refusal,
    status,
    until,
    watched,
)
from tests.session.small_steps import ONE, TWO, WORK, book, item, step
from tests.support.clock import START_UTC
from tests.support.runs import FIRST_ADDED, OFFLINE, OPERATOR, PLAIN, WATCHER, after, down, fleet, opened

ATAOS, ESS, MTDOME = PLAIN
R, F, U = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN


async def test_an_action_that_is_cancelled_from_inside_leaves_its_item_unknown() -> None:
    async def cancelled(item: Item, approved: str, context: ItemContext) -> End:  # noqa: ARG001 - the shape of an action
        raise asyncio.CancelledError

    world = World()
    world.does = {ONE: cancelled}
    async with keeping(world, runbook=book(step(item(0), item(1)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert item_status(controller, WORK, ONE) is ItemStatus.UNKNOWN
        assert item_status(controller, WORK, TWO) is ItemStatus.REACHED


async def test_an_end_that_the_disk_refuses_is_told_when_there_is_room() -> None:
    world = World()
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.at_work)
        world.journal.full = True
        world.waits[ONE].set()
        await asyncio.sleep(0.1)
        assert world.sent == []
        world.journal.full = False
        async with asyncio.timeout(5):
            await controller.idle()
        assert item_status(controller, WORK, ONE) is ItemStatus.FAILED
        assert status(controller, WORK) is StepStatus.ASKING


async def test_what_they_share_and_cannot_be_closed_ends_nothing_that_a_retry_began() -> None:
    class Breaking(World):
        opens = 0

        @asynccontextmanager
        async def open(self, items: Sequence[Item]) -> AsyncIterator[None]:  # noqa: ARG002 - the shape of an action
            self.opens += 1
            first = self.opens == 1
            yield
            if first:
                raise UserError("the connection broke")

    world = Breaking()
    world.waits = {TWO: asyncio.Event()}
    failed = False

    async def fails_once(item: Item, approved: str, context: ItemContext) -> End:
        nonlocal failed
        if not failed:
            failed = True
            return End(Outcome.FAILED, "no")
        return await world.usual(item, approved, context)

    world.does = {ONE: fails_once}
    async with keeping(world, runbook=book(step(item(0), item(1)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: item_status(controller, WORK, ONE) is ItemStatus.FAILED)
        world.waits[ONE] = asyncio.Event()
        await controller.order(Retry(WORK, (ONE,)))
        await until(lambda: ONE in world.at_work)
        world.waits[TWO].set()
        await until(lambda: item_status(controller, WORK, TWO) is ItemStatus.REACHED)
        for _ in range(100):
            await asyncio.sleep(0)
        assert item_status(controller, WORK, ONE) is ItemStatus.UNDER_WAY
        world.waits[ONE].set()
        await controller.idle()
    assert world.sent == [TWO, ONE]


async def test_who_is_waived_while_it_waits_for_its_place_is_not_commanded() -> None:
    world = World(seen=fleet(down(WATCHER)))
    world.waits = {ONE: asyncio.Event()}
    later = replace(item(1, effects=(CscEffect(ATAOS, OFFLINE),)), system=SAL)
    async with keeping(world, runbook=book(step(item(0), later, at_once=1))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.at_work)
        assert not isinstance(await controller.order(Waive((ATAOS,), "a person works on it", 1)), Refused)
        world.waits[ONE].set()
        await controller.idle()
        assert world.sent == [ONE]


async def test_a_run_is_not_closed_over_an_added_item_under_way() -> None:
    world = World()
    async with keeping(world, runbook=book(step(item(0)))) as controller, watched(controller):
        await controller.order(Approve(WORK, 1))
        await until(lambda: status(controller, WORK) is StepStatus.DONE)
        world.waits = {FIRST_ADDED: asyncio.Event()}
        assert not isinstance(await controller.order(AddItem(WORK, item(7))), Refused)
        await until(lambda: world.at_work)
        assert "not ended" in refusal(await controller.order(Close()))
        world.waits[FIRST_ADDED].set()
        await controller.idle()
        assert not isinstance(await controller.order(Close()), Refused)


async def test_what_they_share_and_is_never_opened_leaves_all_of_them_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(World):
        @asynccontextmanager
        async def open(self, items: Sequence[Item]) -> AsyncIterator[None]:  # noqa: ARG002 - the shape of an action
            await asyncio.Event().wait()
            yield

    monkeypatch.setattr(item_runner, "OPEN_S", 0.01)
    world = Silent()
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
    assert ends(world.journal.lines) == [(ONE, U, "made-up did not answer within 0.01 s; nothing was begun")]


async def test_a_name_that_stands_twice_is_worked_on_once() -> None:
    world = World()
    async with keeping(world, runbook=book(step(item(0), replace(item(0), label="another")))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
    assert world.sent == [ONE]


async def test_a_look_whose_finding_the_disk_refuses_lets_a_later_retry_begin_anew() -> None:
    world = World()
    world.findings = {ONE: Finding(Found.UNDER_WAY, "it goes on", START_UTC)}
    world.follows = {ONE: End(R, "done")}
    state = after(
        opened(book(step(item(0)))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RunResumed(OPERATOR, 9),
    )
    async with keeping(world, state=state) as controller:
        world.journal.full = True
        controller._runner.probe()
        await asyncio.sleep(0.05)
        assert not world.followed
        world.journal.full = False
        await controller.idle()
        assert world.followed == [ONE]
        assert not controller._runner._goes_on
    assert world.sent == []


async def test_what_could_not_be_told_is_looked_at_once_more_until_somebody_can_tell() -> None:
    world = World()
    nobody = Finding(Found.CANNOT_TELL, "the host does not answer", START_UTC)
    world.findings = {ONE: nobody, TWO: Finding(Found.DONE, "it is done", START_UTC)}
    state = after(
        opened(book(step(item(0), item(1)))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE, TWO), OPERATOR),
        RunResumed(OPERATOR, 9),
    )
    async with keeping(world, state=state) as controller:
        runner = controller._runner
        assert runner.probe()
        await controller.idle()
        assert runner.probe(again=True)
        await controller.idle()
        assert [(one, outcome) for one, outcome, _ in ends(world.journal.lines)] == [(ONE, U), (TWO, R)]
        world.findings[ONE] = Finding(Found.NOT_DONE, "it was not done", START_UTC)
        assert runner.probe(again=True)
        await controller.idle()
        assert not runner.probe(again=True)
        assert item_status(controller, WORK, ONE) is ItemStatus.FAILED
    assert world.sent == []


async def test_what_the_lead_decided_meanwhile_is_not_looked_at_again() -> None:
    world = World()
    world.findings = {ONE: Finding(Found.CANNOT_TELL, "the host does not answer", START_UTC)}
    state = after(
        opened(book(step(item(0)))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RunResumed(OPERATOR, 9),
    )
    async with keeping(world, state=state) as controller:
        controller._runner.probe()
        await controller.idle()
        await controller.order(SignOff(WORK, "Ana", ONE, "done at the host"))
        assert not controller._runner.probe(again=True)


async def test_a_very_long_line_of_output_is_cut() -> None:
    async def tells(item: Item, approved: str, context: ItemContext) -> End:  # noqa: ARG001 - the shape of an action
        context.output("x" * 1_000_000 + "\nshort\x1b[2J")
        return End(R, "done")

    world = World()
    world.does = {ONE: tells}
    async with keeping(world, runbook=book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        assert [len(line) for line in controller._runner.outputs[WORK, ONE]] == [1000, 9]


async def test_a_look_that_comes_back_after_the_close_leaves_the_journal_as_it_was_closed() -> None:
    go = asyncio.Event()

    class Looking(World):
        async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
            await go.wait()
            return await super().probe(item, history, look)

    world = Looking()
    world.findings = {ONE: Finding(Found.UNDER_WAY, "it goes on", START_UTC)}
    state = after(
        opened(book(step(item(0)))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RunResumed(OPERATOR, 9),
    )
    async with keeping(world, state=state) as controller:
        controller._runner.probe()
        await controller.order(Skip(WORK, "another day"))
        await controller.order(Close())
        go.set()
        await controller.idle()
    assert world.journal.lines[-1] == RunClosed(OPERATOR)
    assert world.followed == []

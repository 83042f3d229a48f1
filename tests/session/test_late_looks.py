"""After a resume the lead may retry what is being looked for: whichever is on disk first is what holds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from deploydash.core.procedure.items import CscEffect
from deploydash.core.run.orders import Retry
from deploydash.core.run.ports import Finding, Found
from deploydash.core.run.records import (
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestIntended,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import ItemStatus
from deploydash.session import item_runner
from tests.session.fake_action import World, ends, item_status, keeping, of_kind, until
from tests.session.small_steps import ONE, TWO, WORK, book, item, step
from tests.support.clock import START_UTC
from tests.support.runs import FIRST_ADDED, OFFLINE, OPERATOR, PLAIN, WATCHER, after, down, fleet, opened

RESUMED = RunResumed(OPERATOR, 9)
R, F = Outcome.REACHED, Outcome.FAILED


@pytest.mark.parametrize("what", [Found.CANNOT_TELL, Found.NOT_DONE, Found.DONE])
async def test_a_retry_that_goes_to_disk_while_the_look_comes_back_is_not_overtaken(what: Found) -> None:
    state = after(
        opened(book(step(item(0)))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RequestIntended(WORK, ONE, "item 0, please"),
    )
    world, looked = World(), asyncio.Event()

    async def slow(*_: object) -> Finding:
        await looked.wait()
        return Finding(what, "so it is", START_UTC)

    world.probe = slow  # type: ignore[assignment, method-assign]
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, state=state) as controller:
        await controller.begin(RESUMED)
        await controller._look_once()
        retry = asyncio.create_task(controller.order(Retry(WORK)))
        await until(lambda: controller._writer._waiting or of_kind(world.journal.lines, ItemsDispatched))
        looked.set()  # as the state has it, the item is still unknown now
        await retry
        await until(lambda: ONE in world.at_work)
        assert ends(world.journal.lines) == []
        assert item_status(controller, WORK, ONE) is ItemStatus.UNDER_WAY, "nobody retries it a second time"
        world.waits[ONE].set()
        await controller.idle()
        assert ends(world.journal.lines) == [(ONE, R, "done")]
        assert world.sent == [ONE]


async def test_what_another_item_stands_for_and_the_lead_retries_meanwhile_is_not_settled_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(item_runner, "GLANCE_S", 0.2)
    each = tuple(item(place, effects=(CscEffect(csc, OFFLINE),)) for place, csc in enumerate(PLAIN[:2]))
    both = replace(item(9, effects=tuple(effect for one in each for effect in one.effects)), id=FIRST_ADDED)
    state = after(
        opened(book(step(*each))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE, TWO), OPERATOR),
        *(ItemEnded(WORK, name, F, "it hangs") for name in (ONE, TWO)),
        ItemAdded(WORK, both, OPERATOR, (ONE, TWO)),
    )
    world = World(seen=fleet(down(WATCHER)))
    world.findings = {FIRST_ADDED: Finding(Found.NOT_DONE, "it was not begun", START_UTC)}
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, state=state) as controller:
        await controller.begin(RESUMED)
        await controller._look_once()
        await controller.order(Retry(WORK, (ONE,)))
        await until(lambda: ONE in world.at_work)
        await until(lambda: item_status(controller, WORK, FIRST_ADDED) is ItemStatus.FAILED)
        assert item_status(controller, WORK, ONE) is ItemStatus.UNDER_WAY
        assert item_status(controller, WORK, TWO) is ItemStatus.FAILED
        world.waits[ONE].set()
        await controller.idle()
        assert world.sent == [ONE]
        assert [outcome for name, outcome, _ in ends(world.journal.lines) if name == ONE] == [R]

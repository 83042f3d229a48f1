"""An item that hangs without a budget: the lead gives it up, its outcome is unknown, and nothing is sent again."""

from __future__ import annotations

import asyncio

import pytest

from deploydash.core.run.decide import Refused
from deploydash.core.run.giving_up import AFTER_S, GIVE_UP, LEAST_S
from deploydash.core.run.orders import AddItem, Approve, Control
from deploydash.core.run.ports import End
from deploydash.core.run.records import ArrivalsLearned, ControlOrdered, Outcome
from deploydash.core.run.state import ItemStatus, StepStatus
from deploydash.session.run_controller import RunController
from tests.session.fake_action import World, ends, item_status, keeping, of_kind, refusal, status, until
from tests.session.small_steps import ONE, TWO, WORK, book, item, step
from tests.support.clock import ManualClock
from tests.support.runs import FIRST_ADDED, OPERATOR

U = Outcome.UNKNOWN


def hanging(*names: object) -> World:
    world = World()
    world.waits = {name: asyncio.Event() for name in (ONE, TWO) if name in names}
    return world


def offered(controller: RunController) -> list[str]:
    return [offer.name for offer in controller.offers(WORK, ONE)]


async def test_it_is_offered_after_its_usual_time_and_ends_the_wait_without_sending_anything() -> None:
    world, clock = hanging(ONE), ManualClock()
    async with keeping(world, clock, book(step(item(0), item(1, wave=1)))) as controller:
        await controller.order(Approve(WORK, 1))
        await until(lambda: ONE in world.at_work or world.started)
        assert offered(controller) == []
        refused = refusal(await controller.order(Control(WORK, ONE, GIVE_UP)))
        assert refused == "give-up is not offered for this item now"
        clock.advance(AFTER_S)
        assert offered(controller) == [GIVE_UP]
        await controller.order(Control(WORK, ONE, GIVE_UP))
        assert item_status(controller, WORK, ONE) is ItemStatus.UNKNOWN
        await controller.idle()
        assert of_kind(world.journal.lines, ControlOrdered) == [ControlOrdered(WORK, ONE, GIVE_UP, OPERATOR)]
        first, second = ends(world.journal.lines)
        assert first == (ONE, U, f"given up by {OPERATOR}: nothing had been sent, its outcome is unknown")
        assert second[0] == TWO  # the next wave goes: this one has ended
        assert world.sent == [TWO]
        assert world.controlled == []
        assert status(controller, WORK) is StepStatus.ASKING
        assert isinstance(await controller.order(Control(WORK, ONE, GIVE_UP)), Refused)


@pytest.mark.parametrize(("took", "early", "late"), [(10, LEAST_S - 1, LEAST_S), (400, 799.0, 800.0)])
async def test_its_usual_time_is_what_earlier_runs_tell(took: int, early: float, late: float) -> None:
    world, clock = hanging(ONE), ManualClock()
    async with keeping(world, clock, book(step(item(0)))) as controller:
        await controller.learn((ArrivalsLearned(WORK, 3, ((ONE, (took // 2, took)),)),))
        await controller.order(Approve(WORK, 1))
        await until(lambda: world.started)
        clock.advance(early)
        assert offered(controller) == []
        clock.advance(late - early)
        assert offered(controller) == [GIVE_UP]


async def test_what_went_instead_of_another_takes_that_along() -> None:
    world, clock = World(), ManualClock()
    world.waits = {FIRST_ADDED: asyncio.Event()}
    world.fails = None

    async def fails(*_: object) -> End:
        return End(Outcome.FAILED, "no")

    world.does = {ONE: fails}
    async with keeping(world, clock, book(step(item(0)))) as controller:
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        await controller.order(AddItem(WORK, item(7), (ONE,)))
        await until(lambda: len(world.started) == 2)
        assert item_status(controller, WORK, ONE) is ItemStatus.UNDER_WAY
        clock.advance(AFTER_S)
        assert offered(controller) == []  # it ends by what went instead
        await controller.order(Control(WORK, FIRST_ADDED, GIVE_UP))
        await controller.idle()
        assert item_status(controller, WORK, ONE) is ItemStatus.UNKNOWN
        assert item_status(controller, WORK, FIRST_ADDED) is ItemStatus.UNKNOWN

"""What a card showed is what goes: plans read at the arm and again when it fires, in every lane for itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from deploydash.core.procedure.names import MAIN, PROPOSED, ItemId, Lane, StepId
from deploydash.core.procedure.runbook import Runbook, Tier
from deploydash.core.run.decide import Decision, Refused
from deploydash.core.run.orders import (
    AddItem,
    Approve,
    ArmProposal,
    ArmStep,
    Control,
    Disarm,
    Fire,
    Hold,
    Proposal,
    Release,
    Retry,
    RunOrder,
    SignOff,
    TypeName,
)
from deploydash.core.run.plans import ItemPlan, digest
from deploydash.core.run.records import ItemAdded, ItemsDispatched, RunHeld, StepApproved
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import RunView
from deploydash.errors import UserError
from deploydash.session import describing
from deploydash.session.run_controller import RunController
from deploydash.session.run_inbox import RunControllerInbox
from deploydash.ui.draw.run.offers import Mode, mode_of, offers
from deploydash.ui.draw.run.reading import Focus
from tests.session.fake_action import World, keeping, of_kind, refusal, snapshot_of, status, until, watched
from tests.session.small_steps import ONE, OTHER, TWO, WORK, book, item, step
from tests.support.clock import ManualClock
from tests.support.runs import FIRST_ADDED, OPERATOR

LINES = ("lower it", "move it", "raise it")
SHOWN = ItemPlan(ONE, LINES, approved='["l","m","r"]')


def one_item() -> Runbook:
    return book(step(item(0)))


def two_items() -> Runbook:
    return book(step(item(0), item(1)))


def two_lanes(tier: Tier = Tier.MODERATE) -> Runbook:
    return book(step(item(0)), step(item(0), name=OTHER, lane=Lane("side"), tier=tier))


def shown(controller: RunController, world: World) -> RunView:
    run = controller.attach(snapshot_of(world.seen)).run
    assert run is not None
    return run


async def armed(controller: RunController, clock: ManualClock, *steps: StepId) -> None:
    for name in steps:
        decision = await controller.arm(ArmStep(name, 1))
        assert not isinstance(decision, Refused), decision
    clock.advance(1.0)


async def test_a_step_of_which_nothing_can_be_carried_out_is_not_armed_and_says_why() -> None:
    world, clock = World(), ManualClock()
    world.plans = {ONE: ItemPlan(ONE, LINES, "its Job is still there", blocked=True)}
    async with keeping(world, clock, two_items()) as controller:
        world.plans[TWO] = ItemPlan(TWO, LINES)
        await armed(controller, clock, WORK)
        await controller.arm(Disarm())
        world.plans[TWO] = ItemPlan(TWO, LINES, "its Job, too", blocked=True)
        assert refusal(await controller.arm(ArmStep(WORK, 1))) == "its Job is still there"


async def test_one_of_which_nothing_can_be_carried_out_any_more_disarms_when_it_fires_and_says_why() -> None:
    world, clock = World(), ManualClock()
    world.plans = {ONE: SHOWN, TWO: ItemPlan(TWO, LINES)}
    async with keeping(world, clock, two_items()) as controller:
        await armed(controller, clock, WORK)
        world.plans = {ONE: ItemPlan(ONE, (), "its host is down", blocked=True), TWO: ItemPlan(TWO, LINES)}
        world.plans[TWO] = ItemPlan(TWO, (), "its host, too", blocked=True)
        assert refusal(await controller.arm(Fire(WORK))) == "disarmed: its host is down"
        assert of_kind(world.journal.lines, StepApproved) == []


async def test_an_arm_ends_once_the_card_shows_that_nothing_can_be_carried_out() -> None:
    world, clock = World(), ManualClock()
    world.plans = {ONE: SHOWN}
    async with keeping(world, clock, one_item()) as controller, watched(controller):
        await armed(controller, clock, WORK)
        world.plans = {ONE: ItemPlan(ONE, (), "its host is down", blocked=True)}
        clock.advance(describing.EVERY_S)
        await until(lambda: not _is_armed(controller, world))
        card = shown(controller, world).card
        assert card is not None
        assert (card.armed, card.armed_message) == (None, "disarmed: its host is down")


def _is_armed(controller: RunController, world: World) -> bool:
    card = shown(controller, world).card
    return card is not None and card.armed is not None


async def test_what_was_read_and_shown_is_approved_and_reaches_the_action() -> None:
    world, clock = World(), ManualClock()
    world.plans = {ONE: SHOWN}
    async with keeping(world, clock, one_item()) as controller:
        await armed(controller, clock, WORK)
        card = shown(controller, world).card
        assert card is not None
        assert [row.plan for row in card.rows] == [SHOWN]
        await controller.arm(Fire(WORK))
        await controller.idle()
        [approval] = of_kind(world.journal.lines, StepApproved)
        assert approval == StepApproved(WORK, OPERATOR, 1, approved=((ONE, '["l","m","r"]'),), digest=digest((SHOWN,)))
        assert world.approved == {ONE: '["l","m","r"]'}


async def test_one_that_would_do_something_else_when_it_fires_disarms_and_says_what() -> None:
    world, clock = World(), ManualClock()
    world.plans = {ONE: SHOWN}
    async with keeping(world, clock, one_item()) as controller:
        await armed(controller, clock, WORK)
        changed = ItemPlan(ONE, ("delete it",), approved='["d"]')
        world.plans = {ONE: changed}
        why = "disarmed: what would be sent has changed for #1: now delete it"
        assert refusal(await controller.arm(Fire(WORK))) == why
        card = shown(controller, world).card
        assert card is not None
        assert (card.armed, card.armed_message) == (None, why)
        assert card.plan is not None
        assert card.plan.items == (changed,), "the card shows what would go now"
        assert refusal(await controller.arm(Fire(WORK))) == "nothing is armed"
        assert world.journal.lines == []
        await armed(controller, clock, WORK)
        assert not isinstance(await controller.arm(Fire(WORK)), Refused)
        await controller.idle()
        assert world.approved == {ONE: '["d"]'}


@pytest.mark.parametrize(
    "less",
    [
        ItemPlan(ONE, LINES[1:], approved='["m","r"]'),
        ItemPlan(ONE, (), "it is there"),
        replace(SHOWN, why="it is late"),
    ],
    ids=["on its way", "there", "the same, told with another remark"],
)
async def test_one_that_would_do_less_fires_with_what_is_left(less: ItemPlan) -> None:
    world, clock = World(), ManualClock()
    world.plans = {ONE: SHOWN}
    async with keeping(world, clock, one_item()) as controller:
        await armed(controller, clock, WORK)
        world.plans = {ONE: less}
        assert not isinstance(await controller.arm(Fire(WORK)), Refused)
        await controller.idle()
        assert world.approved == {ONE: less.approved}


async def test_a_plan_that_cannot_be_read_keeps_it_from_being_armed_fired_approved_retried_or_added() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, one_item()) as controller:
        await armed(controller, clock, WORK)
        world.unreadable = "the far end does not answer"
        assert refusal(await controller.arm(Fire(WORK))) == "disarmed: the far end does not answer"
        assert refusal(await controller.arm(ArmStep(WORK, 1))) == "the far end does not answer"
        assert refusal(await controller.order(Approve(WORK, 1))) == "the far end does not answer"
        assert refusal(await controller.order(AddItem(WORK, item(9)))) == "the far end does not answer"
        assert world.journal.lines == []
        world.unreadable, world.fails = "", UserError("no")
        await controller.order(Approve(WORK, 1))
        await controller.idle()
        before = len(world.journal.lines)
        world.unreadable = "the far end does not answer"
        assert refusal(await controller.order(Retry(WORK))) == "the far end does not answer"
        assert len(world.journal.lines) == before


async def test_a_plan_that_nobody_tells_in_time_keeps_it_from_going(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(describing, "LIMIT_S", 0.01)
    world = World()

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    world.describe = never  # type: ignore[assignment, method-assign]
    async with keeping(world, runbook=one_item()) as controller:
        why = "what made-up would do could not be read within 0.01 s"
        assert refusal(await controller.order(Approve(WORK, 1))) == why


async def test_the_card_shows_what_would_be_done_and_why_that_cannot_be_read() -> None:
    world, clock = World(), ManualClock()
    world.plans = {ONE: SHOWN}
    async with keeping(world, clock, one_item()) as controller, watched(controller):

        def plan() -> object:
            card = shown(controller, world).card
            return card.plan if card is not None else None

        await until(lambda: getattr(plan(), "items", ()) == (SHOWN,))
        world.unreadable = "the far end does not answer"
        clock.advance(describing.EVERY_S)
        sentence = "What it would do cannot be read: the far end does not answer"
        await until(lambda: getattr(plan(), "sentence", "") == sentence)
        assert world.journal.lines == []


async def test_an_added_item_goes_as_it_was_read_and_not_where_it_cannot() -> None:
    world = World()
    async with keeping(world, runbook=one_item()) as controller:
        added = replace(item(9), id=ItemId(""))
        world.plans = {added.id: ItemPlan(added.id, (), "its queue is not ENABLED", blocked=True)}
        assert refusal(await controller.order(AddItem(WORK, added))) == "its queue is not ENABLED"
        world.plans = {added.id: ItemPlan(added.id, ("go",), approved='"read"')}
        [record] = await _accepted(controller, AddItem(WORK, added))
        assert record == ItemAdded(WORK, replace(added, id=FIRST_ADDED), OPERATOR, (), '"read"')
        await controller.idle()
        assert world.approved == {FIRST_ADDED: '"read"'}


async def _accepted(controller: RunController, order: AddItem) -> tuple[object, ...]:
    decision = await controller.order(order)
    assert not isinstance(decision, Refused), decision
    return decision


async def test_two_lanes_are_armed_at_once_and_each_fires_or_is_disarmed_for_itself() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, two_lanes()) as controller:
        await armed(controller, clock, WORK, OTHER)
        assert {head.lane: head.armed for head in shown(controller, world).heads} == {MAIN: True, Lane("side"): True}
        await controller.arm(Disarm(WORK))
        assert {head.step: head.armed for head in shown(controller, world).heads} == {WORK: False, OTHER: True}
        assert not isinstance(await controller.arm(Fire(OTHER)), Refused)
        await controller.idle()
        assert [line.step for line in world.journal.lines if isinstance(line, ItemsDispatched)] == [OTHER]
        assert refusal(await controller.arm(Fire(WORK))) == "nothing is armed"


async def test_both_lanes_go_side_by_side() -> None:
    world, clock = World(), ManualClock()
    world.waits = {ONE: asyncio.Event()}
    async with keeping(world, clock, two_lanes()) as controller, watched(controller):
        await armed(controller, clock, WORK, OTHER)
        for name in (WORK, OTHER):
            assert not isinstance(await controller.arm(Fire(name)), Refused)
        await until(lambda: len(world.started) == 2)
        assert [status(controller, name) for name in (WORK, OTHER)] == [StepStatus.UNDER_WAY] * 2
        world.waits[ONE].set()
        await until(lambda: all(status(controller, name) is StepStatus.DONE for name in (WORK, OTHER)))


async def test_a_countdown_fires_its_own_lane_alone_and_escape_in_the_other_leaves_it() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, two_lanes(Tier.SEVERE)) as controller, watched(controller):
        await armed(controller, clock, WORK, OTHER)
        assert "asks for Enter" in refusal(await controller.arm(TypeName("summit", WORK)))
        assert await controller.arm(TypeName("summit", OTHER)) == ()
        assert "goes in 3 s" in refusal(await controller.arm(Fire(OTHER)))
        await controller.arm(Disarm(WORK))
        clock.advance(3.0)
        await until(lambda: status(controller, OTHER) is StepStatus.DONE)
        assert [line.step for line in world.journal.lines if isinstance(line, StepApproved)] == [OTHER]


async def test_what_has_fired_is_shown_as_going_until_it_is_on_disk_and_is_not_armed_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, clock, disk = World(), ManualClock(), asyncio.Event()
    async with keeping(world, clock, one_item()) as controller:
        written = controller.carry_out

        async def slowly(order: RunOrder) -> Decision:
            await disk.wait()
            return await written(order)

        monkeypatch.setattr(controller, "carry_out", slowly)
        await armed(controller, clock, WORK)
        fired = asyncio.create_task(controller.arm(Fire(WORK)))
        await until(
            lambda: (card := shown(controller, world).card) is not None and card.armed is not None and card.armed.gone
        )
        assert refusal(await controller.arm(ArmStep(WORK, 1))) == "it is being sent"
        await controller.arm(Disarm(WORK))
        run = shown(controller, world)
        assert (mode_of(run), offers(run, Focus())) == (Mode.SENDING, ())
        disk.set()
        assert not isinstance(await fired, Refused)
        card = shown(controller, world).card
        assert card is not None
        assert card.armed is None


async def test_a_hold_disarms_every_lane() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, two_lanes()) as controller:
        await armed(controller, clock, WORK, OTHER)
        await controller.order(Hold("ops2"))
        for name in (WORK, OTHER):
            assert refusal(await controller.arm(Fire(name))) == "nothing is armed"
        assert world.journal.lines == [RunHeld("ops2")]


async def test_a_plan_of_two_items_that_changed_for_one_names_that_one() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, book(step(item(0), item(1)))) as controller:
        await armed(controller, clock, WORK)
        world.plans = {TWO: ItemPlan(TWO, ("another", "line"), approved='"x"')}
        assert "has changed for #2: now another; line" in refusal(await controller.arm(Fire(WORK)))


async def failed(controller: RunController, world: World) -> None:
    """Let the step's items go and fail."""
    world.fails = UserError("no")
    await controller.order(Approve(WORK, 1))
    await controller.idle()
    world.fails = None


async def proposed(controller: RunController, clock: ManualClock, order: Proposal) -> None:
    controller.propose(order)
    decision = await controller.arm(ArmProposal(order))
    assert not isinstance(decision, Refused), decision
    clock.advance(1.0)


async def test_a_retry_goes_by_its_own_arm_as_it_was_shown() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, one_item()) as controller:
        await failed(controller, world)
        before = len(world.journal.lines)
        world.plans = {ONE: SHOWN}
        order = Retry(WORK, (ONE,))
        controller.propose(order)
        assert refusal(await controller.arm(Fire(PROPOSED))) == "nothing is armed"
        await controller.arm(ArmProposal(order))
        card = shown(controller, world).proposal
        assert card is not None
        assert (card.title, card.tier) == ("retry item 0 of work", Tier.MODERATE)
        assert card.plan is not None
        assert card.plan.items == (SHOWN,)
        assert "too early" in refusal(await controller.arm(Fire(PROPOSED)))
        assert len(world.journal.lines) == before
        clock.advance(1.0)
        assert not isinstance(await controller.arm(Fire(PROPOSED)), Refused)
        await controller.idle()
        assert shown(controller, world).proposal is None
        [again] = of_kind(world.journal.lines[before:], ItemsDispatched)
        assert again == ItemsDispatched(WORK, (ONE,), OPERATOR, ((ONE, SHOWN.approved),), digest((SHOWN,)))
        assert world.approved == {ONE: SHOWN.approved}


async def test_a_retry_that_would_do_something_else_when_it_fires_disarms_and_says_what() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, one_item()) as controller:
        await failed(controller, world)
        before = len(world.journal.lines)
        await proposed(controller, clock, Retry(WORK, (ONE,)))
        world.plans = {ONE: ItemPlan(ONE, ("delete it",), approved='["d"]')}
        assert "has changed for #1: now delete it" in refusal(await controller.arm(Fire(PROPOSED)))
        card = shown(controller, world).proposal
        assert card is not None
        assert card.message == "disarmed: what would be sent has changed for #1: now delete it"
        assert len(world.journal.lines) == before


async def test_what_is_severe_takes_the_name_of_the_site_and_three_seconds_in_which_escape_cancels() -> None:
    world, clock = World(), ManualClock()
    added = AddItem(WORK, replace(item(9), opaque=True))
    async with keeping(world, clock, one_item()) as controller, watched(controller):
        await proposed(controller, clock, added)
        assert refusal(await controller.arm(Fire(PROPOSED))) == "type the site's name first"
        assert refusal(await controller.arm(TypeName("tucson", PROPOSED))) == "type exactly summit"
        await controller.arm(TypeName("summit", PROPOSED))
        await controller.arm(Disarm(PROPOSED))
        clock.advance(4.0)
        assert refusal(await controller.arm(Fire(PROPOSED))) == "nothing is armed"
        await proposed(controller, clock, added)
        await controller.arm(TypeName("summit", PROPOSED))
        clock.advance(3.1)
        await until(lambda: of_kind(world.journal.lines, ItemAdded))
        assert len(of_kind(world.journal.lines, ItemAdded)) == 1


async def test_its_arm_dies_with_what_it_asks_for_with_another_order_and_with_a_hold() -> None:
    world, clock = World(), ManualClock()
    async with keeping(world, clock, one_item()) as controller, watched(controller):
        await failed(controller, world)
        order = Retry(WORK, (ONE,))
        await proposed(controller, clock, order)
        controller.propose(AddItem(WORK, item(9)))
        assert refusal(await controller.arm(Fire(PROPOSED))) == "nothing is armed"
        assert refusal(await controller.arm(ArmProposal(order))) == "this is not considered any more"
        await proposed(controller, clock, order)
        await controller.order(Hold("ops2"))
        assert refusal(await controller.arm(Fire(PROPOSED))) == "nothing is armed"
        assert refusal(await controller.arm(ArmProposal(order))) == "the run is held by ops2"
        await proposed(controller, clock, Release())
        await controller.arm(Fire(PROPOSED))
        assert controller.state.held_by is None
        await proposed(controller, clock, order)
        await controller.order(SignOff(WORK, "Ana", ONE, "by hand"))
        await until(lambda: (card := shown(controller, world).proposal) is not None and card.armed is None)
        card = shown(controller, world).proposal
        assert card is not None
        assert card.message.startswith("disarmed: ")


async def test_no_order_of_one_key_reaches_the_run_that_its_tier_arms() -> None:
    world = World()
    async with keeping(world, runbook=one_item()) as controller:
        inbox, told = RunControllerInbox(controller), list[str]()
        inbox.subscribe_refusals(told.append)
        serving = asyncio.create_task(inbox.serve())
        for order in (Approve(WORK, 1), Retry(WORK), AddItem(WORK, item(9)), Release(), Control(WORK, ONE, "stop")):
            inbox.run_order(order)
        await until(lambda: len(told) == 5)
        serving.cancel()
        assert all("armed first" in why for why in told)
        assert world.journal.lines == []

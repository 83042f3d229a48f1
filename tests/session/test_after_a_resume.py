"""After a resume: what was under way is looked for outside, followed where it goes on, and never sent again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import DIRECT, csc_item
from deploydash.core.run.orders import Retry
from deploydash.core.run.ports import End, Finding, Found, Look
from deploydash.core.run.records import (
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    PlaceholderSet,
    QuestionAsked,
    RequestIntended,
    RunRecord,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import ItemProgress, ItemStatus, RunState, StepStatus
from deploydash.errors import UserError
from deploydash.session import item_runner
from tests.session.fake_action import World, ends, item_status, keeping, of_kind, status, until, watched
from tests.session.small_steps import ONE, TWO, WORK, book, item, step
from tests.support.clock import START_UTC
from tests.support.runs import FIRST_ADDED, OFFLINE, OPERATOR, PLAIN, WATCHER, after, down, fleet, opened

R, F, U = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN
RESUMED = RunResumed(OPERATOR, 9)
SENT = RequestIntended(WORK, ONE, "item 0, please", "key-1", begins=True)


def interrupted(*more: RunRecord) -> RunState:
    """A run whose process ended while both items were under way."""
    state = opened(book(step(item(0), item(1))))
    return after(state, StepApproved(WORK, OPERATOR, 1), ItemsDispatched(WORK, (ONE, TWO), OPERATOR), *more)


def found(what: Found, sentence: str) -> Finding:
    return Finding(what, sentence, START_UTC)


FOUND = {
    Found.DONE: (R, "it is there, looked at 21:04:12Z"),
    Found.NOT_DONE: (F, "item 0, please was sent when deploydash stopped; it is not there, looked at 21:04:12Z"),
    Found.CANNOT_TELL: (
        U,
        "item 0, please was sent when deploydash stopped; nobody can see it, looked at 21:04:12Z",
    ),
}
SENTENCES = {Found.DONE: "it is there", Found.NOT_DONE: "it is not there", Found.CANNOT_TELL: "nobody can see it"}


async def test_what_is_looked_for_has_the_words_with_which_it_was_sent() -> None:
    world = World()
    looked: list[tuple[str, str]] = []

    async def probe(about: Item, history: ItemProgress, look: Look) -> Finding:
        del history, look
        looked.append((about.label, about.spec))
        return found(Found.DONE, "it is there")

    world.probe = probe  # type: ignore[assignment, method-assign]
    merged = replace(item(0), label="pull request <pr>", spec='{"pull": "<pr>"}')
    state = after(opened(book(step(merged))), StepApproved(WORK, OPERATOR, 1), ItemsDispatched(WORK, (ONE,), OPERATOR))
    async with keeping(world, state=after(state, PlaceholderSet("pr", "6384", OPERATOR), SENT)) as controller:
        await controller.begin(RESUMED)
        async with watched(controller):
            await until(lambda: len(ends(world.journal.lines)) == 1)
        await controller.idle()
    assert looked == [("pull request 6384", '{"pull": "6384"}')]


@pytest.mark.parametrize("what", FOUND)
async def test_what_is_found_outside_is_what_became_of_it_and_nothing_is_sent(what: Found) -> None:
    world = World()
    world.findings = {ONE: found(what, SENTENCES[what]), TWO: found(Found.DONE, "it is there")}
    async with keeping(world, state=interrupted(SENT)) as controller:
        await controller.begin(RESUMED)
        assert status(controller, WORK) is StepStatus.ASKING
        async with watched(controller):
            await until(lambda: len(ends(world.journal.lines)) == 2)
        await controller.idle()
        assert (ONE, *FOUND[what]) in ends(world.journal.lines)
        assert (world.started, world.sent, world.followed) == ([], [], [])
        assert of_kind(world.journal.lines, RequestIntended) == []


async def test_what_still_goes_on_is_followed_to_its_end_and_not_begun_again() -> None:
    world = World()
    world.findings = {ONE: found(Found.UNDER_WAY, "it runs"), TWO: found(Found.UNDER_WAY, "it runs")}
    world.follows = {ONE: End(R, "it ended"), TWO: End(F, "it broke")}
    async with keeping(world, state=interrupted(SENT)) as controller:
        await controller.begin(RESUMED)
        async with watched(controller):
            await until(lambda: len(ends(world.journal.lines)) == 2)
        await controller.idle()
        assert sorted(world.followed) == [ONE, TWO]
        assert sorted(ends(world.journal.lines)) == [(ONE, R, "it ended"), (TWO, F, "it broke")]
        dispatched = of_kind(world.journal.lines, ItemsDispatched)
        assert dispatched == [ItemsDispatched(WORK, (name,), "the procedure") for name in (ONE, TWO)]
        assert (world.started, world.sent) == ([], [])


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (UserError("no line to the far end"), "no line to the far end"),
        (OSError("half a byte"), "deploydash failed: OSError; the log has the details"),
    ],
)
async def test_a_look_that_fails_leaves_it_unknown_with_why(error: Exception, why: str) -> None:
    world = World()
    world.findings = {ONE: error, TWO: found(Found.DONE, "it is there")}
    async with keeping(world, state=interrupted(SENT)) as controller:
        await controller.begin(RESUMED)
        async with watched(controller):
            await until(lambda: len(ends(world.journal.lines)) == 2)
        [told] = [end for end in ends(world.journal.lines) if end[0] == ONE]
        assert told[1] is U
        assert told[2].startswith(f"item 0, please was sent when deploydash stopped; {why}, looked at ")


async def test_a_retry_of_what_was_begun_and_cannot_be_seen_follows_it_and_of_the_rest_begins_it() -> None:
    world = World()
    world.findings = dict.fromkeys((ONE, TWO), found(Found.CANNOT_TELL, "nobody can see it"))
    world.follows = {ONE: End(R, "it ended")}
    async with keeping(world, state=interrupted(SENT)) as controller:
        await controller.begin(RESUMED)
        async with watched(controller):
            await until(lambda: len(ends(world.journal.lines)) == 2)
        await controller.order(Retry(WORK))
        await controller.idle()
        assert world.followed == [ONE]
        assert [name for name, _ in world.started] == [TWO]
        assert world.sent == [TWO]


async def test_what_the_lead_settled_meanwhile_is_not_overwritten_by_a_late_look() -> None:
    world = World()
    late = asyncio.Event()

    async def slow(*_: object) -> Finding:
        await late.wait()
        return found(Found.CANNOT_TELL, "nobody can see it")

    world.probe = slow  # type: ignore[assignment, method-assign]
    world.waits = {ONE: asyncio.Event(), TWO: asyncio.Event()}
    async with keeping(world, state=interrupted()) as controller:
        await controller.begin(RESUMED)
        await controller._look_once()
        await controller.order(Retry(WORK))
        await until(lambda: len(world.at_work) == 2)
        late.set()
        for event in world.waits.values():
            event.set()
        await controller.idle()
        assert sorted(ends(world.journal.lines)) == [(ONE, R, "done"), (TWO, R, "done")]


async def test_a_question_is_gone_with_the_process_that_asked_it() -> None:
    world = World()
    world.findings = dict.fromkeys((ONE, TWO), found(Found.DONE, "it is there"))
    async with keeping(world, state=interrupted(QuestionAsked(WORK, ONE, "Really?", ()))) as controller:
        assert controller.state.progress(WORK).item(ONE).question is not None
        await controller.begin(RESUMED)
        assert controller.state.progress(WORK).item(ONE).question is None


async def test_a_direct_command_and_an_added_item_are_looked_for_as_well() -> None:
    world = World()
    name = csc_item(PLAIN[0])
    world.findings = {name: found(Found.NOT_DONE, "it is ENABLED")}
    state = after(opened(), ItemAdded(DIRECT, direct_command(PLAIN[0], "disable"), OPERATOR, seen="ENABLED"))
    async with keeping(world, state=state) as controller:
        await controller.begin(RESUMED)
        assert item_status(controller, DIRECT, name) is ItemStatus.UNKNOWN
        async with watched(controller):
            await until(lambda: item_status(controller, DIRECT, name) is ItemStatus.FAILED)
        assert world.sent == []


def another_way() -> RunState:
    """A run whose process ended while an item stood for two that had failed, of which one is where it should be."""
    each = tuple(item(place, effects=(CscEffect(csc, OFFLINE),)) for place, csc in enumerate(PLAIN[:2]))
    both = replace(item(9, effects=tuple(effect for one in each for effect in one.effects)), id=FIRST_ADDED)
    return after(
        opened(book(step(*each))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE, TWO), OPERATOR),
        *(ItemEnded(WORK, name, F, "it hangs") for name in (ONE, TWO)),
        ItemAdded(WORK, both, OPERATOR, (ONE, TWO)),
        RequestIntended(WORK, FIRST_ADDED, "item 9, please", "key-9", begins=True),
    )


async def test_what_stands_for_others_and_goes_on_is_followed_and_they_are_under_way_with_it() -> None:
    world = World(seen=fleet(down(WATCHER)))
    world.findings = {FIRST_ADDED: found(Found.UNDER_WAY, "it runs")}
    ended = asyncio.Event()

    async def follow(*_: object) -> End:
        await ended.wait()
        world.see(down(PLAIN[0]), down(PLAIN[1]))
        return End(R, "it ended")

    world.follow = follow  # type: ignore[assignment, method-assign]
    async with keeping(world, state=another_way()) as controller, watched(controller):
        await controller.begin(RESUMED)
        await until(lambda: item_status(controller, WORK, FIRST_ADDED) is ItemStatus.UNDER_WAY)
        assert status(controller, WORK) is StepStatus.UNDER_WAY, "nobody retries what is on its way"
        assert {item_status(controller, WORK, name) for name in (ONE, TWO)} == {ItemStatus.UNDER_WAY}
        ended.set()
        await until(lambda: status(controller, WORK) is StepStatus.DONE)
        assert {outcome for _, outcome, _ in ends(world.journal.lines)} == {R}
        assert (world.started, world.sent) == ([], [])


@pytest.mark.parametrize(("what", "outcome"), [(Found.NOT_DONE, F), (Found.DONE, F), (Found.CANNOT_TELL, U)])
async def test_what_stands_for_others_and_is_over_settles_them_by_what_is_seen_of_each(
    what: Found, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item_runner, "GLANCE_S", 0.01)
    world = World(seen=fleet(down(WATCHER), down(PLAIN[0])))
    world.findings = {FIRST_ADDED: found(what, SENTENCES[what])}
    async with keeping(world, state=another_way()) as controller, watched(controller):
        await controller.begin(RESUMED)
        await until(lambda: len({name for name, _, _ in ends(world.journal.lines)}) == 3)
        await controller.idle()
        assert item_status(controller, WORK, ONE) is ItemStatus.REACHED
        assert controller.state.progress(WORK).item(TWO).status.value == outcome.value
        assert status(controller, WORK) is StepStatus.ASKING

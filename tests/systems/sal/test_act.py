"""What the card says of an item, and what the action then does: both the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CameraSubstate, CscId, Effective, Target
from deploydash.core.procedure.csc_work import direct_command, transition
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import SAL, ItemId
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End
from deploydash.core.run.state import ItemProgress
from deploydash.errors import UserError
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.kafka_write import NotWritten
from deploydash.systems.sal.steps import sal_lines, script_item
from tests.support.item_context import Answered
from tests.support.runs import view
from tests.systems.sal.obedient import (
    AVAILABLE,
    DOME,
    ENABLED,
    ESS,
    FAILED,
    IN_DOUBT,
    OFFLINE,
    QUEUE,
    REACHED,
    STANDBY,
    UNKNOWN,
    L,
    S,
    World,
    camera,
    told,
)


def lines(*commands: str, csc: str = "ESS", index: str = " salIndex=104") -> tuple[str, ...]:
    return tuple(f"lsst.sal.{csc}.command_{command}{index}" for command in commands)


async def test_the_card_shows_the_exact_commands_of_each_csc() -> None:
    other = CscId("ESS", 105)
    watcher = CscId("Watcher")
    world = World(
        view(ESS, S.FAULT),
        view(other, S.ENABLED),
        told(view(watcher, S.ENABLED, L.SILENT, Effective.LOST), ""),
        view(DOME, S.OFFLINE),
    )
    plan = await world.plan(
        transition(ESS, ENABLED, override="_night.yaml"),
        transition(other, ENABLED),
        transition(watcher, ENABLED),
        transition(DOME, OFFLINE),
    )
    assert plan.sentence == "1 of 4 CSCs is commanded; 1 is at target already; 2 cannot be commanded"
    first = plan.of(ItemId("ESS:104"))
    assert first == ItemPlan(
        ItemId("ESS:104"),
        (
            "lsst.sal.ESS.command_standby salIndex=104",
            "lsst.sal.ESS.command_start salIndex=104 configurationOverride=_night.yaml",
            "lsst.sal.ESS.command_enable salIndex=104",
        ),
        approved='{"commands": ["standby", "start", "enable"], "override": "_night.yaml"}',
    )
    assert [(one.why, one.blocked) for one in plan.items[1:]] == [
        ("is at target already", False),
        ("no heartbeat: ", True),
        ("says OFFLINE, waiting for silence", False),
    ]
    assert not any(one.lines for one in plan.items[1:])


WHOLE_WAY = [
    (view(ESS, S.ENABLED), OFFLINE, ("disable", "standby", "exitControl"), "seen OFFLINE and silent"),
    (view(ESS, S.DISABLED), OFFLINE, ("standby", "exitControl"), "seen OFFLINE and silent"),
    (view(ESS, S.FAULT), STANDBY, ("standby",), "seen STANDBY"),
    (view(ESS, S.STANDBY), ENABLED, ("start", "enable"), "seen ENABLED"),
]


@pytest.mark.parametrize(("seen", "target", "commands", "why"), WHOLE_WAY)
async def test_what_the_card_shows_is_sent_line_by_line_and_nothing_else(
    seen: CscView, target: Target, commands: tuple[str, ...], why: str
) -> None:
    world, item = World(seen), transition(ESS, target)
    planned = (await world.plan(item)).items[0]
    assert planned.lines == lines(*commands)
    assert await world.run(item) == End(REACHED, why)
    assert tuple(world.context.intended()) == planned.lines
    assert world.line.commands() == list(commands)
    assert [one for one in world.context.told if isinstance(one, Answered)] == [Answered(True, "done")] * len(commands)
    assert len(world.exits) == ("exitControl" in commands)


async def test_an_intent_says_by_what_its_command_is_known() -> None:
    world = World(view(ESS, S.ENABLED))
    await world.run(transition(ESS, Target(S.DISABLED)))
    [intent, _] = world.context.told
    assert json.loads(intent.key) == {"seq": 1, "identity": "lead@console", "origin": 4711}  # type: ignore[union-attr]
    assert not intent.begins  # type: ignore[union-attr]


BARRED = [
    (None, OFFLINE, "nothing is known of it here"),
    (told(view(ESS, liveness=L.FEED_DOWN)), OFFLINE, "it cannot be seen: as told 7 s ago"),
    (told(view(ESS, liveness=L.UNREADABLE)), OFFLINE, "it cannot be seen: as told 7 s ago"),
    (told(replace(view(ESS), duplicate=True)), OFFLINE, "as told 7 s ago"),
    (told(view(ESS, liveness=L.LATE)), OFFLINE, "no heartbeat: as told 7 s ago"),
    (told(view(ESS, S.ENABLED, L.SILENT, Effective.LOST)), OFFLINE, "no heartbeat: as told 7 s ago"),
    (view(ESS, S.OFFLINE), STANDBY, "says OFFLINE: its process ends and takes no command"),
    (
        camera(S.OFFLINE, CameraSubstate.PUBLISH_ONLY),
        STANDBY,
        "is OFFLINE/PUBLISH_ONLY and takes commands only when it is AVAILABLE",
    ),
    (camera(S.OFFLINE), AVAILABLE, "is OFFLINE with no substate; no command leads to OFFLINE/AVAILABLE"),
    (
        camera(S.OFFLINE, CameraSubstate.PUBLISH_ONLY),
        AVAILABLE,
        "is OFFLINE with PUBLISH_ONLY; no command leads to OFFLINE/AVAILABLE",
    ),
]


@pytest.mark.parametrize(("seen", "target", "why"), BARRED)
async def test_card_and_action_say_the_same_of_a_csc_that_is_not_commanded(
    seen: CscView | None, target: Target, why: str
) -> None:
    world = World(*(() if seen is None else (seen,)))
    item = transition(ESS if seen is None else seen.csc, target)
    planned = (await world.plan(item)).items[0]
    assert (planned.lines, planned.why, planned.blocked) == ((), why, True)
    assert await world.run(item) == End(FAILED, why)
    assert world.context.told == []


@pytest.mark.parametrize("seen", [told(replace(view(ESS), reported=None)), told(view(ESS, liveness=L.UNSEEN))])
async def test_of_a_csc_that_nobody_has_heard_yet_the_card_shows_what_may_be_sent_at_most(seen: CscView) -> None:
    world = World(seen)
    item = transition(ESS, OFFLINE)
    planned = (await world.plan(item)).items[0]
    assert [line.split()[0].rpartition("_")[2] for line in planned.lines] == ["disable", "standby", "exitControl"]
    assert (planned.why.startswith("at most this: "), planned.blocked) == (True, False)
    ended = await world.run(item)
    assert (ended.outcome, ended.why.endswith("as told 7 s ago")) == (FAILED, True)
    assert world.context.told == []


@pytest.mark.parametrize(
    ("seen", "target", "end"),
    [
        (view(ESS, S.STANDBY), STANDBY, End(REACHED, "was at target already")),
        (view(ESS, S.OFFLINE, L.SILENT), OFFLINE, End(REACHED, "was at target already")),
        (camera(S.OFFLINE), OFFLINE, End(REACHED, "was at target already")),
        (told(view(ESS, S.OFFLINE), "still beats"), OFFLINE, End(FAILED, "not silent within 0.05 s: still beats")),
    ],
)
async def test_who_is_there_or_leaves_is_sent_nothing(seen: CscView, target: Target, end: End) -> None:
    world, item = World(seen), transition(seen.csc, target)
    planned = (await world.plan(item)).items[0]
    assert (planned.lines, planned.blocked) == ((), False)
    assert await world.run(item) == end
    assert world.context.told == []


async def test_what_was_not_approved_is_not_sent() -> None:
    world, item = World(view(ESS, S.STANDBY)), transition(ESS, ENABLED)
    approved = (await world.plan(item)).items[0].approved
    world.context.look(view(ESS, S.FAULT))
    assert await world.run(item, approved) == End(
        FAILED, "is FAULT now: standby was not approved; look at the card once more"
    )
    assert world.context.told == []


async def test_what_was_approved_may_be_less_by_then() -> None:
    world, item = World(view(ESS, S.ENABLED)), transition(ESS, OFFLINE)
    approved = (await world.plan(item)).items[0].approved
    world.context.look(view(ESS, S.STANDBY))
    assert await world.run(item, approved) == End(REACHED, "seen OFFLINE and silent")
    assert world.line.commands() == ["exitControl"]


async def test_whoever_was_there_when_the_card_was_approved_is_not_commanded_afterwards() -> None:
    world, item = World(view(ESS, S.STANDBY)), transition(ESS, STANDBY)
    approved = (await world.plan(item)).items[0].approved
    world.context.look(view(ESS, S.ENABLED))
    end = await world.run(item, approved)
    assert end == End(FAILED, "is ENABLED now: disable was not approved; look at the card once more")


async def test_a_csc_whose_beat_was_late_goes_when_it_beats_again() -> None:
    world, item = World(view(ESS, S.DISABLED, L.LATE)), transition(ESS, OFFLINE)
    planned = (await world.plan(item)).items[0]
    assert (planned.lines, planned.blocked) == ((), True)
    world.context.look(view(ESS, S.DISABLED))
    assert await world.run(item, planned.approved) == End(REACHED, "seen OFFLINE and silent")


@pytest.mark.parametrize("approved", ["nonsense", "{}", "[]", '{"commands": 7}', '{"commands": ["start"]}'])
async def test_an_approval_that_cannot_be_read_lets_nothing_go(approved: str) -> None:
    world = World(view(ESS, S.STANDBY))
    end = await world.run(transition(ESS, ENABLED), approved)
    assert end == End(FAILED, "is STANDBY now: start was not approved; look at the card once more")


async def test_another_override_than_the_approved_one_is_not_sent() -> None:
    world = World(view(ESS, S.STANDBY))
    approved = (await world.plan(transition(ESS, ENABLED, override="_day.yaml"))).items[0].approved
    end = await world.run(transition(ESS, ENABLED, override="_night.yaml"), approved)
    assert end == End(FAILED, "is STANDBY now: start was not approved; look at the card once more")


async def test_without_an_approval_that_names_commands_the_way_is_gone() -> None:
    world = World(view(ESS, S.STANDBY))
    assert await world.run(transition(ESS, ENABLED, override="_night.yaml"), "") == End(REACHED, "seen ENABLED")
    assert world.line.sent[0].values == {"configurationOverride": "_night.yaml"}
    assert world.line.sent[1].values == {}


@pytest.mark.parametrize(
    ("answer", "ok", "end"),
    [
        (Answer(-302, 1, "Failed: no such override"), False, End(FAILED, "start: failed: no such override")),
        (Answer(-300, 1, "not for you"), False, End(FAILED, "start: no permission: not for you")),
        (Answer(-304, 1, ""), None, End(UNKNOWN, "start: it ran out of its own time")),
        (Answer(0, 0, "no answer within 1 s"), None, End(UNKNOWN, "start: no answer within 1 s")),
        (IN_DOUBT, None, End(UNKNOWN, f"start {IN_DOUBT}")),
        (NotWritten("may not write"), False, End(FAILED, "start was not sent: may not write")),
    ],
)
async def test_an_answer_is_told_as_taken_refused_or_missing(
    answer: Answer | Exception, ok: bool | None, end: End
) -> None:
    world = World(view(ESS, S.STANDBY), answers={"start": answer})
    world.moves["start"] = S.STANDBY
    assert await world.run(transition(ESS, ENABLED)) == end
    [said] = [one for one in world.context.told if isinstance(one, Answered)]
    assert said.ok is ok


async def test_nothing_is_sent_that_the_run_refuses() -> None:
    world = World(view(ESS, S.STANDBY))
    world.context.refuses = {"lsst.sal.ESS.command_enable": "the run is held by ops2"}
    assert await world.run(transition(ESS, ENABLED)) == End(FAILED, "the run is held by ops2")
    assert world.line.commands() == ["start"]


async def test_a_direct_command_is_one_line_on_its_card() -> None:
    world = World(view(ESS, S.STANDBY), view(DOME, S.ENABLED))
    plan = await world.plan(direct_command(ESS, "start", "bar.yaml"), direct_command(DOME, "start"))
    assert plan.items == (
        ItemPlan(
            ItemId("ESS:104"),
            ("lsst.sal.ESS.command_start salIndex=104 configurationOverride=bar.yaml",),
            approved='{"commands": ["start"], "override": "bar.yaml"}',
        ),
        ItemPlan(
            ItemId("ATDome"),
            (),
            "start is not legal for ATDome in ENABLED",
            blocked=True,
            approved='{"commands": [], "override": ""}',
        ),
    )
    assert await world.run(direct_command(ESS, "start", "bar.yaml")) == End(REACHED, "seen DISABLED")
    assert await world.run(direct_command(DOME, "start")) == End(FAILED, "start is not legal for ATDome in ENABLED")
    assert world.line.commands() == ["start"]


async def test_a_direct_command_is_never_followed_by_another() -> None:
    world = World(view(ESS, S.STANDBY))
    world.moves["start"] = S.ENABLED
    end = await world.run(direct_command(ESS, "start"))
    assert end == End(FAILED, "start was sent to ESS:104, and only one command is approved")
    assert world.line.commands() == ["start"]


async def test_a_direct_command_into_a_fault_says_the_fault() -> None:
    world = World(view(ESS, S.DISABLED))
    world.moves["enable"] = S.FAULT
    assert await world.run(direct_command(ESS, "enable")) == End(
        FAILED, "went to FAULT on enable: no errorCode was reported"
    )
    assert world.line.commands() == ["enable"]


async def test_a_direct_exit_is_over_with_the_silence() -> None:
    world = World(view(ESS, S.STANDBY))
    assert await world.run(direct_command(ESS, "exitControl")) == End(REACHED, "seen OFFLINE and silent")
    assert [one.csc for one in world.exits] == [ESS]


SCRIPT = script_item(ItemId("#1"), QUEUE, "auxtel/enable_atcs.py", True, "wait: 1\n")


async def test_the_card_of_a_script_shows_the_command_and_its_configuration() -> None:
    world = World(view(QUEUE))
    plan = await world.plan(SCRIPT)
    assert plan.sentence == "1 of 1 script is added"
    assert plan.items[0].lines == sal_lines(SCRIPT, "sal")
    assert plan.items[0].lines[-1] == "wait: 1"
    assert json.loads(plan.items[0].approved) == {
        "queue": "ScriptQueue:1",
        "path": "auxtel/enable_atcs.py",
        "standard": True,
        "config": "wait: 1\n",
    }


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({}, "ScriptQueue:1 is not at this site"),
        ({QUEUE: view(QUEUE, S.STANDBY)}, "ScriptQueue:1 is STANDBY: it takes scripts only when ENABLED"),
        ({QUEUE: view(QUEUE, liveness=L.SILENT)}, "no heartbeat from ScriptQueue:1, so it runs no script"),
        ({QUEUE: told(view(QUEUE, liveness=L.UNREADABLE))}, "ScriptQueue:1 cannot be seen: as told 7 s ago"),
    ],
)
async def test_a_script_that_its_queue_would_not_take_is_blocked(seen: Mapping[CscId, CscView], why: str) -> None:
    world = World(*seen.values())
    plan = await world.plan(SCRIPT, transition(ESS, OFFLINE))
    assert (
        plan.sentence == "0 of 1 CSC are commanded; 1 cannot be commanded; 0 of 1 script are added; 1 cannot be added"
    )
    assert (plan.items[0].lines, plan.items[0].why, plan.items[0].blocked) == ((), why, True)


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "[]",
        "7",
        "null",
        "{}",
        '{"do": "wait"}',
        '{"do": "transition", "csc": "ESS:x", "target": "OFFLINE", "override": ""}',
        '{"do": "transition", "csc": "ESS:1", "target": "FAULT", "override": ""}',
        '{"do": "transition", "csc": 7, "target": "OFFLINE", "override": ""}',
        '{"do": "transition", "csc": "ESS:1", "target": "OFFLINE", "override": null}',
        '{"do": "command", "csc": "ESS:1", "command": "reboot", "override": ""}',
        '{"do": "script", "queue": "ScriptQueue:1", "path": "a.py", "standard": "yes", "config": ""}',
        "[" * 100_000,
    ],
)
async def test_a_spec_that_asks_for_nothing_known_is_refused_in_words(spec: str) -> None:
    item = Item(ItemId("#1"), "an item", SAL, spec)
    world = World(view(ESS))
    with pytest.raises(UserError, match="an item is nothing that can be done on SAL: "):
        await world.plan(item)
    with pytest.raises(UserError):
        await world.run(item, "")


def test_a_csc_on_its_way_is_told_nothing_else() -> None:
    world = World(view(ESS))
    assert world.action.controls(transition(ESS, OFFLINE), ItemProgress(), world.context.view) == ()


async def test_nothing_is_held_while_items_are_worked_on() -> None:
    async with World().action.open(()):
        pass

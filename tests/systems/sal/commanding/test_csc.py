"""CSC commands on a real Kafka against CSCs that behave, and such that do not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from deploydash.core.fleet.observations import ExitAcknowledged
from deploydash.core.model import SummaryState
from deploydash.core.procedure.items import Item
from deploydash.core.run.ports import Found
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.session.clock import SystemClock
from deploydash.session.session import Session
from deploydash.systems.sal.act import SalAction
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.commanding.csc_transition import Timeouts
from deploydash.systems.sal.commanding.kafka_commands import CommandChannel
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten, NotWritten
from deploydash.systems.sal.scripts.scriptqueue import Scripts
from deploydash.systems.sal.scripts.watch import Reader
from tests.servers.command_reader import CommandReader
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import plain_settings
from tests.servers.process import free_port
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import wait_until, within
from tests.support.item_context import Answered, Intended
from tests.systems.sal.commanding.context import LiveRun, items_of, live_session
from tests.systems.sal.commanding.lines import LEAD, command_line
from tests.systems.sal.commanding.sal_cscs import Reaction, SalCscs

pytestmark = pytest.mark.server

S = SummaryState
REACHED, FAILED, UNKNOWN = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN
QUICK = Timeouts(command=2.0, seen=2.0, silence=6.0, decided=4.0, settled=1.0)


def no_scripts(_: object) -> AbstractAsyncContextManager[Reader]:
    raise AssertionError("nobody looks for scripts")


@dataclass(slots=True)
class Scene:
    """CSCs, the grid that watches them, and an action that may command them."""

    cscs: SalCscs
    session: Session
    action: SalAction
    line: CommandChannel
    exits: list[ExitAcknowledged]

    async def run(self, items: Sequence[Item], at_once: int = 8) -> LiveRun:
        """Carry out items side by side."""
        run = LiveRun(self.session, items, at_once)
        async with within(60):
            await run.work(self.action)
        assert self.cscs.crash is None, self.cscs.crash
        return run


class World:
    """Makes scenes on the shared servers and reads back what was commanded in them."""

    def __init__(self, kafka: KafkaServer, registry: SchemaRegistry, subname: str) -> None:
        self.kafka = kafka
        self.registry = registry
        self.subname = subname

    @asynccontextmanager
    async def scene(
        self,
        states: Mapping[str, SummaryState],
        *,
        timeouts: Timeouts = QUICK,
        silent: tuple[str, ...] = (),
    ) -> AsyncIterator[Scene]:
        """Run these CSCs and watch them; at the end every command on Kafka must be well-formed and there once."""
        exits: list[ExitAcknowledged] = []
        settings = plain_settings(self.kafka.bootstrap, self.subname)
        async with AsyncExitStack() as stack:
            cscs = stack.enter_context(SalCscs(self.kafka, self.registry, self.subname, states, silent=silent))
            session = await stack.enter_async_context(
                live_session(self.kafka.bootstrap, self.registry.url, self.subname, cscs.lives)
            )
            line = await stack.enter_async_context(command_line(settings, self.registry.url))
            clock = SystemClock()
            commands = CscCommands(line, clock, subname=self.subname, timeouts=timeouts, exited=exits.append)
            scripts = Scripts(line, no_scripts, clock, subname=self.subname, descr="")
            yield Scene(cscs, session, SalAction(commands, scripts, clock), line, exits)
        reader = CommandReader(self.kafka.bootstrap, self.registry.url, self.subname)
        found = reader.read()
        assert found.malformed == []
        assert found.twice() == []
        assert reader.written_elsewhere(LEAD.identity) == []

    def sent(self, csc: str) -> list[str]:
        """Return the commands to a CSC that are on Kafka."""
        return CommandReader(self.kafka.bootstrap, self.registry.url, self.subname).read().of(csc)


@pytest.fixture
def world(kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> World:
    return World(kafka, schema_registry, subname)


DOZEN = {
    **{f"ESS:{number}": S.ENABLED for number in range(101, 107)},
    "MTHexapod:1": S.DISABLED,
    "MTHexapod:2": S.STANDBY,
    "ATDome": S.ENABLED,
    "ATAOS": S.FAULT,
    "MTMount": S.ENABLED,
    "MTAOS": S.ENABLED,
}


async def test_a_dozen_go_down_while_one_hangs_and_one_faults(world: World) -> None:
    async with world.scene(DOZEN) as scene:
        scene.cscs.reacts("MTMount", "disable", Reaction("hang"))
        scene.cscs.reacts("MTAOS", "disable", Reaction("fault", code=12, report="lost its lock"))
        run = await scene.run(items_of([(csc, "OFFLINE") for csc in DOZEN]), at_once=4)
        outcomes = run.outcomes()
        assert outcomes.pop("MTMount") is UNKNOWN
        assert outcomes.pop("MTAOS") is FAILED
        assert set(outcomes.values()) == {REACHED}
        assert len(outcomes) == 10
        assert run.ends()["MTMount"][1] == "disable: no answer within 2 s"
        assert run.ends()["MTAOS"][1] == "went to FAULT on disable: error 12: lost its lock"
        assert run.intended("ESS:101") == ["disable", "standby", "exitControl"]
        assert run.intended("ATAOS") == ["standby", "exitControl"]
        assert run.intended("MTMount") == ["disable"]
        assert {str(exit_.csc) for exit_ in scene.exits} == set(outcomes)
        assert 1 < scene.cscs.busiest <= 4
        assert world.sent("ESS:104") == ["disable", "standby", "exitControl"]


async def test_every_intent_is_on_disk_before_its_command_and_answered_before_the_next(world: World) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:
        run = await scene.run(items_of([("ESS:1", "STANDBY")]))
        assert [type(one) for one in run.contexts["ESS:1"].told] == [Intended, Answered] * 2
        keys = [json.loads(one.key) for one in run.intents("ESS:1")]
        assert {(key["identity"], key["origin"]) for key in keys} == {(LEAD.identity, LEAD.origin)}
        assert [key["seq"] for key in keys] == [taken.fields["private_seqNum"] for taken in scene.cscs.taken]
        assert len({key["seq"] for key in keys}) == 2


@pytest.mark.parametrize("ahead", [0.4, -0.4])
async def test_ack_and_event_may_come_in_either_order(world: World, ahead: float) -> None:
    async with world.scene({"ESS:1": S.STANDBY, "Watcher": S.STANDBY}) as scene:
        for csc in ("ESS:1", "Watcher"):
            for command in ("start", "enable"):
                scene.cscs.reacts(csc, command, Reaction(ack_ahead=ahead))
        run = await scene.run(items_of([("ESS:1", "ENABLED"), ("Watcher", "ENABLED")]))
        assert set(run.outcomes().values()) == {REACHED}
        assert scene.cscs.commands("Watcher") == ["start", "enable"]


async def test_in_progress_extends_the_limit_by_what_it_asks_for(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}, timeouts=Timeouts(1.0, 2.0, 6.0, 4.0, 1.0)) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction(took=2.5, announced=(1.0, 1.5)))
        run = await scene.run(items_of([("ESS:1", "DISABLED")]))
        assert run.outcomes() == {"ESS:1": REACHED}


async def test_a_time_out_is_unknown_and_settled_by_looking_never_by_sending_again(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY, "ESS:2": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("hang"))
        scene.cscs.reacts("ESS:2", "start", Reaction("obey_unanswered"))
        run = await scene.run(items_of([("ESS:1", "ENABLED"), ("ESS:2", "DISABLED")]))
        assert run.outcomes() == {"ESS:1": UNKNOWN, "ESS:2": REACHED}
        assert "no answer within 2 s" in run.ends()["ESS:2"][1]
        assert run.answered() == [Answered(None, "no answer within 2 s")] * 2
        assert scene.cscs.commands("ESS:1") == ["start"]


async def test_no_permission_refusal_and_abortion_are_told_apart(world: World) -> None:
    async with world.scene({f"ESS:{number}": S.STANDBY for number in (1, 2, 3, 4)}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("noperm", result="not for you"))
        scene.cscs.reacts("ESS:2", "start", Reaction("refuse", result="Failed: no such override"))
        scene.cscs.reacts("ESS:3", "start", Reaction("refuse", final=-303, result=""))
        scene.cscs.reacts("ESS:4", "start", Reaction("refuse", final=-304, result="too slow"))
        run = await scene.run(items_of([(f"ESS:{number}", "DISABLED") for number in (1, 2, 3, 4)]))
        assert run.ends() == {
            "ESS:1": (FAILED, "start: no permission: not for you"),
            "ESS:2": (FAILED, "start: failed: no such override"),
            "ESS:3": (FAILED, "start: aborted"),
            "ESS:4": (UNKNOWN, "start: it ran out of its own time: too slow"),
        }


async def test_a_refusal_because_somebody_was_faster_is_no_failure_where_the_target_is_seen(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("fail_but_move"))
        run = await scene.run(items_of([("ESS:1", "DISABLED")]))
        assert run.ends() == {"ESS:1": (REACHED, "seen DISABLED; start: failed: somebody was faster")}


async def test_a_fault_on_enable_fails_with_its_error_and_is_not_tried_again(world: World) -> None:
    async with world.scene({"ESS:104": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:104", "enable", Reaction("fault", code=3, report="no route to sensor"))
        run = await scene.run(items_of([("ESS:104", "ENABLED")]))
        assert run.ends() == {"ESS:104": (FAILED, "went to FAULT on enable: error 3: no route to sensor")}
        assert scene.cscs.commands("ESS:104") == ["start", "enable"]


async def test_an_acknowledged_transition_that_is_never_seen_is_unknown(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("untold"))
        run = await scene.run(items_of([("ESS:1", "ENABLED")]))
        assert run.outcomes() == {"ESS:1": UNKNOWN}
        assert run.ends()["ESS:1"][1] == "start was acknowledged, but DISABLED was not seen within 2 s"
        assert scene.cscs.commands("ESS:1") == ["start"]


async def test_a_csc_that_ends_without_a_word_after_exit_control_is_offline_by_its_silence(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "exitControl", Reaction("untold"))
        run = await scene.run(items_of([("ESS:1", "OFFLINE")]))
        assert run.ends() == {"ESS:1": (REACHED, "seen OFFLINE and silent")}


async def test_a_csc_that_says_offline_and_beats_on_has_not_arrived(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.beats_on("ESS:1")
        run = await scene.run(items_of([("ESS:1", "OFFLINE")]))
        assert run.ends() == {"ESS:1": (FAILED, "not silent within 6 s: says OFFLINE and still beats")}


async def test_a_csc_that_does_not_beat_is_not_commanded_whatever_its_last_state(world: World) -> None:
    states = {"ESS:1": S.ENABLED, "ESS:2": S.STANDBY, "ESS:3": S.OFFLINE, "ESS:4": S.ENABLED}
    async with world.scene(states, silent=("ESS:1", "ESS:2", "ESS:3")) as scene:
        run = await scene.run(items_of([(csc, "OFFLINE") for csc in states]))
        ends = run.ends()
        assert ends["ESS:1"][0] is FAILED
        assert ends["ESS:1"][1].startswith("no heartbeat: LOST: was ENABLED")
        assert ends["ESS:2"] == ends["ESS:3"] == (REACHED, "was at target already")
        assert ends["ESS:4"][0] is REACHED
        assert run.intended("ESS:1") == run.intended("ESS:2") == run.intended("ESS:3") == []


async def test_start_takes_the_override_of_its_csc_and_no_other(world: World) -> None:
    both = [("ESS:1", "DISABLED"), ("ESS:2", "DISABLED")]
    async with world.scene({"ESS:1": S.STANDBY, "ESS:2": S.STANDBY}) as scene:
        run = await scene.run(items_of(both, overrides={"ESS:1": "_night.yaml"}))
        assert set(run.outcomes().values()) == {REACHED}
        given = {str(taken.csc): taken.fields["configurationOverride"] for taken in scene.cscs.taken}
        assert given == {"ESS:1": "_night.yaml", "ESS:2": ""}


async def test_a_camera_goes_offline_beating_and_comes_back_by_enter_control(world: World) -> None:
    async with world.scene({"MTCamera": S.STANDBY}) as scene:
        down = await scene.run(items_of([("MTCamera", "OFFLINE/AVAILABLE")]))
        assert down.ends() == {"MTCamera": (REACHED, "seen OFFLINE/AVAILABLE")}
        assert scene.exits == []
        up = await scene.run(items_of([("MTCamera", "STANDBY")]))
        assert up.ends() == {"MTCamera": (REACHED, "seen STANDBY")}
        assert scene.cscs.commands("MTCamera") == ["exitControl", "enterControl"]


async def test_waiting_for_silence_keeps_nobody_else_from_being_commanded(world: World) -> None:
    states = {f"ESS:{number}": S.STANDBY for number in range(1, 7)}
    async with world.scene(states) as scene:
        began = time.monotonic()
        run = await scene.run(items_of([(csc, "OFFLINE") for csc in states]), at_once=1)
        assert set(run.outcomes().values()) == {REACHED}
        assert scene.cscs.busiest == 1
        assert time.monotonic() - began < 2 * 2.5, "six silences of 2 s one after the other take 12 s"


async def test_a_hold_stops_further_commands_and_what_was_sent_is_followed_to_its_end(world: World) -> None:
    async with world.scene({"ESS:1": S.ENABLED, "ESS:2": S.ENABLED}) as scene:
        scene.cscs.reacts("ESS:1", "disable", Reaction(took=1.0))
        run = LiveRun(scene.session, items_of([("ESS:1", "DISABLED"), ("ESS:2", "OFFLINE")]), at_once=1)
        task = asyncio.create_task(run.work(scene.action))
        await asyncio.to_thread(wait_until, lambda: scene.cscs.commands("ESS:1"), 10, "ESS:1 was commanded")
        run.hold()
        async with within(20):
            await task
        assert run.ends() == {
            "ESS:1": (REACHED, "seen DISABLED"),
            "ESS:2": (FAILED, "the run is held by lead@console"),
        }
        assert scene.cscs.commands("ESS:2") == []


async def test_a_cancelled_action_sends_nothing_more_and_leaves_the_outcome_open(world: World) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:
        scene.cscs.reacts("ESS:1", "disable", Reaction(took=0.5))
        run = LiveRun(scene.session, items_of([("ESS:1", "OFFLINE")]))
        task = asyncio.create_task(run.work(scene.action))
        await asyncio.to_thread(wait_until, lambda: scene.cscs.commands("ESS:1"), 10, "ESS:1 was commanded")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert run.ends() == {}
        again = items_of([("ESS:1", "DISABLED")])
        seen = LiveRun(scene.session, again)
        [csc] = again[0].cscs
        async with within(10):
            while (view := seen.view(csc)) is None or view.reported is not S.DISABLED:  # noqa: ASYNC110  a view tells nobody
                await asyncio.sleep(0.02)
        run = await scene.run(again)
        assert run.outcomes() == {"ESS:1": REACHED}
        assert scene.cscs.commands("ESS:1") == ["disable"]


async def test_the_card_names_the_exact_commands_from_the_live_state(world: World) -> None:
    async with world.scene(
        {"ESS:104": S.ENABLED, "Watcher": S.OFFLINE, "ESS:105": S.STANDBY}, silent=("Watcher",)
    ) as scene:
        items = items_of([("ESS:104", "OFFLINE"), ("Watcher", "OFFLINE"), ("ESS:105", "OFFLINE")])
        plan = await scene.action.describe(items, LiveRun(scene.session, items).view)
        begins = f"lsst.{world.subname}.ESS.command_"
        assert plan.sentence == "2 of 3 CSCs are commanded; 1 is at target already"
        assert plan.items[0].lines == tuple(
            f"{begins}{name} salIndex=104" for name in ("disable", "standby", "exitControl")
        )
        assert plan.items[1].lines == ()
        assert plan.items[2].lines == (f"{begins}exitControl salIndex=105",)


async def test_a_transition_whose_process_died_is_found_and_followed_by_looking(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY, "ESS:2": S.ENABLED}) as scene:
        scene.cscs.reacts("ESS:1", "exitControl", Reaction(took=0.5))
        items = items_of([("ESS:1", "OFFLINE"), ("ESS:2", "OFFLINE")])
        run = LiveRun(scene.session, items[:1])
        task = asyncio.create_task(run.work(scene.action))
        await asyncio.to_thread(wait_until, lambda: scene.cscs.commands("ESS:1"), 10, "ESS:1 was commanded")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        again = LiveRun(scene.session, items)
        sent = ItemProgress(ItemStatus.UNKNOWN, request="exitControl", answered=False)
        async with within(20):
            end = await scene.action.follow(items[0], sent, again.contexts["ESS:1"])
        assert (end.outcome, end.why) == (REACHED, "seen OFFLINE and silent")
        found = [await scene.action.probe(item, sent, again.view) for item in items]
        assert [one.found for one in found] == [Found.DONE, Found.CANNOT_TELL]
        nothing = await scene.action.probe(items[1], ItemProgress(), again.view)
        assert (nothing.found, nothing.sentence) == (Found.NOT_DONE, "nothing had been sent; it is ENABLED")
        assert scene.cscs.commands("ESS:1") == ["exitControl"]


IN_DOUBT = MaybeWritten("may or may not have been sent: broker 1 did not confirm it")


@pytest.mark.parametrize(
    ("raised", "ok", "outcome", "why"),
    [
        (IN_DOUBT, None, UNKNOWN, f"disable {IN_DOUBT}"),
        (NotWritten("this account may not write"), False, FAILED, "disable was not sent: this account may not write"),
    ],
)
async def test_a_transport_error_ends_the_csc_and_nothing_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, raised: Exception, ok: bool | None, outcome: Outcome, why: str
) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:

        async def send(_: object, __: float) -> Answer:
            raise raised

        monkeypatch.setattr(scene.line, "send", send)
        run = await scene.run(items_of([("ESS:1", "OFFLINE")]))
        assert run.ends() == {"ESS:1": (outcome, why)}
        assert run.intended("ESS:1") == ["disable"]
        assert [answer.ok for answer in run.answered()] == [ok]
        assert scene.cscs.commands("ESS:1") == []


async def test_a_registry_that_is_gone_stops_the_command_before_it_is_intended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:
        line: Any = scene.line
        monkeypatch.setattr(line._latest._registry._http, "_url", f"http://127.0.0.1:{free_port()}")
        run = await scene.run(items_of([("ESS:1", "OFFLINE")]))
        outcome, why = run.ends()["ESS:1"]
        assert outcome is FAILED
        assert why.startswith("disable was not sent: schema registry")
        assert run.intended("ESS:1") == []


async def test_a_csc_that_somebody_else_moves_as_well_is_left_to_the_lead(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "enable", Reaction("undone"))
        run = await scene.run(items_of([("ESS:1", "ENABLED")]))
        assert run.ends() == {"ESS:1": (FAILED, "is moved by somebody else, too: 6 commands did not bring it")}
        assert run.intended("ESS:1") == ["start", "enable"] * 3

"""CSC commands on a real Kafka against CSCs that behave, and such that do not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from deploydash.core.fleet.observations import ExitAcknowledged
from deploydash.core.model import SummaryState
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.records import Outcome, RequestAnswered, RequestIntended
from deploydash.session.clock import SystemClock
from deploydash.session.session import Session
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.csc import CscAction
from deploydash.systems.sal.commanding.csc_transition import Timeouts
from deploydash.systems.sal.commanding.kafka_write import MaybeWritten, NotWritten
from tests.servers.command_reader import CommandReader
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import plain_settings
from tests.servers.process import free_port
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import wait_until, within
from tests.systems.sal.commanding.context import LiveContext, live_session, step_of
from tests.systems.sal.commanding.lines import LEAD, command_line
from tests.systems.sal.commanding.sal_cscs import Reaction, SalCscs

pytestmark = pytest.mark.server

S = SummaryState
REACHED, FAILED, UNKNOWN = Outcome.REACHED, Outcome.FAILED, Outcome.UNKNOWN
QUICK = Timeouts(command=2.0, seen=2.0, silence=6.0, decided=4.0, settled=1.0)


@dataclass(slots=True)
class Scene:
    """CSCs, the grid that watches them, and an action that may command them."""

    cscs: SalCscs
    session: Session
    action: CscAction
    exits: list[ExitAcknowledged]

    async def run(self, step: Step) -> LiveContext:
        """Carry out a whole step."""
        context = LiveContext(self.session, step)
        async with within(60):
            await self.action.run(step, step.cscs, context)
        assert self.cscs.crash is None, self.cscs.crash
        return context


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
            action = CscAction(
                line,
                SystemClock(),
                subname=self.subname,
                timeouts=timeouts,
                exited=exits.append,
            )
            yield Scene(cscs, session, action, exits)
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
        context = await scene.run(step_of([(csc, "OFFLINE") for csc in DOZEN], at_once=4))
        outcomes = context.outcomes()
        assert outcomes.pop("MTMount") is UNKNOWN
        assert outcomes.pop("MTAOS") is FAILED
        assert set(outcomes.values()) == {REACHED}
        assert len(outcomes) == 10
        assert context.ends()["MTMount"][1] == "disable: no answer within 2 s"
        assert context.ends()["MTAOS"][1] == "went to FAULT on disable: error 12: lost its lock"
        assert context.intended("ESS:101") == ["disable", "standby", "exitControl"]
        assert context.intended("ATAOS") == ["standby", "exitControl"]
        assert context.intended("MTMount") == ["disable"]
        assert {str(exit_.csc) for exit_ in scene.exits} == set(outcomes)
        assert 1 < scene.cscs.busiest <= 4
        assert world.sent("ESS:104") == ["disable", "standby", "exitControl"]


async def test_every_intent_is_on_disk_before_its_command_and_answered_before_the_next(world: World) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:
        context = await scene.run(step_of([("ESS:1", "STANDBY")]))
        steps = [record for record in context.records if isinstance(record, RequestIntended | RequestAnswered)]
        assert [type(record) for record in steps] == [RequestIntended, RequestAnswered] * 2
        assert [record.seq_num for record in steps[::2]] == [record.seq_num for record in steps[1::2]]
        intents = [record for record in steps if isinstance(record, RequestIntended)]
        assert {(record.identity, record.origin) for record in intents} == {(LEAD.identity, LEAD.origin)}
        assert len({record.seq_num for record in intents}) == 2


@pytest.mark.parametrize("ahead", [0.4, -0.4])
async def test_ack_and_event_may_come_in_either_order(world: World, ahead: float) -> None:
    async with world.scene({"ESS:1": S.STANDBY, "Watcher": S.STANDBY}) as scene:
        for csc in ("ESS:1", "Watcher"):
            for command in ("start", "enable"):
                scene.cscs.reacts(csc, command, Reaction(ack_ahead=ahead))
        context = await scene.run(step_of([("ESS:1", "ENABLED"), ("Watcher", "ENABLED")]))
        assert set(context.outcomes().values()) == {REACHED}
        assert scene.cscs.commands("Watcher") == ["start", "enable"]


async def test_in_progress_extends_the_limit_by_what_it_asks_for(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}, timeouts=Timeouts(1.0, 2.0, 6.0, 4.0, 1.0)) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction(took=2.5, announced=(1.0, 1.5)))
        context = await scene.run(step_of([("ESS:1", "DISABLED")]))
        assert context.outcomes() == {"ESS:1": REACHED}


async def test_a_time_out_is_unknown_and_settled_by_looking_never_by_sending_again(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY, "ESS:2": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("hang"))
        scene.cscs.reacts("ESS:2", "start", Reaction("obey_unanswered"))
        context = await scene.run(step_of([("ESS:1", "ENABLED"), ("ESS:2", "DISABLED")]))
        assert context.outcomes() == {"ESS:1": UNKNOWN, "ESS:2": REACHED}
        assert "no answer within 2 s" in context.ends()["ESS:2"][1]
        assert [(answer.ack, answer.result) for answer in context.answered()] == [(0, "no answer within 2 s")] * 2
        assert scene.cscs.commands("ESS:1") == ["start"]


async def test_no_permission_refusal_and_abortion_are_told_apart(world: World) -> None:
    async with world.scene({f"ESS:{number}": S.STANDBY for number in (1, 2, 3, 4)}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("noperm", result="not for you"))
        scene.cscs.reacts("ESS:2", "start", Reaction("refuse", result="Failed: no such override"))
        scene.cscs.reacts("ESS:3", "start", Reaction("refuse", final=-303, result=""))
        scene.cscs.reacts("ESS:4", "start", Reaction("refuse", final=-304, result="too slow"))
        context = await scene.run(step_of([(f"ESS:{number}", "DISABLED") for number in (1, 2, 3, 4)]))
        assert context.ends() == {
            "ESS:1": (FAILED, "start: no permission: not for you"),
            "ESS:2": (FAILED, "start: failed: no such override"),
            "ESS:3": (FAILED, "start: aborted"),
            "ESS:4": (UNKNOWN, "start: it ran out of its own time: too slow"),
        }


async def test_a_refusal_because_somebody_was_faster_is_no_failure_where_the_target_is_seen(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("fail_but_move"))
        context = await scene.run(step_of([("ESS:1", "DISABLED")]))
        assert context.ends() == {"ESS:1": (REACHED, "seen DISABLED; start: failed: somebody was faster")}


async def test_a_fault_on_enable_fails_with_its_error_and_is_not_tried_again(world: World) -> None:
    async with world.scene({"ESS:104": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:104", "enable", Reaction("fault", code=3, report="no route to sensor"))
        context = await scene.run(step_of([("ESS:104", "ENABLED")]))
        assert context.ends() == {"ESS:104": (FAILED, "went to FAULT on enable: error 3: no route to sensor")}
        assert scene.cscs.commands("ESS:104") == ["start", "enable"]


async def test_an_acknowledged_transition_that_is_never_seen_is_unknown(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "start", Reaction("untold"))
        context = await scene.run(step_of([("ESS:1", "ENABLED")]))
        assert context.outcomes() == {"ESS:1": UNKNOWN}
        assert context.ends()["ESS:1"][1] == "start was acknowledged, but DISABLED was not seen within 2 s"
        assert scene.cscs.commands("ESS:1") == ["start"]


async def test_a_csc_that_ends_without_a_word_after_exit_control_is_offline_by_its_silence(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "exitControl", Reaction("untold"))
        context = await scene.run(step_of([("ESS:1", "OFFLINE")]))
        assert context.ends() == {"ESS:1": (REACHED, "seen OFFLINE and silent")}


async def test_a_csc_that_says_offline_and_beats_on_has_not_arrived(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.beats_on("ESS:1")
        context = await scene.run(step_of([("ESS:1", "OFFLINE")]))
        assert context.ends() == {"ESS:1": (FAILED, "not silent within 6 s: says OFFLINE and still beats")}


async def test_a_csc_that_does_not_beat_is_not_commanded_whatever_its_last_state(world: World) -> None:
    states = {"ESS:1": S.ENABLED, "ESS:2": S.STANDBY, "ESS:3": S.OFFLINE, "ESS:4": S.ENABLED}
    async with world.scene(states, silent=("ESS:1", "ESS:2", "ESS:3")) as scene:
        context = await scene.run(step_of([(csc, "OFFLINE") for csc in states]))
        ends = context.ends()
        assert ends["ESS:1"][0] is FAILED
        assert ends["ESS:1"][1].startswith("does not beat: LOST: was ENABLED")
        assert ends["ESS:2"] == ends["ESS:3"] == (REACHED, "was there already")
        assert ends["ESS:4"][0] is REACHED
        assert context.intended("ESS:1") == context.intended("ESS:2") == context.intended("ESS:3") == []


async def test_start_takes_the_override_of_its_csc_and_no_other(world: World) -> None:
    both = [("ESS:1", "DISABLED"), ("ESS:2", "DISABLED")]
    async with world.scene({"ESS:1": S.STANDBY, "ESS:2": S.STANDBY}) as scene:
        context = await scene.run(step_of(both, overrides={"ESS:1": "_night.yaml"}))
        assert set(context.outcomes().values()) == {REACHED}
        given = {str(taken.csc): taken.fields["configurationOverride"] for taken in scene.cscs.taken}
        assert given == {"ESS:1": "_night.yaml", "ESS:2": ""}


async def test_a_camera_goes_offline_beating_and_comes_back_by_enter_control(world: World) -> None:
    async with world.scene({"MTCamera": S.STANDBY}) as scene:
        down = await scene.run(step_of([("MTCamera", "OFFLINE/AVAILABLE")]))
        assert down.ends() == {"MTCamera": (REACHED, "seen OFFLINE/AVAILABLE")}
        assert scene.exits == []
        up = await scene.run(step_of([("MTCamera", "STANDBY")]))
        assert up.ends() == {"MTCamera": (REACHED, "seen STANDBY")}
        assert scene.cscs.commands("MTCamera") == ["exitControl", "enterControl"]


async def test_a_wave_begins_when_the_one_before_it_has_ended(world: World) -> None:
    states = {f"ESS:{number}": S.ENABLED for number in (1, 2, 3, 4)}
    async with world.scene(states) as scene:
        scene.cscs.reacts("ESS:1", "disable", Reaction("hang"))
        waves = {"ESS:3": 1, "ESS:4": 1}
        await scene.run(step_of([(csc, "DISABLED") for csc in states], waves=waves))
        order = [str(taken.csc) for taken in scene.cscs.taken]
        assert set(order[:2]) == {"ESS:1", "ESS:2"}
        assert set(order[2:]) == {"ESS:3", "ESS:4"}


async def test_waiting_for_silence_keeps_nobody_else_from_being_commanded(world: World) -> None:
    states = {f"ESS:{number}": S.STANDBY for number in range(1, 7)}
    async with world.scene(states) as scene:
        began = time.monotonic()
        context = await scene.run(step_of([(csc, "OFFLINE") for csc in states], at_once=1))
        assert set(context.outcomes().values()) == {REACHED}
        assert scene.cscs.busiest == 1
        assert time.monotonic() - began < 2 * 2.5, "six silences of 2 s one after the other take 12 s"


async def test_a_hold_stops_further_commands_and_what_was_sent_is_followed_to_its_end(world: World) -> None:
    async with world.scene({"ESS:1": S.ENABLED, "ESS:2": S.ENABLED}) as scene:
        scene.cscs.reacts("ESS:1", "disable", Reaction(took=1.0))
        step = step_of([("ESS:1", "DISABLED"), ("ESS:2", "OFFLINE")], at_once=1)
        context = LiveContext(scene.session, step)
        task = asyncio.create_task(scene.action.run(step, step.cscs, context))
        await asyncio.to_thread(wait_until, lambda: scene.cscs.commands("ESS:1"), 10, "ESS:1 was commanded")
        context.hold()
        async with within(20):
            await task
        assert context.ends() == {
            "ESS:1": (REACHED, "seen DISABLED"),
            "ESS:2": (FAILED, "the run is held by lead@console"),
        }
        assert scene.cscs.commands("ESS:2") == []


async def test_a_cancelled_action_sends_nothing_more_and_leaves_the_outcome_open(world: World) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:
        scene.cscs.reacts("ESS:1", "disable", Reaction(took=0.5))
        step = step_of([("ESS:1", "OFFLINE")])
        context = LiveContext(scene.session, step)
        task = asyncio.create_task(scene.action.run(step, step.cscs, context))
        await asyncio.to_thread(wait_until, lambda: scene.cscs.commands("ESS:1"), 10, "ESS:1 was commanded")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert context.ends() == {}
        again = step_of([("ESS:1", "DISABLED")])
        await asyncio.to_thread(wait_until, lambda: scene.cscs.state("ESS:1") is S.DISABLED, 10, "it was obeyed")
        context = await scene.run(again)
        assert context.outcomes() == {"ESS:1": REACHED}
        assert scene.cscs.commands("ESS:1") == ["disable"]


async def test_the_description_names_the_exact_commands_from_the_live_state(world: World) -> None:
    async with world.scene(
        {"ESS:104": S.ENABLED, "Watcher": S.OFFLINE, "ESS:105": S.STANDBY}, silent=("Watcher",)
    ) as scene:
        context = LiveContext(scene.session, step_of([]))
        described = scene.action.describe(
            step_of([("ESS:104", "OFFLINE"), ("Watcher", "OFFLINE"), ("ESS:105", "OFFLINE")]), context.view
        )
        begins = f"lsst.{world.subname}.ESS.command_"
        assert described.sentence == "2 of 3 CSCs are commanded, at most 8 at once; 1 is there already"
        assert described.cscs[0].commands == tuple(
            f"{begins}{name} salIndex=104" for name in ("disable", "standby", "exitControl")
        )
        assert described.cscs[1].commands == ()
        assert described.cscs[2].commands == (f"{begins}exitControl salIndex=105",)


IN_DOUBT = MaybeWritten("may or may not have been sent: broker 1 did not confirm it")


@pytest.mark.parametrize(
    ("raised", "outcome", "why"),
    [
        (
            IN_DOUBT,
            UNKNOWN,
            f"disable {IN_DOUBT}",
        ),
        (NotWritten("this account may not write"), FAILED, "disable was not sent: this account may not write"),
    ],
)
async def test_a_transport_error_ends_the_csc_and_nothing_is_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, raised: Exception, outcome: Outcome, why: str
) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:

        async def send(_: object, __: float) -> Answer:
            raise raised

        monkeypatch.setattr(scene.action._line, "send", send)
        context = await scene.run(step_of([("ESS:1", "OFFLINE")]))
        assert context.ends() == {"ESS:1": (outcome, why)}
        assert context.intended("ESS:1") == ["disable"]
        assert [answer.ack for answer in context.answered()] == [0]
        assert scene.cscs.commands("ESS:1") == []


async def test_a_registry_that_is_gone_stops_the_command_before_it_is_intended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.scene({"ESS:1": S.ENABLED}) as scene:
        line: Any = scene.action._line
        monkeypatch.setattr(line._latest._registry._http, "_url", f"http://127.0.0.1:{free_port()}")
        context = await scene.run(step_of([("ESS:1", "OFFLINE")]))
        outcome, why = context.ends()["ESS:1"]
        assert outcome is FAILED
        assert why.startswith("disable was not sent: schema registry")
        assert context.intended("ESS:1") == []


async def test_a_csc_that_somebody_else_moves_as_well_is_left_to_the_lead(world: World) -> None:
    async with world.scene({"ESS:1": S.STANDBY}) as scene:
        scene.cscs.reacts("ESS:1", "enable", Reaction("undone"))
        context = await scene.run(step_of([("ESS:1", "ENABLED")]))
        assert context.ends() == {"ESS:1": (FAILED, "is moved by somebody else, too: 6 commands did not bring it")}
        assert context.intended("ESS:1") == ["start", "enable"] * 3

"""One CSC process as a value: time and commands in, records out, no clock and no Kafka."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from deploydash.demo.csc import Process
from deploydash.demo.states import Reaction, State, Traits, route
from deploydash.demo.wire import Emit, Writer, kinds

NOON = 1_795_000_000.0


def process(component: str = "ESS", index: int | None = 104, pace: float = 1.0, **reacts: Reaction) -> Process:
    return Process(
        Writer(component, index, 4242),
        Traits(on=reacts),
        pace=pace,
        phase=0.25,
        rng=random.Random(1),
    )


def running(state: State, component: str = "ESS", index: int | None = 104, **reacts: Reaction) -> Process:
    made = process(component, index, 1.0, **reacts)
    made.resume(NOON - 5000, NOON, state=state, substate=None, since=100, history=10)
    return made


def command(number: int = 7, index: int | None = 104) -> Mapping[str, Any]:
    return {"salIndex": index, "private_seqNum": number, "private_identity": "operator@test", "private_origin": 1}


def play(actor: Process, until: float) -> list[Emit]:
    """Everything an actor writes up to a moment, each thing at its own time."""
    emits: list[Emit] = []
    while actor.next_due is not None and actor.next_due <= until:
        emits += actor.advance(actor.next_due)
    return emits


def told(emits: list[Emit], sal_name: str, field: str) -> list[Any]:
    return [emit.fields[field] for emit in emits if emit.sal_name == sal_name]


def test_a_process_beats_only_after_it_has_listened_for_a_duplicate() -> None:
    actor = process()
    first = actor.boot(NOON)
    emits = play(actor, NOON + 10)
    beats = [emit.at for emit in emits if emit.sal_name == "logevent_heartbeat"]

    assert [emit.sal_name for emit in first] == ["logevent_logLevel", "logevent_logMessage"]
    assert beats[0] == pytest.approx(NOON + 3.6)
    assert len(beats) == 7
    assert told(emits, "logevent_summaryState", "summaryState") == [State.STANDBY]


def test_speed_shortens_the_start_and_never_the_time_between_beats() -> None:
    actor = process(pace=10.0)
    actor.boot(NOON)
    beats = [emit.at for emit in play(actor, NOON + 5) if emit.sal_name == "logevent_heartbeat"]

    assert beats[0] == pytest.approx(NOON + 0.36)
    assert [later - earlier for earlier, later in pairwise(beats[1:])] == [1.0] * (len(beats) - 2)


@pytest.mark.parametrize(
    ("start", "goal", "commands"),
    [
        (State.ENABLED, State.OFFLINE, ["disable", "standby", "exitControl"]),
        (State.FAULT, State.ENABLED, ["standby", "start", "enable"]),
        (State.FAULT, State.OFFLINE, ["standby", "exitControl"]),
        (State.OFFLINE, State.DISABLED, ["enterControl", "start"]),
        (State.STANDBY, State.STANDBY, []),
        (State.ENABLED, State.FAULT, []),
    ],
)
def test_the_route_between_two_states(start: State, goal: State, commands: list[str]) -> None:
    assert route(start, goal) == commands


def test_exit_control_and_start_at_once_are_both_done_and_the_last_state_lies() -> None:
    actor = running(State.STANDBY)
    actor.receive("exitControl", command(1), NOON)
    actor.receive("start", command(2), NOON + 0.001)
    emits = play(actor, NOON + 10)

    assert told(emits, "ackcmd", "ack") == [303, 303]
    assert told(emits, "logevent_summaryState", "summaryState") == [State.OFFLINE, State.DISABLED]
    assert [emit for emit in emits if emit.sal_name == "logevent_heartbeat"] == []
    assert not actor.alive


def test_after_exit_control_it_answers_for_a_while_and_then_no_more() -> None:
    actor = running(State.STANDBY)
    actor.receive("exitControl", command(1), NOON)
    play(actor, NOON + 0.1)
    actor.receive("start", command(2), NOON + 0.1)
    emits = play(actor, NOON + 1.0)
    assert told(emits, "ackcmd", "result") == ["Failed: start not allowed in state <State.OFFLINE: 4>"]

    play(actor, NOON + 2.0)
    assert actor.receive("start", command(3), NOON + 2.0) == []
    assert actor.next_due is None


def test_only_a_camera_obeys_enter_control() -> None:
    camera = running(State.OFFLINE, "MTCamera", None)
    camera.receive("enterControl", command(index=None), NOON)
    assert told(play(camera, NOON + 1), "logevent_summaryState", "summaryState") == [State.STANDBY]

    other = running(State.STANDBY)
    other.receive("enterControl", command(), NOON)
    assert told(play(other, NOON + 1), "ackcmd", "ack") == [-302]


def test_a_state_told_twice_is_written_once() -> None:
    actor = running(State.DISABLED)

    assert actor.event("logevent_summaryState", NOON, summaryState=int(State.DISABLED)) == []


def test_a_running_process_has_a_past() -> None:
    actor = process()
    past = actor.resume(NOON - 3600, NOON, state=State.FAULT, substate=None, since=60, history=30, code=9, report="x")
    beats = [emit for emit in past if emit.sal_name == "logevent_heartbeat"]
    codes = [emit for emit in past if emit.sal_name == "logevent_errorCode"]
    states = [emit for emit in past if emit.sal_name == "logevent_summaryState"]

    assert len(beats) == 31
    assert NOON - 1 <= beats[-1].at <= NOON
    assert beats[-1].seq == pytest.approx(3600, abs=2)
    assert [emit.fields["summaryState"] for emit in states] == [State.STANDBY, State.FAULT]
    assert states[-1].at == pytest.approx(NOON - 60, abs=0.01)
    assert codes[-1].at < states[-1].at


def test_a_killed_process_writes_nothing_more() -> None:
    actor = running(State.ENABLED)
    actor.receive("disable", command(), NOON)
    actor.kill()

    assert actor.next_due is None
    assert actor.advance(NOON + 10) == []


def test_a_deaf_process_beats_and_does_not_answer() -> None:
    actor = running(State.ENABLED)
    actor.deafen()
    actor.receive("disable", command(), NOON)

    assert {emit.sal_name for emit in play(actor, NOON + 3)} == {"logevent_heartbeat"}


def test_a_refusing_csc_says_why_and_stays() -> None:
    actor = running(State.STANDBY, start=Reaction(do="refuse", report="no such configuration"))
    actor.receive("start", command(), NOON)
    emits = play(actor, NOON + 1)

    assert told(emits, "ackcmd", "result") == ["Failed: no such configuration"]
    assert actor.state is State.STANDBY


def test_m2_reports_closed_loop_while_it_is_enabled_and_no_other_csc_reports_a_mode() -> None:
    assert kinds("MTM2") == ("plain", "mtm2")
    mirror = process("MTM2", None)
    emits = mirror._tell(State.ENABLED, NOON) + mirror._tell(State.STANDBY, NOON + 1)
    told = [(emit.sal_name, emit.fields) for emit in emits]
    modes = [fields["mode"] for name, fields in told if name == "logevent_closedLoopControlMode"]
    assert modes == [4, 2]
    other = process("MTAOS", None)._tell(State.ENABLED, NOON)
    assert [emit.sal_name for emit in other] == ["logevent_summaryState"]

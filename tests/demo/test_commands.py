"""Commands written by a Kafka client, and what the world answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.demo.harness import Demo, demo

SCENARIO = """
name: obstinate
cscs:
  - {csc: MTMount, reacts: {start: {delay: 20, progress: 60}}}
  - {csc: MTRotator, reacts: {start: ignore, exitControl: silent}}
  - {csc: "ESS:104", reacts: {enable: {do: fault, code: 12, report: "sensor gone"}}}
timeline:
  - {at: 1, do: deafen, csc: ScriptQueue:1}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("commands"), "--speed", "10", scenario=SCENARIO) as running:
        yield running


def test_a_command_is_acknowledged_to_its_sender_and_changes_the_state(world: Demo) -> None:
    ack = world.command("ATAOS", "start", configurationOverride="night.yaml")

    assert (ack["ack"], ack["error"], ack["result"]) == (303, 0, "Done")
    assert (ack["identity"], ack["origin"]) == ("operator@test", 4711)
    assert ack["private_identity"] == "ATAOS"
    assert ack.key == b'{ "name": "ATAOS", "topic": "ackcmd" }'
    world.until(lambda: world.states("ATAOS")[-1:] == [1])
    applied = world.until(lambda: world.of("ATAOS", "logevent_configurationApplied"))
    assert applied[-1]["configurations"] == "_init.yaml,night.yaml"


def test_a_command_that_the_state_does_not_allow_fails_with_salobj_s_words(world: Demo) -> None:
    ack = world.command("Watcher", "enable")

    assert (ack["ack"], ack["error"]) == (-302, 1)
    assert ack["result"] == "Failed: enable not allowed in state <State.STANDBY: 5>"


def test_a_cpp_component_acknowledges_in_its_own_way(world: Demo) -> None:
    ack = world.command("MTM1M3", "start")

    assert (ack["ack"], ack["error"], ack["result"]) == (-302, -1, "Command not allowed in this state")
    assert ack.key is None
    assert ack["private_origin"] == 0


def test_sal_index_0_is_no_broadcast_and_another_index_is_not_obeyed(world: Demo) -> None:
    ignored = world.send("ESS:0", "start")
    other = world.send("ESS:105", "start")
    world.until(lambda: world.acks("ESS:105", other))

    assert [r for r in world.records if r.sal_name == "ackcmd" and r["private_seqNum"] == ignored] == []
    assert world.states("ESS:104") == [5]


def test_a_long_command_says_that_it_is_in_progress(world: Demo) -> None:
    sequence = world.send("MTMount", "start")
    world.until(lambda: len(world.acks("MTMount", sequence)) == 2)
    first, last = world.acks("MTMount", sequence)

    assert (first["ack"], first["timeout"]) == (301, 60.0)
    assert last["ack"] == 303
    assert 1.5 < last.at - first.at < 4.0


def test_a_csc_may_never_answer(world: Demo) -> None:
    unanswered = world.send("MTRotator", "start")
    deaf = world.send("ScriptQueue:1", "disable")
    now = time.time()
    world.until(lambda: len(world.beats_after("MTRotator", now)) >= 3)

    assert world.acks("MTRotator", unanswered) == []
    assert world.acks("ScriptQueue:1", deaf) == []
    assert world.beats_after("ScriptQueue:1", now) != []


def test_on_the_way_into_fault_the_error_code_comes_before_the_state_and_on_the_way_out_after_it(world: Demo) -> None:
    world.command("ESS:104", "start")
    failed = world.command("ESS:104", "enable")
    assert (failed["ack"], failed["result"]) == (-302, "Failed: sensor gone")
    world.until(lambda: world.states("ESS:104")[-1:] == [3])
    code = world.until(lambda: [r for r in world.of("ESS:104", "logevent_errorCode") if r["errorCode"] == 12])[-1]
    state = world.of("ESS:104", "logevent_summaryState")[-1]
    assert code["errorReport"] == "sensor gone"
    assert code["private_sndStamp"] < state["private_sndStamp"]

    assert world.command("ESS:104", "standby")["ack"] == 303
    cleared = world.until(lambda: [r for r in world.of("ESS:104", "logevent_errorCode")[-1:] if r["errorCode"] == 0])[0]
    left = world.until(lambda: [r for r in world.of("ESS:104", "logevent_summaryState")[-1:] if r["summaryState"] == 5])
    assert left[0]["private_sndStamp"] < cleared["private_sndStamp"]


def test_exit_control_ends_the_beats_then_reports_offline_then_acknowledges(world: Demo) -> None:
    done = world.command("Watcher", "exitControl")
    assert done["ack"] == 303
    [offline] = world.until(lambda: [r for r in world.of("Watcher", "logevent_summaryState") if r["summaryState"] == 4])
    assert 0 < done["private_sndStamp"] - offline["private_sndStamp"] < 0.01

    moment = time.time()
    world.until(lambda: len(world.beats_after("ATAOS", moment)) >= 2)
    assert world.beats_after("Watcher", offline.at) == []
    late = world.send("Watcher", "start")
    moment = time.time()
    world.until(lambda: len(world.beats_after("ATAOS", moment)) >= 2)
    assert world.acks("Watcher", late) == []


def test_a_csc_may_end_without_reporting_offline(world: Demo) -> None:
    assert world.command("MTRotator", "exitControl")["ack"] == 303
    moment = time.time()
    world.until(lambda: len(world.beats_after("ATAOS", moment)) >= 2)

    assert world.states("MTRotator") == [5]
    assert world.beats_after("MTRotator", moment) == []


def test_a_camera_stays_in_offline_and_comes_back_by_enter_control(world: Demo) -> None:
    assert world.command("ATCamera", "enterControl")["ack"] == 303
    world.until(lambda: world.states("ATCamera")[-1:] == [5])
    assert world.command("ATCamera", "exitControl")["ack"] == 303
    world.until(lambda: world.states("ATCamera")[-1:] == [4])
    moment = time.time()
    world.until(lambda: len(world.beats_after("ATCamera", moment)) >= 2)


def test_a_poisoned_command_silences_every_index_of_the_component(world: Demo) -> None:
    world.send_bytes("lsst.sal.ESS.command_disable", b"\x00\x7f\xff\xff\xffgarbage")
    moment = time.time() + 1.2
    world.until(lambda: len(world.beats_after("ATAOS", moment)) >= 2)

    assert world.beats_after("ESS:104", moment) == []
    assert world.beats_after("ESS:105", moment) == []


def test_bytes_without_framing_and_a_wrong_number_do_what_they_do_to_salobj(world: Demo) -> None:
    world.send_bytes("lsst.sal.ATDome.command_disable", b"\x01nothing")
    assert world.command("ATDome", "disable")["ack"] == 303
    world.send("ATDome", "enable", private_seqNum=0)
    moment = time.time() + 1.2
    world.until(lambda: len(world.beats_after("ATAOS", moment)) >= 2)

    assert world.beats_after("ATDome", moment) == []
    assert world.states("ATDome")[-1] == 1

"""The ScriptQueue of the demo observatory: it answers as the real one does, and its scripts really act."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.harness import Demo, Record, demo

LOADING, CONFIGURED, RUNNING, DONE, LOADFAILED, CONFIGURE_FAILED, TERMINATED = range(1, 8)
LAST = 2
QUEUE = "ScriptQueue:1"

SCENARIO = """
name: scripts
cscs:
  - csc: ScriptQueue:1
    scripts:
      sleep.py: hang
      run_command.py: {do: fail, seconds: 1, message: no such command}
      auxtel/enable_atcs.py: load-failed
      maintel/enable_mtcs.py: {do: configure-failed, message: "config() failed: no MTMount"}
  - {csc: MTRotator, reacts: {start: {do: refuse, report: brakes on}}}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with demo(tmp_path_factory.mktemp("queue"), "--speed", "10", scenario=SCENARIO) as running:
        yield running


DOWN = "name: down\nfleet: STANDBY\ncscs: [{csc: ScriptQueue:1, state: ENABLED}]\n"


AGAIN = """
name: again
cscs: [{csc: "ScriptQueue:1", state: STANDBY}]
timeline: [{at: 60, do: restart, csc: "ScriptQueue:1"}]
"""


def add(world: Demo, path: str, config: str = "") -> int:
    """Resume the queue and add a script at its end; its salIndex."""
    assert world.command(QUEUE, "resume")["ack"] == 303
    ack = world.command(QUEUE, "add", isStandard=True, path=path, config=config, location=LAST)
    assert ack["ack"] == 303, ack["result"]
    return int(ack["result"])


def told(world: Demo, number: int) -> list[tuple[int, int]]:
    """What the queue told of a script: process state and script state."""
    return [
        (record["processState"], record["scriptState"])
        for record in world.of(QUEUE, "logevent_script")
        if record["scriptSalIndex"] == number
    ]


def gone(world: Demo, number: int) -> list[tuple[int, int]]:
    """Wait until the process of a script has ended."""

    def ended() -> bool:
        records = [r for r in world.of(QUEUE, "logevent_script") if r["scriptSalIndex"] == number]
        return bool(records) and records[-1]["timestampProcessEnd"] > 0

    world.until(ended)
    return told(world, number)


def states(world: Demo, number: int) -> list[int]:
    return [record["state"] for record in world.of(f"Script:{number}", "logevent_state")]


def queue(world: Demo) -> Record:
    return world.of(QUEUE, "logevent_queue")[-1]


def test_add_tells_the_queue_and_the_script_before_it_is_acknowledged_with_the_index(world: Demo) -> None:
    assert world.command(QUEUE, "resume")["ack"] == 303
    sequence = world.send(QUEUE, "add", isStandard=True, path="maintel/track_target.py", location=LAST)
    ack = world.until(lambda: world.acks(QUEUE, sequence))[-1]
    number = int(ack["result"])
    of_it = [r for r in world.of(QUEUE, "logevent_script") if r["scriptSalIndex"] == number]
    listed = [r for r in world.of(QUEUE, "logevent_queue") if number in r["salIndices"]]

    assert (of_it[0]["processState"], of_it[0]["scriptState"], of_it[0]["cmdId"]) == (LOADING, 0, sequence)
    assert listed[0]["private_sndStamp"] < of_it[0]["private_sndStamp"] < ack["private_sndStamp"]
    assert number // 100_000 == 1


def test_a_script_that_is_done_goes_through_all_states_and_its_process_ends_later(world: Demo) -> None:
    number = add(world, "maintel/track_target.py")

    assert gone(world, number) == [(1, 0), (1, 1), (1, 2), (2, 2), (3, 3), (3, 5), (3, 8), (4, 8)]
    assert states(world, number) == [1, 2, 3, 3, 3, 5, 8]
    assert [r["lastCheckpoint"] for r in world.of(f"Script:{number}", "logevent_state")][-1] == "end"
    world.until(lambda: number in queue(world)["pastSalIndices"])
    assert queue(world)["running"] is True


def test_a_script_that_fails_says_why_and_leaves_the_queue_paused_until_it_is_resumed(world: Demo) -> None:
    failing = add(world, "run_command.py")
    assert gone(world, failing)[-3:] == [(3, 7), (3, 10), (4, 10)]
    world.until(lambda: queue(world)["running"] is False)
    assert queue(world)["currentSalIndex"] == failing
    last = world.of(f"Script:{failing}", "logevent_state")[-1]
    assert last["reason"] == "Error in run: no such command"
    assert world.of(f"Script:{failing}", "logevent_logMessage")[-1]["level"] == 40

    after = add(world, "maintel/track_target.py")
    assert gone(world, after)[-1] == (4, 8)
    assert failing in queue(world)["pastSalIndices"]


def test_a_paused_queue_configures_its_scripts_and_runs_none(world: Demo) -> None:
    assert world.command(QUEUE, "resume")["ack"] == 303
    assert world.command(QUEUE, "pause")["ack"] == 303
    ack = world.command(QUEUE, "add", isStandard=True, path="maintel/track_target.py", location=LAST)
    number = int(ack["result"])
    world.until(lambda: (CONFIGURED, 2) in told(world, number))
    assert queue(world)["running"] is False
    assert queue(world)["currentSalIndex"] == 0

    assert world.command(QUEUE, "resume")["ack"] == 303
    assert gone(world, number)[-1] == (4, 8)


def test_a_hanging_script_is_stopped_and_the_queue_goes_on(world: Demo) -> None:
    number = add(world, "sleep.py")
    world.until(lambda: (RUNNING, 3) in told(world, number))
    indices = [number] + [0] * 399
    done = world.command(QUEUE, "stopScripts", length=1, salIndices=indices, terminate=False)

    assert (done["ack"], done["result"]) == (303, "Done")
    assert told(world, number)[-1] == (4, 9)
    assert states(world, number)[-2:] == [6, 9]
    assert queue(world)["running"] is True
    assert gone(world, add(world, "maintel/track_target.py"))[-1] == (4, 8)


def test_a_terminated_script_stays_at_stopping_for_ever(world: Demo) -> None:
    number = add(world, "sleep.py")
    world.until(lambda: (RUNNING, 3) in told(world, number))
    indices = [number] + [0] * 399
    world.command(QUEUE, "stopScripts", length=1, salIndices=indices, terminate=True)

    assert gone(world, number)[-1] == (TERMINATED, 6)
    assert states(world, number)[-1] == 6
    world.until(lambda: queue(world)["running"] is False)


def test_what_cannot_be_loaded_or_configured_leaves_the_queue_which_goes_on(world: Demo) -> None:
    unloadable = add(world, "auxtel/enable_atcs.py")
    assert gone(world, unloadable) == [(LOADING, 0), (LOADFAILED, 0)]
    refused = add(world, "maintel/enable_mtcs.py")
    assert gone(world, refused)[-1] == (CONFIGURE_FAILED, 11)
    last = world.of(f"Script:{refused}", "logevent_state")[-1]
    assert (last["state"], last["reason"]) == (11, "config() failed: no MTMount")
    assert queue(world)["running"] is True


def test_a_script_that_the_queue_does_not_list_is_refused_and_uses_up_an_index(world: Demo) -> None:
    before = add(world, "maintel/track_target.py")
    refused = world.command(QUEUE, "add", isStandard=True, path="maintel/track_targets.py", location=LAST)
    assert refused["ack"] == -302
    assert refused["result"].startswith("Failed: Cannot find script")
    assert add(world, "maintel/track_target.py") == before + 2


def test_the_queue_lists_its_scripts_when_asked(world: Demo) -> None:
    told_before = len(world.of(QUEUE, "logevent_availableScripts"))
    assert world.command(QUEUE, "showAvailableScripts")["ack"] == 303
    listed = world.until(lambda: world.of(QUEUE, "logevent_availableScripts")[told_before:])[-1]
    assert "set_summary_state.py" in listed["standard"].split(":")
    assert listed["external"] == ""


def test_set_summary_state_moves_the_cscs_by_commands_of_its_own(world: Demo) -> None:
    config = "data: [['ESS:104', ENABLED, night.yaml], [ATAOS, DISABLED], ['ESS:105', OFFLINE]]\nmute_alarms: false"
    number = add(world, "set_summary_state.py", config)

    assert gone(world, number)[-1] == (4, 8)
    assert world.states("ESS:104")[-3:] == [5, 1, 2]
    assert world.states("ATAOS")[-1] == 1
    assert world.states("ESS:105")[-1] == 4
    assert world.of("ESS:104", "logevent_configurationApplied")[-1]["configurations"] == "_init.yaml,night.yaml"
    assert {ack["identity"] for ack in world.of("ESS:104", "ackcmd")} == {f"Script:{number}"}
    checkpoints = [r["lastCheckpoint"] for r in world.of(f"Script:{number}", "logevent_state")]
    assert [name for name in dict.fromkeys(checkpoints) if name] == ["set ESS:104", "set ATAOS", "set ESS:105"]


def test_set_summary_state_ends_at_the_first_csc_that_refuses(world: Demo) -> None:
    number = add(world, "set_summary_state.py", "data: [[MTRotator, ENABLED], [MTMount, DISABLED]]")

    assert gone(world, number)[-1] == (4, 10)
    reason = world.of(f"Script:{number}", "logevent_state")[-1]["reason"]
    assert reason == "Error in run: Error on cmd=cmd_start, initial_state=STANDBY: Failed: brakes on"
    assert world.states("MTMount") == [5]


def test_a_configuration_without_what_is_required_fails_to_configure(world: Demo) -> None:
    number = add(world, "set_summary_state.py", "mute_alarms: false")
    assert gone(world, number)[-1] == (CONFIGURE_FAILED, 11)


def test_a_queue_that_is_not_enabled_adds_nothing_and_a_new_process_counts_anew(tmp_path: Path) -> None:
    with demo(tmp_path, "--speed", "10", scenario=AGAIN) as world:
        refused = world.command(QUEUE, "add", isStandard=True, path="sleep.py", location=LAST)
        assert refused["result"] == "Failed: add not allowed in state=<State.STANDBY: 5>"
        assert world.command(QUEUE, "start")["ack"] == 303
        assert world.command(QUEUE, "enable")["ack"] == 303
        for _ in range(2):
            added = world.command(QUEUE, "add", isStandard=True, path="sleep.py", location=LAST)
        assert added["result"] == "100001"
        world.until(lambda: world.states(QUEUE) == [5, 1, 2, 5, 1, 2], 20)
        again = world.command(QUEUE, "add", isStandard=True, path="sleep.py", location=LAST)
        assert again["result"] == "100000"


def test_system_wide_shutdown_takes_all_down_but_the_queues_and_what_it_ignores(
    tmp_path: Path,
) -> None:
    config = "{user: ops, reason: test, start_with: [Watcher], ignore: [MTM1M3]}"
    with demo(tmp_path, "--speed", "10", scenario=DOWN) as world:
        number = add(world, "system_wide_shutdown.py", config)
        world.until(lambda: states(world, number)[-1:] == [8], 30)
        offline = [r.csc for r in world.records if r.sal_name == "logevent_summaryState" and r["summaryState"] == 4]
        assert offline[0] == "Watcher"
        assert set(offline) >= {"ATAOS", "ATDome", "ESS:104", "ESS:105", "MTMount", "MTRotator"}
        assert not {QUEUE, "MTM1M3"} & set(offline)

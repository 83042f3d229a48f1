"""Scripts by keys: a step of them armed and followed, one paused and stopped, a CSC sent by a fallback."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e_run.books import CLOSE, HEAD
from tests.e2e_run.world import journals, known, open_run, records, world
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, READ_S, Frame, Lead

WORLD = """\
name: scripts
about: ATDome goes to FAULT on its way down; sleep.py never ends.
fleet: ENABLED
cscs:
  - {csc: ATDome, state: ENABLED, reacts: {disable: {do: fault, code: 7, report: "brake: stuck"}}}
  - {csc: "ScriptQueue:2", state: ENABLED, scripts: {sleep.py: hang}}
"""

SCRIPTS = """\
  - phase: testing
    title: testing
    wanted: none
    steps:
      - id: states
        title: Bring two CSCs to their states by a script
        kind: action
        system: sal
        tier: moderate
        ends: the script is DONE
        scripts:
          - queue: "ScriptQueue:1"
            script: set_summary_state.py
            config: {data: [[ATAOS, STANDBY], ["ESS:104", STANDBY]], mute_alarms: false}
        link: here
      - id: seen
        title: See that both are there
        kind: wait
        system: sal
        tier: read
        ends: both are there
        targets: [ATAOS, "ESS:104"]
        target: startup
        limit: 60s
        link: here
      - id: hangs
        title: Run what never ends
        kind: action
        system: sal
        tier: moderate
        ends: it is over
        scripts:
          - {queue: "ScriptQueue:2", script: sleep.py}
        link: here
  - phase: shutdown
    title: shutdown
    wanted: shutdown
    steps:
      - {id: watcher, title: Send the Watcher to OFFLINE, kind: action, system: sal,
         tier: moderate, ends: it is OFFLINE, targets: [Watcher], target: OFFLINE, link: here}
      - {id: cscs, title: Send the dome to OFFLINE, kind: action, system: sal,
         tier: moderate, ends: it is OFFLINE, targets: [ATDome], target: OFFLINE, link: here}
      - id: stragglers
        title: Decide about those that failed
        kind: decide
        system: sal
        tier: moderate
        ends: none is left
        settles: cscs
        fallback:
          script: set_summary_state.py
          queue: "ScriptQueue:1"
          config:
            data: [["<csc>", OFFLINE]]
            mute_alarms: false
        link: here
"""

FALLBACK = "A fallback"
CONTROLS = "Controls of an item"
PAUSED = "paused: nothing further of its kind starts until it is resumed"
ADD = "lsst.sal.ScriptQueue.command_add salIndex={} isStandard=true path={}"


@dataclass(frozen=True, slots=True)
class Spent:
    """What was seen on the screen, and what stands in the journal."""

    seen: dict[str, str]
    journal: Path


def _decide(lead: Lead, frame: Frame, seen: dict[str, str]) -> None:
    if frame.title.endswith("a decision") and frame.has("retry it"):
        seen["stopped"] = frame.text
        lead.dialog("d", "Sign off")
        lead.fill("Sign off", "Ana", "it was only a rehearsal")
        return
    seen["failed"] = frame.text
    lead.dialog("o", FALLBACK)
    seen["fallbacks"] = lead.see().text
    lead.choose(FALLBACK, "set_summary_state.py by ScriptQueue:3")
    lead.until(lambda shown: shown.title.startswith("Fallback") and shown.has("a arm"), "exactly what is added")
    seen["fallback"] = _unfolded(lead.see())
    lead.send()
    lead.until(lambda shown: shown.has("fallback for ATDome"), "the fallback on the card")
    lead.until(lambda shown: shown.has("set_summary_state.py"), "its script")
    seen["on its way"] = lead.see().text


def _unfolded(frame: Frame) -> str:
    """Return the lines of a frame as one text, wherever an exact line breaks."""
    return " ".join(frame.text.split())


def _spec(added: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(added["item"]["spec"])
    return found


def _stop(lead: Lead, seen: dict[str, str]) -> None:
    lead.until(lambda shown: shown.has("RUNNING as Script:200000"), "the script that never ends", 30)
    lead.dialog("p", CONTROLS)
    seen["queues"] = lead.see().text
    lead.choose(CONTROLS, "pause ScriptQueue:2")
    lead.send()
    lead.until(lambda shown: shown.has(PAUSED), "the pause", 20)
    seen["paused"] = lead.see().text
    lead.dialog("p", CONTROLS)
    lead.choose(CONTROLS, "resume ScriptQueue:2")
    lead.send()
    lead.until(lambda shown: not shown.has(PAUSED), "the end of the pause", 20)
    lead.dialog("p", CONTROLS)
    lead.choose(CONTROLS, "stop sleep.py")
    lead.send()


def _add(lead: Lead, seen: dict[str, str]) -> None:
    time.sleep(READ_S)
    _type(lead, "ScriptQueue:3", "maintel/point_azel.py", "{el: 180}")
    lead.until(lambda frame: frame.has("greater than the maximum"), "what is wrong with it")
    lead.press("Escape")
    lead.until(lambda frame: frame.title == "Your turn", "the card")
    _type(lead, "ScriptQueue:3", "maintel/point_azel.py", "{el: 80}")
    lead.until(lambda frame: frame.title.startswith("Add: ") and frame.has("a arm"), "the second look")
    seen["added"] = _unfolded(lead.see())
    lead.send()
    lead.until(lambda frame: frame.has("added: maintel"), "the script on the card")


def _type(lead: Lead, *texts: str) -> None:
    lead.dialog("A", "Add an item outside the runbook")
    lead.choose("Add an item outside the runbook", "Add a script outside the runbook")
    lead.until(lambda frame: frame.title == "Add a script outside the runbook", "the fields of a script")
    time.sleep(READ_S)
    for text in texts:
        lead.tmux.type_text(text)
        lead.press("Enter")  # on the heels of the text: it stands in its field all the same


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spent]:
    """One run by keys from its first script to its end."""
    folder = tmp_path_factory.mktemp("scripts")
    cli = CommandLine(folder / "home")
    scenario, book = folder / "scripts.yaml", folder / "night.yaml"
    scenario.write_text(WORLD, encoding="utf-8")
    book.write_text(HEAD.format(site="summit") + SCRIPTS + CLOSE.format(), encoding="utf-8")
    seen: dict[str, str] = {}
    with world(cli, "--scenario", str(scenario), "--speed", "10") as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, book)
        lead = Lead(tmux, failures=lambda lead, frame: _decide(lead, frame, seen))
        lead.until(lambda frame: frame.has("Bring two CSCs"), "the first card")
        wait_until(
            lambda: re.search(r"ScriptQueue[^\n]*\n[^\n]*E1 +E2 +E3 *\n", tmux.capture()),
            20,
            "the states of the queues",
        )
        lead.until(lambda frame: frame.has("command_add"), "the card as of what the queue says of itself")
        seen["pending"] = _unfolded(lead.see())
        lead.press("v")
        tmux.wait_for("mute_alarms")
        seen["page"] = " ".join(tmux.capture().split())
        lead.press("Escape")
        lead.until(lambda frame: frame.title == "Your turn", "the card again")
        _add(lead, seen)
        time.sleep(READ_S)
        lead.press("a")
        lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
        time.sleep(0.8)
        lead.press("Enter")
        lead.until(lambda frame: frame.has("RUNNING as Script:100000"), "the running script", 30)
        seen["running"] = lead.see().text
        lead.play(lambda frame: frame.title.startswith("Under way") and frame.has("never ends"), 60)
        _stop(lead, seen)
        lead.play(lambda frame: frame.title == CLOSED, 120)
        observatory.commands()
        yield Spent(seen, journals(cli)[0])


@pytest.mark.server
@pytest.mark.timeout(patient(240))
def test_a_script_is_added_by_arming_its_step_and_followed_to_done(night: Spent) -> None:
    assert ADD.format(1, "set_summary_state.py") in night.seen["pending"]
    assert "v shows all" in night.seen["pending"]
    assert "[ATAOS, STANDBY]" in night.seen["page"]
    assert "a arm" in night.seen["pending"]
    assert "RUNNING as Script:100000" in night.seen["running"]
    ends = [
        record for record in records(night.journal, "ItemEnded") if (record["step"], record["item"]) == ("states", "#1")
    ]
    assert [(each["outcome"], each["why"]) for each in ends] == [("reached", "done")]
    assert [each["step"] for each in records(night.journal, "StepDone")][:2] == ["states", "seen"]


@pytest.mark.server
@pytest.mark.timeout(patient(240))
def test_its_queue_is_paused_and_resumed_and_the_script_is_stopped_and_ticked(night: Spent) -> None:
    assert "stop sleep.py (Script:200000) in ScriptQueue:2" in night.seen["queues"]
    assert PAUSED in night.seen["paused"]
    assert [each["name"] for each in records(night.journal, "ControlOrdered")] == ["pause", "resume", "stop"]
    assert "STOPPED as Script:200000" in night.seen["stopped"]
    (tick,) = [each for each in records(night.journal, "ItemSignedOff") if each["step"] == "hangs"]
    assert (tick["by"], tick["note"]) == ("Ana", "it was only a rehearsal")


@pytest.mark.server
@pytest.mark.timeout(patient(240))
def test_a_csc_that_failed_goes_by_the_script_through_the_chosen_queue_and_is_seen_there(night: Spent) -> None:
    assert "['ATDome', OFFLINE]" not in night.seen["failed"]
    offered = [night.seen["fallbacks"].index(f"set_summary_state.py by ScriptQueue:{index}") for index in (1, 2, 3)]
    assert offered == sorted(offered), "the runbook's queue first"
    assert ADD.format(3, "set_summary_state.py") in night.seen["fallback"]
    assert "- ['ATDome', OFFLINE]" in night.seen["fallback"]
    (taken,) = [each for each in records(night.journal, "ItemAdded") if each["instead_of"]]
    assert (_spec(taken)["queue"], taken["instead_of"]) == ("ScriptQueue:3", ["ATDome"])
    ends = [(each["outcome"], each["why"]) for each in records(night.journal, "ItemEnded") if each["item"] == "ATDome"]
    assert ends == [
        ("failed", "went to FAULT on disable: error 7: brake: stuck"),
        ("reached", "seen OFFLINE; set_summary_state.py: done"),
    ]


@pytest.mark.server
@pytest.mark.timeout(patient(240))
def test_any_script_is_added_by_hand_once_its_configuration_fits(night: Spent) -> None:
    assert "The configuration fits the schema of maintel/point_azel.py" in night.seen["added"]
    assert ADD.format(3, "maintel/point_azel.py") in night.seen["added"]
    (added,) = [each for each in records(night.journal, "ItemAdded") if not each["instead_of"]]
    assert added["step"] == "states"
    spec = _spec(added)
    assert (spec["queue"], spec["path"], spec["config"]) == ("ScriptQueue:3", "maintel/point_azel.py", "{el: 80}\n")
    (end,) = [
        each
        for each in records(night.journal, "ItemEnded")
        if (each["step"], each["item"]) == ("states", added["item"]["id"])
    ]
    assert (end["outcome"], end["why"]) == ("reached", "done")


TESTING = """\
  - phase: testing
    title: testing
    wanted: none
    steps:
      - id: minimal-testing
        title: Test that both telescopes track and take images
        kind: action
        system: sal
        tier: moderate
        ends: every script is DONE
        suite: minimal-testing
        link: here
"""


@pytest.mark.server
@pytest.mark.timeout(patient(240))
def test_the_minimal_testing_of_the_summit_is_driven_to_its_end_by_keys(
    tmp_path: Path, cli: CommandLine, tmux: Tmux
) -> None:
    scenario, book = tmp_path / "up.yaml", tmp_path / "night.yaml"
    scenario.write_text("name: up\nabout: All 117 are ENABLED.\nfleet: ENABLED\n", encoding="utf-8")
    book.write_text(HEAD.format(site="summit") + TESTING + CLOSE.format(), encoding="utf-8")
    with world(cli, "--scenario", str(scenario), "--speed", "20") as observatory:
        open_run(tmux, cli, observatory.site_file, book)
        lead = Lead(tmux)
        lead.play(lambda frame: frame.title == CLOSED, 200)
        observatory.commands()
    (journal,) = journals(cli)
    ends = records(journal, "ItemEnded")
    assert {record["outcome"] for record in ends} == {"reached"}
    by_hand = [record["item"] for record in records(journal, "ItemSignedOff") if record["step"] == "minimal-testing"]
    assert len(ends) + len(by_hand) == 23
    assert sorted([record["item"] for record in ends] + by_hand) == sorted(f"#{place + 1}" for place in range(23))


LASTS = """\
  - phase: testing
    title: testing
    wanted: none
    steps:
      - id: lasts
        title: Run what takes its time
        kind: action
        system: sal
        tier: moderate
        ends: it is DONE
        scripts:
          - {queue: "ScriptQueue:2", script: sleep.py}
        link: here
"""


@pytest.mark.server
@pytest.mark.timeout(patient(160))
def test_a_running_script_is_followed_to_its_end_on_the_card_after_a_kill_and_a_resume(
    tmp_path: Path, cli: CommandLine
) -> None:
    scenario, book = tmp_path / "lasts.yaml", tmp_path / "night.yaml"
    scripts = '{csc: "ScriptQueue:2", state: ENABLED, scripts: {sleep.py: {do: done, seconds: 200}}}'
    scenario.write_text(f"name: lasts\nabout: a long script\nfleet: ENABLED\ncscs:\n  - {scripts}\n", encoding="utf-8")
    book.write_text(HEAD.format(site="summit") + LASTS + CLOSE.format(), encoding="utf-8")
    with world(cli, "--scenario", str(scenario), "--speed", "10") as observatory:
        with Tmux(tmp_path / "first") as tmux:
            open_run(tmux, cli, observatory.site_file, book)
            lead = Lead(tmux)
            lead.until(lambda frame: frame.title == "Your turn" and frame.has("command_add"), "the card", 30)
            lead.send()
            lead.until(lambda frame: frame.has("RUNNING as Script:200000"), "the running script", 30)
            holder = json.loads((journals(cli)[0].parent / "lock").read_text(encoding="utf-8"))
            os.kill(holder["pid"], signal.SIGKILL)
            assert tmux.wait_exit() == 128 + signal.SIGKILL
        with Tmux(tmp_path / "second") as tmux:
            tmux.start(cli.words("resume"), columns=120, rows=40, env=cli.environment())
            known(tmux)
            lead = Lead(tmux)
            lead.until(lambda frame: frame.has("RUNNING as Script:200000"), "the script as it runs on", 40)
            lead.play(lambda frame: frame.title == CLOSED, 60)
        observatory.commands()
    (journal,) = journals(cli)
    assert [record["step"] for record in records(journal, "RequestIntended")] == ["lasts"]
    assert [(one["outcome"], one["why"]) for one in records(journal, "ItemEnded")] == [("reached", "done")]
    kinds = [record["kind"] for record in records(journal)]
    assert kinds.index("RunResumed") < kinds.index("ItemEnded")

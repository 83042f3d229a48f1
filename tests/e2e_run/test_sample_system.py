"""A system that the program knows nothing of, driven by keys in a terminal: every shape of work, from its own folder.

Described, shut and opened by a fact, armed, changed under the arm, progressing, failing, retried, by another way,
stopped by its control, signed off instead, a question asked and answered, killed and resumed with a look outside,
observed, replayed, reported.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.e2e_run.books import CLOSE, HEAD, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.world import forked_world, journals, known, records
from tests.sample_system.fake import FakeMachines, serving_machines
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.run_driver import CLOSED, READ_S, Frame, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

MACHINES = """\
  - phase: machines
    title: machines
    wanted: none
    steps:
      - id: start
        title: Start the machines
        kind: action
        system: sample
        tier: moderate
        ends: every machine runs
        at_once: 8
        machines: [m1, m2, m3, m4, m5, m6]
        forced: true
        facts: [{fact: machines-ready, words: the machines may be started, age: 10s}]
        link: here
      - {id: restore, title: Put the levels back, kind: manual, system: person, tier: mild, ends: the levels are low,
         item: levels, commands: [machinectl level low], link: here}
"""

WAYS = {
    "m1": ["runs"],
    "m2": ["fails", "runs"],
    "m3": ["fails"],
    "m4": ["asks"],
    "m5": ["hangs"],
    "m6": ["hangs"],
}


@dataclass
class Spent:
    """What was seen on the screen and on standard output, what stands in the journal, what the server was asked."""

    machines: FakeMachines
    seen: dict[str, str] = field(default_factory=dict)
    journal: Path = Path()


def words(*more: object) -> Sequence[str]:
    """The command line with one system more."""
    return [sys.executable, "-m", "tests.sample_system.main", *map(str, more)]


def environment(cli: CommandLine) -> dict[str, str]:
    return cli.environment({"PYTHONPATH": str(ROOT)})


def _fire(lead: Lead) -> None:
    lead.press("a")
    lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
    time.sleep(0.8)
    lead.press("Enter")


def _go_to(lead: Lead, label: str) -> None:
    """Move the cursor of the card to an item that was begun; below the list stands what it is known as."""
    lead.press("g")
    for _ in range(8):
        time.sleep(0.2)
        if lead.see().has(f" as {label}-"):
            return
        lead.press("Down")
    raise AssertionError(f"the cursor does not come to {label}\n{lead.tmux.capture()}")


def _first_process(tmux: Tmux, cli: CommandLine, spent: Spent) -> None:
    machines, seen = spent.machines, spent.seen
    lead = Lead(tmux, site="hill")
    lead.until(lambda frame: frame.title.startswith("Closed ·") and frame.has("the cooling is off"), "the fact", 40)
    machines.ok = True
    lead.until(
        lambda frame: frame.title == "Your turn" and frame.has("POST /machines/m1/start (level low)"), "the plan"
    )
    seen["described"] = lead.see().text
    time.sleep(READ_S)
    lead.press("a")
    lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
    machines.machines["m1"].level = "middle"
    time.sleep(0.8)
    lead.press("Enter")
    lead.until(lambda frame: frame.has("what would be sent has changed"), "the end of the arm")
    seen["changed"] = lead.see().text
    lead.until(lambda frame: frame.has("(level middle)"), "the plan as it is now")
    time.sleep(READ_S)
    _fire(lead)
    lead.until(lambda frame: frame.has("m4 is warm. Start it?"), "the question", 30)
    seen["asked"] = lead.see().text
    lead.dialog("d", "An item asks")
    lead.choose("An item asks", "go on")
    lead.send()
    lead.until(lambda frame: frame.title.startswith("Under way") and frame.has("6"), "what goes on", 30)
    wait_until(lambda: machines.machines["m4"].state == "running", 20, "the answer at the machine")
    _go_to(lead, "m5")
    lead.dialog("p", "Controls of an item")
    lead.choose("Controls of an item", "stop m5")
    lead.send()
    wait_until(lambda: machines.machines["m5"].state == "stopped", 20, "the stop at the machine")
    _ended(cli, "#5")
    seen["under way"] = lead.see().text
    holder = json.loads((journals(cli)[0].parent / "lock").read_text(encoding="utf-8"))
    os.kill(holder["pid"], signal.SIGKILL)
    assert tmux.wait_exit() == 128 + signal.SIGKILL


def _ended(cli: CommandLine, item: str) -> None:
    """Wait until an item has ended in the journal."""
    found = lambda: any(each["item"] == item for each in records(journals(cli)[0], "ItemEnded"))  # noqa: E731
    wait_until(found, 20, f"the end of {item}")


def _decide(lead: Lead, frame: Frame, spent: Spent) -> None:
    """Retry m2, send m3 another way, sign m5 off."""
    seen = spent.seen
    if "decision" not in seen:
        seen["decision"] = frame.text
        _go_to(lead, "m2")
        lead.retry()
    elif "fallback" not in seen:
        _go_to(lead, "m3")
        lead.dialog("o", "A fallback")
        lead.choose("A fallback", "force them")
        lead.until(lambda shown: shown.title.startswith("Fallback") and shown.has("a arm"), "what it would send")
        seen["fallback"] = lead.see().text
        lead.send()
    else:
        _go_to(lead, "m5")
        lead.dialog("d", "Sign off")
        lead.fill("Sign off", "Ana", "started at its own panel")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spent]:
    """One run by keys, killed and resumed, to its end, then observed, replayed and reported."""
    folder = tmp_path_factory.mktemp("sample")
    cli = CommandLine(folder / "home")
    scenario, book = folder / "fast.yaml", folder / "night.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    book.write_text(HEAD.format(site="hill") + MACHINES + CLOSE.format(), encoding="utf-8")
    with serving_machines(**WAYS) as machines, forked_world(cli, write_small(folder), scenario, folder) as hill:
        machines.ok = False
        spent = Spent(machines)
        document = yaml.safe_load(hill.site_file.read_text(encoding="utf-8"))
        document["systems"]["sample"] = {"url": machines.url}
        hill.site_file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        with Tmux(folder / "first") as tmux:
            run = words("run", hill.site_file, book, "--cycle", "c0045")
            tmux.start(run, columns=120, rows=40, env=environment(cli))
            known(tmux)
            _first_process(tmux, cli, spent)
        with Tmux(folder / "second") as tmux, Tmux(folder / "observer") as beside:
            tmux.start(words("resume"), columns=120, rows=40, env=environment(cli))
            known(tmux)
            lead = Lead(tmux, site="hill", failures=lambda lead, frame: _decide(lead, frame, spent))
            lead.until(lambda frame: frame.title.startswith("Under way"), "m6, which goes on", 30)
            spent.seen["resumed"] = lead.see().text
            beside.start(words("observe"), columns=120, rows=40, env=environment(cli))
            beside.wait_for("Start the machines", 30)
            spent.seen["observed"] = beside.capture()
            machines.machines["m6"].way = "runs"
            lead.play(lambda frame: frame.title == CLOSED, 120)
        spent.journal = journals(cli)[0]
        with Tmux(folder / "replay") as tmux:
            tmux.start(
                words("replay", spent.journal.parent, "--speed", "20"), columns=120, rows=40, env=environment(cli)
            )
            tmux.wait_for("the journal ends here", 60)
            spent.seen["replayed"] = tmux.capture()
        report = cli.run(
            "report", spent.journal.parent, env={"PYTHONPATH": str(ROOT)}, module="tests.sample_system.main"
        )
        spent.seen["report"] = report.out
        assert report.code == 0, report.err
        yield spent


def test_a_step_of_another_system_says_exactly_what_it_would_do(night: Spent) -> None:
    assert "6 of 6 machines are started" in night.seen["described"]


def test_a_plan_that_changes_under_the_arm_is_not_sent_and_what_was_approved_is_kept(night: Spent) -> None:
    assert "for #1: now POST /machines/m1/start (level middle)" in night.seen["changed"]
    (approved,) = [each for each in records(night.journal, "StepApproved") if each["step"] == "start"]
    assert dict(approved["approved"])["#1"] == '{"levels": ["middle"]}'
    assert approved["digest"]


def test_a_question_is_answered_and_what_it_waited_for_goes_on(night: Spent) -> None:
    (answer,) = records(night.journal, "QuestionAnswered")
    assert (answer["item"], answer["answer"]) == ("#4", "go on")
    assert night.machines.counts["POST /machines/m4/answer"] == 1


def test_what_was_under_way_at_the_kill_is_looked_at_and_followed_and_nothing_is_sent_twice(night: Spent) -> None:
    told = [each for each in records(night.journal) if each["kind"] in {"RunResumed", "ItemsDispatched"}]
    after = told[[each["kind"] for each in told].index("RunResumed") + 1]
    assert (after["items"], after["operator"]) == (["#6"], "the procedure")
    assert night.machines.counts["POST /machines/m6/start"] == 1
    ends = {each["item"]: (each["outcome"], each["why"]) for each in records(night.journal, "ItemEnded")}
    assert ends["#6"] == ("reached", "it runs")


def test_one_is_retried_one_goes_another_way_one_is_stopped_and_signed_off(night: Spent) -> None:
    ends = [(each["item"], each["outcome"]) for each in records(night.journal, "ItemEnded")]
    assert [outcome for item, outcome in ends if item == "#2"] == ["failed", "reached"]
    assert [outcome for item, outcome in ends if item == "#3"] == ["failed", "reached"]
    assert [outcome for item, outcome in ends if item == "#5"] == ["failed"]
    assert night.machines.counts["POST /machines/m2/start"] == 2
    assert night.machines.counts["POST /machines/m3/force"] == 1
    assert "POST /machines/m3/force" in night.seen["fallback"]
    assert night.machines.counts["POST /machines/m5/stop"] == 1
    (sign_off,) = [each for each in records(night.journal, "ItemSignedOff") if each["step"] == "start"]
    assert (sign_off["item"], sign_off["by"], sign_off["note"]) == ("#5", "Ana", "started at its own panel")


def test_what_each_request_owes_is_on_disk_before_it_with_the_value_to_put_back(night: Spent) -> None:
    owed = {each["item"]: each["owes"] for each in records(night.journal, "RequestIntended") if each["owes"]}
    assert owed["#1"]["restore"] == "middle"
    assert owed["#2"]["restore"] == "low"
    assert "level of m1" in night.seen["report"]


def test_it_is_observed_replayed_and_reported_like_every_other(night: Spent) -> None:
    assert "Start the machines" in night.seen["observed"]
    assert "m2" in night.seen["observed"]
    assert "The run is closed" in night.seen["replayed"]
    for words_of_it in ("m3", "force", "it runs", "started at its own panel"):
        assert words_of_it in night.seen["report"], words_of_it

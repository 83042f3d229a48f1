"""The hosts of a site by keys: bridges, services, a repository with edits, ten controllers, a cRIO beside them.

One run on the demo observatory whose hosts fail each in its own way, killed while an image is pulled, and resumed.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.e2e_run.books import CLOSE, HEAD, write_small
from tests.e2e_run.world import World, forked_world, journals, known, open_run, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, READ_S, Frame, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

SPEED = 60
"""So a cRIO is built in seconds; how long a slow image takes is real seconds at any speed."""

CAMERAS = ("ATCamera", "MTCamera")

ESS = [f"ess{at:02}.example.org" for at in range(1, 11)]

SSH = {
    "domain": "example.org",
    "cameras": [
        {
            "csc": "ATCamera",
            "host": "at-mcm.example.org",
            "unit": "ats-ocs-bridge.service",
            "ccs_target": "ats-ocs-bridge",
        },
        {"csc": "MTCamera", "host": "mt-mcm.example.org", "unit": "ocs-bridge.service", "ccs_target": "ocs-bridge"},
    ],
    "bare_metal": [
        {
            "name": "generic cameras",
            "ssh": "azar.example.org",
            "cscs": ["GenericCamera:101"],
            "as": "dco",
            "stop": "./shutdown_gc",
            "start": "./launch_gc",
            "containers": ["genericcamera101"],
            "cycle_tag": True,
        },
        {
            "name": "vibration monitoring",
            "ssh": "admin@vms.example.org",
            "cscs": ["MTVMS:1"],
            "stop": "/etc/init.d/ts-VMS stop",
            "start": "/etc/init.d/ts-VMS start",
            "process": "ts-VMSd",
        },
    ],
    "checkouts": [
        {"ssh": "azar.example.org", "directory": "docker-compose-ops"},
        {"ssh": "tel.example.org", "directory": "docker-compose-ops"},
    ],
    "ess_controllers": [
        {"ssh": host, "stop": ["./shutdown_controller"], "start": ["./launch_controller"]} for host in ESS
    ],
    "crios": [
        {
            "ssh": "admin@vms.example.org",
            "cscs": ["MTVMS:1"],
            "interfaces": ["MTVMS"],
            "repository": "ts_vms",
            "binary": "ts-VMSd",
            "start": "/etc/init.d/ts-VMS start",
        }
    ],
}

CSCS = [
    *(
        {"csc": name, "group": "All", "startup": "OFFLINE/AVAILABLE", "camera": True}
        for name in ("ATCamera", "MTCamera")
    ),
    *({"csc": name, "group": "All"} for name in ("GenericCamera:101", "MTVMS:1", "ESS:104")),
]

SCENARIO = """\
name: hosts
about: Hosts that fail each in its own way.
fleet: startup
cscs:
  - {csc: "*", beats: 0.1}
timeline:
  - {at: 0, fault: {system: hosts, name: cut, host: at-mcm, asked: stop, seconds: 0.2}}
  - {at: 0, fault: {system: hosts, name: edits, host: azar}}
  - {at: 0, fault: {system: hosts, name: slow-pull, host: ess01, seconds: 30}}
  - {at: 0, fault: {system: hosts, name: down, host: ess02}}
  - {at: 0, fault: {system: hosts, name: other-key, host: ess03}}
  - {at: 0, fault: {system: hosts, name: no-login, host: ess04}}
  - {at: 0, fault: {system: hosts, name: sudo, host: ess05}}
"""

BOOK = """\
  - phase: prepare
    title: prepare
    wanted: none
    steps:
      - {{id: tickets, title: Create the ticket, kind: manual, system: person, tier: mild, ends: it exists,
         records: its key, fills: branch, commands: [create it], link: here}}
  - phase: clean-up
    title: clean-up
    wanted: shutdown
    steps:
      - {{id: bridges-stop, title: Stop the bridges, kind: action, system: ssh, tier: moderate, lane: cameras,
         ends: the units are down, do: stop, for: cameras, paid_by: [bridges-start], at_once: 4, link: here}}
      - {{id: bare-metal-stop, title: Stop the services, kind: action, system: ssh, tier: moderate, lane: bare-metal,
         ends: they are gone, do: stop, for: bare_metal, paid_by: [bare-metal-start], at_once: 4, link: here}}
      - {{id: repos, title: Update the repositories, kind: action, system: ssh, tier: severe, lane: bare-metal,
         ends: HEAD is the branch's, do: update, for: checkouts, at_once: 4, link: here}}
  - phase: deploy
    title: deploy
    wanted: none
    steps:
      - {{id: ess, title: Update the controllers, kind: action, system: ssh, tier: moderate, lane: ess,
         ends: the new images run, do: update, for: ess_controllers, at_once: 10, link: here}}
      - {{id: crio, title: Update the cRIO, kind: action, system: ssh, tier: moderate, lane: crio,
         ends: what was built runs, do: update, for: crios, link: here}}
      - {{id: bridges-start, title: Start the bridges, kind: action, system: ssh, tier: moderate, lane: cameras,
         ends: the cameras are available, do: start, for: cameras, at_once: 4, link: here}}
      - {{id: bare-metal-start, title: Start the services, kind: action, system: ssh, tier: moderate, lane: bare-metal,
         after: [crio], ends: they are back, do: start, for: bare_metal, at_once: 4, link: here}}
"""


@dataclass
class Spent:
    """What was seen on the screen, and what stands in the journal."""

    seen: dict[str, str] = field(default_factory=dict)
    journal: Path = Path()

    def ends(self, step: str) -> dict[str, tuple[str, str]]:
        """The last end of each item of a step."""
        told = [each for each in records(self.journal, "ItemEnded") if each["step"] == step]
        return {each["item"]: (each["outcome"], each["why"]) for each in told}


def write_site(folder: Path) -> Path:
    """Write the site file of these hosts."""
    path = write_small(folder)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["systems"]["ssh"] = SSH
    path.write_text(yaml.safe_dump({**document, "cscs": CSCS}, sort_keys=False), encoding="utf-8")
    return path


@contextmanager
def hosts_world(cli: CommandLine, folder: Path) -> Iterator[tuple[World, Path]]:
    """Run the demo observatory of these hosts; with it the runbook."""
    scenario, book = folder / "hosts.yaml", folder / "night.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    book.write_text((HEAD + BOOK + CLOSE).format(site="hill"), encoding="utf-8")
    with forked_world(cli, write_site(folder), scenario, folder, speed=SPEED) as hill:
        yield hill, book


def turn(lead: Lead, title: str, words: str, seconds: float = 30) -> Frame:
    """Go to the lane of a step that is the lead's turn, and wait until its card shows what was read."""
    end = time.monotonic() + patient(seconds)
    while not ((frame := lead.see()).has(title) and frame.title.startswith("Your turn") and frame.has(words)):
        assert time.monotonic() < end, f"no turn of {title!r} with {words!r}\n{lead.tmux.capture()}"
        if not frame.has(title):
            lead.press("]")
        time.sleep(READ_S)
    time.sleep(READ_S)
    return lead.see()


def fire(lead: Lead) -> None:
    """Arm what the card shows and send it."""
    lead.press("a")
    lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
    time.sleep(0.8)
    lead.press("Enter")
    lead.until(lambda frame: not frame.title.startswith("Armed"), "the end of the arm")


def down_and_updated(lead: Lead, seen: dict[str, str]) -> None:
    """Stop the bridges and services, and update the repositories, of which one has edits."""
    lead.answer(lead.until(lambda frame: frame.title.startswith("Your turn · manual"), "the first card", 40))
    turn(lead, "Stop the bridges", "2 of 2 hosts")
    fire(lead)
    turn(lead, "Stop the services", "2 of 2 hosts")
    fire(lead)
    seen["edits"] = turn(lead, "Update the repositories", "M summit/setup.env").text
    lead.press("a")
    lead.until(lambda frame: frame.title.startswith("Armed: type"), "the dialog for the site's name")
    time.sleep(READ_S)
    lead.fill("Armed: type", lead.site)
    seen["asked"] = lead.until(lambda frame: frame.title.endswith("an item asks"), "the question", 30).text
    time.sleep(READ_S)
    lead.dialog("d", "An item asks")
    lead.choose("An item asks", "reset")
    lead.send()


def updating(lead: Lead, seen: dict[str, str]) -> None:
    """Update the cRIO, and beside it ten controllers: one slow, four that cannot be reached or used."""
    turn(lead, "Update the cRIO", "sh -c", 60)
    fire(lead)
    seen["blocked"] = turn(lead, "Update the controllers", "blocked", 60).text
    fire(lead)
    lead.press("g")
    lead.until(lambda frame: frame.has(" Downloading "), "what docker says of the first", 30)


def _first_process(lead: Lead, tmux: Tmux, cli: CommandLine, spent: Spent) -> None:
    down_and_updated(lead, spent.seen)
    updating(lead, spent.seen)
    spent.journal = journals(cli)[0]
    wait_until(lambda: len(spent.ends("ess")) == 9 and spent.ends("crio"), 40, "all but the slow one")
    spent.seen["under way"] = tmux.capture()
    holder = json.loads((spent.journal.parent / "lock").read_text(encoding="utf-8"))
    os.kill(holder["pid"], signal.SIGKILL)
    assert tmux.wait_exit() == 128 + signal.SIGKILL


def _sign_off(lead: Lead, frame: Frame) -> None:
    """Sign off everything that failed; what is still looked for after the resume did not."""
    if not frame.title.endswith("4 need a decision"):
        return
    lead.press("*")
    lead.dialog("d", "Sign off")
    lead.fill("Sign off", "Ana", "updated at its console")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spent]:
    """One run by keys to its end, killed while an image is pulled, and resumed."""
    folder = tmp_path_factory.mktemp("hosts")
    cli, spent = CommandLine(folder / "home"), Spent()
    with hosts_world(cli, folder) as (hill, book):
        with Tmux(folder / "first") as tmux:
            open_run(tmux, cli, hill.site_file, book)
            _first_process(Lead(tmux, site="hill"), tmux, cli, spent)
        with Tmux(folder / "second") as tmux:
            tmux.start(cli.words("resume"), columns=120, rows=40, env=cli.environment())
            known(tmux)
            lead = Lead(tmux, site="hill", failures=_sign_off)
            lead.play(lambda frame: frame.title.endswith("a decision"), 60)
            spent.seen["decision"] = tmux.capture()
            lead.play(lambda frame: frame.title == CLOSED, 120)
        yield spent


def test_a_bridge_whose_stop_was_cut_off_is_settled_by_a_look_and_not_stopped_twice(night: Spent) -> None:
    stops = [each for each in records(night.journal, "RequestIntended") if each["step"] == "bridges-stop"]
    assert len(stops) == 2
    assert "sudo -n -u ccs sudo -n systemctl stop ocs-bridge.service" in {each["text"].split(": ")[1] for each in stops}
    answers = [each["ok"] for each in records(night.journal, "RequestAnswered") if each["step"] == "bridges-stop"]
    assert sorted(answers, key=str) == [None, True, True], "what is seen of the stop that was cut off is its answer"
    assert {outcome for outcome, _ in night.ends("bridges-stop").values()} == {"reached"}


def test_edits_are_shown_before_they_are_saved_and_the_lead_is_asked(night: Spent) -> None:
    assert "./update_repo docker-compose-ops OPS-1" in night.seen["edits"]
    assert "has local edits (M summit/setup.env)" in night.seen["asked"]
    (answer,) = records(night.journal, "QuestionAnswered")
    assert answer["answer"] == "reset"
    outcome, why = night.ends("repos")["#1"]
    assert outcome == "reached"
    assert re.search(r"local edits of azar\.example\.org are in ~dco/docker-compose-ops_\d{8}_\d{6}\.patch", why)


def test_of_ten_controllers_each_that_fails_says_why_and_the_others_run_the_new_image(night: Spent) -> None:
    ends = night.ends("ess")
    assert {item for item, (outcome, _) in ends.items() if outcome == "reached"} == {
        "#1",
        *(f"#{n}" for n in range(6, 11)),
    }
    assert "ess-controller-aarch64:c0045.000" in ends["#6"][1]
    for item, words in (
        ("#2", "refused the connection"),
        ("#3", "its host key has CHANGED"),
        ("#4", "it accepts none of the keys that were offered"),
        ("#5", "a password is required"),
    ):
        assert words in ends[item][1], ends[item]
    signed = [each for each in records(night.journal, "ItemSignedOff") if each["step"] == "ess"]
    assert {each["item"] for each in signed} == {"#2", "#3", "#4", "#5"}
    assert {(each["by"], each["note"]) for each in signed} == {("Ana", "updated at its console")}


def test_what_went_on_at_the_kill_is_followed_and_nothing_is_sent_twice(night: Spent) -> None:
    told = records(night.journal)
    resumed = next(at for at, each in enumerate(told) if each["kind"] == "RunResumed")
    sent = [each for each in told[resumed:] if each["kind"] == "RequestIntended"]
    assert not [each for each in sent if each["step"] in {"ess", "crio"}]
    later = [(each["step"], each["item"], each["outcome"]) for each in told[resumed:] if each["kind"] == "ItemEnded"]
    assert ("ess", "#1", "reached") in later
    assert night.ends("crio")["#1"][0] == "reached"


def test_the_bridges_are_started_and_the_cameras_made_available(night: Spent) -> None:
    sent = [each["text"] for each in records(night.journal, "RequestIntended") if each["step"] == "bridges-start"]
    assert sum("setAvailable --withLock" in text for text in sent) == 2
    assert all("OFFLINE/AVAILABLE" in why for _, why in night.ends("bridges-start").values())
    assert records(night.journal)[-1]["kind"] == "RunClosed"
    assert records(night.journal, "DebtWaived", "StepSkipped", "CscsWaived") == []

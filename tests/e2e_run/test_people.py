"""People and the schema registry by keys: a yes of each owner, a hand-over by name, a level changed and put back.

One run on the demo observatory, killed while the registry, which has taken the new level, answers nothing.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.e2e_run.books import HEAD, write_small
from tests.e2e_run.world import forked_world, journals, known, open_run, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, READ_S, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

OWNERS = ["cameras", "M1M3 and M2", "DM", "SQuaRE", "observing"]
NAMES = {owner: f"{letter}. Example" for owner, letter in zip(OWNERS, "ABCDE", strict=True)}

SCENARIO = """\
name: people
about: The registry takes a level and answers long after; the camera team brings its camera up once that was asked.
fleet: startup
cscs:
  - {csc: "*", beats: 0.1}
timeline:
  - {at: 0, fault: {system: registry, name: silent, seconds: 60}}
  - {once: {system: registry, asked: set_config}, do: start, csc: ATCamera}
"""

BOOK = """\
  - phase: prepare
    title: prepare
    wanted: none
    steps:
      - {{id: go-no-go, title: Collect a go from every owner, kind: manual, system: person, tier: mild,
         ends: each has said yes, one_each: true, for_each: owners, item: "{{owner}}", commands: ["ask {{owner}}"],
         link: here}}
  - phase: clean-up
    title: clean-up
    wanted: shutdown
    steps:
      - {{id: bridges-stop, title: Stop the bridges, kind: action, system: ssh, tier: moderate, ends: the unit is down,
         do: stop, for: cameras, paid_by: [bridges-start], link: here}}
      - {{id: stage-2, title: Tell the camera team, kind: manual, system: slack, tier: mild, ends: it is theirs,
         passes_on: {{debts_of: [bridges-stop], to: the camera team}}, records: who took over, commands: [tell],
         link: here}}
  - phase: configure
    title: configure
    wanted: none
    steps:
      - {{id: schema-none, title: Set compatibility to NONE, kind: action, system: registry, tier: severe,
         ends: it reads NONE, set: NONE, paid_by: [schema-back], fills: compatibility, link: here}}
      - {{id: schema-back, title: Restore compatibility, kind: action, system: registry, tier: severe,
         ends: it reads back, set: <compatibility>, link: here}}
      - {{id: bridges-start, title: Start the bridges, kind: manual, system: person, tier: mild, ends: they run,
         commands: [start], link: here}}
      - {{id: close, title: Close the run, kind: close, system: deploydash, tier: moderate, ends: no debt is open,
         commands: [report], link: here}}
"""


@dataclass
class Night:
    """What was seen on the screen, what the registry told, and the journal."""

    seen: dict[str, str] = field(default_factory=dict)
    levels: list[str] = field(default_factory=list)
    keys_of_owners: int = 0
    journal: Path = Path()

    def texts(self, kind: str, step: str) -> list[str]:
        """Return the texts of the records of a kind about a step."""
        return [each["text"] for each in records(self.journal, kind) if each["step"] == step]


def write_site(folder: Path) -> Path:
    """Write a site with a camera, its bridge, and five owners."""
    path = write_small(folder)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["systems"]["ssh"] = {
        "domain": "example.org",
        "cameras": [
            {
                "csc": "ATCamera",
                "host": "at-mcm.example.org",
                "unit": "ats-ocs-bridge.service",
                "ccs_target": "ats-ocs-bridge",
            }
        ],
    }
    document["systems"]["person"]["owners"] = OWNERS
    cscs = [
        {"csc": "ATCamera", "group": "All", "startup": "OFFLINE/AVAILABLE", "camera": True},
        {"csc": "ESS:104", "group": "All"},
    ]
    path.write_text(yaml.safe_dump({**document, "cscs": cscs}, sort_keys=False), encoding="utf-8")
    return path


def write_owners(cli: CommandLine) -> None:
    """Write this user's own file of who answers for whom."""
    own = cli.home / ".config" / "deploydash" / "owners.yaml"
    own.parent.mkdir(parents=True, exist_ok=True)
    teams = [{"owner": f"team {name[0]}", "person": name, "says_go_for": [owner]} for owner, name in NAMES.items()]
    own.write_text(yaml.safe_dump({"owners": teams}), encoding="utf-8")


def level(site_file: Path) -> str:
    """Return the level that the registry tells."""
    url = yaml.safe_load(site_file.read_text(encoding="utf-8"))["schema_registry"]["url"]
    return str(httpx2.get(f"{url}/config", timeout=patient(10), trust_env=False).json()["compatibilityLevel"])


def severe(lead: Lead, title: str) -> str:
    """Arm a severe step once its card shows what would be sent, and type the site's name; return the card."""
    lead.until(lambda frame: frame.has(title) and frame.has("/config"), f"the card of {title!r}", 30)
    time.sleep(READ_S)
    card = lead.see().text
    lead.press("a")
    lead.until(lambda frame: frame.title.startswith("Armed: type"), "the dialog for the site's name")
    time.sleep(READ_S)
    lead.fill("Armed: type", lead.site)
    return card


def _handed_over(lead: Lead, night: Night) -> None:
    """Say yes for each owner by a key of its own, stop the bridge, and hand over what is owed for it."""
    lead.until(lambda frame: frame.has("Collect a go"), "the first card", 40)
    time.sleep(READ_S)
    before = lead.keys
    night.seen["owners"] = lead.dialog("S", "Each by name").text
    for _ in OWNERS:
        lead.press("Enter")
        time.sleep(READ_S)
    lead.until(lambda frame: frame.has("Stop the bridges") and frame.has("1 of 1 host"), "the bridge", 30)
    night.keys_of_owners = lead.keys - before
    time.sleep(READ_S)
    lead.answer(lead.see())
    lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
    time.sleep(0.8)
    lead.press("Enter")
    lead.until(lambda frame: frame.has("Tell the camera team"), "the hand-over", 40)
    time.sleep(READ_S)
    lead.dialog("d", "Sign off")
    lead.fill("Sign off", "Bo")  # by the name that was given last
    lead.until(lambda frame: frame.has("Set compatibility"), "the next card")
    time.sleep(READ_S)
    night.seen["passed"] = lead.dialog("D", "A debt").text
    lead.press("Escape")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """One run to its end, killed between a request and its answer, and resumed."""
    folder = tmp_path_factory.mktemp("people")
    cli, night = CommandLine(folder / "home"), Night()
    write_owners(cli)
    scenario, book = folder / "people.yaml", folder / "night.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    book.write_text((HEAD + BOOK).format(site="hill"), encoding="utf-8")
    with forked_world(cli, write_site(folder), scenario, folder, speed=20) as hill:
        night.levels.append(level(hill.site_file))
        with Tmux(folder / "first") as tmux:
            open_run(tmux, cli, hill.site_file, book)
            lead = Lead(tmux, site="hill")
            _handed_over(lead, night)
            night.seen["card"] = severe(lead, "Set compatibility to NONE")
            (night.journal,) = journals(cli)
            wait_until(lambda: level(hill.site_file) == "NONE", 20, "the level taken")
            holder = json.loads((night.journal.parent / "lock").read_text(encoding="utf-8"))
            os.kill(holder["pid"], signal.SIGKILL)
            assert tmux.wait_exit() == 128 + signal.SIGKILL
        with Tmux(folder / "second") as tmux:
            tmux.start(cli.words("resume"), columns=120, rows=40, env=cli.environment())
            known(tmux)
            lead = Lead(tmux, site="hill")
            night.seen["back"] = severe(lead, "Restore compatibility")
            wait_until(lambda: level(hill.site_file) != "NONE", 30, "the level put back")
            night.levels.append(level(hill.site_file))
            lead.play(lambda frame: frame.title == CLOSED, 60)
        yield night


def test_each_owner_is_named_and_taken_by_one_key(night: Night) -> None:
    shown = " ".join(night.seen["owners"].split())
    assert all(f"{owner} {name}" in shown for owner, name in NAMES.items())
    signed = [each for each in records(night.journal, "ItemSignedOff") if each["step"] == "go-no-go"]
    assert [each["by"] for each in signed] == list(NAMES.values())
    assert {each["reply"] for each in signed} == {"yes"}
    assert night.keys_of_owners == 1 + len(OWNERS)


def test_stage_2_passes_the_debt_on_by_name_and_it_is_paid_once_the_camera_is_seen(night: Night) -> None:
    assert "passed on to the camera team (Bo)" in night.seen["passed"]
    (passed,) = records(night.journal, "DebtPassed")
    assert (passed["to"], passed["debt"]) == ("the camera team (Bo)", "ssh/at-mcm.example.org/ats-ocs-bridge.service")
    paid = [each["by"] for each in records(night.journal, "DebtPaid") if each["debt"] == passed["debt"]]
    assert paid == ["seen: ATCamera OFFLINE/AVAILABLE, passed on to the camera team (Bo)"]


def test_the_odd_level_that_stood_there_is_put_back_after_a_kill_and_nothing_is_sent_twice(night: Night) -> None:
    assert night.levels == ["FULL_TRANSITIVE", "FULL_TRANSITIVE"]
    assert "it reads FULL_TRANSITIVE" in night.seen["card"]
    (sent,) = night.texts("RequestIntended", "schema-none")
    assert sent.endswith('/config {"compatibility": "NONE"}')
    (owed,) = [each["owes"] for each in records(night.journal, "RequestIntended") if each["step"] == "schema-none"]
    assert owed["restore"] == "FULL_TRANSITIVE"
    ends = [each for each in records(night.journal, "ItemEnded") if each["step"] == "schema-none"]
    assert (ends[-1]["outcome"], ends[-1]["why"].partition(", looked at")[0]) == ("reached", "it reads NONE")
    (back,) = night.texts("RequestIntended", "schema-back")
    assert back.endswith('/config {"compatibility": "FULL_TRANSITIVE"}')
    (answer,) = [each for each in records(night.journal, "RequestAnswered") if each["step"] == "schema-back"]
    assert (answer["ok"], "it is seen to be set" in answer["text"]) == (True, True)
    assert records(night.journal)[-1]["kind"] == "RunClosed"
    assert records(night.journal, "DebtWaived", "StepSkipped") == []

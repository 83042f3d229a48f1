"""The runbooks of an orchestrator by keys in a terminal, on a real one: no Kafka and no CSC is needed for them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.e2e_run.world import journals, records
from tests.servers.inmanta import STD, LabEnvironment, LabItem, Orchestrator, changed
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, READ_S, Frame, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

ITEMS = [LabItem("a"), LabItem("b", "tel1"), LabItem("c", "tel2")]
DEPLOY, REPAIR = "autostart_agent_deploy_interval", "autostart_agent_repair_interval"


@dataclass
class AtOrchestrator(Lead):
    """A lead who also answers what an item asks.

    ``items``: the answer to take, by a word of the question. ``records``: what is written down, and ``does``: what is
    done before a sign-off, both by words of the card.
    """

    items: Mapping[str, str] = field(default_factory=dict)
    screens: list[str] = field(default_factory=list)
    records: Mapping[str, str] = field(default_factory=dict)
    does: Mapping[str, Callable[[], object]] = field(default_factory=dict)

    def answer(self, frame: Frame) -> None:
        """Answer one frame."""
        if "an item asks" in frame.title:
            self.screens.append(self.tmux.capture())
            answer = next(answer for word, answer in self.items.items() if frame.has(word))
            self.dialog("d", "An item asks")
            self.choose("An item asks", answer)
            self.send()
        else:
            super().answer(frame)

    def _tick(self, frame: Frame) -> None:
        for words, do in self.does.items():
            if frame.has(words):
                do()
        record = next((text for words, text in self.records.items() if frame.has(words)), "")
        if record:
            self.dialog("d", "Sign off")
            self.fill("Sign off", self.name, record)
        else:
            super()._tick(frame)


@dataclass(frozen=True)
class Site:
    """An environment of a real orchestrator as a site, and a home for its runs."""

    environment: LabEnvironment
    cli: CommandLine
    file: Path

    def run(self, tmux: Tmux, runbook: str) -> None:
        tmux.start(self.cli.words("run", self.file, runbook), columns=120, rows=40, env=self.cli.environment())


def site_of(environment: LabEnvironment, folder: Path, **more: object) -> Site:
    """Write the site file of an environment."""
    section = {"url": environment.server.url, "environment": environment.id, "agents": ["tel1", "tel2"], **more}
    file = folder / "lab.yaml"
    document = {"site": "lab", "rehearsal": True, "time_zone": "UTC", "systems": {"orchestrator": section}}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return Site(environment, CommandLine(folder / "home"), file)


@pytest.fixture(scope="module")
def upgraded(orchestrator: Orchestrator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    """An upgrade by keys to its end: what the comparison asked is kept."""
    environment = orchestrator.environment("by-keys", ITEMS)
    environment.set("protected_environment", True)
    environment.deployed(environment.compile())
    environment.commit(changed(ITEMS, "a", value="2")[:2], "another value, and c goes")
    folder = tmp_path_factory.mktemp("upgrade")
    site = site_of(environment, folder)
    with Tmux(folder / "tmux") as tmux:
        site.run(tmux, "orchestrator-upgrade")
        lead = AtOrchestrator(tmux, site="lab", answers={"What is to become": "deploy"}, items={"expected": "as exp"})
        lead.play(lambda frame: frame.title == CLOSED, 200)
        yield site, "\n".join(lead.screens)


def test_an_upgrade_is_compared_asked_about_and_deployed(upgraded: tuple[Site, str]) -> None:
    site, asked = upgraded
    assert "agent tel1" in asked, "the grid's place shows agents and resources"
    assert site.environment.value_of("a") == "2"
    assert site.environment.settings()["auto_deploy"] is True
    [owed] = [each["owes"] for each in records(journals(site.cli)[0], "RequestIntended") if each["owes"]]
    assert (owed["id"], owed["paid_by"]) == ("orchestrator/auto_deploy", ["auto-deploy-back"])
    [question] = records(journals(site.cli)[0], "QuestionAsked")
    assert "not in the model any more, left on the device: lab::Item[tel2,name=c]" in question["question"]


def test_its_report_and_its_task_lists_tell_what_was_done(upgraded: tuple[Site, str]) -> None:
    site, _ = upgraded
    report = site.cli.run("report", journals(site.cli)[0].parent.name)
    assert (report.code, "dryrun-before" in report.out) == (0, True), report.err
    told = site.cli.run("checklist", journals(site.cli)[0].parent.name)
    assert told.code == 0, told.err
    assert "- [x] Disable auto\\_deploy (auto-deploy-off)" in told.out.replace("auto_deploy", "auto\\_deploy")
    assert "- [ ] Delete the bad version (delete-version): does not apply" in told.out


def test_a_site_without_kafka_serves_runs_and_checks_and_no_grid_of_cscs(upgraded: tuple[Site, str]) -> None:
    site, _ = upgraded
    for command in (["watch"], ["status"], ["wait", "--target", "startup"]):
        refused = site.cli.run(command[0], site.file, *command[1:])
        assert (refused.code, "has no Kafka and no CSCs to look at" in refused.err) == (2, True), refused
    checked = site.cli.run("check", site.file, "--json")
    assert checked.code == 0, checked.out
    found = [each["sentence"] for each in json.loads(checked.out)["findings"] if each["subject"] == "orchestrator"]
    assert "its 3 agents are those of the site file" in found
    planned = site.cli.run("plan", site.file, "orchestrator-careful")
    assert (planned.code, "push_full_deploy" in planned.out) == (0, True), planned.out


def test_a_careful_deployment_killed_midway_goes_on_and_restores_odd_intervals(
    orchestrator: Orchestrator, tmp_path: Path
) -> None:
    environment = orchestrator.environment("careful-by-keys", changed(ITEMS, "b", delay=1.0))
    environment.set("protected_environment", True)
    environment.set("autostart_agent_map", {"internal": "local:"})
    environment.set(DEPLOY, "137")
    environment.set(REPAIR, "0 3 * * 0")
    site = site_of(environment, tmp_path)
    with Tmux(tmp_path / "first") as tmux:
        site.run(tmux, "orchestrator-careful")
        lead = AtOrchestrator(tmux, site="lab")
        lead.play(lambda _: environment.value_of("a") is not None, 120)
        assert environment.settings()[DEPLOY] == "0"
        holder = json.loads((journals(site.cli)[0].parent / "lock").read_text(encoding="utf-8"))
        os.kill(holder["pid"], signal.SIGKILL)
        assert tmux.wait_exit() == 128 + signal.SIGKILL
    assert environment.value_of("b") is None, "nobody engaged the others"
    with Tmux(tmp_path / "second") as tmux:
        tmux.start(site.cli.words("resume"), columns=120, rows=40, env=site.cli.environment())
        lead = AtOrchestrator(tmux, site="lab", failures=lambda lead, _: lead.retry())
        lead.play(lambda frame: frame.title == CLOSED, 200)
    assert [environment.value_of(name) for name in "abc"] == ["1", "1", "1"]
    assert (environment.settings()[DEPLOY], environment.settings()[REPAIR]) == ("137", "0 3 * * 0")
    assert environment.settings()["push_on_auto_deploy"] is True


def test_the_emergency_stop_is_one_key_and_resuming_is_armed(orchestrator: Orchestrator, tmp_path: Path) -> None:
    slow = [LabItem("a", delay=2.0), LabItem("b", "tel1", after="a"), LabItem("c", "tel1", after="b")]
    environment = orchestrator.environment("stopped-by-key", slow)
    environment.set("protected_environment", True)
    site = site_of(environment, tmp_path)

    def halted() -> bool:
        found = environment.call("GET", f"/api/v2/environment/{environment.id}")
        return bool(found["data"]["halted"])

    def decide(lead: Lead, _: Frame) -> None:
        if halted():
            lead.dialog("A", "Add")
            lead.choose("Add", "Resume the environment")
            lead.until(lambda frame: frame.title.startswith("Resume"), "the dialog to resume")
            time.sleep(READ_S)
            lead.fill("Resume", "yes")
            lead.send()
            wait_until(lambda: not halted(), 20, "the environment runs again")
        else:
            lead.retry()

    with Tmux(tmp_path / "tmux") as tmux:
        site.run(tmux, "orchestrator-first")
        lead = AtOrchestrator(tmux, site="lab", items={"right": "right"}, failures=decide)
        lead.play(lambda frame: frame.title.startswith("Under way") and frame.has("Deploy the first version"), 120)
        lead.press("E")
        wait_until(halted, 30, "the environment is halted")
        assert environment.value_of("c") is None
        lead.play(lambda frame: frame.title == CLOSED, 200)
    assert environment.value_of("c") == "1"
    stops = [each for each in records(journals(site.cli)[0], "ItemAdded") if each["step"] == "direct"]
    assert [each["item"]["label"] for each in stops] == ["halt the environment"]


def test_the_way_back_and_a_release_are_driven_to_their_ends(orchestrator: Orchestrator, tmp_path: Path) -> None:
    environment = orchestrator.environment("back-by-keys", ITEMS)
    environment.set("protected_environment", True)
    first = environment.compile(update=False)
    environment.deployed(first)
    before = environment.call("POST", f"/api/v2/dryrun/{first}")["data"]
    environment.set("auto_deploy", False)
    environment.commit(changed(ITEMS, "a", value="bad"), "a bad version")
    bad = environment.compile()
    environment.set("auto_deploy", True)

    def revert() -> None:
        environment.git("revert", "--no-edit", "HEAD")
        environment.git("push", "-q", "origin", "HEAD")

    command = shlex.join([str(orchestrator.home / "venv/bin/python"), "-m", "inmanta.app"])
    modules = {"std": STD, "lab": "1.0.0"}
    site = site_of(environment, tmp_path, checkout=str(environment.work), inmanta=command, modules=modules)
    records_of = {"Note the dry run": f"{first}/{before}", "Note the number of the bad": str(bad)}
    for runbook in ("orchestrator-revert", "orchestrator-release"):
        with Tmux(tmp_path / runbook) as tmux:
            site.run(tmux, runbook)
            lead = AtOrchestrator(tmux, site="lab", records=records_of, does={"Push a revert commit": revert})
            lead.play(lambda frame: frame.title == CLOSED, 200)
    assert bad not in environment.versions()
    assert environment.value_of("a") == "1"
    assert "lab == 1.0.0" in environment.git("show", "origin/production:project.yml")

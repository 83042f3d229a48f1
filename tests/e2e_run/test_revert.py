"""The way back of the Summit by keys, on the demo observatory: from an upgrade that stopped in its middle to *closed*.

The branch was merged, science-platform synced, and the canary runs the new tag already. The pull request that takes it
back is opened and merged, and no application is synced before its children show the old tag again.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e_run.test_argocd import delete_jobs
from tests.e2e_run.world import forked_world, journals, known, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.run_driver import CLOSED, PLACEHOLDERS, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(420))]

OLD, NEW = "c0044", "c0045"
MERGED = "6384"
"""The number of the pull request of the upgrade: the first in the demo observatory's GitHub."""

SCENARIO = """\
name: half
about: The branch of a cycle was merged; MTVMS:3, which no step starts, comes up by itself.
fleet: startup
cscs:
  - {csc: Watcher, state: ENABLED}
timeline:
  - {at: 0, do: merge, tag: c0045}
  - {once: {system: github, asked: merge}, at: 20, do: redeploy, csc: "MTVMS:3"}
"""


@dataclass(frozen=True, slots=True)
class ArgoCd:
    """The demo's Argo CD, as whoever began the upgrade used it."""

    url: str
    token: str

    def ask(self, path: str, body: object = None) -> dict[str, Any]:
        """Return an answer; with a body it is sent."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1/applications/{path}", data)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def sync(self, name: str) -> None:
        """Compare an application and sync it to its end."""
        self.ask(f"{name}?refresh=normal")
        self.ask(f"{name}/sync", {})
        wait_until(lambda: self._over(name), 30, f"the sync of {name}")

    def _over(self, name: str) -> bool:
        told = self.ask(name)
        return "operation" not in told and told["status"]["operationState"]["phase"] == "Succeeded"

    def tag(self, name: str) -> str:
        """Return the tag that an application hands to its charts."""
        found = self.ask(name)["spec"]["source"]["helm"]["parameters"]
        return str(next(each["value"] for each in found if each["name"] == "global.controlSystem.imageTag"))

    def images(self, name: str) -> set[str]:
        """Return the tags of the images that an application runs."""
        return {image.rpartition(":")[2] for image in self.ask(name)["status"]["summary"].get("images", ())}


@dataclass(frozen=True, slots=True)
class Driven:
    """A way back after its lead has left: tags and images before and after it, its journal and report."""

    before: tuple[str, set[str]]
    after: tuple[str, set[str]]
    journal: Path
    report: str
    status: int

    def ended(self, step: str) -> list[dict[str, Any]]:
        """Return how the items of a step ended."""
        return [one for one in records(self.journal, "ItemEnded") if one["step"] == step]


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Driven:
    """One way back by keys."""
    folder = tmp_path_factory.mktemp("revert")
    cli = CommandLine(folder / "home")
    scenario = folder / "half.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    with forked_world(cli, ROOT / "sites/summit.yaml", scenario, folder) as world, Tmux(folder / "tmux") as tmux:
        told = yaml.safe_load(world.site_file.read_text(encoding="utf-8"))["systems"]
        argo = ArgoCd(f"http://127.0.0.1:{told['argocd']['port']}/argo-cd", told["argocd"]["token"])
        argo.sync("science-platform")
        wait_until(lambda: argo.tag("obssys") == NEW, 20, "the new tag on a child")
        delete_jobs(Path(told["kubernetes"]["kubeconfig"]), "control-system-test")
        argo.sync("control-system-test")
        wait_until(lambda: argo.images("control-system-test") == {NEW}, 20, "the canary's new image")
        before = argo.tag("obssys"), argo.images("control-system-test")
        run = cli.words("run", world.site_file, "revert", "--cycle", OLD)
        tmux.start(run, columns=120, rows=40, env=cli.environment())
        known(tmux)
        lead = Lead(tmux, placeholders={**PLACEHOLDERS, "pr": MERGED})
        try:
            lead.play(lambda frame: frame.title == CLOSED, 340)
        finally:
            (folder / "titles").write_text("\n".join(lead.titles))
        tmux.send_keys("q")
        status = tmux.wait_exit()
        after = argo.tag("obssys"), argo.images("control-system-test")
    (journal,) = journals(cli)
    report = cli.run("report", journal.parent.name)
    assert report.code == 0, report.err
    return Driven(before, after, journal, report.out, status)


def test_the_way_back_is_driven_to_its_end_by_keys(driven: Driven) -> None:
    assert driven.status == 0
    assert records(driven.journal)[-1]["kind"] == "RunClosed"
    assert records(driven.journal, "StepSkipped", "CscsWaived", "DebtWaived") == []
    assert "closed" in driven.report


def test_what_was_merged_and_deployed_is_taken_back(driven: Driven) -> None:
    assert (driven.before, driven.after) == ((NEW, {NEW}), (OLD, {OLD}))


def test_the_old_tag_is_seen_on_the_children_before_any_application_is_synced_back(driven: Driven) -> None:
    ((first, (outcome, why)),) = [
        (one["utc"], (one["outcome"], one["why"])) for one in driven.ended("argo-science-platform")
    ]
    assert outcome == "reached"
    assert f"children show {OLD}" in why
    syncs = [one for one in records(driven.journal, "RequestIntended") if one["text"].startswith("POST /api/v1/app")]
    later = [one for one in syncs if one["step"] != "argo-science-platform"]
    assert len(later) > 1
    assert all(one["utc"] > first for one in later)


def test_what_opens_and_merges_the_way_back_is_approved_and_sent_once(driven: Driven) -> None:
    ((opened,), (merged,)) = driven.ended("revert-open"), driven.ended("revert-merge")
    assert (opened["outcome"], merged["outcome"]) == ("reached", "reached")
    sent = [one["step"] for one in records(driven.journal, "RequestIntended") if one["step"].startswith("revert-")]
    assert sent == ["revert-open", "revert-merge"]
    by_hand = [one["step"] for one in records(driven.journal, "ItemSignedOff")]
    assert not [step for step in by_hand if step.startswith(("revert-", "argo-"))]

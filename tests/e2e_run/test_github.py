"""The pull request of the Summit by keys, on the demo observatory's GitHub, with a token of the lead's own at hand.

It is found by the ticket's key and read as CSCs; its merge is refused because the head moved in that moment; the gate
waits for the owner's new approval and the checks; it is merged, the answer never comes, and the process is killed. The
resumed one finds it merged, records the commit, and Argo CD deploys that very commit.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e_run.books import CLOSE
from tests.e2e_run.world import forked_world, journals, known, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.run_driver import CLOSED, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

OWN = "ghp_aRealLookingTokenOfTheLeadsOwn0000001"

SCENARIO = """\
name: prepared
about: The branch also adds a Job; somebody pushes at the merge, and the answer to the next one does not come.
fleet: startup
timeline:
  - {at: 1, fault: {system: github, name: more-changes, adds: obssys/newcomer}}
  - {at: 1, fault: {system: github, name: moves-at-merge}}
  - {at: 1, fault: {system: github, name: silent-merge, seconds: 120}}
"""

BOOK = """\
runbook: night
title: a cycle
sites: [summit]
concerns: roster
phases:
  - phase: configure
    title: configure
    wanted: none
    steps:
      - {id: tickets, title: Open the ticket, kind: manual, system: person, tier: mild, ends: it is there, item: ticket,
         records: its key, fills: branch, commands: [open it], link: here}
      - {id: branches, title: Find the pull request, kind: action, system: github, tier: mild, ends: it is open,
         do: find, tag: <cycle>, repositories: configuration, at_once: 4, fills: pr, link: here}
      - {id: nublado-image, title: See Nublado's image, kind: action, system: github, tier: read, ends: it agrees,
         do: nublado, tag: <cycle>, link: here}
      - {id: phalanx-merge, title: Merge the pull request, kind: action, system: github, tier: moderate,
         ends: its commit is recorded, do: merge, pull: <pr>, fills: sha, link: here,
         facts: [{fact: github-pull-request, words: the pull request may be merged, age: 60s}]}
      - {id: argo-science-platform, title: "Sync science-platform, first", kind: action, system: argocd, tier: moderate,
         ends: its children show <cycle>, applications: [science-platform], tag: <cycle>, link: here}
"""


@dataclass
class Spent:
    """What was seen on the screen and in the process list, and what stands in the journal."""

    token: str = ""
    seen: dict[str, str] = field(default_factory=dict)
    processes: str = ""
    journal: Path = Path()
    home: Path = Path()

    def ends(self, step: str) -> list[dict[str, Any]]:
        return [one for one in records(self.journal, "ItemEnded") if one["step"] == step]


def _intended(cli: CommandLine) -> int:
    return sum(one["step"] == "phalanx-merge" for one in records(journals(cli)[0], "RequestIntended"))


def _first_process(tmux: Tmux, cli: CommandLine, spent: Spent) -> None:
    lead, seen = Lead(tmux), spent.seen
    lead.play(lambda frame: frame.has("Find the pull request"), 60)
    lead.until(lambda frame: frame.has("imageTag c0044"), "what it changes", 40)
    seen["found"] = tmux.capture()
    lead.press("v")
    tmux.wait_for("add obssys/newcomer", 20)
    seen["as CSCs"] = tmux.capture()
    lead.press("Escape")
    lead.approve("imageTag c0044")
    lead.play(lambda frame: frame.has("Merge the pull request"), 60)
    seen["merge"] = lead.approve("approved by codeowner; GitHub says clean").text
    seen["refused"] = lead.until(lambda frame: frame.has("Head branch was modified"), "the refusal", 40).text
    lead.dialog("r", "Retry")
    seen["retry"] = lead.until(
        lambda frame: frame.has("6 checks passed; approved by codeowner"), "the approval", 60
    ).text
    lead.send()
    wait_until(lambda: _intended(cli) == 2, 20, "the second request")
    spent.processes = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    holder = json.loads((journals(cli)[0].parent / "lock").read_text(encoding="utf-8"))
    os.kill(holder["pid"], signal.SIGKILL)
    assert tmux.wait_exit() == 128 + signal.SIGKILL


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spent]:
    """One pull request by keys, killed and resumed, to the end of its run."""
    folder = tmp_path_factory.mktemp("github")
    cli = CommandLine(folder / "home")
    scenario, book = folder / "prepared.yaml", folder / "night.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    book.write_text(BOOK + CLOSE.format(), encoding="utf-8")
    environment = cli.environment({"GITHUB_TOKEN": OWN, "GH_TOKEN": OWN})
    with forked_world(cli, ROOT / "sites/summit.yaml", scenario, folder) as world:
        told = yaml.safe_load(world.site_file.read_text(encoding="utf-8"))["systems"]
        spent = Spent(told["github"]["token"])
        with Tmux(folder / "first") as tmux:
            run = cli.words("run", world.site_file, book, "--cycle", "c0045")
            tmux.start(run, columns=120, rows=40, env=environment)
            known(tmux)
            _first_process(tmux, cli, spent)
        with Tmux(folder / "second") as tmux:
            tmux.start(cli.words("resume"), columns=120, rows=40, env=environment)
            known(tmux)
            Lead(tmux).play(lambda frame: frame.title == CLOSED, 120)
        spent.journal, spent.home = journals(cli)[0], cli.home
        yield spent


def test_the_pull_request_is_found_by_the_tickets_key_and_read_as_cscs(night: Spent) -> None:
    assert "pull request of OPS-1" in night.seen["found"]
    assert "imageTag c0044 → c0045: every CSC of the environment" in night.seen["as CSCs"]
    assert "change obssys/mtqueue (ScriptQueue:1): RUN_ARG" in night.seen["as CSCs"]
    first, *others = night.ends("branches")
    assert {one["outcome"] for one in (first, *others)} == {"reached"}
    assert [each for one in (first, *others) for each in one["values"]] == [["pr", "6384"]]
    assert [one["outcome"] for one in night.ends("nublado-image")] == ["reached"]


def test_a_head_that_moved_in_the_moment_of_the_merge_is_not_merged(night: Spent) -> None:
    first, *_ = night.ends("phalanx-merge")
    assert first["outcome"] == "failed"
    assert "Head branch was modified" in first["why"]
    sent = [one["text"] for one in records(night.journal, "RequestIntended") if one["step"] == "phalanx-merge"]
    assert len(sent) == 2
    assert sent[0] != sent[1]


def test_a_merge_without_an_answer_is_found_after_a_kill_and_its_commit_is_what_argo_cd_deploys(night: Spent) -> None:
    last = night.ends("phalanx-merge")[-1]
    (named, commit) = last["values"][0]
    assert (last["outcome"], named, len(commit)) == ("reached", "sha", 40)
    (platform,) = night.ends("argo-science-platform")
    assert dict(platform["values"])["revision"] == commit
    assert "children show c0045" in platform["why"]


def test_no_token_is_in_the_journal_the_log_on_a_screen_or_in_the_process_list(night: Spent) -> None:
    found = [path for path in night.home.rglob("*") if path.is_file()]
    assert night.journal in found
    texts = [path.read_bytes().decode("utf-8", "replace") for path in found]
    for text in (*texts, *night.seen.values(), night.processes):
        assert night.token not in text
        assert OWN not in text
    assert "deploydash" in night.processes

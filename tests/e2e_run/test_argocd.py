"""The deploy phase of the Summit by keys, on the demo observatory's Argo CD: what changes, in order, side by side.

science-platform hands the tag to its children, the canary's heartbeat is waited for, then LOVE, then the rest side by
side: two blocked by Jobs that exist, one whose hook fails, one that is stuck and terminated, one that goes on while the
process is killed. Nothing is sent twice, and no token is seen anywhere.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
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
from tests.support.run_driver import CLOSED, READ_S, Frame, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

SUMMIT = ROOT / "sites/summit.yaml"
REST = "argo-rest"

SCENARIO = """\
name: deploying
about: Jobs are deleted, the branch is merged, and Argo CD is not always willing.
fleet: startup
timeline:
  - {at: 1, do: merge, tag: c0046}
  - {at: 1, fault: {system: argocd, name: stuck, application: calsys}}
  - {at: 1, fault: {system: argocd, name: slow, application: auxtel, seconds: 60}}
  - {at: 1, fault: {system: argocd, name: hook-fails, application: uws}}
"""

BOOK = """\
runbook: night
title: a deployment
sites: [summit]
concerns: roster
phases:
  - phase: deploy
    title: deploy
    wanted: none
    steps:
      - {id: argo-science-platform, title: "Sync science-platform, first", kind: action, system: argocd, tier: moderate,
         lane: kubernetes, ends: its children show <cycle>, applications: [science-platform], tag: <cycle>, link: here,
         revision: <sha>,
         facts: [{fact: argocd-login, words: the login of Argo CD lasts, age: 60s},
                 {fact: argocd-pending/argo-science-platform, words: it stands at the merged commit, age: 60s}]}
      - {id: argo-small, title: "Sync control-system-test, the canary", kind: action, system: argocd, tier: moderate,
         lane: kubernetes, ends: a heartbeat is received, applications: [control-system-test], beats: 5m, link: here}
      - {id: argo-love, title: Sync love, kind: action, system: argocd, tier: moderate, lane: kubernetes,
         ends: Succeeded, applications: [love], link: here}
      - {id: argo-rest, title: Sync the other applications, kind: action, system: argocd, tier: moderate,
         lane: kubernetes, at_once: 8, ends: each Succeeded, applications: rest, link: here, revision: <sha>,
         facts: [{fact: argocd-pending/argo-rest, words: they stand at the merged commit, age: 60s}]}
"""

DELETED = ("control-system-test", "love", "auxtel", "calsys", "uws", "envsys")
"""Namespaces whose Jobs are deleted before; those of obssys and simonyitel are forgotten."""


@dataclass
class Spent:
    """What was seen on the screen and in the process list, what stands in the journal, what Argo CD has."""

    url: str = ""
    token: str = ""
    seen: dict[str, str] = field(default_factory=dict)
    processes: str = ""
    infos: dict[str, str] = field(default_factory=dict)
    journal: Path = Path()
    home: Path = Path()

    def application(self, name: str) -> dict[str, Any]:
        """Ask the demo's Argo CD for an application."""
        request = urllib.request.Request(f"{self.url}/api/v1/applications/{name}")
        request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def phase(self, name: str) -> str:
        """Return the phase of an application's last operation."""
        return str((self.application(name)["status"].get("operationState") or {}).get("phase", ""))


def delete_jobs(kubeconfig: Path, *namespaces: str) -> None:
    """Delete Jobs as a person would, by the cluster's own API."""
    told = yaml.safe_load(kubeconfig.read_text("utf-8"))
    server, token = told["clusters"][0]["cluster"]["server"], told["users"][0]["user"]["token"]
    options = json.dumps({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"})
    for namespace in namespaces:
        path = f"{server}/apis/batch/v1/namespaces/{namespace}/jobs"
        request = urllib.request.Request(path, options.encode(), {"Content-Type": "application/json"}, method="DELETE")
        request.add_header("Authorization", f"Bearer {token}")
        urllib.request.urlopen(request).read()


def _small(tmux: Tmux) -> str:
    """Return the screen as it is at 80x24."""
    tmux.resize(80, 24)
    time.sleep(READ_S)
    found = tmux.capture()
    tmux.resize(120, 40)
    time.sleep(READ_S)
    return found


def _ended(cli: CommandLine, step: str, number: int) -> None:
    """Wait until so many items of a step have ended in the journal."""

    def over() -> bool:
        ended = [one for one in records(journals(cli)[0], "ItemEnded") if one["step"] == step]
        return len(ended) >= number

    wait_until(over, 40, f"{number} ends of {step}")


def _first_process(tmux: Tmux, cli: CommandLine, spent: Spent) -> None:
    lead, seen = Lead(tmux), spent.seen
    unknown = "which commit was merged"
    seen["shut"] = lead.until(lambda frame: frame.has(unknown), unknown, 40).text
    merged = spent.application("science-platform?refresh=normal")["status"]["sync"]["revision"]
    lead.dialog("f", "Set placeholders")
    lead.fill("Set placeholders", merged[:12])
    card = lead.approve("change Application")
    seen["platform"] = card.text
    lead.approve("create Job test42")
    lead.approve("love-commander")
    lead.until(lambda frame: frame.title == "Your turn" and frame.has("create Job ataos"), "the rest", 60)
    seen["rest"] = tmux.capture()
    seen["rest, 80x24"] = _small(tmux)
    lead.approve("create Job ataos")
    lead.until(lambda frame: frame.title.startswith("Under way"), "what goes on", 30)
    _ended(cli, "argo-rest", 7)
    seen["under way"] = tmux.capture()
    seen["under way, 80x24"] = _small(tmux)
    shown = lead.dialog("p", "Controls of an item")
    if not shown.has("terminate the sync of calsys"):  # the dialog of another item, which leads to that of calsys
        for _ in range(4):
            if any(re.match(r"[▸>] \d+ another: calsys", line) for line in lead.see().body):
                break
            lead.press("Down")
            time.sleep(0.2)
        lead.press("Enter")
        lead.until(lambda frame: frame.has("terminate the sync of calsys"), "the controls of calsys")
        time.sleep(READ_S)
    lead.choose("Controls of an item", "terminate the sync of calsys")
    lead.send()
    wait_until(lambda: spent.phase("calsys") == "Failed", 30, "the end of calsys in Argo CD")
    _ended(cli, "argo-rest", 8)
    seen["terminated"] = tmux.capture()
    spent.processes = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    holder = json.loads((journals(cli)[0].parent / "lock").read_text(encoding="utf-8"))
    os.kill(holder["pid"], signal.SIGKILL)
    assert tmux.wait_exit() == 128 + signal.SIGKILL


def _decide(lead: Lead, frame: Frame, spent: Spent) -> None:
    """Sign off what a person brought in order in Argo CD itself."""
    spent.seen.setdefault("decision", frame.text)
    note = "synced in Argo CD itself"
    known_already = lead.dialog("d", "Sign off").has("Ana")
    lead.fill("Sign off", *((note,) if known_already else ("Ana", note)))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spent]:
    """One deployment by keys, killed and resumed, to its end, then reported."""
    folder = tmp_path_factory.mktemp("argocd")
    cli = CommandLine(folder / "home")
    scenario, book = folder / "deploying.yaml", folder / "night.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    book.write_text(BOOK + CLOSE.format(), encoding="utf-8")
    with forked_world(cli, SUMMIT, scenario, folder) as world:
        told = yaml.safe_load(world.site_file.read_text(encoding="utf-8"))["systems"]
        spent = Spent(f"http://127.0.0.1:{told['argocd']['port']}/argo-cd", told["argocd"]["token"])
        delete_jobs(Path(told["kubernetes"]["kubeconfig"]), *DELETED)
        with Tmux(folder / "first") as tmux:
            run = cli.words("run", world.site_file, book, "--cycle", "c0046")
            tmux.start(run, columns=120, rows=40, env=cli.environment())
            known(tmux)
            _first_process(tmux, cli, spent)
        with Tmux(folder / "second") as tmux:
            tmux.start(cli.words("resume"), columns=120, rows=40, env=cli.environment())
            known(tmux)
            lead = Lead(tmux, failures=lambda lead, frame: _decide(lead, frame, spent))
            wait_until(lambda: spent.phase("auxtel") == "Succeeded", 60, "the end of auxtel in Argo CD")
            lead.play(lambda frame: frame.title == CLOSED, 120)
        spent.journal, spent.home = journals(cli)[0], cli.home
        asked = spent.application("auxtel")["status"]["operationState"]["operation"]["info"]
        spent.infos = {one["name"]: one["value"] for one in asked}
        report = cli.run("report", spent.journal.parent)
        assert report.code == 0, report.err
        spent.seen["report"] = report.out
        yield spent


def ends(night: Spent, step: str) -> dict[str, tuple[str, str]]:
    found = [one for one in records(night.journal, "ItemEnded") if one["step"] == step]
    return {one["item"]: (one["outcome"], one["why"]) for one in found}


def test_the_new_tag_is_seen_on_the_children_before_anything_else_is_synced(night: Spent) -> None:
    ((outcome, why),) = ends(night, "argo-science-platform").values()
    assert outcome == "reached"
    assert "children show c0046" in why
    assert "change Application" in night.seen["platform"]
    assert "image tag c0044 → c0046" in night.seen["platform"]


def test_the_gate_is_shut_until_the_merged_commit_is_known_and_was_compared(night: Spent) -> None:
    assert "it stands at the merged commit" in night.seen["shut"]
    (approved,) = [one for one in records(night.journal, "StepApproved") if one["step"] == "argo-science-platform"]
    (told,) = records(night.journal, "PlaceholderSet")
    assert told["utc"] < approved["utc"]


def test_the_canary_is_waited_for_until_its_heartbeat(night: Spent) -> None:
    ((outcome, why),) = ends(night, "argo-small").values()
    assert outcome == "reached"
    assert "every Job has a pod; heartbeats received" in why


def test_the_card_tells_what_changes_by_csc_at_both_sizes(night: Spent) -> None:
    for size in ("rest", "rest, 80x24"):
        assert "auxtel" in night.seen[size], size
        assert "below: arrows, V all" in night.seen[size], size
    assert "creates 12 Jobs" in night.seen["rest"]
    assert "(ATAOS)" in night.seen["rest"]


def test_each_application_ends_in_its_own_way_side_by_side(night: Spent) -> None:
    first = {one["item"]: one["why"] for one in reversed(records(night.journal, "ItemEnded")) if one["step"] == REST}
    auxtel, calsys, versions, _, obssys, _, _, simonyitel, uws = (first[f"#{at}"] for at in range(1, 10))
    assert auxtel.startswith("Succeeded at ")
    assert calsys == "Failed: Operation terminated"
    assert versions.startswith("nothing differs, Synced at ")
    for blocked in (obssys, simonyitel):
        assert "exists with another template, which cannot be changed and " in blocked
    assert uws.startswith("Failed: ")
    assert "hook" in uws.lower() or "failed" in uws.lower()
    for size in ("under way", "under way, 80x24"):
        assert "Under way" in night.seen[size], size


def test_what_was_under_way_at_the_kill_is_found_again_by_its_key_and_not_sent_twice(night: Spent) -> None:
    sent = [one for one in records(night.journal, "RequestIntended") if one["step"] == REST]
    assert [one["item"] for one in sent].count("#1") == 1
    told = [one for one in records(night.journal) if one["kind"] in {"RunResumed", "ItemsDispatched"}]
    after = told[[one["kind"] for one in told].index("RunResumed") + 1]
    assert (after["items"], after["operator"]) == (["#1"], "the procedure")
    assert ends(night, REST)["#1"][0] == "reached"
    assert night.infos["deploydash"] == next(one["key"] for one in sent if one["item"] == "#1")
    assert night.infos["run"] == night.journal.parent.name


def test_no_token_is_in_the_journal_the_log_on_a_screen_or_in_the_process_list(night: Spent) -> None:
    found = [path for path in night.home.rglob("*") if path.is_file()]
    assert night.journal in found
    texts = [path.read_bytes().decode("utf-8", "replace") for path in found]
    for text in (*texts, *night.seen.values(), night.processes):
        assert night.token not in text
        assert "Bearer " not in text
    assert "deploydash" in night.processes

"""The clean-up of the Summit by keys: its card, one namespace forbidden, one pod that does not end, killed, resumed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploydash.systems.kubernetes.client import connected
from deploydash.systems.kubernetes.objects import JOB_NAME
from deploydash.systems.kubernetes.settings import KubernetesSettings
from tests.e2e_run.books import CLOSE, HEAD
from tests.e2e_run.world import World, journals, known, open_run, records, world
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine
from tests.support.run_driver import Frame, Lead

TROUBLE = """\
name: clean-up
about: All are in STANDBY, as after a power cut; calsys may not be cleaned, ATDome's node is lost, MTDome's Job is held.
fleet: STANDBY
timeline:
  - {at: 0.1, fault: {system: cluster, name: forbidden-namespace, namespace: calsys, verb: delete}}
  - {at: 0.1, fault: {system: cluster, name: pods-do-not-end, job: atdome}}
  - {at: 0.1, fault: {system: cluster, name: finalizer, kind: jobs, of: mtdome}}
"""

CLEAN = """\
  - phase: clean-up
    title: clean-up
    wanted: none
    steps:
      - {id: k8s-clean, title: Delete every CSC Job, kind: action, system: kubernetes, tier: severe, at_once: 8,
         deletes: jobs, ordered: false, gone_within: 6s, ends: none of the Jobs is left, link: here}
"""

Object = dict[str, Any]


class Cluster:
    """The demo's cluster, as whoever else asks it sees it."""

    def __init__(self, site_file: Path) -> None:
        section = yaml.safe_load(site_file.read_text(encoding="utf-8"))["systems"]["kubernetes"]
        self._settings = KubernetesSettings.model_validate(section)

    def all(self, path: str) -> dict[tuple[str, str], Object]:
        """Return every object of a path of all namespaces, by namespace and name."""

        async def ask() -> list[Object]:
            async with connected(self._settings, rehearsal=True) as cluster:
                return (await cluster.every(path))[0]

        found = [(raw["metadata"], raw) for raw in asyncio.run(ask())]
        return {(meta["namespace"], meta["name"]): raw for meta, raw in found}

    def jobs(self) -> dict[tuple[str, str], Object]:
        return self.all("/apis/batch/v1/jobs")

    def orphans(self) -> list[str]:
        """Return the pods that run on although their Job is gone, and that nobody ends."""
        jobs = {name for _, name in self.jobs()}
        pods = self.all("/api/v1/pods")
        return [
            name
            for (_, name), pod in pods.items()
            if (job := pod["metadata"].get("labels", {}).get(JOB_NAME)) and job not in jobs
            if not pod["metadata"].get("deletionTimestamp")
        ]


def kill_after(cli: CommandLine, requests: int, dead: threading.Event) -> None:
    """Kill the process of the run once so many requests are on disk."""
    while not dead.is_set():
        for journal in journals(cli):
            if journal.read_bytes().count(b'"kind":"RequestIntended"') >= requests:
                holder = json.loads((journal.parent / "lock").read_text(encoding="utf-8"))
                os.kill(holder["pid"], signal.SIGKILL)
                dead.set()
                return
        time.sleep(0.001)


@pytest.fixture(scope="module")
def summit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CommandLine, World, Path]]:
    folder = tmp_path_factory.mktemp("kubernetes")
    (folder / "trouble.yaml").write_text(TROUBLE, encoding="utf-8")
    (folder / "night.yaml").write_text(HEAD.format(site="summit") + CLEAN + CLOSE.format(), encoding="utf-8")
    cli = CommandLine(folder / "home")
    with world(cli, "--scenario", str(folder / "trouble.yaml"), "--speed", "20") as demo:
        yield cli, demo, folder


def is_card(frame: Frame) -> bool:
    return frame.title.startswith("Your turn") and frame.has("12 Jobs selected by csc; running: ataos, atbuilding")


@pytest.mark.server
@pytest.mark.timeout(patient(200))
def test_the_summits_jobs_are_deleted_as_approved_whatever_happens(
    summit: tuple[CommandLine, World, Path],
) -> None:
    cli, demo, folder = summit
    cluster = Cluster(demo.site_file)
    before = cluster.jobs()
    dead = threading.Event()
    with Tmux(folder / "first") as tmux:
        open_run(tmux, cli, demo.site_file, folder / "night.yaml")
        lead = Lead(tmux)
        lead.until(is_card, "the card", 60)
        killer = threading.Thread(target=kill_after, args=(cli, 30, dead), daemon=True)
        killer.start()
        lead.send()
        assert tmux.wait_exit(30) == 128 + signal.SIGKILL
    asked = records(journals(cli)[0], "RequestIntended")
    assert 30 <= len(asked) < 80
    with Tmux(folder / "second") as tmux:
        tmux.start(cli.words("resume"), columns=120, rows=40, env=cli.environment())
        known(tmux)
        lead = Lead(tmux)
        lead.until(lambda frame: frame.title.endswith("need a decision") and frame.has("left:"), "what is left", 60)
        if lead.see().has("* mark all"):
            lead.press("*")
        lead.retry()
        lead.until(lambda frame: frame.title.endswith("3 need a decision"), "the end", 60)
    told = records(journals(cli)[0], "ItemEnded")
    last = {record["item"]: record for record in told}
    assert {item: record["outcome"] for item, record in last.items()} == {
        **dict.fromkeys(("#3", "#5", "#6", "#7", "#8"), "reached"),
        **dict.fromkeys(("#1", "#2", "#4"), "failed"),
    }
    assert "pod atdome-" in last["#1"]["why"]
    assert "terminating since" in last["#1"]["why"]
    assert last["#1"]["left"] == "atdome"
    assert "held by finalizer example.org/hold" in last["#2"]["why"]
    assert last["#2"]["left"] == "mtdome"
    after = cluster.jobs()
    approved = {
        uid
        for record in records(journals(cli)[0], "StepApproved", "ItemsDispatched")
        for _, text in record["approved"]
        for uid in json.loads(text)["uids"].values()
    }
    held = ("simonyitel", "mtdome")
    assert after[held]["metadata"]["deletionTimestamp"], "it was asked for once, and is nobody's orphan"
    gone = {raw["metadata"]["uid"] for key, raw in before.items() if key not in after or key == held}
    assert gone == approved
    assert gone == {
        raw["metadata"]["uid"]
        for (space, _), raw in before.items()
        if space != "calsys" and "csc" in raw["metadata"]["labels"]
    }
    assert cluster.orphans() == []
    assert {space for space, _ in after} == {"calsys", "simonyitel", "uws", "control-system-test"}

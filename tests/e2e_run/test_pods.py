"""Two pods that cannot start during a wait name themselves on the straggler board, as the likely reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e_run.books import CLOSE, WAIT, write_book
from tests.e2e_run.world import journals, open_run, records, world
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import WAITING, Lead

PODS = """\
name: pods
about: While CBP is waited for, ATDome's Job is made anew without an image, and ATAOS ends as often as it starts.
fleet: startup
cscs:
  - {csc: CBP, life: never}
timeline:
  - {at: 500, fault: {system: cluster, name: image-cannot-be-pulled, job: atdome, message: "manifest unknown"}}
  - {at: 520, fault: {system: cluster, name: recreated, job: atdome}}
  - {at: 520, fault: {system: cluster, name: crash-loop, job: ataos, code: 1}}
"""

REASONS = {"ATDome": "ErrImagePull", "ATAOS": "CrashLoopBackOff"}


def board(screen: str) -> dict[str, str]:
    """Return what stands beside each CSC of the board."""
    lines = (re.match(r"│ [▸ ]?\s*(\S+)\s+(.*?)\s*│$", line) for line in screen.splitlines())
    return {found[1]: found[2] for found in lines if found}


def stand_there(tmux: Tmux) -> bool:
    """Say whether both name themselves with their reasons."""
    found = board(tmux.capture())
    return all(why in found.get(csc, "") for csc, why in REASONS.items())


@pytest.mark.server
@pytest.mark.timeout(patient(160))
def test_the_board_names_a_pod_without_its_image_and_one_that_crashes(
    tmp_path: Path, cli: CommandLine, tmux: Tmux
) -> None:
    scenario = tmp_path / "pods.yaml"
    scenario.write_text(PODS, encoding="utf-8")
    with world(cli, "--scenario", str(scenario), "--speed", "20") as observatory:
        open_run(tmux, cli, observatory.site_file, write_book(tmp_path, WAIT, CLOSE, limit="10m"))
        Lead(tmux).play(lambda frame: frame.title == WAITING, 30)
        wait_until(lambda: stand_there(tmux), 40, "both reasons on the board")
        told = records(journals(cli)[0], "FactNoted")
    values = {(one["fact"]["about"], one["fact"]["value"]) for one in told if one["fact"]["system"] == "kubernetes"}
    assert ("ATDome", "ErrImagePull") in values
    assert ("ATAOS", "CrashLoopBackOff") in values

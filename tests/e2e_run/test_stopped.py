"""A run that is stopped for thirteen real seconds lets nothing go that was armed, and repeats nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_our_own_standstill import stopped
from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.world import World, forked_world, journals, records
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine
from tests.support.pty_glass import PtyGlass
from tests.support.run_driver import READ_S, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(150))]

SEVERE = SHUTDOWN.replace("tier: moderate, ends: it is OFFLINE", "tier: severe, ends: it is OFFLINE")


@contextmanager
def led(tmp_path: Path, book: str) -> Iterator[tuple[Lead, PtyGlass, Path, World]]:
    """Have a run whose first card, of the Watcher, can be armed; gives its lead, its terminal and its journal."""
    cli = CommandLine(tmp_path / "home")
    scenario = tmp_path / "fast.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    path = write_book(tmp_path, book, CLOSE, site="hill", queues=2)
    with forked_world(cli, write_small(tmp_path, silent=4), scenario, tmp_path) as hill:
        words = [*map(str, cli.words("run", str(hill.site_file), str(path), "--cycle", "c0045"))]
        environment = cli.environment({"TERM": "xterm-256color"})
        with PtyGlass(words, width=120, height=40, environ=environment) as glass:
            lead = Lead(glass, site="hill")
            lead.until(lambda frame: frame.has("→ 1 CSC: disable"), "a card of a CSC that beats", 40)
            time.sleep(READ_S)
            [journal] = journals(cli)
            yield lead, glass, journal, hill


def arm(lead: Lead) -> None:
    """Arm the card; its gate opens once a whole limit was listened to."""
    while not lead.see().title.startswith("Armed"):
        lead.press("a")
        time.sleep(READ_S)


@pytest.mark.parametrize("tier", ["moderate", "severe", "severe, counting down"])
def test_an_armed_card_disarms_while_its_process_is_stopped_for_real_seconds(tmp_path: Path, tier: str) -> None:
    with led(tmp_path, SHUTDOWN if tier == "moderate" else SEVERE) as (lead, glass, journal, hill):
        arm(lead)
        if tier == "severe, counting down":
            glass.type_text("hill")
            lead.until(lambda frame: frame.has("hill"), "the name in its field")
            lead.press("Enter")
            lead.until(lambda frame: frame.has("Esc cancels"), "the countdown")
        stopped(glass.pid)
        frame = lead.until(lambda frame: frame.has("Disarmed: "), "the reason")
        assert not frame.title.startswith("Armed")
        lead.press("Enter")
        time.sleep(READ_S)
        lead.press("Enter")
        lead.until(lambda frame: frame.has("a arm"), "a card that can be armed anew")
        assert records(journal, "StepApproved", "RequestIntended") == []
        assert hill.commands().commands == []

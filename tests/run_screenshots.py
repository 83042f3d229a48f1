"""The pictures of a run: its cards, what did not go, the wait and the timeline, at three sizes, by the lead's keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e_run.books import CLOSE, HEAD, SHUTDOWN, WAIT, write_book
from tests.e2e_run.test_order import TROUBLE
from tests.e2e_run.test_wait import NIGHT
from tests.e2e_run.world import journals, open_run, world
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import READ_S, WAITING, Lead

SIZES = ((200, 50), (120, 40), (80, 24))
Take = Callable[[Tmux, str], None]


LANES = """\
  - phase: testing
    title: testing
    wanted: none
    steps:
      - {id: test, title: Run a script that takes long, kind: action, system: sal, tier: moderate, lane: scripts,
         ends: it is DONE, scripts: [{queue: "ScriptQueue:2", script: sleep.py}], link: here}
      - {id: dome, title: Bring the dome to STANDBY, kind: action, system: sal, tier: moderate, lane: dome,
         ends: it is STANDBY, targets: [ATDome], target: STANDBY, link: here}
      - {id: mount, title: Bring the mount to STANDBY, kind: action, system: sal, tier: moderate, lane: mount,
         ends: it is STANDBY, targets: [MTMount], target: STANDBY, link: here}
"""

SLOW = """\
name: slow
about: A script that does not end, and a dome that takes its time.
fleet: ENABLED
cscs:
  - {csc: ATDome, state: ENABLED, reacts: {disable: {do: hang}}}
  - {csc: "ScriptQueue:2", state: ENABLED, scripts: {sleep.py: hang}}
"""


def take_run(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take a shutdown of the Summit in which one CSC hangs and one faults, then a wait in which three do not come."""
    _shutdown(cli, folder / "shutdown", take)
    _lanes(cli, folder / "lanes", take)
    _wait(cli, folder / "wait", take)


def _shutdown(cli: CommandLine, folder: Path, take: Take) -> None:
    scenario = _written(folder, TROUBLE)
    with world(cli, "--scenario", str(scenario), "--speed", "4") as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, write_book(folder, SHUTDOWN, CLOSE))
        lead = Lead(tmux)
        lead.until(lambda frame: frame.has("Send the Watcher"), "the first card")
        _at_all_sizes(tmux, "run-ready", take)
        lead.play(lambda frame: frame.title.startswith("Armed"), 60)
        take(tmux, "run-armed-120x40")
        lead.play(lambda frame: frame.has(" moving") and not frame.has(" 1 moving"), 60)
        take(tmux, "run-under-way-120x40")
        lead.until(
            lambda frame: frame.title.startswith("Your turn") and "a decision" in frame.title, "the failures", 90
        )
        _at_all_sizes(tmux, "run-did-not-go", take)
        lead.press("t")
        time.sleep(READ_S)
        take(tmux, "run-timeline-120x40")


def _lanes(cli: CommandLine, folder: Path, take: Take) -> None:
    scenario = _written(folder, SLOW)
    book = folder / "lanes.yaml"
    book.write_text(HEAD.format(site="summit") + LANES + CLOSE.format(), encoding="utf-8")
    with world(cli, "--scenario", str(scenario), "--speed", "4") as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, book)
        lead = Lead(tmux)
        for title in ("Run a script", "Bring the dome"):
            lead.until(lambda frame, title=title: frame.has(title) and frame.has("a arm"), title)  # type: ignore[misc]
            time.sleep(READ_S)
            lead.press("a")
            lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
            time.sleep(2 * READ_S)
            lead.press("Enter")
            lead.until(lambda frame: frame.title.startswith("Under way"), "what goes on")
            lead.press("]")
        _at_all_sizes(tmux, "run-lanes", take)


def _wait(cli: CommandLine, folder: Path, take: Take) -> None:
    scenario = _written(folder, NIGHT)
    with world(cli, "--scenario", str(scenario), "--speed", "20") as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, write_book(folder, WAIT, CLOSE, limit="10m"))
        Lead(tmux).play(lambda frame: frame.title == WAITING, 30)
        wait_until(lambda: "restarted" in tmux.capture() and "code 101" in tmux.capture(), 60, "the stragglers")
        _at_all_sizes(tmux, "run-wait", take)
    assert len(journals(cli)) == 3


def _written(folder: Path, scenario: str) -> Path:
    folder.mkdir(parents=True)
    path = folder / "scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    return path


def _at_all_sizes(tmux: Tmux, name: str, take: Take) -> None:
    before = tmux.size()
    for columns, rows in SIZES:
        tmux.resize(columns, rows)
        wait_until(lambda size=(columns, rows): tmux.size() == size, 5, "the new size")  # type: ignore[misc]
        time.sleep(2 * READ_S)
        take(tmux, f"{name}-{columns}x{rows}")
    tmux.resize(*before)
    time.sleep(READ_S)

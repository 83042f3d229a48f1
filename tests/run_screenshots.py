"""The pictures of a run: its cards, what did not go, the wait and the timeline, at three sizes, by the lead's keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from tests.e2e_run import test_github
from tests.e2e_run.books import CLOSE, HEAD, SHUTDOWN, WAIT, write_book, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.test_hosts import down_and_updated, hosts_world, updating
from tests.e2e_run.test_lanes import LANES
from tests.e2e_run.test_order import TROUBLE
from tests.e2e_run.test_sample_system import environment, words
from tests.e2e_run.test_wait import NIGHT
from tests.e2e_run.world import forked_world, journals, known, open_run, world
from tests.sample_system.fake import serving_machines
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.run_driver import READ_S, WAITING, Lead

SIZES = ((200, 50), (120, 40), (80, 24))
Take = Callable[[Tmux, str], None]


def take_run(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take a shutdown of the Summit in which one CSC hangs and one faults, then a wait in which three do not come."""
    _shutdown(cli, folder / "shutdown", take)
    _lanes(cli, folder / "lanes", take)
    _hosts(cli, folder / "hosts", take)
    pull_request(cli, folder / "github", take)
    _wait(cli, folder / "wait", take)


def _shutdown(cli: CommandLine, folder: Path, take: Take) -> None:
    scenario = written(folder, TROUBLE)
    with world(cli, "--scenario", str(scenario), "--speed", "4") as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, write_book(folder, SHUTDOWN, CLOSE))
        lead = Lead(tmux)
        lead.until(lambda frame: frame.has("Send the Watcher"), "the first card")
        at_sizes(tmux, "run-ready", take)
        lead.play(lambda frame: frame.title.startswith("Armed"), 60)
        take(tmux, "run-armed-120x40")
        lead.play(lambda frame: frame.has(" moving") and not frame.has(" 1 moving"), 60)
        take(tmux, "run-under-way-120x40")
        lead.until(
            lambda frame: frame.title.startswith("Your turn") and "a decision" in frame.title, "the failures", 90
        )
        at_sizes(tmux, "run-did-not-go", take)
        lead.press("t")
        time.sleep(READ_S)
        take(tmux, "run-timeline-120x40")


def _lanes(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take two lanes at work, and a third that waits for the lead, of the system that lives in the tests."""
    folder.mkdir(parents=True)
    scenario, book = folder / "fast.yaml", folder / "lanes.yaml"
    scenario.write_text(FAST, encoding="utf-8")
    book.write_text(HEAD.format(site="hill") + LANES.format() + CLOSE.format(), encoding="utf-8")
    with (
        serving_machines(m1=["hangs"], m2=["hangs"], m3=[]) as machines,
        forked_world(cli, write_small(folder), scenario, folder) as at,
        Tmux(folder / "tmux") as tmux,
    ):
        document = yaml.safe_load(at.site_file.read_text(encoding="utf-8"))
        document["systems"]["sample"] = {"url": machines.url}
        at.site_file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
        run = words("run", at.site_file, book, "--cycle", "c0045")
        tmux.start(run, columns=120, rows=40, env={**environment(cli), "COLORTERM": "truecolor"})
        lead = Lead(tmux, site="hill")
        for title in ("Start upstairs", "Start the cellar"):
            lead.until(lambda frame, title=title: frame.has(title) and frame.has("a arm"), title)  # type: ignore[misc]
            time.sleep(READ_S)
            lead.press("a")
            lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
            time.sleep(2 * READ_S)
            lead.press("Enter")
            lead.until(lambda frame: frame.title.startswith("Under way"), "what goes on")
            lead.press("]")
        at_sizes(tmux, "run-lanes", take)


def _hosts(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take ten controllers that are updated while an image comes slowly and four of them cannot be used."""
    folder.mkdir(parents=True)
    seen: dict[str, str] = {}
    with hosts_world(cli, folder) as (hill, book), Tmux(folder / "tmux") as tmux:
        env = {**cli.environment(), "COLORTERM": "truecolor"}
        tmux.start(cli.words("run", hill.site_file, book, "--cycle", "c0045"), columns=120, rows=40, env=env)
        lead = Lead(tmux, site="hill")
        down_and_updated(lead, seen)
        updating(lead, seen)
        at_sizes(tmux, "run-hosts", take)


def pull_request(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take the pull request of a cycle as it was found, all that it changes, and its merge."""
    scenario = written(folder, test_github.SCENARIO)
    book = folder / "night.yaml"
    book.write_text(test_github.BOOK + CLOSE.format(), encoding="utf-8")
    with forked_world(cli, ROOT / "sites/summit.yaml", scenario, folder) as summit, Tmux(folder / "tmux") as tmux:
        env = {**cli.environment(), "COLORTERM": "truecolor"}
        tmux.start(cli.words("run", summit.site_file, book, "--cycle", "c0045"), columns=120, rows=40, env=env)
        lead = Lead(tmux)
        known(tmux)
        lead.play(lambda frame: frame.has("Find the pull request"), 60)
        lead.until(lambda frame: frame.has("imageTag c0044"), "what it changes", 40)
        take(tmux, "run-pull-request-120x40")
        lead.press("v")
        tmux.wait_for("add obssys/newcomer", 20)
        take(tmux, "run-pull-request-exact-120x40")
        lead.press("Escape")
        lead.play(lambda frame: frame.has("Merge the pull request"), 60)
        lead.until(lambda frame: frame.has("approved by codeowner"), "how it stands", 40)
        at_sizes(tmux, "run-merge", take)


def _wait(cli: CommandLine, folder: Path, take: Take) -> None:
    scenario = written(folder, NIGHT)
    with world(cli, "--scenario", str(scenario), "--speed", "20") as observatory, Tmux(folder / "tmux") as tmux:
        open_run(tmux, cli, observatory.site_file, write_book(folder, WAIT, CLOSE, limit="10m"))
        Lead(tmux).play(lambda frame: frame.title == WAITING, 30)
        wait_until(lambda: "restarted" in tmux.capture() and "code 101" in tmux.capture(), 60, "the stragglers")
        at_sizes(tmux, "run-wait", take)
    assert len(journals(cli)) == 3


def written(folder: Path, scenario: str) -> Path:
    """Write a scenario into a new folder."""
    folder.mkdir(parents=True)
    path = folder / "scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    return path


def at_sizes(tmux: Tmux, name: str, take: Take, sizes: Sequence[tuple[int, int]] = SIZES) -> None:
    """Take a screen at several sizes."""
    before = tmux.size()
    for columns, rows in sizes:
        tmux.resize(columns, rows)
        wait_until(lambda size=(columns, rows): tmux.size() == size, 5, "the new size")  # type: ignore[misc]
        time.sleep(2 * READ_S)
        take(tmux, f"{name}-{columns}x{rows}")
    tmux.resize(*before)
    time.sleep(READ_S)

"""The pictures of a run's keys, Argo CD, the clean-up, messages and an orchestrator, from the worlds of their tests."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from tests.e2e_run import test_argocd, test_kubernetes, test_orchestrator, test_pods, test_slack
from tests.e2e_run.books import CLOSE, HEAD, SHUTDOWN, WAIT, write_book, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.test_order import TROUBLE
from tests.e2e_run.world import World, forked_world, journals, known, records, world
from tests.run_screenshots import Take, at_sizes, written
from tests.servers.inmanta import Orchestrator, changed, inmanta_install
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import READ_S, WAITING, Frame, Lead

TWO = ((120, 40), (80, 24))


def _open(tmux: Tmux, cli: CommandLine, at: World, book: Path, cycle: str = "c0045", site: str = "summit") -> Lead:
    """Open a run in true colours and wait until the fleet is known."""
    env = {**cli.environment(), "COLORTERM": "truecolor"}
    tmux.start(cli.words("run", at.site_file, book, "--cycle", cycle), columns=120, rows=40, env=env)
    known(tmux)
    return Lead(tmux, site=site)


def _decision(frame: Frame) -> bool:
    return frame.title.startswith("Your turn") and "a decision" in frame.title


def keys(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take an arm with the cursor in the grid, a retry as a proposal and armed, and a paste that is refused."""
    scenario = written(folder, TROUBLE)
    with world(cli, "--scenario", str(scenario), "--speed", "4") as summit, Tmux(folder / "tmux") as tmux:
        lead = _open(tmux, cli, summit, write_book(folder, SHUTDOWN, CLOSE))
        lead.until(lambda frame: frame.has("a arm"), "the first card")
        for key in ("Tab", "Tab", "Down", "Down", "Down"):
            lead.press(key)
            time.sleep(READ_S)
        lead.press("a")
        lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
        at_sizes(tmux, "run-armed-in-grid", take, TWO)
        for key in ("Escape", "Tab", "Tab"):
            lead.press(key)
            time.sleep(READ_S)
        lead.play(_decision, 90)
        lead.dialog("r", "Retry")
        lead.until(lambda frame: frame.has("a arm"), "what would be sent")
        at_sizes(tmux, "run-retry", take, TWO)
        lead.press("a")
        lead.until(lambda frame: frame.title.startswith("Armed"), "the arm of the retry")
        at_sizes(tmux, "run-retry-armed", take, TWO)
        for _ in range(2):
            lead.press("Escape")
            time.sleep(READ_S)
        lead.until(_decision, "the decision again")
        lead.dialog("d", "Sign off")
        tmux._tmux("set-buffer", "-b", "page", "Ana\nMTRotator is hung\nits pod is deleted")
        tmux._tmux("paste-buffer", "-p", "-b", "page", "-t", "lead")
        tmux.wait_for("what was pasted has 3 lines", 10)
        at_sizes(tmux, "run-paste-refused", take, TWO)


def argocd(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take what a sync changes, its exact lines, the applications side by side and the controls of one."""
    scenario, book = written(folder, test_argocd.SCENARIO), folder / "night.yaml"
    book.write_text(test_argocd.BOOK + CLOSE.format(), encoding="utf-8")
    with forked_world(cli, test_argocd.SUMMIT, scenario, folder) as summit, Tmux(folder / "tmux") as tmux:
        told = yaml.safe_load(summit.site_file.read_text(encoding="utf-8"))["systems"]["kubernetes"]
        test_argocd.delete_jobs(Path(told["kubeconfig"]), *test_argocd.DELETED)
        lead = _open(tmux, cli, summit, book, "c0046")
        lead.until(lambda frame: frame.has("change Application"), "the difference", 40)
        at_sizes(tmux, "run-sync", take, TWO)
        for words in ("change Application", "create Job test42", "love-commander"):
            lead.approve(words)
        lead.until(lambda frame: frame.title == "Your turn" and frame.has("create Job ataos"), "the rest", 60)
        at_sizes(tmux, "run-sync-rest", take, TWO)
        lead.press("v")
        time.sleep(READ_S)
        lead.press("Space", "Down", "Down", "Space")
        time.sleep(READ_S)
        for columns, rows in reversed(TWO):  # what was said is not broken anew in a terminal made narrower
            tmux.resize(columns, rows)
            time.sleep(READ_S)
            lead.press("Y")
            time.sleep(READ_S)
            take(tmux, f"run-exact-lines-{columns}x{rows}")
        lead.press("Escape")
        lead.approve("create Job ataos")
        lead.until(lambda frame: frame.title.startswith("Under way"), "what goes on", 30)
        test_argocd._ended(cli, "argo-rest", 5)
        at_sizes(tmux, "run-sync-under-way", take, TWO)
        lead.press("V")
        time.sleep(READ_S)
        at_sizes(tmux, "run-sync-under-way-page", take, TWO)
        lead.press("Escape")
        time.sleep(READ_S)
        lead.dialog("p", "Controls of an item")
        at_sizes(tmux, "run-controls", take, TWO)


def clean_up(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take the clean-up before and under way."""
    scenario, book = written(folder, test_kubernetes.TROUBLE), folder / "night.yaml"
    book.write_text(HEAD.format(site="summit") + test_kubernetes.CLEAN + CLOSE.format(), encoding="utf-8")
    with world(cli, "--scenario", str(scenario), "--speed", "20") as summit, Tmux(folder / "tmux") as tmux:
        lead = _open(tmux, cli, summit, book)
        lead.until(test_kubernetes.is_card, "the card", 60)
        take(tmux, "run-clean-up-120x40")
        lead.send()
        lead.until(lambda frame: frame.has("deleting") and frame.has("failed"), "what goes on", 30)
        take(tmux, "run-clean-up-under-way-120x40")


def pods(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take two pods that cannot start during a wait."""
    scenario = written(folder, test_pods.PODS)
    with world(cli, "--scenario", str(scenario), "--speed", "20") as summit, Tmux(folder / "tmux") as tmux:
        lead = _open(tmux, cli, summit, write_book(folder, WAIT, CLOSE, limit="10m"))
        lead.play(lambda frame: frame.title == WAITING, 30)
        wait_until(lambda: test_pods.stand_there(tmux), 40, "both reasons on the board")
        at_sizes(tmux, "run-pods", take, TWO)


def slack(cli: CommandLine, folder: Path, take: Take) -> None:
    """Take a message before it is sent, the question what becomes of a scheduled one, and what is to be done now."""
    scenario, book = written(folder, FAST), folder / "night.yaml"
    book.write_text(HEAD.format(site="hill") + test_slack.MESSAGES + CLOSE.format(), encoding="utf-8")
    start = datetime.now(ZoneInfo("America/Santiago")) + timedelta(seconds=3600 + 1200)
    with forked_world(cli, write_small(folder), scenario, folder) as hill, Tmux(folder / "tmux") as tmux:
        lead = _open(tmux, cli, hill, book, site="hill")
        test_slack.to_lane(lead, "1", "the day before")
        lead.until(lambda frame: frame.has("blocked: it waits for <start>, <date>"), "what it waits for")
        lead.dialog("f", "Set placeholders")
        words = {"date": f"{start:%Y-%m-%d}", "start": f"{start:%H:%M}"}
        asked = [line.split()[0] for line in lead.see().body if line.split()[:1] in (["date"], ["start"])]
        lead.fill("Set placeholders", *(words[word] for word in asked))
        lead.until(lambda frame: frame.has("chat.scheduleMessage #there"), "the preview")
        take(tmux, "run-message-scheduled-120x40")
        test_slack.do_it(lead, "chat.scheduleMessage #there")
        wait_until(lambda: test_slack.scheduled(cli, "announce-day"), 30, "the scheduled message")
        test_slack.to_lane(lead, "3", "Announce the page")
        lead.until(lambda frame: frame.has("chat.postMessage #there"), "the preview")
        time.sleep(READ_S)
        take(tmux, "run-message-120x40")
        lead.press("W")
        time.sleep(2 * READ_S)
        at_sizes(tmux, "run-what-now", take, TWO)
        lead.press("Escape")
        time.sleep(READ_S)
        lead.press("H")
        lead.until(lambda frame: frame.title.startswith("HOLD") and frame.has("The run is held. What of"), "a question")
        take(tmux, "run-message-held-120x40")
        lead.dialog("d", "An item asks")
        take(tmux, "run-message-held-answers-120x40")
    assert not records(journals(cli)[-1], "StepDone")


def orchestrator(_: CommandLine, folder: Path, take: Take) -> None:
    """Take what a comparison asks, and a deployment, on a real orchestrator: not among the scenes of a night."""
    server = Orchestrator(inmanta_install(), folder / "server")
    try:
        server.start()
        items = test_orchestrator.ITEMS
        environment = server.environment("pictures", items)
        environment.deployed(environment.compile())
        environment.commit(changed(items, "a", value="2", delay=4.0)[:2], "another value, and c goes")
        site = test_orchestrator.site_of(environment, folder)
        with Tmux(folder / "tmux") as tmux:
            env = {**site.cli.environment(), "COLORTERM": "truecolor"}
            tmux.start(site.cli.words("run", site.file, "orchestrator-upgrade"), columns=120, rows=40, env=env)
            answers, expected = {"What is to become": "deploy"}, {"expected": "as exp"}
            lead = test_orchestrator.AtOrchestrator(tmux, site="lab", answers=answers, items=expected)
            lead.play(lambda frame: "an item asks" in frame.title, 120)
            time.sleep(READ_S)
            take(tmux, "run-orchestrator-compared-120x40")
            lead.play(lambda frame: frame.title.startswith("Under way") and frame.has("eploy"), 120)
            time.sleep(2 * READ_S)
            take(tmux, "run-orchestrator-120x40")
    finally:
        server.close()


SCENES = {"keys": keys, "argocd": argocd, "clean-up": clean_up, "pods": pods, "slack": slack}
"""What needs nothing but the demo observatory."""

ALONE = {**SCENES, "orchestrator": orchestrator}

"""Sasquatch by keys: its difference is shown and left alone; then it is synced, and Kafka restarts under the grid.

The difference stands on the card before anybody answers, and in the journal with the answer. While Kafka is away the
feeds are down, everything is shown as it was last seen, and no step may go; no CSC is called silent or dead by it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e_run.books import CLOSE
from tests.e2e_run.world import forked_world, journals, known, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.run_driver import CLOSED, READ_S, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(200))]

SCENARIO = """\
name: restarting
about: The branch is merged; whoever syncs sasquatch restarts Kafka.
fleet: startup
timeline:
  - {at: 1, do: merge, tag: c0046}
  - {once: {system: argocd, asked: sync-sasquatch}, fault: {system: broker, name: down}, for: 240}
"""

BOOK = """\
runbook: night
title: sasquatch twice
sites: [summit]
concerns: roster
choices:
  - choice: first
    question: Is the difference that Argo CD shows for sasquatch to be applied now?
    options: [{answer: leave, text: "no, it is left for SQuaRE"}, {answer: sync, text: "yes; Kafka may restart"}]
  - choice: second
    question: And is it to be applied once more looked at?
    options: [{answer: sync, text: "yes; Kafka may restart"}, {answer: leave, text: "no"}]
phases:
  - phase: deploy
    title: deploy
    wanted: startup
    steps:
      - {id: left, title: Look at the difference of sasquatch, kind: action, system: argocd, tier: moderate, link: here,
         asks: [first], when: [{choice: first, answers: [sync]}], ends: it is decided, applications: [sasquatch]}
      - {id: synced, title: Sync sasquatch, kind: action, system: argocd, tier: moderate, link: here, budget: 5m,
         asks: [second], when: [{choice: second, answers: [sync]}], ends: Succeeded, applications: [sasquatch]}
      - {id: watcher, title: Send the Watcher to OFFLINE, kind: action, system: sal, tier: moderate, link: here,
         ends: it is OFFLINE, targets: [Watcher], target: OFFLINE}
"""


@dataclass
class Seen:
    """What stood on the screen, by moment, and the journal."""

    screens: dict[str, str] = field(default_factory=dict)
    journal: Path = Path()
    cards: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("sasquatch")
    cli, seen = CommandLine(folder / "home"), Seen()
    scenario, book = folder / "restarting.yaml", folder / "night.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    book.write_text(BOOK + CLOSE.format(), encoding="utf-8")
    with forked_world(cli, ROOT / "sites/summit.yaml", scenario, folder) as world, Tmux(folder / "tmux") as tmux:
        run = cli.words("run", world.site_file, book, "--cycle", "c0046")
        tmux.start(run, columns=120, rows=40, env=cli.environment())
        known(tmux)
        lead = Lead(tmux)
        for choice, answer in (("first", "leave"), ("second", "sync")):
            frame = lead.until(lambda frame: frame.title.endswith("a question") and frame.has("POST /api"), choice, 30)
            seen.cards[choice] = frame.text
            lead.dialog("d", "The procedure leaves this open")
            lead.choose("The procedure leaves this open", answer)
        lead.until(lambda frame: frame.title == "Your turn" and frame.has("POST /api"), "the sync", 30)
        time.sleep(READ_S)
        lead.send()
        wait_until(lambda: "Kafka is down" in tmux.capture(), 30, "Kafka's loss")
        lead.until(lambda frame: frame.title.startswith("Closed ·"), "a gate that is shut", 30)
        seen.screens["away"] = tmux.capture()
        lead.press("a")
        time.sleep(READ_S)
        seen.screens["refused"] = tmux.capture()
        lead.until(lambda frame: frame.title == "Your turn" and frame.has("a arm"), "Kafka's return", 60)
        seen.screens["back"] = tmux.capture()
        seen.journal = journals(cli)[0]
        lead.play(lambda frame: frame.title == CLOSED, 90)
        yield seen


def test_the_difference_stands_on_the_card_and_with_the_answer_in_the_journal(night: Seen) -> None:
    first, second = records(night.journal, "ChoiceAnswered")
    assert (first["choice"], first["answer"], second["answer"]) == ("first", "leave", "sync")
    for card, record in ((night.cards["first"], first), (night.cards["second"], second)):
        assert "ConfigMap sasquatch-config" in card
        assert "ConfigMap sasquatch-config" in record["about"]


def test_what_was_left_alone_was_not_synced_and_what_was_synced_succeeded(night: Seen) -> None:
    sent = [record["step"] for record in records(night.journal, "RequestIntended") if "/sync" in record["text"]]
    assert sent == ["synced"]
    (end,) = (record for record in records(night.journal, "ItemEnded") if record["step"] == "synced")
    assert end["outcome"] == "reached"


def test_while_kafka_restarts_everything_is_as_last_seen_and_nothing_may_go(night: Seen) -> None:
    assert "Kafka is down" in night.screens["away"]
    assert "─ Closed" in night.screens["refused"], "the key a armed nothing"
    during = [one["step"] for one in records(night.journal, "StepApproved")]
    assert during.index("synced") < during.index("watcher")


def test_no_csc_is_called_silent_or_dead_by_it(night: Seen) -> None:
    for screen in night.screens.values():
        assert "LOST" not in screen
        assert "no heartbeat for" not in screen
    silent = [one for one in records(night.journal, "BeatsChanged") if one["liveness"] == "silent"]
    assert {one["csc"] for one in silent} <= {"Watcher"}, "it alone was sent to OFFLINE"

"""Whether they may, by keys: a sync gate without its notice of 24 hours, with one, and overridden.

The notice is posted on the demo observatory's Slack and read back from there; the coordinator is named in it and in the
header. A message is left scheduled when the terminal goes: nobody waits for it a day long. The day after it is found
again and the gate is open.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from tests.e2e_run.books import CLOSE, HEAD, write_small
from tests.e2e_run.test_slack import do_it, in_channel, reached, scheduled, to_lane
from tests.e2e_run.world import forked_world, journals, known, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.run_driver import READ_S, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

SCENARIO = """\
name: merged
about: The branch is merged.
fleet: startup
timeline:
  - {at: 1, do: merge, tag: c0046}
"""

BOOK = """\
  - phase: deploy
    title: deploy
    wanted: none
    steps:
      - {id: argo-nublado, title: Sync nublado, kind: action, system: argocd, tier: moderate, lane: rsp, link: here,
         ends: Succeeded, applications: [nublado],
         facts: [{fact: practice-notice/nublado, words: notice was posted long enough ago, age: 60s}]}
      - {id: argo-sasquatch, title: Sync sasquatch, kind: action, system: argocd, tier: moderate, lane: efd, link: here,
         ends: Succeeded, applications: [sasquatch],
         facts: [{fact: practice-notice/sasquatch, words: notice was posted long enough ago, age: 60s}]}
      - {id: notice, title: Give notice, kind: action, system: slack, tier: mild, lane: notice, link: here,
         ends: the message is seen in the channel, records: the message's link, channel: square,
         text: "nublado is upgraded to <cycle>. Questions go to <coordinator>, who coordinates."}
      - {id: later, title: Announce the other one, kind: action, system: slack, tier: mild, lane: later, link: here,
         ends: the message is seen in the channel, records: the message's link, channel: announce, ahead: hour before,
         text: "In one hour, at <start>, the other upgrade begins."}
"""

PRACTICES = {
    "environment": "Prod",
    "applications": {"nublado": "rsp-science", "sasquatch": "rsp-science"},
    "notice": ["notice"],
}
REASON = "the release manager agreed on the phone"


@dataclass
class Night:
    """What was seen on the screen, and what stands in the journal, the channels and the report at the end."""

    seen: dict[str, str] = field(default_factory=dict)
    journal: Path = Path()
    texts: list[str] = field(default_factory=list)
    report: str = ""


def site_file(folder: Path) -> Path:
    """Write a small site whose applications are deployed as those of the Science Platform are."""
    path = write_small(folder)
    document = yaml.safe_load(path.read_text("utf-8"))
    document["systems"]["slack"]["square"] = "#rsp-team"
    document["systems"]["practices"] = PRACTICES
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def _fire(lead: Lead) -> None:
    """Let go what is armed, once it can have been read."""
    lead.until(lambda frame: frame.title.startswith("Armed"), "the arm")
    time.sleep(READ_S)
    lead.press("Enter")


def _today(lead: Lead, cli: CommandLine, night: Night) -> None:
    """See the gate shut, give notice, see it shut still, override one, schedule a message, lose the terminal."""
    seen = night.seen
    lead.until(
        lambda frame: frame.title.startswith("Closed ·") and frame.has("no notice in #rsp-team"), "the shut gate", 40
    )
    seen["missing"] = lead.see().text
    to_lane(lead, "3", "Give notice")
    lead.until(lambda frame: frame.has("blocked: it waits for <coordinator>"), "what it waits for")
    lead.dialog("f", "Set placeholders")
    lead.fill("Set placeholders", "@ana")
    do_it(lead, "chat.postMessage #rsp-team")
    wait_until(lambda: reached(cli, "notice"), 30, "the notice")
    wait_until(lambda: "coordinator @ana" in lead.tmux.capture(), 20, "the coordinator in the header")
    to_lane(lead, "1", "Sync nublado")
    early = lead.until(
        lambda frame: frame.title.startswith("Closed ·") and frame.has("long enough ago from"), "too early"
    )
    seen["early"], seen["header"] = early.text, "\n".join(lead.tmux.capture().splitlines()[:2])
    to_lane(lead, "2", "Sync sasquatch")
    lead.until(lambda frame: frame.has("long enough ago from"), "the other gate")
    lead.dialog("O", "Override the gate")
    lead.fill("Override the gate", REASON)
    _fire(lead)
    wait_until(lambda: reached(cli, "argo-sasquatch"), 60, "the sync that was overridden")
    to_lane(lead, "4", "Announce the other one")
    start = datetime.now(ZoneInfo("America/Santiago")) + timedelta(days=3)
    lead.dialog("f", "Set placeholders")
    words = {"date": f"{start:%Y-%m-%d}", "start": f"{start:%H:%M}"}
    asked = [line.split()[0] for line in lead.see().body if line.split()[:1] in (["date"], ["start"])]
    lead.fill("Set placeholders", *(words[word] for word in asked))
    do_it(lead, "chat.scheduleMessage #there")
    wait_until(lambda: scheduled(cli, "later"), 30, "the scheduled message")


def _alone(tmux: Tmux, cli: CommandLine) -> None:
    """Kill the terminal and wait until the run's process has gone by itself."""
    holder = json.loads((journals(cli)[0].parent / "lock").read_text(encoding="utf-8"))["pid"]
    os.kill(int(tmux._tmux("display-message", "-p", "#{pid}")), signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{holder}").exists(), 30, "the end of the run's process")


def _facts(journal: Path) -> list[tuple[bool, str]]:
    """Return how the notice of nublado stood, in order."""
    facts = [one["fact"] for one in records(journal, "FactNoted")]
    return [(one["ok"], one["value"]) for one in facts if one["name"] == "practice-notice/nublado"]


def _next_day(lead: Lead, journal: Path) -> None:
    """See that the gate is open, and that the message is found again."""
    wait_until(lambda: (True, "posted") in _facts(journal), 40, "the notice of a day ago")
    to_lane(lead, "1", "Sync nublado")
    lead.until(lambda frame: frame.title == "Your turn" and frame.has("a arm"), "the open gate", 40)
    again = lambda: len([one for one in records(journal, "ItemsDispatched") if one["step"] == "later"]) == 2  # noqa: E731
    wait_until(again, 60, "the message, followed again")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """One run by keys, left alone with a scheduled message and taken up a day later, and its report."""
    folder = tmp_path_factory.mktemp("practices")
    cli, found = CommandLine(folder / "home"), Night()
    scenario, book = folder / "merged.yaml", folder / "night.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    book.write_text(HEAD.format(site="hill") + BOOK + CLOSE.format(), encoding="utf-8")
    env = cli.environment({"PYTHONPATH": str(ROOT)})
    with forked_world(cli, site_file(folder), scenario, folder) as hill:
        with Tmux(folder / "first") as tmux:
            tmux.start(cli.words("run", hill.site_file, book, "--cycle", "c0046"), columns=120, rows=40, env=env)
            known(tmux)
            _today(Lead(tmux, site="hill"), cli, found)
            _alone(tmux, cli)
        with Tmux(folder / "second") as tmux:
            tmux.start([sys.executable, "-m", "tests.support.next_day", "resume"], columns=120, rows=40, env=env)
            known(tmux)
            _next_day(Lead(tmux, site="hill"), journals(cli)[0])
        (found.journal,) = journals(cli)
        found.texts = in_channel(hill.site_file, "C90000001")
        report = cli.run("report", found.journal.parent)
        assert report.code == 0, report.err
        found.report = report.out
        yield found


def test_the_gate_is_closed_without_its_notice_and_for_24_hours_after_it_then_open(night: Night) -> None:
    assert "waits for no notice in #rsp-team" in night.seen["missing"]
    assert "long enough ago from" in night.seen["early"]
    assert _facts(night.journal) == [(False, "missing"), (False, "early"), (True, "posted")]
    _, _, told = night.report.partition("## Facts that gates asked for")
    rows = [line for line in told.splitlines() if "argo-nublado" in line]
    assert [row.split("|")[4].strip() for row in rows[:3]] == ["closed", "closed", "opened"]
    assert "no notice in #rsp-team; it is to be posted 24 h before" in rows[0]


def test_an_override_stands_with_its_reason_in_the_report(night: Night) -> None:
    (approval,) = (one for one in records(night.journal, "StepApproved") if one["step"] == "argo-sasquatch")
    assert (approval["overridden"], approval["reason"]) == (["notice was posted long enough ago"], REASON)
    assert f"overriding: notice was posted long enough ago ({REASON})" in night.report


def test_the_coordinator_is_in_the_notice_and_in_the_header(night: Night) -> None:
    assert night.texts == ["nublado is upgraded to c0046. Questions go to @ana, who coordinates."]
    assert "coordinator @ana" in night.seen["header"]


def test_nobody_waits_a_day_for_a_scheduled_message_and_it_is_found_again(night: Night) -> None:
    first = next(one for one in records(night.journal, "ItemEnded") if one["step"] == "later")
    assert first["outcome"] == "unknown"
    assert "nobody looks any more, and Slack sends it by itself at" in first["why"]

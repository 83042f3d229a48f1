"""Messages by keys: previewed, edited, posted; scheduled, held, left and cancelled; found after a kill."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from deploydash.demo.fakes.slack import TOKEN
from tests.e2e_run.books import CLOSE, HEAD, write_small
from tests.e2e_run.killing import FAST
from tests.e2e_run.world import forked_world, journals, known, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, READ_S, Frame, Lead

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(240))]

REAL_LOOKING = "xoxb-2222222222-3333333333-nobodysatall"

MESSAGES = """\
  - phase: prepare
    title: prepare
    wanted: none
    steps:
      - {id: announce-day, title: Announce it the day before, kind: action, system: slack, tier: mild, lane: day,
         ends: the message is seen in the channel, records: the message's link, channel: announce, ahead: hour before,
         text: "From <start> the upgrade to <cycle>.", link: here}
      - {id: announce-hour, title: Announce it an hour before, kind: action, system: slack, tier: mild, lane: hour,
         ends: the message is seen in the channel, records: the message's link, channel: announce, ahead: hour before,
         text: "In one hour, at <start>, the upgrade begins. {slack.request}", link: here}
      - {id: announce, title: Announce the page, kind: action, system: slack, tier: mild,
         ends: the message is seen in the channel, records: the message's link, fills: permalink, channel: announce,
         text: "The page of <cycle>: see \\"versions\\".", link: here}
      - {id: killed, title: Tell all that it begins, kind: action, system: slack, tier: mild,
         ends: the message is seen in the channel, records: the message's link, channel: announce,
         text: "It begins now.", link: here}
"""

LATE = "timeline:\n  - {at: 0, once: {system: slack, asked: unschedule}, fault: {system: slack, name: answer-late}}\n"


@dataclass
class Told:
    """What was seen on the screen, and what stands in the journal and in the channel at the end."""

    seen: dict[str, str] = field(default_factory=dict)
    journal: Path = Path()
    texts: list[str] = field(default_factory=list)
    log: str = ""


def in_channel(site: Path, channel: str = "C90000000") -> list[str]:
    """Return what stands in the channel of the demo observatory's Slack, the oldest first."""
    url = yaml.safe_load(site.read_text("utf-8"))["systems"]["slack"]["url"]
    query = urllib.parse.urlencode({"channel": channel})
    asked = urllib.request.Request(f"{url}/conversations.history?{query}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(asked, timeout=20) as answer:
        told: dict[str, Any] = json.load(answer)
    return [message["text"] for message in reversed(told["messages"])]


def to_lane(lead: Lead, number: str, title: str) -> None:
    """Put the card of a lane on top: once more where the screen still had the step before it when the key came."""
    asked: list[float] = []

    def shown(frame: Frame) -> bool:
        if not frame.has(title) and (not asked or time.monotonic() > asked[-1] + patient(2)):
            lead.press(number)
            asked.append(time.monotonic())
        return frame.has(title)

    lead.until(shown, f"the card {title!r}")
    time.sleep(READ_S)


def do_it(lead: Lead, shown: str) -> None:
    """Wait for what would be sent and let it go by one key."""
    lead.until(lambda frame: frame.title.startswith("Your turn") and frame.has(shown), shown)
    time.sleep(READ_S)
    lead.press("Enter")


def scheduled(cli: CommandLine, step: str) -> bool:
    """Say whether a message is seen as scheduled."""
    (journal,) = journals(cli)
    return any(each["step"] == step and each["state"] == "scheduled" for each in records(journal, "ItemProgressed"))


def reached(cli: CommandLine, step: str) -> bool:
    """Say whether a message was seen in its channel."""
    (journal,) = journals(cli)
    return any(each["step"] == step and each["outcome"] == "reached" for each in records(journal, "ItemEnded"))


def _first(lead: Lead, cli: CommandLine, site: Path, told: Told) -> None:
    """Schedule two, post one that was edited, hold, leave one and cancel one, then send one and die."""
    seen = told.seen
    start = datetime.now(ZoneInfo("America/Santiago")) + timedelta(seconds=3600 + 1200)
    to_lane(lead, "1", "the day before")
    lead.until(lambda frame: frame.has("blocked: it waits for <start>, <date>"), "what it waits for")
    lead.dialog("f", "Set placeholders")
    words = {"date": f"{start:%Y-%m-%d}", "start": f"{start:%H:%M}"}
    asked = [line.split()[0] for line in lead.see().body if line.split()[:1] in (["date"], ["start"])]
    lead.fill("Set placeholders", *(words[word] for word in asked))
    do_it(lead, "chat.scheduleMessage #there")
    wait_until(lambda: scheduled(cli, "announce-day"), 30, "the first scheduled message")
    to_lane(lead, "2", "an hour before")
    do_it(lead, "chat.scheduleMessage #there")
    wait_until(lambda: scheduled(cli, "announce-hour"), 30, "the second scheduled message")
    lead.press("H")
    for number, answer in enumerate(("cancel", "leave")):
        lead.until(lambda frame: frame.title.startswith("HOLD") and frame.has("The run is held. What of"), "a question")
        seen[f"held {number}"] = lead.see().text
        lead.dialog("d", "An item asks")
        lead.choose("An item asks", answer)
    lead.until(lambda frame: frame.title.startswith("HOLD") and not frame.has("What of"), "both answers")
    lead.dialog("R", "Release")
    lead.send()
    to_lane(lead, "3", "Announce the page")
    lead.until(lambda frame: frame.has("chat.postMessage #there"), "the preview")
    time.sleep(READ_S)
    lead.press("M")
    lead.tmux.wait_for("Text of the message to #there")  # type: ignore[attr-defined]
    lead.tmux.type_text(" <b> & \U0001f52d")
    lead.tmux.send_keys("Enter")
    lead.tmux.type_text("*Please* read it.")
    lead.tmux.send_keys("C-s")
    edited = lambda frame: frame.has('"versions". <b> &') and frame.has("*Please* read it.")  # noqa: E731
    seen["edited"] = lead.until(edited, "the edited preview").text
    time.sleep(2.5)  # the plan is read anew every 2 s
    do_it(lead, "*Please* read it.")
    wait_until(lambda: reached(cli, "announce"), 30, "its end, for which the channel is asked: no answer comes")
    to_lane(lead, "3", "Tell all that it begins")
    do_it(lead, "It begins now.")
    wait_until(lambda: "It begins now." in in_channel(site), 20, "the message in the channel")
    holder = json.loads((journals(cli)[0].parent / "lock").read_text(encoding="utf-8"))
    os.kill(holder["pid"], signal.SIGKILL)


def _decide(lead: Lead, frame: Frame) -> None:
    """Sign off what was cancelled: somebody told them otherwise."""
    assert frame.has("cancelled by the lead"), frame.text
    lead.dialog("d", "Sign off")
    lead.fill("Sign off", "Ana", "https://example.org/by-mail")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """One run by keys, killed between a message and its answer, and resumed to its end."""
    folder = tmp_path_factory.mktemp("slack")
    cli, found = CommandLine(folder / "home"), Told()
    scenario, book = folder / "late.yaml", folder / "night.yaml"
    scenario.write_text(FAST + LATE, encoding="utf-8")
    book.write_text(HEAD.format(site="hill") + MESSAGES + CLOSE.format(), encoding="utf-8")
    nowhere = "http://127.0.0.1:9"
    env = cli.environment({"SLACK_BOT_TOKEN": REAL_LOOKING, "HTTPS_PROXY": nowhere, "HTTP_PROXY": nowhere})
    with forked_world(cli, write_small(folder), scenario, folder) as hill:
        with Tmux(folder / "first") as tmux:
            tmux.start(cli.words("run", hill.site_file, book, "--cycle", "c0045"), columns=120, rows=40, env=env)
            known(tmux)
            _first(Lead(tmux, site="hill"), cli, hill.site_file, found)
            assert tmux.wait_exit() == 128 + signal.SIGKILL
        with Tmux(folder / "second") as tmux:
            tmux.start(cli.words("resume"), columns=120, rows=40, env=env)
            known(tmux)
            lead = Lead(tmux, site="hill", failures=_decide)
            lead.play(lambda frame: frame.title == CLOSED, 120)
            found.seen["end"] = tmux.capture()
        (found.journal,) = journals(cli)
        found.texts = in_channel(hill.site_file)
        found.log = "".join(path.read_text("utf-8") for path in cli.home.rglob("*.log"))
    return found


def test_a_message_arrives_as_it_was_edited_and_its_link_is_in_the_journal(told: Told) -> None:
    posted = 'The page of c0045: see "versions". &lt;b&gt; &amp; :telescope:\n*Please* read it.'
    assert told.texts.count(posted) == 1
    ends = {each["step"]: each for each in records(told.journal, "ItemEnded") if each["outcome"] == "reached"}
    values = dict(ends["announce"]["values"])
    assert values["permalink"].startswith("https://demo.slack.com/archives/C90000000/p")
    (edit,) = records(told.journal, "TextEdited")
    assert (edit["step"], edit["text"].splitlines()[1]) == ("announce", "*Please* read it.")


def test_a_hold_asks_what_becomes_of_each_scheduled_message(told: Told) -> None:
    answers = [(each["step"], each["answer"]) for each in records(told.journal, "QuestionAnswered")]
    assert answers == [("announce-day", "cancel"), ("announce-hour", "leave")]
    ends = [(each["step"], each["outcome"], each["why"]) for each in records(told.journal, "ItemEnded")]
    assert ("announce-day", "failed", "cancelled by the lead") in ends
    assert any(text.startswith("In one hour, at ") for text in told.texts)
    assert not any(text.startswith("From ") for text in told.texts)


def test_what_was_sent_before_the_kill_is_found_and_never_sent_again(told: Told) -> None:
    assert told.texts.count("It begins now.") == 1
    intents = [each for each in records(told.journal, "RequestIntended") if each["step"] == "killed"]
    assert len(intents) == 1
    (end,) = [each for each in records(told.journal, "ItemEnded") if each["step"] == "killed"]
    assert end["outcome"] == "reached"
    assert "permalink" in dict(end["values"])


def test_no_token_is_told_anywhere_and_the_users_own_is_never_used(told: Told) -> None:
    written = told.journal.read_text("utf-8") + told.log + "".join(told.seen.values())
    assert REAL_LOOKING not in written
    assert TOKEN not in written

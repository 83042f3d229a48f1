"""Commands by hand, by keys in a terminal: a FAULT is cleared on the wait's board, and a configuration overridden."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from deploydash.core.procedure.names import DIRECT
from tests.e2e_run.books import CLOSE, WAIT, write_book
from tests.e2e_run.world import journals, open_run, records, world
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine
from tests.support.run_driver import EVERYONE, READ_S, WAITING, Frame, Lead

NIGHT = """\
name: fault
about: MTDome is in FAULT with a code.
fleet: startup
cscs:
  - {csc: MTDome, state: FAULT, code: 101, report: "shutter drive: encoder lost"}
"""


COMMANDS = ("start", "enable", "disable", "standby", "exitControl")


def send(lead: Lead, command: str, *typed: str) -> Frame:
    """Open the dialog on the CSC under the cursor, take a command, arm and send it, and wait for its end."""
    lead.dialog("C", "Direct command")
    lead.until(lambda frame: frame.has("nothing: close"), "what may be commanded")
    time.sleep(READ_S)
    # Each command has its place in the list, whether or not it may be sent now.
    place = 2 + COMMANDS.index(command)
    lead.press(*["Down"] * (place - 1))
    at = f"▸ {place} {command} "
    lead.until(lambda frame: any(line.startswith(at) for line in frame.body), f"the cursor on {command}")
    lead.press("Enter")
    if command == "start":
        lead.until(lambda frame: frame.title.startswith("Direct command: start"), "the override's dialog")
        time.sleep(READ_S)
        lead.fill("Direct command: start", *typed)
    lead.until(lambda frame: frame.has("Nothing is sent yet."), "the exact command")
    time.sleep(READ_S)
    lead.press("a")
    lead.until(lambda frame: frame.title.startswith("Direct command armed"), "the arm")
    time.sleep(0.8)
    lead.press("Enter")
    done = lead.until(lambda frame: frame.has("direct command") and frame.has(": done"), "its end", 30)
    lead.press("Escape")
    lead.until(lambda frame: not frame.title.startswith("Direct command"), "the dialog's end")
    return done


@pytest.mark.server
@pytest.mark.timeout(patient(240))
def test_a_fault_is_cleared_on_the_board_and_the_csc_started_with_an_override(
    tmp_path: Path, cli: CommandLine, tmux: Tmux
) -> None:
    scenario = tmp_path / "fault.yaml"
    scenario.write_text(NIGHT, encoding="utf-8")
    book = write_book(tmp_path, WAIT, CLOSE, limit="600s")
    with world(cli, "--scenario", str(scenario), "--speed", "20") as observatory:
        open_run(tmux, cli, observatory.site_file, book)
        lead = Lead(tmux)
        lead.play(lambda frame: frame.title == WAITING and frame.has("MTDome"), 60)
        cleared = send(lead, "standby")
        assert cleared.has("direct command standby of MTDome: done, seen STANDBY")
        lead.until(lambda frame: frame.title == EVERYONE, "MTDome has come", 30)
        lead.press("Escape")
        tmux.wait_for("Debts and progress")
        lead.press("/")
        tmux.wait_for("name, group, state")
        tmux.type_text("MTDome")
        lead.press("Enter")
        tmux.wait_for("match 'MTDome'")
        started = send(lead, "start", "night.yaml")
        assert started.has("direct command start of MTDome, with night.yaml: done, seen DISABLED")
        tmux.wait_for("direct command done")
        (sent,) = [each for each in observatory.commands().commands if each.name == "start"]
        assert sent.fields["configurationOverride"] == "night.yaml"
        (journal,) = journals(cli)
    told = records(journal, "ItemAdded", "RequestIntended", "ItemEnded")
    assert [record["kind"] for record in told] == ["ItemAdded", "RequestIntended", "ItemEnded"] * 2
    assert {record["step"] for record in told} == {DIRECT}
    specs = [json.loads(each["item"]["spec"]) for each in told[::3]]
    assert [(spec["command"], spec["override"]) for spec in specs] == [("standby", ""), ("start", "night.yaml")]
    assert [each["seen"] for each in told[::3]] == ["FAULT", "STANDBY"]
    assert {record["outcome"] for record in told[2::3]} == {"reached"}
    report = cli.run("report", journal.parent.name)
    assert "approved the direct command start of MTDome, with night.yaml, seen STANDBY" in report.out

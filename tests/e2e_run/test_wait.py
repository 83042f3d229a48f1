"""A wait with three CSCs that do not come, killed midway, resumed, extended, waived, to the words for the channel."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.e2e_run.books import CLOSE, WAIT, write_book
from tests.e2e_run.world import journals, known, open_run, records, world
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, EVERYONE, OVER, READ_S, WAITING, Lead, front

NIGHT = """\
name: broken
about: CBP never beats, MTDome is in FAULT with a code, DREAM starts again and again and comes to stay after a while.
fleet: startup
cscs:
  - {csc: CBP, life: never}
  - {csc: MTDome, state: FAULT, code: 101, report: "shutter drive: encoder lost"}
timeline:
  - {at: 20, do: restart, csc: DREAM, state: ENABLED, every: 120, times: 12}
  - {at: 1700, do: restart, csc: DREAM, state: STANDBY}
"""


LIMIT_S = 45

BROKEN = ("CBP", "MTDome", "DREAM")


@pytest.mark.server
@pytest.mark.timeout(patient(300))
def test_a_wait_survives_a_kill_and_ends_by_extending_and_waiving(tmp_path: Path, cli: CommandLine, tmux: Tmux) -> None:
    scenario = tmp_path / "broken.yaml"
    scenario.write_text(NIGHT, encoding="utf-8")
    book = write_book(tmp_path, WAIT, CLOSE, limit=f"{LIMIT_S}s")
    with world(cli, "--scenario", str(scenario), "--speed", "20") as observatory:
        open_run(tmux, cli, observatory.site_file, book)
        Lead(tmux).play(lambda frame: frame.title == WAITING, 30)
        (journal,) = journals(cli)
        begun = records(journal, "StepApproved")[-1]
        assert begun["step"] == "standby"
        wait_until(lambda: _shows(tmux, "CBP", "unseen"), 10, "CBP on the board")
        assert _shows(tmux, "MTDome", "code 101", "shutter drive: encoder lost")
        wait_until(lambda: _shows(tmux, "DREAM", "restarted"), 30, "the restarts of DREAM")
        wait_until(lambda: time.time() > begun["utc"] + 12, 15, "some of the limit is over")
        killed = time.time()
        os.kill(json.loads((journal.parent / "lock").read_text(encoding="utf-8"))["pid"], signal.SIGKILL)
        assert tmux.wait_exit() == 128 + signal.SIGKILL
        with Tmux(tmp_path / "second") as again, Tmux(tmp_path / "observer") as observer:
            again.start(cli.words("resume"), env=cli.environment())
            known(again)
            observer.start(cli.words("observe", journal.parent.name), env=cli.environment())
            lead = Lead(again)
            lead.until(lambda frame: frame.title in {WAITING, OVER}, "the wait goes on", 30)
            _observer_sees_the_same_and_cannot_act(observer, again, journal)
            lead.until(lambda frame: frame.title == OVER, "the limit", 60)
            assert time.time() < killed + LIMIT_S, "the resume did not begin the wait anew"
            assert len(records(journal, "StepDone")) == 1
            lead.press("e")
            lead.until(lambda frame: frame.title == WAITING, "ten minutes more")
            for csc in ("CBP", "MTDome"):
                _cursor_to(lead, csc)
                lead.waive(f"{csc}: its owner knows")
            both = (again, observer)

            def seen() -> set[str]:
                return {front(each.capture()).title for each in both}

            try:
                wait_until(lambda: seen() == {EVERYONE}, 90, "DREAM comes to stay, for the lead and the observer")
            except AssertionError as error:
                raise AssertionError("\n".join([str(error), *(each.capture() for each in both)])) from None
            assert "waived" in observer.capture()
            card = lead.play(lambda frame: frame.title.startswith("Your turn · manual"), 20)
            assert all(csc in card.text for csc in ("CBP", "MTDome")), card.text
            lead.play(lambda frame: frame.title == CLOSED, 60)
        _the_next_night_has_learned(tmp_path, cli, observatory.site_file, book)
    told = records(journal)
    assert [record["cscs"] for record in told if record["kind"] == "CscsWaived"] == [["CBP"], ["MTDome"]]
    assert [record["seconds"] for record in told if record["kind"] == "WaitExtended"] == [600.0]
    assert records(journal, "RequestIntended") == []
    standby = [record for record in told if record.get("step") == "standby" and record["kind"] == "StepApproved"]
    assert standby == [begun]
    report = cli.run("report", journal.parent.name)
    assert report.code == 0, report.err
    notice = report.out.rpartition("```\n")[0].rpartition("```\n")[2]
    assert notice.splitlines() == [
        "REHEARSAL, nothing of this is real",
        "summit c0045: left in non-working order after the deployment:",
        "• CBP: CBP: its owner knows",
        "• MTDome: MTDome: its owner knows",
    ]


def _the_next_night_has_learned(folder: Path, cli: CommandLine, site_file: Path, book: Path) -> None:
    with Tmux(folder / "next") as tmux:
        open_run(tmux, cli, site_file, book)
        Lead(tmux).play(lambda frame: frame.title == WAITING, 30)
        tmux.wait_for("from 1 earlier run; nothing known of", 10)


def _shows(tmux: Tmux, csc: str, *words: str) -> bool:
    lines = [line for line in tmux.capture().splitlines() if csc in line and line.startswith("│")]
    return any(all(word in line for word in words) for line in lines)


def _cursor_to(lead: Lead, csc: str) -> None:
    """Go down the board from its top until the keys speak of this CSC."""
    keys = ["g", *["Down"] * 5]
    while f"waive {csc}" not in lead.tmux.capture():
        assert keys, f"no way to {csc}\n{lead.tmux.capture()}"
        lead.press(keys.pop(0))
        time.sleep(READ_S)


def _board(tmux: Tmux) -> set[str]:
    """Return who is on the board of stragglers with the reason, without ages and what the keys speak of."""
    lines = [line for line in tmux.capture().splitlines() if line.startswith("│") and "w waive" not in line]
    return {re.sub(r"[\d:]+ ?s?|[▸│]|\s+", "", line) for line in lines if any(csc in line for csc in BROKEN)}


def _observer_sees_the_same_and_cannot_act(observer: Tmux, lead: Tmux, journal: Path) -> None:
    wait_until(lambda: front(observer.capture()).title in {WAITING, OVER}, 30, "the observer sees the wait")
    wait_until(lambda: _shows(observer, "CBP", "unseen"), 20, "CBP on the observer's board")
    wait_until(lambda: _shows(observer, "MTDome", "shutter drive: encoder lost"), 5, "MTDome there with its error")
    boards: list[set[str]] = []

    def same() -> bool:
        boards[:] = [_board(observer), _board(lead)]
        return boards[0] == boards[1] != set()

    try:
        wait_until(same, 20, "the observer's board is the lead's")
    except AssertionError as error:
        raise AssertionError(f"{error}: {boards}") from None
    deciding = ("CscsWaived", "WaitExtended", "StepApproved", "StepDone", "StepSkipped", "RunHeld", "ItemSignedOff")
    before = len(records(journal, *deciding))
    for key in ("e", "a", "d", "s", "r", "w"):
        observer.send_keys(key)
    observer.wait_for("you observe", 10)
    assert len(records(journal, *deciding)) == before

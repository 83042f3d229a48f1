"""Whatever CSCs of a real Kafka, a journal or the environment say, a terminal gets letters and our own sequences."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploydash.core.fleet.records import CommandNoticed, ErrorRecorded
from deploydash.core.model import CscId, SummaryState
from deploydash.core.run.records import CscsWaived, NoteWritten, RunOpened
from deploydash.journal.runs import CODEC, JOURNAL
from deploydash.journal.write import JournalWriter
from tests.e2e.sites import small_site
from tests.e2e_run.books import CLOSE, SYSTEMS, WAIT, write_book
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine
from tests.support.poison import ESCAPES, WIDE
from tests.support.pty_screen import PtyScreen
from tests.support.site_files import write_site
from tests.support.steering import SCREEN, foreign, steering

pytestmark = [pytest.mark.server, pytest.mark.timeout(patient(120))]

DOME = CscId.parse("ATDome")
REPORT = f"door \x1b[2J\x1b[H\x1b]0;TITLE\x07 \x9b31m \u202e \x1b]52;c;ZXZpbA==\x07 {WIDE}"
"""SAL strings are UTF-8: lone surrogates cannot come this way."""


def show(cli: CommandLine, *words: object, env: Mapping[str, str] | None = None) -> PtyScreen:
    usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})}
    return PtyScreen(list(cli.words(*words)), width=120, height=40, environ=cli.environment(usual))


@pytest.fixture
def site(tmp_path: Path, kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> Iterator[Path]:
    """A site of one CSC in FAULT, every text of which is hostile."""
    writer = SalWriter(kafka.topics, schema_registry, subname)
    with Beater(writer, [DOME]) as beater:
        how = {"origin": beater.origin(DOME)}
        writer.tell_error(DOME, 7, REPORT, **how)
        writer.tell_state(DOME, SummaryState.FAULT, **how)
        writer.tell_versions(DOME, REPORT, REPORT, **how)
        writer.tell_overrides(DOME, REPORT, **how)
        writer.tell_configuration(DOME, REPORT, REPORT, **how)
        writer.tell_log(DOME, 40, REPORT, **how)
        limits = {"late": 5, "silent": 10}
        yield small_site(tmp_path, kafka, schema_registry, subname, [str(DOME)], limits=limits, systems=SYSTEMS)


def test_the_detail_page_of_a_hostile_csc_stands_and_the_terminal_gets_nothing_of_it(
    cli: CommandLine, site: Path
) -> None:
    with show(cli, "watch", site) as screen:
        screen.read_until("F!")
        screen.type("n\r")
        screen.read_until("Software and configuration")
        screen.read_until("LAST WORDS")
        screen.read_for(1.5)
        screen.type("q")
        assert foreign(screen.written) == []
        assert "␛[2J␛[H␛]0;TITLE␇" in screen.written.decode()
        screen.type("q")
        assert screen.wait() == 0
        assert foreign(screen.written) == []


def test_status_prints_a_hostile_csc_in_letters_on_a_terminal_and_into_a_pipe(cli: CommandLine, site: Path) -> None:
    with show(cli, "status", site) as screen:
        assert screen.wait(30) == 1
        assert foreign(screen.written) == []
        text = re.sub(r"\x1b\[[0-9;]*m|\s", "", screen.written.decode())
        assert "LASTWORDS" in text
    ran = cli.run("status", site)
    assert ran.code == 1
    assert steering(ran.out + ran.err) == []
    document = cli.run("status", site, "--json").out
    assert document.isascii()
    assert steering(document) == []
    assert json.loads(document)["cscs"][0]["effective"] == "FAULT"


def hostile_run(cli: CommandLine, site: Path, book: Path) -> str:
    """Leave a run behind in which a foreign identity, an operator, a note and an error are hostile."""
    name, at = "hill-c0045-a", time.time() - 3.0
    with JournalWriter(cli.state / "runs" / name / JOURNAL, CODEC) as journal:
        journal.open()
        opened = RunOpened(name, "hill", "night", "c0045", f"ops{ESCAPES}", False, str(site), str(book))
        journal.append(opened, at)
        journal.append(ErrorRecorded(DOME, 7, ESCAPES, at, True, 1.0), at + 0.1)
        journal.append(CommandNoticed(DOME, f"evil{ESCAPES}", ESCAPES, 1.2), at + 0.2)
        journal.append(NoteWritten(ESCAPES, ESCAPES), at + 0.3)
        journal.append(CscsWaived((DOME,), ESCAPES, ESCAPES), at + 0.4)
    return name


@pytest.mark.parametrize("command", ["observe", "replay"])
def test_a_hostile_journal_is_observed_and_replayed_in_letters(cli: CommandLine, tmp_path: Path, command: str) -> None:
    site = write_site(tmp_path, "127.0.0.1:2", [str(DOME)], systems=SYSTEMS)
    name = hostile_run(cli, site, write_book(tmp_path, WAIT, CLOSE, site="hill"))
    with show(cli, command, name) as screen:
        screen.read_until("evil␛[2J")
        for key in ("?", "\x1b", "t", "\x1b"):
            screen.type(key)
            screen.read_for(1.0)
        screen.type("q")
        assert screen.wait() == 0
        written = SCREEN.sub("", screen.written.decode())
        assert written.count("\x07") < 5, "a bell for what needs the lead, none for each that the journal holds"
        assert foreign(written.replace("\x07", "").encode()) == []


@pytest.mark.parametrize("name", ["op\udce9r", "a\x1b]0;TITLE\x07b"])
def test_a_user_whose_name_is_no_utf8_or_steers_opens_a_run_in_a_folder_that_is_no_utf8(
    cli: CommandLine, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "caf\udce9"
    site = write_site(folder, "127.0.0.1:2", [str(DOME)], systems=SYSTEMS)
    book = write_book(folder, WAIT, CLOSE, site="hill")
    account = {"USER": name, "LOGNAME": name}
    with show(cli, "run", site, book, "--cycle", "c0045", env=account) as screen:
        screen.read_until("lead ")
        screen.read_for(1.0)
        screen.type("\x03")
        assert screen.wait() == 130
        assert b"TITLE\x07" not in screen.written
        assert "‹0xE9›".encode() in screen.written or "␛]0;TITLE␇".encode() in screen.written
    [run] = (cli.state / "runs").iterdir()
    assert cli.run("runs", env=account).out.startswith(run.name)
    with show(cli, "resume", run.name, env=account) as screen:
        screen.read_until("lead ")
        screen.type("\x03")
        assert screen.wait() == 130
        assert b"fault of its own" not in screen.written


def test_a_run_for_which_there_is_no_room_says_so_and_leaves_no_folder(cli: CommandLine, tmp_path: Path) -> None:
    site = write_site(tmp_path, "127.0.0.1:2", [str(DOME)], systems=SYSTEMS)
    book = write_book(tmp_path, WAIT, CLOSE, site="hill")
    (cli.state / "runs").mkdir(parents=True)
    words = shlex.join(cli.words("run", str(site), str(book), "--cycle", "c0045"))
    # No file may grow: as on a full disk every write fails, for this process alone.
    command = ["sh", "-c", f"ulimit -f 0; exec {words}"]
    with PtyScreen(command, width=120, height=40, environ=cli.environment({"TERM": "xterm-256color"})) as screen:
        assert screen.wait(30) == 2
        assert b"cannot be written" in screen.written
        assert b"is open" not in screen.written
    assert list((cli.state / "runs").iterdir()) == []
    assert cli.run("runs").out == ""

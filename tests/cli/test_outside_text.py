"""What a command prints, logs and writes down holds no byte that steers a terminal and fails on no byte at all."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.cli import streams
from deploydash.cli.places import log_to_file
from deploydash.core.model import CscId
from deploydash.core.procedure.names import StepId
from deploydash.core.run.records import CscsWaived, NoteWritten, RunOpened, StepSkipped
from deploydash.journal.runs import CODEC, JOURNAL, known_runs, read_run
from deploydash.journal.write import JournalNotWritten, JournalWriter
from deploydash.user import operator, user_name
from tests.support.command_line import ROOT, CommandLine
from tests.support.poison import ESCAPES
from tests.support.pty_screen import PtyScreen
from tests.support.steering import steering

AT = 1_795_208_652.0
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
BYTES_IN_NAME = "op\udce9r"


def printed(text: str, encoding: str, errors: str = "strict") -> bytes:
    raw = io.BytesIO()
    out = streams._Visible(io.BufferedWriter(raw), encoding=encoding, errors=streams.forgiving(errors))
    print(text, file=out, flush=True)
    return raw.getvalue()


@given(ANY_TEXT, st.sampled_from(["utf-8", "ascii", "latin-1", "euc-jp"]))
def test_no_text_reaches_a_standard_stream_as_control_or_fails_to_be_written(text: str, encoding: str) -> None:
    shown = printed(text, encoding).decode(encoding)
    assert steering(shown) == []


def test_colours_of_our_own_go_through_while_we_draw() -> None:
    ran = PtyScreen(
        [sys.executable, "-c", "from deploydash.cli import main; main()", "--help"],
        width=100,
        height=40,
        environ={**os.environ, "TERM": "xterm-256color"},
    )
    with ran as screen:
        assert b"\x1b[" in screen.read_until("Usage")


def hostile_run(state: Path, text: str = ESCAPES) -> Path:
    """Leave a run behind in whose journal every text says something hostile."""
    folder = state / "runs" / "summit-c0045-a"
    with JournalWriter(folder / JOURNAL, CODEC) as journal:
        journal.open()
        site = str(ROOT / "sites/summit.yaml")
        journal.append(
            RunOpened(
                "summit-c0045-a", "summit", "full-cycle", f"c0045{text}", f"ops{text}", False, site, "full-cycle"
            ),
            AT,
        )
        journal.append(NoteWritten(text, text), AT + 1)
        journal.append(StepSkipped(StepId("watcher"), text, text), AT + 2)
        journal.append(CscsWaived((CscId("ATDome"),), text, text), AT + 3)
    return folder


@pytest.mark.parametrize(
    "words",
    [("runs",), ("report", "summit-c0045-a"), ("report", "summit-c0045-a", "--format", "html"), ("runs", "--json")],
)
@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}])
def test_a_hostile_journal_is_listed_and_told_in_letters(
    cli: CommandLine, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    hostile_run(cli.state)
    ran = cli.run(*words, env=environment)
    assert ran.code == 0, ran.err
    assert steering(ran.out + ran.err) == []
    if "--json" in words:
        assert json.loads(ran.out)[0]["operator"] == f"ops{ESCAPES}"


@pytest.mark.parametrize(
    "words",
    [
        ("status", "no\x1b]0;TITLE\x07such\x9b31m"),
        ("check", "/tmp/caf\udce9/no.yaml"),
        ("runs", "--\x1b[2J"),
        ("report", "\x1b[2J\udce9"),
        ("wait", "summit", "--only", "\x1b[2J"),
        ("plan", "summit", "\u202e\x1b[2J"),
        ("run", "summit", "full-cycle", "--cycle", "c\udce9\x1b[2J"),
    ],
)
def test_an_argument_that_steers_or_is_no_utf8_is_refused_in_letters(cli: CommandLine, words: tuple[str, ...]) -> None:
    ran = cli.run(*words)
    assert ran.code == 2
    assert ran.err
    assert "fault of its own" not in ran.err
    assert steering(ran.out + ran.err) == []


HOSTILE_SITE = """site: "bad\\e]0;TITLE\\a"
"\\e[2J\\u202ekey": "value\\x9b31m"
cscs: [{csc: "AT\\e[2JDome"}]
"""


@pytest.mark.parametrize("words", [("check",), ("status",), ("watch",)])
def test_a_hostile_site_file_is_refused_in_letters(cli: CommandLine, tmp_path: Path, words: tuple[str, ...]) -> None:
    path = tmp_path / "caf\udce9\x1b[2J" / "bad.yaml"
    path.parent.mkdir()
    path.write_text(HOSTILE_SITE)
    ran = cli.run(*words, str(path))
    assert ran.code == 2
    assert "‹0xE9›␛[2J" in ran.err
    assert steering(ran.out + ran.err) == []


def test_a_log_holds_one_line_a_message_and_no_byte_that_steers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    # What pytest keeps of a log goes from worker to worker, which bytes that are no UTF-8 would end.
    monkeypatch.setattr(root, "handlers", [])
    log_to_file(tmp_path)
    [handler] = root.handlers
    try:
        logging.getLogger("x").warning("told: %s\nforged line", ESCAPES)
        try:
            int(ESCAPES)
        except ValueError:
            logging.getLogger("x").exception("failed")
    finally:
        root.removeHandler(handler)
        handler.close()
    text = (tmp_path / "deploydash.log").read_text()
    assert steering(text) == []
    assert "forged line" in text.splitlines()[0]
    assert len([line for line in text.splitlines() if "Traceback" in line]) == 1


@given(ANY_TEXT)
def test_a_journal_takes_any_text_and_gives_it_back(text: str) -> None:
    # Two lone halves side by side are one character once they are read, as in all JSON.
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    line = CODEC.line(1, AT, NoteWritten(whole, whole), "0" * 64)
    line.decode()
    assert line.count(b"\n") == 1
    assert CODEC.entry(line, 1, "0" * 64).record == NoteWritten(whole, whole)


@pytest.mark.parametrize("name", [BYTES_IN_NAME, "a\x1b[2Jb", "", "  "])
def test_whoever_uses_this_machine_has_a_name_that_can_be_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, name)
    assert steering(operator()) == []
    assert user_name().strip()
    operator().encode()


def test_a_user_whom_this_machine_does_not_know_has_a_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert user_name() == f"uid {os.getuid()}"


def test_a_run_that_could_not_write_its_first_record_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "summit-c0045-a"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    journal = JournalWriter(folder / JOURNAL, CODEC)
    with journal:
        journal.open()
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(JournalNotWritten):
            journal.append(NoteWritten("a", "b"), AT)
    assert not folder.exists()


@pytest.mark.parametrize("at", ["sign", "_take_lock", "_sync_folder"])
def test_a_run_whose_folder_could_not_be_opened_leaves_none(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs" / "summit-c0045-a"

    def refuse(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(f"deploydash.journal.write.{at}", refuse)
    with JournalWriter(folder / JOURNAL, CODEC) as journal, pytest.raises(OSError, match="No space"):
        journal.open()
    assert not folder.exists()


def test_a_run_that_stands_is_left_alone_by_whoever_opens_it_again(tmp_path: Path) -> None:
    folder = hostile_run(tmp_path)
    before = (folder / JOURNAL).read_bytes()
    with JournalWriter(folder / JOURNAL, CODEC) as journal:
        assert len(journal.open()) == 4
    assert (folder / JOURNAL).read_bytes() == before
    [run] = known_runs(tmp_path)
    assert len(read_run(run)) == 4


def test_what_a_killed_process_left_before_its_first_record_is_no_run_and_in_nobodys_way(cli: CommandLine) -> None:
    left = cli.state / "runs" / "summit-c0045-a"
    left.mkdir(parents=True)
    (left / JOURNAL).touch()
    (left / "lock").write_text('{"user": "ops')
    assert cli.run("runs").code == 0
    assert cli.run("resume").code == 2
    with JournalWriter(left / JOURNAL, CODEC) as journal:
        assert journal.open() == []
        journal.append(NoteWritten("a", "b"), AT)
    assert (left / JOURNAL).stat().st_size

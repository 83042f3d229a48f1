"""A standard stream that is closed, full or has no reader costs words, never the answer; nothing but a no is 1."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from deploydash.core.run.records import RunClosed
from tests.cli.test_run import opened
from tests.servers.process import free_port
from tests.servers.waiting import patient, wait_until
from tests.support.command_line import CommandLine, Ran
from tests.support.pty_screen import PtyScreen
from tests.support.site_files import write_site

COMMANDS: dict[str, tuple[str, int]] = {
    "status": ("status SITE", 3),
    "status-json": ("status SITE --json", 3),
    "wait": ("wait SITE", 3),
    "wait-json": ("wait SITE --json", 3),
    "check": ("check SITE", 1),
    "check-json": ("check SITE --json", 1),
    "sites": ("sites", 0),
    "runs": ("runs --json", 0),
    "plan": ("plan summit full-cycle", 0),
    "report": ("report summit-c0045-a", 0),
    "help": ("--help", 0),
    "help-of-one": ("status --help", 0),
    "version": ("--version", 0),
    "wrong": ("status nowhere", 2),
}
"""Each command and its own answer on a site whose Kafka is not there."""

FULL = Path("/dev/full")


@pytest.fixture
def home(cli: CommandLine, tmp_path: Path) -> CommandLine:
    """A home with one run, and a site whose Kafka is not there."""
    opened(cli, "summit-c0045-a", RunClosed("ops1@console"), site="summit")
    write_site(tmp_path, f"127.0.0.1:{free_port()}", ["ATDome", "ESS:104"])
    return cli


def shell(cli: CommandLine, words: str, redirections: str) -> Ran:
    """Run a command as a shell does, with its streams redirected."""
    site = next(cli.home.parent.glob("*.yaml"))
    command = shlex.join(cli.words(*words.replace("SITE", str(site)).split()))
    done = subprocess.run(
        ["sh", "-c", f"{command} {redirections}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patient(30),
        check=False,
        cwd=cli.cwd,
        env=cli.environment(),
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return Ran(done.returncode, done.stdout, done.stderr, 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_with_streams_closed_the_exit_code_is_the_answers_own(home: CommandLine, name: str) -> None:
    words, code = COMMANDS[name]
    ran = shell(home, words, ">&-")
    assert (ran.code, ran.out) == (code, "")
    assert "fault of its own" not in ran.err
    assert shell(home, words, ">&- 2>&- <&-").code == code


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_for_people_never_lands_in_the_output_when_standard_error_is_closed(
    home: CommandLine, name: str
) -> None:
    words, code = COMMANDS[name]
    ran, usual = shell(home, words, "2>&-"), shell(home, words, "")
    assert ran.code == code
    assert "deploydash: " not in ran.out
    assert "kafka down:" not in ran.out
    assert bool(ran.out) == bool(usual.out)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("name", COMMANDS)
def test_an_answer_for_which_there_is_no_room_is_none_and_says_so(home: CommandLine, name: str) -> None:
    words, code = COMMANDS[name]
    ran = shell(home, words, f">{FULL}")
    assert ran.code == (2 if code == 2 else 3)
    assert ("standard output cannot be written: No space left on device" in ran.err) == (code != 2)
    assert shell(home, words, f"2>{FULL}").code == code


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"wait", "wait-json"}])
def test_a_reader_that_has_left_changes_no_answer(home: CommandLine, name: str, unbuffered: str) -> None:
    words, code = COMMANDS[name]
    assert piped_to_nobody(home, words, unbuffered) == (code, b"")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_wait_whose_reader_has_left_ends_and_cannot_tell(home: CommandLine, unbuffered: str) -> None:
    code, said = piped_to_nobody(home, "wait SITE --json", unbuffered)
    assert code == 3
    assert said.startswith(b"kafka down: ")


def full_pipe(*, blocking: bool) -> tuple[int, int]:
    """Return both ends of a pipe that takes nothing more, and that says so or has its writer wait."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * size)
    os.set_blocking(writing, blocking)
    return reading, writing


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize(("how", "code"), [("read", 3), ("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_wait_whose_reader_does_not_read_ends_when_it_does_or_when_it_is_told_to(
    home: CommandLine, blocking: bool, how: str, code: int
) -> None:
    """Kafka is not there, so that nothing is left but to write the last line."""
    reading, writing = full_pipe(blocking=blocking)
    process = subprocess.Popen(
        home.words("wait", str(next(home.home.parent.glob("*.yaml"))), "--json"),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=home.cwd,
        env=home.environment(),
    )
    os.close(writing)
    with process, os.fdopen(reading, "rb") as reader:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(b"kafka down: ")
        if how == "read":
            said = reader.read().lstrip(b"x")
            assert json.loads(said)["result"] == "cannot_tell"
        else:
            process.send_signal(signal.Signals[how])
        assert process.wait(patient(10)) == code
        assert b"Traceback" not in process.stderr.read()


def test_a_wait_on_a_terminal_that_was_stopped_ends_when_it_goes_on(home: CommandLine, tmp_path: Path) -> None:
    words = home.words("wait", str(next(home.home.parent.glob("*.yaml"))), "--timeout", "600s")
    messages = tmp_path / "messages"
    with (
        messages.open("wb") as err,
        PtyScreen([*words], width=80, height=24, environ=home.environment(), messages=err) as screen,
    ):
        screen.stall()
        wait_until(lambda: "kafka down: " in messages.read_text(), 20, "the answer")
        assert not screen.has_ended()
        screen.go_on()
        assert screen.wait() == 3
    assert b"0 of 2 at target" in screen.written


def piped_to_nobody(cli: CommandLine, words: str, unbuffered: str) -> tuple[int, bytes]:
    reading, writing = os.pipe()
    os.close(reading)
    site = next(cli.home.parent.glob("*.yaml"))
    try:
        done = subprocess.run(
            cli.words(*words.replace("SITE", str(site)).split()),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=patient(30),
            check=False,
            cwd=cli.cwd,
            env=cli.environment({"PYTHONUNBUFFERED": unbuffered}),
        )
    finally:
        os.close(writing)
    own = b"" if done.returncode == 2 else done.stderr
    return done.returncode, own


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_report_that_fits_on_no_disk_is_not_there(home: CommandLine, tmp_path: Path) -> None:
    ran = home.run("report", "summit-c0045-a", "--output", FULL)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == f"deploydash: {FULL} cannot be written: No space left on device\n"
    ran = home.run("report", "summit-c0045-a", "--output", tmp_path / "no" / "folder.md")
    assert ran.code == 2
    assert "cannot be written: No such file or directory" in ran.err

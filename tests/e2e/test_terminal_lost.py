"""However a terminal goes, stalls or is too small: the process ends in order, by its own code, and spins on nothing."""

from __future__ import annotations

import os
import signal
import socket
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pyte
import pytest

from tests.cli.test_run import opened
from tests.e2e_run.books import CLOSE, SHUTDOWN, SMALL, SYSTEMS, write_book
from tests.servers.process import free_port
from tests.servers.waiting import wait_until
from tests.support.command_line import ROOT, CommandLine
from tests.support.pty_screen import PtyScreen
from tests.support.site_files import write_site

READ = ("observe", "replay")
"""What shows a run from its journal alone."""

READ_RUN = "summit-c0045-a"

ENDS = {"lost": 129, "SIGHUP": 129, "SIGTERM": 143, "SIGINT": 130, "ctrl+c": 130}
"""How a screen ends and its exit code."""


SHOWS = {"watch": "down", "run": "down", "observe": READ_RUN[:6].upper(), "replay": READ_RUN[:6].upper()}
"""What stands on the screen of each command once it is drawn."""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class Show:
    """Starts commands that show a screen of a site whose Kafka is not there, or never answers."""

    def __init__(self, cli: CommandLine, folder: Path, port: int) -> None:
        self.cli = cli
        self.messages = folder / "messages"
        self.site = write_site(folder, f"127.0.0.1:{port}", cast("list[str]", SMALL), systems=SYSTEMS)
        self.book = write_book(folder, SHUTDOWN, CLOSE, site="hill", queues=2)

    def __call__(self, command: str, *, width: int = 120, height: int = 40) -> PtyScreen:
        words = {"watch": ("watch", self.site), "run": ("run", self.site, self.book)}.get(command, (command,))
        if command in READ:
            opened(self.cli, READ_RUN, site=str(ROOT / "sites" / "summit.yaml"))
        with self.messages.open("wb") as messages:
            return PtyScreen(
                [*self.cli.words(*words)],
                width=width,
                height=height,
                environ=self.cli.environment({"TERM": "xterm-256color"}),
                messages=messages,
            )

    def runs(self) -> list[str]:
        """Return the names of the runs that were opened."""
        return sorted(path.name for path in (self.cli.state / "runs").glob("*"))


@pytest.fixture
def show(cli: CommandLine, tmp_path: Path) -> Show:
    return Show(cli, tmp_path, free_port())


def end(screen: PtyScreen, how: str) -> None:
    """Let a screen end in one of the ways of ENDS."""
    if how == "lost":
        screen.lose()
    elif how == "ctrl+c":
        screen.type("\x03")
    else:
        os.kill(screen.pid, signal.Signals[how])


def stall(screen: PtyScreen) -> None:
    """Stop the terminal, and have more drawn than all that is in between can hold."""
    screen.stall()
    for width in range(200, 230):
        screen.resize(width, 60)
        time.sleep(0.05)


def leave(screen: PtyScreen, *, asks: bool) -> None:
    """Press q once, and answer once that a run is left; its end takes longer than a second on a loaded machine."""
    for key in ("q", "\x1b[B", "\r") if asks else ("q",):
        screen.type(key)
        screen.read_for(2.0)


def ended(screen: PtyScreen) -> int:
    wait_until(screen.has_ended, 8, "the end of the process")
    return screen.code()


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("command", ["watch", "run"])
def test_a_screen_ends_by_its_own_code_and_an_open_run_is_named(show: Show, command: str, how: str) -> None:
    with show(command) as screen:
        screen.read_until("down")
        end(screen, how)
        assert ended(screen) == ENDS[how]
    said = show.messages.read_text()
    assert "Traceback" not in said
    if command == "run":
        [run] = show.runs()
        assert f"the run {run} is open; resume it: deploydash resume {run}" in said
    else:
        assert said == ""


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("is_stalled", [False, True])
@pytest.mark.parametrize("command", READ)
def test_a_screen_of_a_journal_ends_by_its_own_code(show: Show, command: str, is_stalled: bool, how: str) -> None:
    with show(command) as screen:
        screen.read_until(SHOWS[command])
        if is_stalled:
            stall(screen)
        end(screen, how)
        assert ended(screen) == ENDS[how]
    assert show.messages.read_text() == ""
    assert show.runs() == [READ_RUN]


@pytest.mark.parametrize("how", ENDS)
def test_a_screen_ends_so_while_it_is_connecting(cli: CommandLine, tmp_path: Path, silent_port: int, how: str) -> None:
    show = Show(cli, tmp_path, silent_port)
    with show("run") as screen:
        screen.read_until("HILL")
        end(screen, how)
        assert ended(screen) == ENDS[how]
    assert "Traceback" not in show.messages.read_text()


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("command", ["watch", "run"])
def test_a_screen_ends_so_while_its_terminal_takes_nothing(show: Show, command: str, how: str) -> None:
    with show(command) as screen:
        screen.read_until("down")
        stall(screen)
        end(screen, how)
        assert ended(screen) == ENDS[how]
    assert "Traceback" not in show.messages.read_text()


def test_keys_work_while_the_terminal_takes_nothing_and_it_is_drawn_anew_when_it_does(show: Show) -> None:
    with show("watch") as screen:
        screen.read_until("down")
        stall(screen)
        screen.resize(120, 40)
        screen.type("?")
        picture = pyte.Screen(120, 40)
        stream = pyte.ByteStream(picture)
        screen.go_on()
        before = screen.written

        def is_drawn() -> bool:
            stream.feed(screen.read_for(0.1))
            return any("Letters" in line for line in picture.display)

        wait_until(is_drawn, 10, "the help, drawn anew")
        assert len(screen.written) - len(before) < 400_000
        screen.type("\x03")
        assert screen.wait() == 130


@pytest.mark.parametrize("how", ["lost", "SIGTERM"])
def test_a_screen_ends_so_with_a_dialog_open(show: Show, how: str) -> None:
    with show("run") as screen:
        screen.read_until("down")
        screen.type("n")
        screen.type(":")
        screen.read_for(1.0)
        end(screen, how)
        assert ended(screen) == ENDS[how]
    assert "Traceback" not in show.messages.read_text()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 3), (14, 40), (200, 1), (3, 60)])
@pytest.mark.parametrize("command", ["watch", "run"])
def test_no_size_ends_a_screen_while_kafka_is_down(show: Show, command: str, width: int, height: int) -> None:
    with show(command) as screen:
        screen.read_until("down")
        screen.resize(width, height)
        screen.read_for(1.0)
        assert not screen.has_ended(), show.messages.read_text()
        screen.resize(120, 40)
        screen.read_until("down")
        screen.type("\x03")
        assert screen.wait() == 130
    with show("resume" if command == "run" else command, width=width, height=height) as screen:
        screen.read_for(3.0)
        assert not screen.has_ended(), show.messages.read_text()
        screen.resize(120, 40)
        screen.read_until("down")
        screen.type("\x03")
        assert screen.wait() == 130


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 3), (200, 1), (3, 60)])
@pytest.mark.parametrize("command", SHOWS)
def test_a_screen_of_any_size_is_left_by_its_key(show: Show, command: str, width: int, height: int) -> None:
    with show(command) as screen:
        screen.read_until(SHOWS[command])
        screen.resize(width, height)
        screen.read_for(0.5)
        leave(screen, asks=command == "run")
        assert screen.wait() == (1 if command == "run" else 0)
    assert "Traceback" not in show.messages.read_text()


def test_a_screen_that_was_stopped_without_warning_goes_on_and_restores_the_terminal_as_it_found_it(show: Show) -> None:
    with show("watch") as screen:
        screen.read_until("down")
        os.kill(screen.pid, signal.SIGSTOP)
        screen.read_for(0.3)
        os.kill(screen.pid, signal.SIGCONT)
        screen.read_until("\x1b[?1049h")
        screen.read_until("down")
        screen.type("\x03")
        assert screen.wait() == 130
        assert termios.tcgetattr(screen._master)[3] & termios.ECHO, "what is typed next is seen again"

"""However the grid is left, the terminal is as it was; however the world ends, the grid says so and stays."""

from __future__ import annotations

import os
import re
import signal
import termios
from pathlib import Path

import pytest

from tests.e2e.observatory import Observatory, serving, watch
from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine
from tests.support.pty_screen import PtyScreen

pytestmark = pytest.mark.server

ON_BY_NATURE = {"7", "25"}
"""Lines wrap, and the cursor is seen."""


def modes_left(written: bytes) -> set[str]:
    """Return the private modes that a program switched and did not switch back."""
    on: dict[str, bool] = {}
    for numbers, letter in re.findall(rb"\x1b\[\?([0-9;]+)([hl])", written):
        for number in numbers.decode().split(";"):
            on[number] = letter == b"h"
    left = {number for number, is_on in on.items() if is_on != (number in ON_BY_NATURE)}
    depth = len(re.findall(rb"\x1b\[>[0-9;]+u", written)) - len(re.findall(rb"\x1b\[<[0-9;]*u", written))
    return left | ({"kitty keyboard"} if depth > 0 else set())


@pytest.mark.parametrize(
    ("how", "code"),
    [("q", 0), ("\x03", 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_the_terminal_is_restored_however_the_grid_is_left(
    cli: CommandLine, calm_world: Observatory, how: str | signal.Signals, code: int
) -> None:
    environment = cli.environment({"TERM": "xterm-256color"})
    command = [*cli.words("watch", calm_world.site_file)]
    with PtyScreen(command, width=120, height=40, environ=environment) as screen:
        before = termios.tcgetattr(screen._master)
        screen.read_until("startup")
        assert termios.tcgetattr(screen._master) != before, "the grid reads single keys"
        assert "1049" in modes_left(screen.written), "the grid is on the alternate screen"
        if isinstance(how, str):
            screen.type(how)
        else:
            os.kill(screen._process.pid, how)
        code_of = screen.wait(15)
        screen.read_for(0.1)
        assert modes_left(screen.written) == set()
        assert termios.tcgetattr(screen._master) == before
        assert code_of == code
        assert b"Traceback" not in screen.written


def test_an_observatory_that_is_killed_is_a_dead_feed_and_no_crash(tmux: Tmux, cli: CommandLine) -> None:
    with serving(cli, "--scenario", "calm", "--speed", "4") as observatory:
        watch(tmux, cli, observatory.site_file)
        tmux.wait_for("117/117 at startup")
        observatory.kill()
        tmux.wait_for("kafka down", 25)
        screen = tmux.wait_for("117 unknown", 5)
        assert "Kafka is down" in screen
        screen = tmux.wait_for("connection refused", 15)
        assert "L!" not in screen
        assert "O*" not in screen
        assert "LOST" not in screen
        tmux.send_keys("q")
        assert tmux.wait_exit() == 0


def test_the_demo_in_a_terminal_brings_its_own_world_and_takes_it_away(
    tmux: Tmux, cli: CommandLine, tmp_path: Path
) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    command = cli.words("demo", "--scenario", "calm", "--speed", "4", "--theme", "okabe-ito")
    tmux.start(command, env=cli.environment({"TMPDIR": str(folder)}))
    tmux.wait_for("117/117 at startup", 30)
    assert "REHEARSAL ×4" in tmux.capture()
    assert list(folder.glob("deploydash-demo-*/*.yaml"))
    tmux.send_keys("q")
    assert tmux.wait_exit() == 0
    assert list(folder.iterdir()) == []

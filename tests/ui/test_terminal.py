"""What really goes to a terminal: few bytes, no colour where none is wanted, ASCII where nothing else can be shown."""

from __future__ import annotations

import os
import re
import sys

import pytest

from tests.support.pty_screen import PtyScreen

COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-7]|4[0-7]|9[0-7]|10[0-7]|38;[25]|48;[25])[;0-9]*m")
TRUE = re.compile(rb"[34]8;2;")
NUMBERED = re.compile(rb"[34]8;5;(\d+)")


def show(scene: str, *, width: int = 120, height: int = 40, **environ: str) -> PtyScreen:
    usual = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
    inherited = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "LANG"}}
    command = [sys.executable, "-m", "tests.support.show_ui", scene]
    return PtyScreen(command, width=width, height=height, environ={**inherited, **usual, **environ})


def test_an_unchanged_cell_costs_nothing_and_a_quiet_screen_at_most_two_kilobytes_a_second() -> None:
    with show("busy") as screen:
        screen.read_until("Events")
        screen.read_for(2.0)
        written = screen.read_for(3.0)
        assert 0 < len(written) <= 3 * 2_000, f"{len(written) / 3:.0f} B/s"


@pytest.mark.parametrize(("width", "height"), [(120, 40), (200, 50)])
def test_a_storm_writes_at_most_forty_kilobytes_a_second(width: int, height: int) -> None:
    with show("storm", width=width, height=height) as screen:
        screen.read_until("Events")
        screen.read_for(2.0)
        written = screen.read_for(3.0)
        assert 3 * 1_000 < len(written) <= 3 * 40_000, f"{len(written) / 3:.0f} B/s"


def test_no_color_means_that_not_one_colour_is_written_and_letters_carry_everything() -> None:
    with show("busy", NO_COLOR="1") as screen:
        screen.read_until("Events")
        screen.type("n")
        screen.type(":")
        screen.read_until("compare with")
        screen.type("\x1b")
        screen.read_until("Events")
        screen.read_for(0.5)
        screen.type("?")
        screen.read_until("Letters")
        assert COLOUR.findall(screen.written) == []
        assert b"F!" in screen.written
        assert b"L!303" in screen.written
        assert b"\x1b[1;7m" in screen.written, "reverse says what colour would"


def test_a_terminal_of_256_colours_gets_the_numbers_that_were_chosen() -> None:
    with show("busy", COLORTERM="") as screen:
        screen.read_until("Events")
        screen.read_for(0.5)
        assert TRUE.findall(screen.written) == []
        numbers = {int(number) for number in NUMBERED.findall(screen.written)}
        assert {220, 166, 176, 35, 234} <= numbers


def test_a_terminal_of_16_colours_gets_none_rather_than_unreadable_ones() -> None:
    with show("busy", TERM="linux", COLORTERM="") as screen:
        screen.read_until("Events")
        screen.type("T")
        screen.read_until("fewer than 256 colours")
        assert COLOUR.findall(screen.written) == []


def test_where_the_encoding_is_not_utf8_everything_is_ascii() -> None:
    with show("rehearsal", width=200, height=50, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0") as screen:
        screen.read_until("Events")
        screen.read_for(0.5)
        assert b"REHEARSAL x20" in screen.written
        assert b"=====" in screen.written
        assert all(byte < 128 for byte in screen.written)
        assert b"\\u" not in screen.written


def test_q_leaves_with_0_and_ctrl_c_with_130() -> None:
    with show("busy") as screen:
        screen.read_until("Events")
        screen.type("q")
        assert screen.wait() == 0
    with show("busy") as screen:
        screen.read_until("Events")
        screen.type("\x03")
        assert screen.wait() == 130

"""What the pen leaves out changes nothing that is seen: both ways of writing end in the same screen."""

from __future__ import annotations

from typing import Any

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from deploydash.ui.widgets.terminal import Pen

COLOURS = st.sampled_from([None, "#00a370", "#f0e400", "#0c161c", "color(35)", "red"])
STYLES = st.builds(
    Style,
    color=COLOURS,
    bgcolor=COLOURS,
    bold=st.booleans(),
    underline=st.booleans(),
    reverse=st.booleans(),
    italic=st.booleans(),
)
PIECES = st.lists(st.tuples(st.sampled_from(["S", "E ", "  ", "104", " "]), st.none() | STYLES), max_size=12)
SYSTEMS = st.sampled_from([ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT])


def screen_of(written: str) -> list[Any]:
    screen: Any = pyte.Screen(60, 1)
    pyte.Stream(screen).feed(written)
    cells = [screen.buffer[0][x] for x in range(60)]
    # Of a blank only the background is seen, and what is drawn on it.
    return [cell if cell.data != " " else seen_of_blank(cell) for cell in cells]


def seen_of_blank(cell: Any) -> tuple[object, ...]:
    lines = (cell.underscore, cell.reverse, cell.strikethrough)
    return (*lines, cell.bg, cell.fg if any(lines) else "")


@given(PIECES, SYSTEMS)
def test_the_screen_is_the_one_that_rich_would_have_drawn(
    pieces: list[tuple[str, Style | None]], system: ColorSystem
) -> None:
    pen = Pen(system)
    short = "".join(pen.write(text, style) for text, style in pieces) + pen.lift()
    full = "".join((style or Style()).render(text, color_system=system) for text, style in pieces)
    assert screen_of(short + "|") == screen_of(full + "|")


def test_nothing_is_said_twice() -> None:
    pen = Pen(ColorSystem.TRUECOLOR)
    calm = Style(color="#c1ced2", bgcolor="#0c161c")
    loud = Style(color="#f0e400", bgcolor="#0c161c", bold=True)
    assert pen.write("S", calm) == "\x1b[38;2;193;206;210;48;2;12;22;28mS"
    assert pen.write("E", calm) == "E"
    assert pen.write("  ", loud) == "  "
    assert pen.write("F", loud) == "\x1b[1;38;2;240;228;0mF"
    assert pen.write("S", calm) == "\x1b[22;38;2;193;206;210mS"
    assert pen.lift() == "\x1b[0m"
    assert pen.lift() == ""


def test_without_colours_only_attributes_are_left() -> None:
    pen = Pen(None)
    assert pen.write("S", Style(color="#c1ced2", bold=True)) == "S"

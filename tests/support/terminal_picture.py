"""A terminal's text with its SGR sequences, drawn as a PNG: cells as an SVG of ours, pixels by rsvg-convert."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from rich.ansi import AnsiDecoder
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from tests.servers.cache import UnavailableError, tool

FONT_PX = 14.0
CELL_W = FONT_PX * 1233 / 2048
"""The advance of every glyph of DejaVu Sans Mono."""
CELL_H = FONT_PX * (1901 + 483) / 2048
"""Its ascent and descent: lines of boxes then meet."""
ASCENT = FONT_PX * 1901 / 2048
MARGIN = 10.0
PAGE, INK = "#0c0f12", "#d6dbe0"
"""What a terminal shows where a program chose no colour."""

_CONSOLE = Console(width=1000, color_system="truecolor", force_terminal=True)


def picture(captured: str, columns: int, rows: int) -> str:
    """Return an SVG of ``tmux capture-pane -e -p -N``."""
    lines = [*AnsiDecoder().decode(captured)][:rows]
    edge = _page_of(lines)
    width, height = columns * CELL_W + 2 * MARGIN, rows * CELL_H + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}">',
        f'<rect width="100%" height="100%" fill="{edge}"/>',
        f'<g font-family="DejaVu Sans Mono" font-size="{FONT_PX}" xml:space="preserve">',
    ]
    for number, line in enumerate(lines):
        top = MARGIN + number * CELL_H
        runs = [*_runs(line)]
        parts += [_background(x, top, cells, style, edge) for x, cells, _, style in runs]
        parts += [_text(x, top, text, style) for x, _, text, style in runs if text.strip() or style.underline]
    return "\n".join([*filter(None, parts), "</g></svg>"])


def save(captured: str, columns: int, rows: int, path: Path) -> None:
    """Draw a capture into a PNG.

    Raises:
        UnavailableError: rsvg-convert is not installed or failed.
    """
    svg = picture(captured, columns, rows)
    zoom = "0.7" if columns > 150 else "1"
    command = [tool("rsvg-convert"), "--format", "png", "--zoom", zoom, "--output", str(path)]
    done = subprocess.run(command, input=svg.encode(), capture_output=True, check=False)
    if done.returncode:
        raise UnavailableError(f"rsvg-convert failed: {done.stderr.decode()}")


def _runs(line: Text) -> Iterator[tuple[int, int, str, Style]]:
    """Yield column, cells, text and style of each run of one look."""
    x = 0
    for text, style, _ in Segment.simplify(line.render(_CONSOLE, end="")):
        cells = cell_len(text)
        yield x, cells, text, style or Style.null()
        x += cells


def _colours(style: Style) -> tuple[str, str | None]:
    """Return foreground and background as they are shown."""
    front, back = _hex(style.color), _hex(style.bgcolor)
    if style.reverse:
        return back or PAGE, front or INK
    return front or INK, back


def _hex(color: Color | None) -> str | None:
    return None if color is None or color.is_default else color.get_truecolor().hex


def _page_of(lines: list[Text]) -> str:
    """Return the background that most cells have."""
    cells: dict[str, int] = {}
    for line in lines:
        for _, count, _, style in _runs(line):
            back = _colours(style)[1] or PAGE
            cells[back] = cells.get(back, 0) + count
    return max(cells, key=lambda back: cells[back], default=PAGE)


def _background(x: int, top: float, cells: int, style: Style, page: str) -> str:
    back = _colours(style)[1] or PAGE
    if back == page:
        return ""
    left = MARGIN + x * CELL_W
    return (
        f'<rect x="{left:.2f}" y="{top:.2f}" width="{cells * CELL_W:.2f}" height="{CELL_H:.2f}" '
        f'fill="{back}" shape-rendering="crispEdges"/>'
    )


def _text(x: int, top: float, text: str, style: Style) -> str:
    front, _ = _colours(style)
    looks = f'fill="{front}"'
    looks += ' font-weight="bold"' if style.bold else ""
    looks += ' font-style="italic"' if style.italic else ""
    looks += ' fill-opacity="0.6"' if style.dim else ""
    looks += ' text-decoration="underline"' if style.underline else ""
    left = MARGIN + (x + len(text) - len(text.lstrip(" "))) * CELL_W
    return f'<text x="{left:.2f}" y="{top + ASCENT:.2f}" {looks}>{escape(text.strip(" "))}</text>'

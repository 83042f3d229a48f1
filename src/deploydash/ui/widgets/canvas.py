"""A widget drawn line by line, of which only the cells that changed are written to the terminal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from deploydash.ui.draw.glyphs import Glyphs, showable
from deploydash.ui.draw.ink import Ink, Line

if TYPE_CHECKING:
    from deploydash.ui.draw.themes import Palette
    from deploydash.ui.host import Host

NEAR = 6
"""Changed cells closer together than this, with nothing of another style between, are written in one go: moving the
cursor costs as many bytes, and a style costs three times as many."""


class Canvas(ScrollView, can_focus=False, inherit_bindings=False):
    """Lines that are made when they are first seen and again only when someone says that they changed."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._strips: dict[int, Strip] = {}

    @property
    def palette(self) -> Palette:
        """The theme in use."""
        return cast("Host", self.app).palette

    @property
    def glyphs(self) -> Glyphs:
        """The signs that the terminal can show."""
        return cast("Host", self.app).glyphs

    @property
    @abstractmethod
    def row_count(self) -> int:
        """How many lines there are, seen or not."""

    @abstractmethod
    def line_at(self, y: int) -> Line:
        """Return line ``y`` as it looks now."""

    def rows_shown(self) -> range:
        """Return the numbers of the lines on the screen, the empty ones after the last included."""
        top = self.scroll_offset.y
        return range(top, top + self.size.height)

    def redraw(self, rows: Iterable[int]) -> None:
        """Make these lines anew and have the cells that differ written."""
        top, shown = self.scroll_offset.y, self.rows_shown()
        regions: list[Region] = []
        for y in rows:
            old = self._strips.pop(y, None)
            if old is None or y not in shown:
                continue
            new = self._strip(y)
            self._strips[y] = new
            if new is not old:
                regions += [Region(x, y - top, width, 1) for x, width in changed_cells(old, new)]
        if regions:
            self.refresh(*regions)

    def is_painted_later(self) -> bool:
        """Tell whether this is still to be painted, and leave that to who asks; not where more than cells changed."""
        later = self._repaint_required and not (self._layout_required or self._scroll_required) and self.display
        if later:
            self._repaint_required = False
        return later

    def rebuild(self) -> None:
        """Forget every line: another layout, theme or size."""
        self._strips.clear()
        self.measure()
        self.refresh()

    def measure(self) -> None:
        """Tell Textual how far there is to scroll."""
        self.virtual_size = Size(self.size.width, max(self.size.height, self.row_count))

    def render_line(self, y: int) -> Strip:
        """Return what stands in line ``y`` of the widget."""
        y += self.scroll_offset.y
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._strip(y)
        return strip

    def on_resize(self) -> None:
        """Make every line anew in the new size."""
        self.rebuild()

    def _strip(self, y: int) -> Strip:
        line = self.line_at(y) if y < self.row_count else Line()
        styles, glyphs = self.palette.styles, self.glyphs
        segments: list[Segment] = []
        for raw, ink, surface in line.spans:
            if raw:
                text = showable(raw, glyphs)
                style = styles[ink, surface if surface != "page" else line.surface]
                if segments and _as_well(text, style, segments[-1].style):
                    style = segments[-1].style or style
                if segments and segments[-1].style is style:
                    segments[-1] = Segment(segments[-1].text + text, style)
                else:
                    segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(self.size.width, styles[Ink.TEXT, line.surface])


def _as_well(text: str, style: Style, before: Style | None) -> bool:
    """Say whether blanks may be written in the style of what stands before them: fewer sequences, same look."""
    return (
        text.isspace()
        and before is not None
        and style.bgcolor == before.bgcolor
        and not (before.underline or before.reverse or style.reverse)
    )


def changed_cells(old: Strip, new: Strip) -> list[tuple[int, int]]:
    """Return (x, width) of the runs in which two strips of one width differ."""
    before, after = _cells(old), _cells(new)
    if before is None or after is None or len(before) != len(after):
        return [(0, max(old.cell_length, new.cell_length))]
    runs: list[tuple[int, int]] = []
    for x, (one, other) in enumerate(zip(before, after, strict=True)):
        if one != other:
            end = sum(runs[-1]) if runs else -NEAR
            if x - end < NEAR and all(style == after[end - 1][1] for _, style in after[end:x]):
                runs[-1] = (runs[-1][0], x + 1 - runs[-1][0])
            else:
                runs.append((x, 1))
    return runs


def _cells(strip: Strip) -> list[tuple[str, Style | None]] | None:
    """Return (character, style) of every cell, or None where characters are wider than cells."""
    cells: list[tuple[str, Style | None]] = []
    for text, style, _ in strip:
        if not text.isascii() and cell_len(text) != len(text):
            return None
        cells += [(character, style) for character in text]
    return cells


class Lines(Canvas):
    """A few lines that are all known."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()

    @property
    def row_count(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def line_at(self, y: int) -> Line:
        """Return line ``y``."""
        return self._lines[y]

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines; only what changed is drawn."""
        old, self._lines = self._lines, tuple(lines)
        if len(old) != len(self._lines):
            self.measure()
        changed = [y for y, (one, other) in enumerate(zip(old, self._lines, strict=False)) if one != other]
        self.redraw([*changed, *range(min(len(old), len(self._lines)), max(len(old), len(self._lines)))])

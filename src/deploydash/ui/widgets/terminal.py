"""Between Textual and the terminal: exact spans, no text that steers, the theme's own 256 colours, no colour at all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len
from rich.color import Color, ColorSystem
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor
from textual.color import Color as ScreenColor
from textual.filter import LineFilter

from deploydash.core.outside_text import visible


class Look(NamedTuple):
    """How a terminal draws, as SGR parameters."""

    attributes: frozenset[str] = frozenset()
    foreground: str = "39"
    background: str = "49"


PLAIN = Look()
OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "8": "28", "9": "29"}
"""What ends each attribute (ECMA-48); bold and dim share one."""
DRAWN_ON_BLANKS = frozenset({"4", "7", "9"})


class Pen:
    """Says how to draw by what differs from what was drawn last.

    Rich says all of it for every segment and resets after each, which is four fifths of the bytes of a storm.
    """

    def __init__(self, colours: ColorSystem | None) -> None:
        self._colours = colours
        self._look = PLAIN

    def write(self, text: str, style: Style | None) -> str:
        """Return the sequences that write ``text``; of blanks nobody sees the colour of the ink."""
        before, after = self._look, _look(style, self._colours)
        if text.isspace() and not (before.attributes | after.attributes) & DRAWN_ON_BLANKS:
            after = before._replace(background=after.background)
        self._look = after
        parameters = _difference(before, after)
        return f"\x1b[{parameters}m{text}" if parameters else text

    def lift(self) -> str:
        """Return the sequence that leaves the terminal plain, as Textual's other updates expect it."""
        plain, self._look = self._look == PLAIN, PLAIN
        return "" if plain else "\x1b[0m"


@lru_cache(4096)
def _look(style: Style | None, colours: ColorSystem | None) -> Look:
    if style is None or colours is None:
        return PLAIN
    codes = (style.without_color._make_ansi_codes(colours) or "").split(";")  # noqa: SLF001 - no public name
    look = Look(frozenset(code for code in codes if code))
    if style.color is not None:
        look = look._replace(foreground=";".join(style.color.downgrade(colours).get_ansi_codes()))
    if style.bgcolor is not None:
        look = look._replace(background=";".join(style.bgcolor.downgrade(colours).get_ansi_codes(foreground=False)))
    return look


@lru_cache(4096)
def _difference(before: Look, after: Look) -> str:
    """Return the SGR parameters that lead from one look to another."""
    if after == PLAIN:
        return "" if before == PLAIN else "0"
    ended = sorted({OFF.get(code, "0") for code in before.attributes - after.attributes})
    if "0" in ended:
        before, ended = PLAIN, ["0"]
    kept = {code for code in before.attributes & after.attributes if OFF.get(code) not in ended}
    parameters = [*ended, *sorted(after.attributes - kept)]
    if before.foreground != after.foreground:
        parameters.append(after.foreground)
    if before.background != after.background:
        parameters.append(after.background)
    return ";".join(parameters)


class ExactUpdate(ChopsUpdate):
    """Writes the changed cells and none left of them.

    Textual 8.2's own update begins at the left edge of the widget however far right the change is; on a slow
    mirror that is most of the bytes.
    """

    def render_segments(self, console: Console) -> str:
        """Return the escape sequences of this update."""
        pen = Pen(console._color_system)  # noqa: SLF001 - no public name
        out: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= right or end <= left:
                    continue
                start, stop = max(left, x), min(right, end)
                out.append(Control.move_to(start, y).segment.text)
                out += [pen.write(text, style) for text, style, _ in strip.crop(start - x, stop - x)]
        return "".join([*out, pen.lift()])


class ExactCompositor(Compositor):
    """Textual's compositor with exact updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what changed since the last frame, or None."""
        update = super().render_partial_update()
        return None if update is None else ExactUpdate(update.chops, update.spans, update.chop_ends)


class Harmless(LineFilter):
    """Lets no character through that steers a terminal or has no look, whichever widget drew it.

    What we draw ourselves is visible by then (``outside_text``); this holds for Textual's own widgets, too. It cannot
    put in a sign, since the line's width is settled: what takes no cell goes, anything else becomes ``?``.
    """

    def apply(self, segments: list[Segment], background: ScreenColor) -> list[Segment]:  # noqa: ARG002 - Textual's
        """Return the segments with harmless texts."""
        if all(visible(text) == text for text, _, _ in segments):
            return segments
        return [Segment(_harmless(text), style, control) for text, style, control in segments]


def _harmless(text: str) -> str:
    return "".join(each if visible(each) == each else "?" * cell_len(each) for each in text)


class NoColour(LineFilter):
    """Takes every colour away and leaves bold, dim, reverse and underline.

    Textual's own answer to ``NO_COLOR`` turns colours into greys, which are colours still.
    """

    def apply(self, segments: list[Segment], background: ScreenColor) -> list[Segment]:  # noqa: ARG002 - Textual's
        """Return the segments without colour."""
        return [Segment(text, _bare(style) if style else style, control) for text, style, control in segments]


class Numbered(LineFilter):
    """Replaces the theme's colours by the ones chosen for them among the 256."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        super().__init__()
        self._numbers = numbers
        self._known: dict[Style, Style] = {}

    def apply(self, segments: list[Segment], background: ScreenColor) -> list[Segment]:  # noqa: ARG002 - Textual's
        """Return the segments in the terminal's colours."""
        return [Segment(text, self._numbered(style) if style else style, control) for text, style, control in segments]

    def _numbered(self, style: Style) -> Style:
        known = self._known.get(style)
        if known is None:
            known = self._known[style] = style + Style(
                color=self._number(style.color), bgcolor=self._number(style.bgcolor)
            )
        return known

    def _number(self, color: Color | None) -> Color | None:
        if color is None or color.triplet is None:
            return color
        number = self._numbers.get(color.triplet.hex)
        return color if number is None else Color.from_ansi(number)


@lru_cache(1024)
def _bare(style: Style) -> Style:
    return style.without_color

"""Between Textual and the terminal: exact spans, the theme's own 256 colours, and no colour at all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from rich.color import Color
from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor
from textual.color import Color as ScreenColor
from textual.filter import LineFilter


class ExactUpdate(ChopsUpdate):
    """Writes the changed cells and none left of them.

    Textual 8.2's own update begins at the left edge of the widget however far right the change is; on a slow
    mirror that is most of the bytes.
    """

    def render_segments(self, console: Console) -> str:
        """Return the escape sequences of this update."""
        out: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= right or end <= left:
                    continue
                start, stop = max(left, x), min(right, end)
                out.append(Control.move_to(start, y).segment.text)
                out.append(strip.crop(start - x, stop - x).render(console))
        return "".join(out)


class ExactCompositor(Compositor):
    """Textual's compositor with exact updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what changed since the last frame, or None."""
        update = super().render_partial_update()
        return None if update is None else ExactUpdate(update.chops, update.spans, update.chop_ends)


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

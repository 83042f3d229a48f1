"""A text that may be longer than its frame: the part that is shown, and how much more there is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.core.words import counted
from deploydash.ui.draw.ink import Ink, Line, Span
from deploydash.ui.draw.run.reading import Reading


def windowed(text: Sequence[Line], above: int, most: int, reading: Reading) -> tuple[list[Line], int]:
    """Return at most ``most`` lines, ``above`` or as few as there are left out above, and how many are left out."""
    if len(text) <= most:
        return list(text), 0
    above = max(0, min(above, len(text) - most + 1))
    left = len(text) - above - most + 1
    words = f"{reading.glyphs.cut} {counted(left, 'more line')}: PgDn" if left else "that is all of it: PgUp"
    return [*text[above : above + most - 1], Line((Span(words, Ink.DIM),))], above

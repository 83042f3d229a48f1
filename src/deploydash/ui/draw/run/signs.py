"""The signs of a run beyond those of the grid, and what stands for them in ASCII."""

from __future__ import annotations

from dataclasses import dataclass

from deploydash.ui.draw.glyphs import ASCII, Glyphs


@dataclass(frozen=True, slots=True)
class Signs:
    """``steps`` are the eight heights of a chart, lowest first; ``corners`` a frame's, clockwise, then its side."""

    done: str
    not_met: str
    here: str
    to_come: str
    skipped: str
    asks: str
    marked: str
    owed: str
    steps: str
    corners: str


_UNICODE = Signs("✔", "✘", "▶", "·", "↷", "▲", "■", "•", "▁▂▃▄▅▆▇█", "╭╮╯╰│")
_ASCII = Signs("+", "x", ">", ".", "~", "!", "#", "*", "_.:-=+*#", "++++|")


def signs(glyphs: Glyphs) -> Signs:
    """Return the signs that go with the grid's."""
    return _ASCII if glyphs is ASCII else _UNICODE

"""The few characters beyond ASCII, and what stands for them where the terminal cannot show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploydash.cells import cells
from deploydash.core.outside_text import visible


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Every sign the screen draws with."""

    full: str
    rest: str
    rule: str
    cursor: str
    up: str
    connecting: str
    degraded: str
    down: str
    off: str
    moving: str
    arrow: str
    dot: str
    cut: str
    hatch: str
    beat: str
    missed: str
    blind: str
    times: str
    minus: str


UNICODE = Glyphs(
    full="━",
    rest="─",
    rule="─",
    cursor="▸",
    up="●",
    connecting="◌",
    degraded="◐",
    down="✖",
    off="○",
    moving="›",
    arrow="→",
    dot="·",
    cut="…",
    hatch="╱",
    beat="▪",
    missed="_",
    blind="·",
    times="×",
    minus="−",
)

ASCII = Glyphs(
    full="=",
    rest="-",
    rule="-",
    cursor=">",
    up="*",
    connecting="~",
    degraded="%",
    down="X",
    off="o",
    moving=">",
    arrow="->",
    dot="-",
    cut="~",
    hatch="/",
    beat="|",
    missed="_",
    blind=".",
    times="x",
    minus="-",
)

_IN_ASCII = str.maketrans(
    {"→": ">", "“": '"', "”": '"', "‘": "'", "’": "'", "…": "~", "·": "-", "×": "x", "−": "-", "‹": "<", "›": ">"}
)

_POOR_TERMINALS = frozenset({"linux", "dumb", "vt100", "vt220"})


def choose(encoding: str, environ: Mapping[str, str]) -> Glyphs:
    """Return the signs for a terminal: ASCII unless its encoding is UTF-8 and its font is known to have them.

    The Linux console speaks UTF-8 but its font has 512 glyphs.
    """
    if encoding.lower().replace("-", "") != "utf8" or environ.get("TERM", "") in _POOR_TERMINALS:
        return ASCII
    return UNICODE


def showable(text: str, glyphs: Glyphs) -> str:
    """Return text of others (reasons, reports, logs) in characters that the terminal can show, in as many cells."""
    shown = visible(text)
    if glyphs is not ASCII or shown.isascii():
        return shown
    return "".join(each if each.isascii() else "?" * cells(each) for each in shown.translate(_IN_ASCII))

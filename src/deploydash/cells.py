"""Text by the cells that it takes on a terminal, not by its characters. Pure.

Every function takes text from outside as it comes and makes it visible first: what is measured is what is shown.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, split_graphemes

from deploydash.core.outside_text import visible

_BLANKS = re.compile(r"[ \t\r\n]+")
_PARTS = re.compile(r" +|[^ ]+")


def cells(text: str) -> int:
    """Return how many cells a text takes."""
    return len(text) if text.isascii() and text.isprintable() else cell_len(visible(text))


def head(text: str, width: int) -> str:
    """Return the beginning of a text that fits into ``width`` cells; no wide character is halved."""
    shown = visible(text)
    if cells(shown) <= width:
        return shown
    return _chopped(shown, width)[0] if width > 0 else ""


def padded(text: str, width: int) -> str:
    """Return a text with blanks after it to ``width`` cells; a longer one as it is."""
    shown = visible(text)
    return shown + " " * (width - cells(shown))


def cut(text: str, width: int, sign: str) -> str:
    """Return a text in at most ``width`` cells, with ``sign`` at the end where something of it is left off."""
    shown = visible(text)
    if cells(shown) <= width:
        return shown
    return head(head(shown, width - cells(sign)) + sign, width)


def wrapped(text: str, width: int, *, most: int | None = None, sign: str = "…") -> list[str]:
    """Return a text in lines of at most ``width`` cells, broken at blanks, and within a word only where it must be.

    Line feeds, tabs and carriage returns count as blanks. With ``most`` lines the last one ends in ``sign`` where more
    would follow. No width is too small: one of less than 2 cells counts as 2, the width of a wide character.

    Returns:
        The lines; none for a text of blanks.
    """
    width = max(2, width)
    lines: list[str] = []
    line = ""
    for part in _PARTS.findall(visible(_BLANKS.sub(lambda found: " " * len(found[0]), text))):
        if cells(line) + cells(part) <= width:
            line += part
            continue
        if line.strip():
            lines.append(line.rstrip())
        *full, line = [""] if part.isspace() else _chopped(part, width)
        lines += full
    if line.strip():
        lines.append(line.rstrip())
    return lines if most is None or len(lines) <= most else [*lines[: most - 1], _ended(lines[most - 1], width, sign)]


def broken(text: str, width: int) -> list[str]:
    """Return a text in lines of ``width`` cells, broken anywhere: it is exact, nothing of it may be left out."""
    return _chopped(visible(text), max(2, width))


def _ended(line: str, width: int, sign: str) -> str:
    """Return a line with a sign after its last whole word for which there is room."""
    while " " in line and cells(line) + 1 + cells(sign) > width:
        line = line.rpartition(" ")[0].rstrip()
    return f"{line} {sign}" if cells(line) + 1 + cells(sign) <= width else cut(line + sign, width, sign)


def _chopped(text: str, width: int) -> list[str]:
    """Return visible text in pieces of at most ``width`` cells, a combining mark with what it stands on."""
    if text.isascii():
        return [text[start : start + width] for start in range(0, len(text), width)] or [""]
    pieces = [""]
    used = 0
    for start, end, size in split_graphemes(text)[0]:
        if used + size > width:
            pieces.append("")
            used = 0
        pieces[-1] += text[start:end]
        used += size
    return pieces

"""Who else commands, on every card until the lead has taken note. Pure."""

from __future__ import annotations

from deploydash.ui.draw.ink import Ink, Line, Span
from deploydash.ui.draw.run.reading import Reading, folded, lasting

_MOST = 3


def others_lines(reading: Reading, width: int) -> list[Line]:
    """Return who commands CSCs from elsewhere: two leads side by side would undo each other's work."""
    others = reading.run.others
    lines: list[Line] = []
    for other in others[:_MOST]:
        ago = lasting(max(0.0, reading.moment.now - other.at))
        lines += folded(f"{other.identity} commands CSCs, too: {other.csc}, {ago} ago", width, Ink.WARN)
    if len(others) > _MOST:
        lines += folded(f"and {len(others) - _MOST} others", width, Ink.WARN)
    if others and reading.lead:
        lines.append(Line((Span("K", Ink.ACCENT), Span(" you have taken note; ask them first", Ink.DIM))))
    return lines

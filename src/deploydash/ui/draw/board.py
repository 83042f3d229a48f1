"""What stands in the grid's place at a site without CSCs: what its systems report, one line each. Pure."""

from __future__ import annotations

from deploydash.cells import cells, padded
from deploydash.core.fleet.facts import Fact, is_old
from deploydash.core.fleet.snapshot import seconds_text
from deploydash.core.published import Published
from deploydash.ui.draw.ink import Ink, Line, Span
from deploydash.ui.draw.lines import rule
from deploydash.ui.draw.tiles import Moment, cut

MOST_NAME = 48
"""So many cells a name may take before the sentence about it."""


def board_lines(snapshot: Published, moment: Moment, width: int, height: int) -> list[Line]:
    """Return each system's facts as they were told, in their order; where there is no room what departs comes first."""
    lines: list[Line] = []
    systems = dict.fromkeys(fact.system for fact in snapshot.facts)
    for system in systems:
        facts = [fact for fact in snapshot.facts if fact.system == system]
        wrong = sum(not fact.ok for fact in facts)
        told = f"{system} {moment.glyphs.dot} {len(facts) - wrong} of {len(facts)} as wanted"
        lines.append(rule(told, width, moment.glyphs, bright=bool(wrong)))
        room = max(1, height - len(lines) - 1)
        if len(facts) > room:
            facts.sort(key=lambda fact: fact.ok)
        names = min(MOST_NAME, max(cells(_name(fact)) for fact in facts))
        lines += [_line(fact, moment, names, width) for fact in facts[:room]]
        if len(facts) > room:
            lines.append(Line((Span(f"   {len(facts) - room} more: F", Ink.DIM),)))
    return lines or [Line((Span("   nothing reported yet", Ink.DIM),))]


def _name(fact: Fact) -> str:
    return fact.about or fact.name


def _line(fact: Fact, moment: Moment, names: int, width: int) -> Line:
    old = is_old(fact, moment.utc)
    ink = Ink.DIM if old else Ink.TEXT if fact.ok else Ink.BAD
    mark = " " if fact.ok else moment.glyphs.down
    said = f"{fact.sentence}  (read {seconds_text(moment.utc - fact.read_utc)} ago, old)" if old else fact.sentence
    name = padded(cut(_name(fact), names, moment.glyphs), names)
    room = max(1, width - names - 5)
    what = Span(f"  {cut(said, room, moment.glyphs)}", ink)
    return Line((Span(f" {mark} ", Ink.BAD), Span(name, Ink.DIM if fact.ok else ink), what))

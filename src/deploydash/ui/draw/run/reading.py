"""A run as it is read on the screen: who, when, how long, and the boxes it stands in. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from deploydash.cells import broken, cells, wrapped
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import CscId, Effective, Liveness
from deploydash.core.outside_text import visible
from deploydash.core.owners import Owners
from deploydash.core.procedure.names import ItemId
from deploydash.core.views.run_view import RunView
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.header import width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, Surface
from deploydash.ui.draw.run.signs import Signs, signs
from deploydash.ui.draw.tiles import Moment, cut

NOBODYS: Owners = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reading:
    """A run in its snapshot at a moment. ``lead`` is False for who only observes."""

    run: RunView
    snapshot: Snapshot
    moment: Moment
    lead: bool = True
    views: Mapping[CscId, CscView] = field(default_factory=dict)
    owners: Owners = field(default_factory=dict)

    @classmethod
    def of(
        cls, run: RunView, snapshot: Snapshot, moment: Moment, *, lead: bool = True, owners: Owners = NOBODYS
    ) -> Reading:
        """Return the reading of a run beside its snapshot."""
        return cls(run, snapshot, moment, lead, {view.csc: view for view in snapshot.cscs}, owners)

    @property
    def glyphs(self) -> Glyphs:
        """The signs of the grid."""
        return self.moment.glyphs

    @property
    def signs(self) -> Signs:
        """The signs of the run."""
        return signs(self.moment.glyphs)

    @property
    def site(self) -> str:
        """The site's name as it is typed."""
        return self.snapshot.roster.site


@dataclass(frozen=True, slots=True)
class Focus:
    """What the operator has chosen on the card: a line of its list, and items marked.

    ``unfolded`` shows lists and commands in full. ``active`` says that the arrows move this list. ``covered``: a dialog
    lies over the card, so that none of its keys works.
    """

    row: int = 0
    marked: frozenset[ItemId] = frozenset()
    unfolded: bool = False
    active: bool = True
    covered: bool = False


def lasting(seconds: float) -> str:
    """Return a duration as a stopwatch shows it: ``0:41``, ``2:41``, ``1:02:41``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def cursor(reading: Reading, *, here: bool, of: int) -> Spans:
    """Return the column that shows without colour where the arrows stand; none in a list of one line."""
    return (Span(reading.glyphs.cursor if here else " ", Ink.BRIGHT),) if of > 1 else ()


def since(view: CscView, moment: Moment) -> float | None:
    """Return for how many seconds a CSC has been as it is: in FAULT, silent, or in another state; None if unknown."""
    if view.effective is Effective.FAULT and view.reported_utc is not None:
        return moment.utc - view.reported_utc
    if view.liveness in {Liveness.SILENT, Liveness.LATE} and view.beat_at is not None:
        return moment.now - view.beat_at
    if view.changed_at is not None:
        return moment.now - view.changed_at
    if view.reported_utc is not None and not view.inferred and view.effective is not Effective.UNKNOWN:
        return max(0.0, moment.utc - view.reported_utc)
    return None


def folded(text: str, width: int, ink: Ink = Ink.TEXT, indent: str = "", lead: Span | None = None) -> list[Line]:
    """Return a text in as many lines as it takes; ``lead`` stands before the first, ``indent`` before the others."""
    room = max(8, width - len(indent))
    parts = wrapped(text, room) or [""]
    first = lead if lead is not None else Span(indent)
    return [
        Line((first if not number else Span(indent), Span(part, ink)) if indent or lead else (Span(part, ink),))
        for number, part in enumerate(parts)
    ]


def copied(command: str, width: int, ink: Ink, indent: str) -> list[Line]:
    """Return a command in full, broken at blanks where it has them: it is exact and nothing of it may be hidden."""
    room = max(8, width - len(indent))
    parts = [""]
    for word in re.findall(r"[^ ]* *", visible(command)):
        if parts[-1] and cells(parts[-1]) + cells(word.rstrip()) > room:
            parts.append("")
        *full, parts[-1] = broken(parts[-1] + word, room)
        parts[-1:-1] = full
    return [
        Line((Span(indent if not number else f"{indent[:-1]} "), Span(part, ink))) for number, part in enumerate(parts)
    ]


def shortened(lines: Sequence[Line], most: int | None, width: int, reading: Reading, key: str) -> list[Line]:
    """Return at most so many lines of a text; where some are left out, the last says by which key all of it opens."""
    if most is None or len(lines) <= most:
        return list(lines)
    words = Span(f"{reading.glyphs.cut} {key} all", Ink.ACCENT)
    last = lines[most - 1]
    kept = _clipped_whole(last.spans, width - cells(words.text) - 1)
    return [*lines[: most - 1], last._replace(spans=(*kept, Span(" "), words))]


def _clipped_whole(spans: Spans, width: int) -> Spans:
    """Return spans in at most ``width`` cells, without a sign where they are cut: what follows them is one."""
    kept: list[Span] = []
    for span in spans:
        room = width - sum(cells(each.text) for each in kept)
        if room <= 0:
            break
        kept.append(span._replace(text=broken(span.text, room)[0]) if span.text else span)
    return tuple(kept)


def box(title: str, body: Sequence[Line], width: int, height: int, reading: Reading, *, asking: bool) -> list[Line]:
    """Return a frame of exactly ``height`` lines; one that asks stands out."""
    glyphs, corners = reading.glyphs, reading.signs.corners
    ink = Ink.WARN if asking else Ink.LINE
    inner = width - 4
    name = f" {cut(title, width - 6, glyphs)} "
    top = Line(
        (
            Span(corners[0] + glyphs.rule, ink),
            Span(name, Ink.WARN_TITLE if asking else Ink.TITLE),
            Span(glyphs.rule * max(0, width - 3 - cells(name)) + corners[1], ink),
        )
    )
    rows = [*body[: max(0, height - 2)], *([Line()] * max(0, height - 2 - len(body)))]
    side = Span(corners[4], ink)
    middle = [Line((side, *_filled(line, inner, glyphs), side)) for line in rows]
    bottom = Line((Span(corners[3] + glyphs.rule * (width - 2) + corners[2], ink),))
    return [top, *middle, bottom]


def _filled(line: Line, inner: int, glyphs: Glyphs) -> Spans:
    """Return a line between the sides of a frame, its surface from side to side."""
    surface = line.surface
    kept = clipped(line.spans, inner, glyphs)
    on = tuple(span._replace(surface=surface) if span.surface is Surface.PAGE else span for span in kept)
    return (
        Span(" ", Ink.TEXT, surface),
        *on,
        Span(" " * (inner - width_of(kept) + 1), Ink.TEXT, surface),
    )


def clipped(spans: Spans, width: int, glyphs: Glyphs) -> Spans:
    """Return spans in at most ``width`` cells."""
    kept: list[Span] = []
    left = width
    for span in spans:
        if cells(span.text) <= left:
            kept.append(span)
            left -= cells(span.text)
            continue
        if left:
            kept.append(span._replace(text=cut(span.text, left, glyphs)))
        break
    return tuple(kept)


def apart(left: Spans, right: Spans, width: int, glyphs: Glyphs, surface: Surface = Surface.PAGE) -> Line:
    """Return a line with spans at both ends; the left ones give way."""
    room = max(0, width - width_of(right) - (1 if right else 0))
    kept = clipped(left, room, glyphs)
    return Line((*kept, Span(" " * (width - width_of(kept) - width_of(right))), *right), surface)


def chart(times: Sequence[float], start: float, end: float, total: int, width: int, marks: Signs) -> str:
    """Return how many of ``total`` had arrived, from ``start`` to ``end`` (seconds), as bars of eight heights."""
    if not times or end <= start or total <= 0 or width <= 0:
        return ""
    bars = []
    for cell in range(width):
        until = start + (end - start) * (cell + 1) / width
        there = sum(time <= until for time in times)
        bars.append(marks.steps[min(7, there * 7 // total)] if there else " ")
    return "".join(bars)

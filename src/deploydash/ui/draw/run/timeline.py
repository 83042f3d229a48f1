"""The run over time as lines of the screen: a ruler, the steps, a strip for each CSC, and what happened where. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from deploydash.cells import padded
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Effective
from deploydash.core.views.timeline import NO_CELL, Cell, Happened, Timeline, during, strip
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.header import width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Surface, fill, letter
from deploydash.ui.draw.lines import rule
from deploydash.ui.draw.tiles import LETTERS, cut, group_of

SCALES = tuple(map(float, (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600)))
"""Seconds that one column may stand for."""

LEGEND = " E D S F O L as in the grid; small: as last seen, it could not be heard; blank: nobody looked"

NAMED = 3
"""Columns that a step must have before the next begins to be named; else it is a dot."""

TICKS = 12
"""Columns from one time on the ruler to the next."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a run is shown: seconds a column, the first column's UTC, and the cursor's, None for the newest.

    ``step_s`` None fits the whole run into the columns.
    """

    step_s: float | None = None
    since: float = 0.0
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A window laid over a run: ``cursor`` is the column under it, ``until`` the UTC up to which something is known."""

    step_s: float
    since: float
    cells: int
    cursor: int
    until: float

    @property
    def at(self) -> float:
        """UTC at which the cursor's column begins."""
        return self.since + self.cursor * self.step_s


@dataclass(frozen=True, slots=True)
class Rows:
    """Lines of the body: a CSC or, with None before its name, the title of a group."""

    lines: tuple[tuple[CscId | None, str], ...]

    @classmethod
    def of(cls, cscs: Sequence[CscView]) -> Rows:
        """Return one line for each CSC, under its group."""
        groups: dict[str, list[CscId]] = {}
        for view in cscs:
            groups.setdefault(group_of(view), []).append(view.csc)
        found: list[tuple[CscId | None, str]] = []
        for group, members in groups.items():
            found += [(None, group), *((csc, str(csc)) for csc in members)]
        return cls(tuple(found))

    @property
    def cscs(self) -> list[CscId]:
        """The CSCs in the order of their lines."""
        return [csc for csc, _ in self.lines if csc is not None]


def name_width(width: int) -> int:
    """Return the cells of the names' column."""
    return 20 if width < 100 else 26


def frame(window: Window, timeline: Timeline, until: float, cells: int) -> Frame:
    """Lay a window over a run so that the cursor is in it."""
    cells = max(1, cells)
    until = max(until, timeline.last)
    fitting = next((scale for scale in SCALES if scale * (cells - 1) >= until - timeline.began), SCALES[-1])
    step = min(window.step_s or fitting, fitting)
    first = math.floor(timeline.began / step) * step
    newest = math.floor(until / step) * step
    at = newest if window.at is None else min(newest, max(first, math.floor(window.at / step) * step))
    latest = max(first, newest - (cells - 1) * step)
    since = min(latest, max(first, math.floor(window.since / step) * step))
    if window.at is None:
        since = latest
    elif not since <= at < since + cells * step:
        since = min(latest, max(first, at - cells // 2 * step))
    return Frame(step, since, cells, round((at - since) / step), until)


def moved(window: Window, shown: Frame, columns: int) -> Window:
    """Move the cursor by columns; at the newest it follows what comes."""
    at = shown.at + columns * shown.step_s
    return replace(window, since=shown.since, at=None if at + shown.step_s > shown.until else at)


def zoomed(window: Window, shown: Frame, way: int) -> Window:
    """Zoom in (1) or out (-1) around the cursor."""
    place = SCALES.index(shown.step_s) - way
    step = SCALES[max(0, min(len(SCALES) - 1, place))]
    return replace(window, step_s=step, since=shown.at - shown.cursor * step)


@dataclass(frozen=True, slots=True)
class Paper:
    """What the page is drawn on. ``filled``: states have backgrounds; without colours their letters stand alone."""

    width: int
    height: int
    glyphs: Glyphs
    filled: bool = True

    @property
    def names(self) -> int:
        """Cells of the names' column."""
        return name_width(self.width)

    def cut(self, text: str, width: int | None = None) -> str:
        """Return text in at most ``width`` cells, or the paper's."""
        return cut(text, self.width if width is None else width, self.glyphs)


def timeline_lines(timeline: Timeline, rows: Rows, csc: CscId, shown: Frame, paper: Paper) -> list[Line]:
    """Return the page: ruler, steps, strips around the cursor's line, and what happened under the cursor."""
    told = 4 if paper.height < 26 else 8
    room = max(1, paper.height - told - 2)
    here = next((number for number, (each, _) in enumerate(rows.lines) if each == csc), 0)
    top = max(0, min(here - room // 2, len(rows.lines) - room))
    body = [
        rule(name, paper.width, paper.glyphs) if each is None else _strip(timeline, each, shown, paper, each == csc)
        for each, name in rows.lines[top : top + room]
    ]
    body += [Line()] * (room - len(body))
    return [_ruler(shown, paper), _steps(timeline, shown, paper), *body, *_told(timeline, csc, shown, paper, told)]


def clocked(utc: float, *, seconds: bool = True) -> str:
    """Return UTC as ``21:10:05`` or ``21:10``."""
    return datetime.fromtimestamp(utc, UTC).strftime("%H:%M:%S" if seconds else "%H:%M")


def _ruler(shown: Frame, paper: Paper) -> Line:
    """Return times, and over the cursor's column its own."""
    fine = shown.step_s * TICKS < 60
    mark, begin = f"{paper.glyphs.cursor}{clocked(shown.at)}", shown.cursor
    if begin + len(mark) > shown.cells:
        begin = max(0, begin + 1 - len(mark))
        mark = mark[1:] + mark[0]
    ticks = [" "] * shown.cells
    for column in range(0, shown.cells, TICKS):
        word = f"|{clocked(shown.since + column * shown.step_s, seconds=fine)}"
        if column + len(word) <= shown.cells and not begin - len(word) < column < begin + len(mark):
            ticks[column : column + len(word)] = word
    before, after = "".join(ticks[:begin]), "".join(ticks[begin + len(mark) :])
    scale = Span(f" {span_of(shown.step_s)} a column".ljust(paper.names), Ink.DIM)
    return Line((scale, Span(before, Ink.DIM), Span(mark, Ink.ACCENT), Span(after, Ink.DIM)))


def span_of(seconds: float) -> str:
    """Return a round duration: ``5 s``, ``2 min``, ``1 h``."""
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def _steps(timeline: Timeline, shown: Frame, paper: Paper) -> Line:
    """Return where each step began and how long it took, with its name where there is room for it."""
    ruler = [" "] * shown.cells
    spans = timeline.steps()
    columns = [int((span.began - shown.since) // shown.step_s) for span in spans]
    nexts = [*columns, shown.cells][1:]
    for span, column, following in zip(spans, columns, nexts, strict=True):
        ended = shown.until if span.ended is None else span.ended
        end = int((ended - shown.since) // shown.step_s)
        if end < 0 or column >= shown.cells:
            continue
        first = max(0, column)
        for each in range(first, min(shown.cells, end + 1)):
            ruler[each] = paper.glyphs.rule
        room = min(following, shown.cells) - first
        if room > NAMED:
            word = (f"|{span.step}" if column >= 0 else str(span.step))[:room]
            ruler[first : first + len(word)] = word
        elif room > 0:
            ruler[first] = paper.glyphs.dot
    return Line((Span(" steps".ljust(paper.names), Ink.DIM), Span("".join(ruler), Ink.TEXT)))


def _strip(timeline: Timeline, csc: CscId, shown: Frame, paper: Paper, selected: bool) -> Line:
    cells = strip(timeline.spells.get(csc, []), shown.since, shown.step_s, shown.cells, shown.until)
    name = padded(paper.cut(str(csc), paper.names - 3), paper.names - 2)
    head = Span(f"{paper.glyphs.cursor if selected else ' '} {name}", Ink.BRIGHT if selected else Ink.DIM)
    spans = [head]
    for number, cell in enumerate(cells):
        here = number == shown.cursor
        ink = Ink.BADGE if here and selected else _ink(cell, paper.filled)
        span = Span(_letter(cell), ink, Surface.SELECTED if here else Surface.PAGE)
        last = spans[-1]
        if number and (last.ink, last.surface) == (span.ink, span.surface):
            spans[-1] = Span(last.text + span.text, span.ink, span.surface)
        else:
            spans.append(span)
    return Line(tuple(spans))


def _letter(cell: Cell) -> str:
    if cell.effective is None:
        return " "
    found = LETTERS[cell.effective]
    return found.lower() if cell.stale else found


def _ink(cell: Cell, filled: bool) -> Ink:
    if cell.effective is None:
        return Ink.TEXT
    if cell.stale or cell.effective is Effective.UNKNOWN:
        return Ink.DIM
    loud = cell.effective in {Effective.FAULT, Effective.LOST}
    return fill(cell.effective) if filled or loud else letter(cell.effective)


def _told(timeline: Timeline, csc: CscId, shown: Frame, paper: Paper, rows: int) -> list[Line]:
    """Return what happened to a CSC in the cursor's column, or what did before and after it."""
    end = shown.at + shown.step_s
    told = timeline.told(csc)
    here = during(told, shown.at, end)
    cell = strip(timeline.spells.get(csc, []), shown.at, shown.step_s, 1, shown.until)[0]
    head = f"{clocked(shown.at)} to {clocked(end)} UTC {paper.glyphs.dot} {csc} {paper.glyphs.dot} {_words(cell)}"
    under_way = [span.step for span in timeline.steps() if span.began < end and (span.ended or end) >= shown.at]
    lines = [rule(paper.cut(head, paper.width - 6), paper.width, paper.glyphs, bright=True)]
    if here:
        fits = rows - 2 if len(here) > rows - 1 else rows - 1
        lines += [_happened(each, paper) for each in here[:fits]]
        if len(here) > fits:
            lines.append(Line((Span(f" and {len(here) - fits} more; + zooms in", Ink.DIM),)))
    else:
        before, after = during(told, 0.0, shown.at)[-1:], during(told, end, math.inf)[:1]
        lines += [_happened(each, paper, "before: ") for each in before]
        lines += [_happened(each, paper, "after:  ") for each in after]
        if not before and not after:
            lines.append(Line((Span(f" nothing is told of {csc}", Ink.DIM),)))
    if len(lines) < rows:
        steps = f" under way: {', '.join(under_way)}" if under_way else " no step was under way"
        lines.append(Line((Span(paper.cut(steps), Ink.DIM),)))
    if len(lines) < rows - 1:
        lines += [Line()] * (rows - 1 - len(lines))
        lines.append(Line((Span(paper.cut(LEGEND), Ink.DIM),)))
    return [*lines, *[Line()] * (rows - len(lines))]


def _words(cell: Cell) -> str:
    if cell.effective is None:
        return "nobody looked" if cell is not NO_CELL else "nothing told"
    return f"{cell.effective.value}, as last seen" if cell.stale else cell.effective.value


def _happened(each: Happened, paper: Paper, word: str = "") -> Line:
    who = f"{each.said.who.partition('@')[0]} " if each.said.who else ""
    spans = [Span(f" {word}", Ink.DIM), Span(f"{clocked(each.utc)}  ", Ink.DIM), Span(who, Ink.BRIGHT)]
    spans.append(Span(paper.cut(each.said.what, max(0, paper.width - width_of(spans))), Ink.TEXT))
    return Line(tuple(spans))


def next_told(timeline: Timeline, csc: CscId, shown: Frame, way: int) -> float | None:
    """Return when the next thing after the cursor's column happened to a CSC, or the last one before it."""
    told = timeline.told(csc)
    if way > 0:
        later = during(told, shown.at + shown.step_s, math.inf)
        return later[0].utc if later else None
    earlier = during(told, 0.0, shown.at)
    return earlier[-1].utc if earlier else None

"""The lanes of a run: which need the lead, which of them is next, and in a line how another one comes along. Pure."""

from __future__ import annotations

from deploydash.cells import cells
from deploydash.core.procedure.names import Lane, StepId
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import LaneHead, RunView, StepRow
from deploydash.core.words import counted
from deploydash.ui.draw.header import width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Spans
from deploydash.ui.draw.run.reading import Reading, apart, lasting
from deploydash.ui.draw.tiles import cut

_WORKS = frozenset({StepStatus.UNDER_WAY, StepStatus.ASKING})

NAMED = 6
"""Fewer cells than this say nothing of a lane's name."""


def lanes_of(run: RunView) -> tuple[Lane, ...]:
    """Return all lanes in the order of the runbook; a lane's place in it, from 1, is its number as long as the run."""
    return tuple(dict.fromkeys(row.lane for row in run.rows))


def in_play(run: RunView) -> tuple[LaneHead, ...]:
    """Return the lanes in which something goes on, is armed, or waits for the lead, by number."""
    return _by_number(run, [head for head in run.heads if waits(head) or head.status in _WORKS])


def waits(head: LaneHead) -> bool:
    """Say whether a lane waits for the lead: an armed step waits for its Enter."""
    return head.waits_for_lead or head.armed


def lane_spans(reading: Reading, room: int) -> Spans:
    """Return the lanes that wait for the lead in at most ``room`` cells; nothing where only one lane is in play."""
    heads = in_play(reading.run)
    waiting = [head for head in heads if waits(head)]
    if len(heads) < 2 or not waiting:
        return ()
    sign = Span(f"{reading.signs.asks} ", Ink.WARN)
    for armed in (" armed", "!"):
        names: list[Span] = []
        for head in waiting:
            names += [Span(f" {reading.glyphs.dot} ", Ink.DIM)] if names else []
            names += [Span(f"{_number(reading.run, head.lane)}:", Ink.DIM), Span(head.lane, Ink.BRIGHT)]
            names += [Span(armed, Ink.WARN)] if head.armed else []
        spans = (sign, *names)
        if width_of(spans) <= room:
            return spans
    armed = "!" if any(head.armed for head in waiting) else ""
    short = (sign, Span(f"{counted(len(waiting), 'lane')}{armed}", Ink.BRIGHT))
    return short if width_of(short) <= room else ()


def lane_title(reading: Reading, title: str, room: int) -> str:
    """Return a card's title with the name of its lane where more than one is in play; the name gives way."""
    card = reading.run.card
    if card is None or len({card.step.lane, *(head.lane for head in in_play(reading.run))}) < 2:
        return title
    words = f"  {reading.glyphs.dot}  lane "
    left = room - cells(title) - cells(words)
    return (
        title + words + cut(card.step.lane, left, reading.glyphs)
        if left >= min(NAMED, cells(card.step.lane))
        else title
    )


def next_lane(run: RunView, way: int = 1) -> LaneHead | None:
    """Return the next (``way`` 1) or previous (-1) lane that waits for the lead, or None where no other one does."""
    card = run.card.step if run.card is not None else None
    here = _number(run, card.lane) if card is not None else 0
    heads = [head for head in _by_number(run, run.heads) if waits(head) and (card is None or head.step != card.id)]
    ahead = [head for head in heads if (_number(run, head.lane) - here) * way > 0]
    return next(iter((ahead or heads)[::way]), None)


def lane_lines(reading: Reading, width: int, most: int, shown: frozenset[StepId]) -> list[Line]:
    """Return a line for each lane at work whose step is not ``shown`` anywhere, in at most ``most`` lines."""
    run = reading.run
    here = {run.card.step.id} if run.card is not None else set()
    works = [head for head in in_play(run) if head.status in _WORKS and head.step not in shown | here]
    rows = [row for head in works for row in run.rows if row.step == head.step]
    if not rows or most < 1:
        return []
    if len(rows) <= most:
        return [_lane_line(reading, row, width) for row in rows]
    kept = [_lane_line(reading, row, width) for row in rows[: most - 1]]
    rest = rows[most - 1 :]
    names = ", ".join(row.lane for row in rest)
    words = f"{counted(len(rest), 'more lane' if kept else 'other lane')} at work: {names}"
    sign = Span(f"{reading.signs.here} ", Ink.ACCENT)
    return [*kept, Line((sign, Span(cut(words, width - 2, reading.glyphs), Ink.DIM)))]


def _lane_line(reading: Reading, row: StepRow, width: int) -> Line:
    """Return a lane at work: its step, how many of how many, since when."""
    asks = row.status is StepStatus.ASKING
    sign = Span(f"{reading.signs.asks if asks else reading.signs.here} ", Ink.WARN if asks else Ink.ACCENT)
    number = Span(f"{_number(reading.run, row.lane)}:", Ink.DIM)
    took = f"  {lasting(reading.moment.utc - row.started_utc)}" if row.started_utc is not None else ""
    right = (Span(row.evidence.partition(" · ")[0], Ink.TEXT), Span(took, Ink.DIM))
    name = row.lane if str(row.lane) == str(row.step) else f"{row.lane} {row.step}"
    return apart((sign, number, Span(name, Ink.BRIGHT)), right, width, reading.glyphs)


def title_of(run: RunView, step: StepId) -> str:
    """Return the title of a step."""
    return next((row.title for row in run.rows if row.step == step), str(step))


def _number(run: RunView, lane: Lane) -> int:
    lanes = lanes_of(run)
    return lanes.index(lane) + 1 if lane in lanes else len(lanes) + 1


def _by_number(run: RunView, heads: list[LaneHead] | tuple[LaneHead, ...]) -> tuple[LaneHead, ...]:
    return tuple(sorted(heads, key=lambda head: _number(run, head.lane)))

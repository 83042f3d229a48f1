"""The two lines on top of a run, a third one while it is held, and the keys at its foot. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.cells import padded
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import RunView
from deploydash.ui.draw.header import clock, feeds_fitting, row, stood_still, width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, Surface
from deploydash.ui.draw.run.lanes import lane_spans
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.tiles import cut
from deploydash.ui.keys import Key

SETTLED = frozenset({StepStatus.DONE, StepStatus.SKIPPED, StepStatus.NOT_APPLICABLE})


def run_header(reading: Reading, width: int, speed: float | None, watching: int = 0) -> list[Line]:
    """Return where we are, which run, which phase, since when; the feeds and who leads; that it is held."""
    run, snapshot, moment = reading.run, reading.snapshot, reading.moment
    rehearsal = snapshot.roster.rehearsal
    surface = Surface.REHEARSAL if rehearsal else Surface.BAR
    badge: Spans = (Span(f" {snapshot.roster.site.upper()} ", Ink.BADGE),)
    if rehearsal:
        fast = f" {reading.glyphs.times}{speed:g}" if speed and speed != 1 else ""
        badge = (Span(f" REHEARSAL{fast} ", Ink.REHEARSAL), Span(f" {snapshot.roster.site.upper()}", Ink.BRIGHT))
    name: Spans = (Span(run.runbook, Ink.BRIGHT), Span(f" {run.cycle}", Ink.DIM))
    elapsed: Spans = (Span(clocked(moment.utc - run.opened_utc).rjust(8), Ink.TEXT),)
    clocks = clock(moment.utc, snapshot.roster.time_zone)
    fixed = width_of(badge) + width_of(name) + width_of(elapsed) + 10
    times = next((each for each in clocks[:-1] if fixed + 24 + width_of(each) <= width), clocks[-1][-2:])
    room = width - fixed - width_of(times)
    lines = [
        row([badge, name, phases(reading, room)], [elapsed, times], width, surface),
        _feeds(reading, width, watching),
    ]
    if run.held_by is not None:
        lines.append(hold_line(reading, width))
    return lines


def phases(reading: Reading, room: int) -> Spans:
    """Return the phases with what is done and where we are; the ones furthest from here go first."""
    run = reading.run
    now = run.phases.index(run.phase) if run.phase in run.phases else 0
    for far in (len(run.phases), 2, 1, 0):
        spans: list[Span] = []
        for number, phase in enumerate(run.phases):
            if abs(number - now) <= far:
                spans += [Span(" ")] if spans else []
                spans += _phase(reading, phase, number == now)
        if width_of(spans) <= room:
            return tuple(spans)
    return ()


def clocked(seconds: float) -> str:
    """Return a duration with its hours always: ``0:41:07``."""
    whole = max(0, int(seconds))
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def _phase(reading: Reading, phase: str, now: bool) -> Spans:
    steps = [row.status for row in reading.run.rows if row.phase == phase]
    if steps and all(status in SETTLED for status in steps):
        return Span(f"{reading.signs.done} ", Ink.GOOD), Span(phase, Ink.DIM)
    if now:
        return Span(f"{reading.signs.here} ", Ink.ACCENT), Span(phase, Ink.BRIGHT)
    return (Span(f"{reading.signs.to_come} {phase}", Ink.DIM),)


def _feeds(reading: Reading, width: int, watching: int) -> Line:
    name = reading.run.operator if width >= 100 else reading.run.operator.partition("@")[0]
    lead = f"lead {name}" if reading.lead else f"you observe {reading.glyphs.dot} lead {name}"
    seen = f" {reading.glyphs.dot} {watching} watching" if watching else ""
    right: list[Spans] = [(Span(f"{lead}{seen} ", Ink.DIM),)]
    if reading.snapshot.standstill is not None:
        right.insert(0, stood_still(reading.snapshot.standstill))
    first = feeds_fitting(reading.snapshot, reading.moment.now, reading.glyphs, 0)[:1]
    used = width_of(first[0]) if first else 0
    room = width - used - sum(width_of(each) + 2 for each in right) - 2
    right.insert(0, lane_spans(reading, room))
    left = width - sum(width_of(each) + 2 for each in right)
    parts = feeds_fitting(reading.snapshot, reading.moment.now, reading.glyphs, left)
    return row(parts, right, width, Surface.PAGE)


def hold_line(reading: Reading, width: int) -> Line:
    """Return the line that nobody overlooks: the run is held, by whom, and how it goes on."""
    run = reading.run
    text = f" HOLD  by {run.held_by}: nothing further is sent. "
    text += "R releases it" if reading.lead else f"{run.operator} releases it"
    return Line((Span(padded(cut(text, width, reading.glyphs), width), Ink.FILL_FAULT),))


def keys_foot(
    table: Sequence[Key],
    run: RunView | None,
    width: int,
    surface: Surface,
    words: dict[str, str],
    *,
    covered: bool = False,
) -> Line:
    """Return the keys that are always there, and at the right the one that holds everything.

    ``covered``: a dialog lies over the screen, so that of all its keys that one alone works, also while typing.
    """
    if covered:
        free = run is not None and run.held_by is None
        hold = (Span(" ctrl+g ", Ink.BADGE), Span(" HOLD ", Ink.BRIGHT)) if free else ()
        return row([], [hold], width, surface)
    left = [
        (Span(key.shown, Ink.ACCENT), Span(f" {words.get(key.act, key.footer)}", Ink.DIM))
        for key in table
        if key.footer and key.act != "help"
    ]
    if left:
        left[0] = (Span(" "), *left[0])  # type: ignore[assignment]
    held = run is not None and run.held_by is not None
    badge = (
        (Span(" R ", Ink.BADGE), Span(" RELEASE ", Ink.BRIGHT))
        if held
        else (Span(" H ", Ink.BADGE), Span(" HOLD ", Ink.BRIGHT))
    )
    help_ = (Span("?", Ink.ACCENT), Span(" help", Ink.DIM)) if any(key.act == "help" for key in table) else ()
    return row(left, [help_, badge], width, surface)

"""The card when CSCs need a decision: who, how it is now, what was sent and what came of it. Pure."""

from __future__ import annotations

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import Effective, Liveness
from deploydash.core.run.state import ItemStatus
from deploydash.core.views.run_view import Card, ItemRow
from deploydash.core.words import counted, listed
from deploydash.ui.draw.ink import Ink, Line, Span, Surface, letter
from deploydash.ui.draw.lines import own_reason, state_words
from deploydash.ui.draw.run.asked import Asked, asked_lines, cscs_of
from deploydash.ui.draw.run.csc_card import in_short
from deploydash.ui.draw.run.item_card import LEAST, left_line
from deploydash.ui.draw.run.reading import Focus, Reading, cursor, folded, lasting, shortened, since
from deploydash.ui.draw.tiles import code, cut, look, without_state

SHORT = 2
"""Lines of a reason where there is no room for all of it; Enter opens the whole."""


def failure_lines(reading: Reading, card: Card, focus: Focus, width: int, height: int) -> list[Line]:
    """Return everyone with the evidence if there is room, else one line each and the evidence of the one chosen."""
    asked = asked_lines(card)
    row = min(focus.row, len(asked) - 1)
    for most in (None, SHORT):
        tall: list[Line] = []
        for number, line in enumerate(asked):
            tall += [_head(reading, line, focus, number == row), *_below(reading, line, width, most), Line()]
        if len(tall) - 1 <= height:
            return tall[:-1]
        tight = [line for line in tall if line.spans]
        if len(tight) <= height:
            return tight
    below = shortened([Line(), *_below(reading, asked[row], width, None)], max(1, height // 2), width, reading, "Enter")
    room = max(1, height - len(below))
    if len(asked) > room > LEAST:
        room -= 1  # the last line says what is left
    first = max(0, min(row - room // 2, len(asked) - room))
    shown = list(enumerate(asked))[first : first + room]
    left = left_line(reading, first, len(asked) - first - room) if room >= LEAST else []
    return [*(_head(reading, line, focus, number == row) for number, line in shown), *left, *below]


def _below(reading: Reading, line: Asked, width: int, most: int | None) -> list[Line]:
    """Return what decides about one line: the evidence of a CSC, or the names of a group that nobody made worse."""
    if len(line) == 1:
        return evidence(reading, line[0], width, most)
    return folded(f"LOST before the run opened: {listed(cscs_of(line))}", width, Ink.DIM, "    ")


def _head(reading: Reading, asked: Asked, focus: Focus, here: bool) -> Line:
    several = len(asked_lines(reading.run.card)) > 1
    surface = Surface.SELECTED if here and focus.active and several else Surface.PAGE
    chosen = surface is Surface.SELECTED
    arrow = cursor(reading, here=chosen, of=2)
    mark = Span(" ")
    if focus.marked.issuperset(row.item.id for row in asked):
        mark = Span(reading.signs.marked, Ink.ACCENT)
    first = asked[0]
    view = reading.views.get(first.csc) if first.csc is not None else None
    name = Span(first.item.label if len(asked) == 1 else f"{len(asked)} of {first.lost_of}", Ink.BRIGHT)
    if view is None:
        return Line((*arrow, Span("  "), mark, name, Span("  not seen", Ink.WARN)), surface)
    drawn = look(view, reading.moment)
    age = since(view, reading.moment)
    state = Span(f"  {state_words(view)}", letter(view.effective))
    ago = (Span(f" {lasting(age)}", Ink.WARN),) if age is not None else ()
    ink = drawn.code_ink if drawn.filled else letter(view.effective)
    lead = Span(f"{code(view, reading.glyphs):<2}", ink)
    return Line((*arrow, lead, mark, name, state, *ago), surface)


def evidence(reading: Reading, row: ItemRow, width: int, most: int | None) -> list[Line]:
    """Return what decides about one CSC: what it reports, its last state, what was sent and what came of it.

    ``most``: so many lines of each, None for all of it.
    """
    view = reading.views.get(row.csc) if row.csc is not None else None
    lines: list[Line] = []
    if view is not None:
        told = state_evidence(view, reading)
        lines += shortened(folded(told, width, Ink.TEXT, "    "), most, width, reading, "Enter") if told else []
        lines += folded(view.likely, width, Ink.WARN, "    ")[:2] if view.likely else []
    progress = row.progress
    sent = f"sent {in_short(progress.request)}: " if progress.request else ""
    came = progress.why or ("outcome unknown" if progress.status is ItemStatus.UNKNOWN else "failed")
    passed = folded(row.passed, width, Ink.GOOD, "    ") if row.passed else []
    return [*lines, *shortened(folded(f"{sent}{came}", width, Ink.DIM, "    "), most, width, reading, "Enter"), *passed]


def state_evidence(view: CscView, reading: Reading) -> str:
    """Return in a phrase what a CSC itself shows: its error code, that it fell silent, restarts, a second process."""
    quote = ("“", "”") if reading.glyphs.cut == "…" else ('"', '"')
    if view.duplicate:
        return "two processes send heartbeats under this name"
    if view.effective is Effective.FAULT and view.error is not None:
        return f"code {view.error.code} {quote[0]}{view.error.report}{quote[1]}"
    if view.effective is Effective.FAULT:
        return "no error code reported"
    if view.liveness is Liveness.UNSEEN:
        return "no heartbeat received yet: no process has been seen"
    if view.effective is Effective.LOST:
        was = view.reported.name if view.reported is not None else "up"
        return f"was {was}, then its heartbeats stopped"
    if view.restarts:
        return f"restarted {counted(view.restarts, 'time')}"
    return cut(without_state(own_reason(view, reading.moment), view), 120, reading.glyphs)

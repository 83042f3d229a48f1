"""The card when targets need a decision: who, how it is now, what was sent and what came of it. Pure."""

from __future__ import annotations

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import Effective, Liveness
from deploydash.core.run.state import TargetStatus
from deploydash.core.views.run_view import Card, TargetRow
from deploydash.ui.draw.ink import Ink, Line, Span, Surface, letter
from deploydash.ui.draw.lines import reason_of, state_words
from deploydash.ui.draw.run.asked import Asked, asked_lines
from deploydash.ui.draw.run.reading import Focus, Reading, counted, folded, lasting, listed, since
from deploydash.ui.draw.tiles import code, cut, look, without_state


def failure_lines(reading: Reading, card: Card, focus: Focus, width: int, height: int) -> list[Line]:
    """Return everyone with the evidence if there is room, else one line each and the evidence of the one chosen."""
    asked = asked_lines(card)
    row = min(focus.row, len(asked) - 1)
    tall: list[Line] = []
    for number, line in enumerate(asked):
        tall += [_head(reading, line, focus, number == row), *_below(reading, line, width), Line()]
    if len(tall) - 1 <= height:
        return tall[:-1]
    tight = [line for line in tall if line.spans]
    if len(tight) <= height:
        return tight
    below = [Line(), *_below(reading, asked[row], width)][: max(0, height // 2)]
    room = max(1, height - len(below))
    first = max(0, min(row - room // 2, len(asked) - room))
    shown = list(enumerate(asked))[first : first + room]
    return [_head(reading, line, focus, number == row) for number, line in shown] + below


def _below(reading: Reading, line: Asked, width: int) -> list[Line]:
    """Return what decides about one line: the evidence of a CSC, or the names of a group that nobody made worse."""
    if len(line) == 1:
        return evidence(reading, line[0], width)
    return folded(f"LOST before the run opened: {listed([row.csc for row in line])}", width, Ink.DIM, "   ")


def _head(reading: Reading, asked: Asked, focus: Focus, here: bool) -> Line:
    several = len(asked_lines(reading.run.card)) > 1
    surface = Surface.SELECTED if here and focus.active and several else Surface.PAGE
    chosen = surface is Surface.SELECTED
    mark = Span(reading.glyphs.cursor if chosen else " ", Ink.BRIGHT)
    if focus.marked.issuperset(row.csc for row in asked):
        mark = Span(reading.signs.marked, Ink.ACCENT)
    target = asked[0]
    view = reading.views.get(target.csc)
    name = Span(str(target.csc) if len(asked) == 1 else f"{len(asked)} of {target.lost_of}", Ink.BRIGHT)
    if view is None:
        return Line((Span("  "), mark, name, Span("  not seen", Ink.WARN)), surface)
    drawn = look(view, reading.moment)
    age = since(view, reading.moment)
    state = Span(f"  {state_words(view)}", letter(view.effective))
    ago = (Span(f" {lasting(age)}", Ink.WARN),) if age is not None else ()
    ink = drawn.code_ink if drawn.filled else letter(view.effective)
    lead = Span(f"{code(view, reading.glyphs):<2}", ink)
    return Line((lead, mark, name, state, *ago), surface)


def evidence(reading: Reading, target: TargetRow, width: int) -> list[Line]:
    """Return what decides about one target: what it reports, its last state, what was sent and what came of it."""
    view = reading.views.get(target.csc)
    lines: list[Line] = []
    if view is not None:
        told = state_evidence(view, reading)
        lines += folded(told, width, Ink.TEXT, "   ")[:2] if told else []
    sent = f"sent {target.command}: " if target.command else ""
    came = target.why or ("nobody knows what came of it" if target.status is TargetStatus.UNKNOWN else "failed")
    return lines + folded(f"{sent}{came}", width, Ink.DIM, "   ")[:2]


def state_evidence(view: CscView, reading: Reading) -> str:
    """Return in a phrase what a CSC itself shows: its error code, that it fell silent, restarts, a second process."""
    quote = ("“", "”") if reading.glyphs.cut == "…" else ('"', '"')
    if view.duplicate:
        return "two processes beat under this name"
    if view.effective is Effective.FAULT and view.error is not None:
        return f"code {view.error.code} {quote[0]}{view.error.report}{quote[1]}"
    if view.effective is Effective.FAULT:
        return "no error code told"
    if view.liveness is Liveness.UNSEEN:
        return "never beat: no process has been seen"
    if view.effective is Effective.LOST:
        was = view.reported.name if view.reported is not None else "up"
        return f"was {was}, then its beats stopped"
    if view.restarts:
        return f"restarted {counted(view.restarts, 'time')}"
    return cut(without_state(reason_of(view, reading.moment), view), 120, reading.glyphs)

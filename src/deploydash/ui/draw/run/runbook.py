"""The runbook as a list that keeps the place, and what is owed, waived and kept under it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploydash.cells import cells, padded
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import RunView, StepRow
from deploydash.core.words import counted, listed
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, Surface
from deploydash.ui.draw.run.card import card_lines, wanted_height
from deploydash.ui.draw.run.item_offers import is_list
from deploydash.ui.draw.run.lanes import lane_lines
from deploydash.ui.draw.run.reading import Focus, Reading, apart, box, chart, folded, lasting
from deploydash.ui.draw.tiles import cut

SIGHT = 24
"""A mirror may see no more lines than this, and needs header, card and the place in the runbook."""

OPEN = frozenset({StepStatus.UNDER_WAY, StepStatus.ASKING})


FEW = 4

ABOVE = 2
"""Steps before the place that are shown: fewer lines than a mirror would lose the place to."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which step of the runbook is under the cursor, and whether the arrows move it."""

    row: int | None = None
    active: bool = False


def left_lines(reading: Reading, focus: Focus, place: Place, width: int, height: int) -> list[Line]:
    """Return card, runbook and debts, one above the other, in ``height`` lines; in few of them, the card alone."""
    if height < SIGHT - 2:
        return card_lines(reading, focus, width, height)
    limit = max(SIGHT - 7, height - 14) if says_something(reading) else SIGHT - 3 if has_many(reading) else SIGHT - 7
    first = max(12, wanted_height(reading, focus, width, limit))
    lines = card_lines(reading, focus, width, first)
    left = height - first
    last = max(6, min(left - 8, left * 2 // 5)) if left >= 16 else 0
    lines += runbook_box(reading, place, width, left - last)
    return lines + (debts_box(reading, width, last) if last else [])


def says_something(reading: Reading) -> bool:
    """Say whether the card shows what people will be told: all of it is read before it goes."""
    card = reading.run.card
    return card is not None and card.status is StepStatus.PENDING and any(row.item.text for row in card.rows)


def has_many(reading: Reading) -> bool:
    """Say whether the card lists more than a few items that wait or go: it takes a mirror's lines but the header's."""
    card = reading.run.card
    return card is not None and card.status in {StepStatus.PENDING, *OPEN} and is_list(card) and len(card.rows) > FEW


def runbook_box(reading: Reading, place: Place, width: int, height: int) -> list[Line]:
    """Return the runbook with the place kept in view."""
    if height < 3:
        return [Line()] * height
    rows = reading.run.rows
    settled = sum(row.status not in {StepStatus.PENDING, *OPEN} for row in rows)
    name = f"Runbook  {reading.glyphs.dot}  {settled} of {len(rows)}"
    body = row_lines(reading, place, width - 4, height - 2, ABOVE)
    return box(name, body, width, height, reading, asking=False)


def row_lines(reading: Reading, place: Place, width: int, height: int, above: int = 0) -> list[Line]:
    """Return the rows around the place: ``above`` of those just done, what comes below, last other lanes at work."""
    rows = reading.run.rows
    centre = place.row if place.row is not None else here(reading.run)
    first = max(0, centre - above)
    lanes: list[Line] = []
    for _ in range(2):  # the lines of the lanes hide rows, and a lane of which the row is hidden has a line
        seen = frozenset(row.step for row in rows[first : first + height - len(lanes)])
        lanes = lane_lines(reading, width, height - above - 1, seen)
    shown = list(enumerate(rows))[first : first + height - len(lanes)]
    arrows = place.active
    return [step_line(reading, row, width, number == centre, arrows=arrows) for number, row in shown] + lanes


def here(run: RunView) -> int:
    """Return the row of the step on the card, else of the first that is not settled."""
    for number, row in enumerate(run.rows):
        if run.card is not None and row.step == run.card.step.id:
            return number
    return next((n for n, row in enumerate(run.rows) if row.status in {StepStatus.PENDING, *OPEN}), 0)


def step_line(reading: Reading, row: StepRow, width: int, chosen: bool, *, arrows: bool = False) -> Line:
    """Return one step: sign, name, what is seen of it, how long it took or takes; ``arrows``: they move this list."""
    sign, ink = _sign(reading, row)
    now = reading.moment.utc
    took = ""
    if row.started_utc is not None and row.status in {StepStatus.DONE, *OPEN}:
        took = lasting((row.ended_utc if row.ended_utc is not None else now) - row.started_utc)
    surface = Surface.SELECTED if chosen else Surface.PAGE
    names = max(14, min(22, width // 2 - 4))
    name = f"{padded(cut(row.step, names, reading.glyphs), names)} "
    words, words_ink = _evidence(reading, row)
    if row.status in OPEN and 2 + cells(name) + cells(words) + 1 + len(took) > width:
        # The sign and the card say that it needs a decision; half a word would say nothing.
        words = words.partition(" · ")[0]
    if chosen and arrows:
        sign = Span(f"{sign.text[0]}{reading.glyphs.cursor}", Ink.BRIGHT)
    left: Spans = (sign, Span(name, ink), Span(words, words_ink))
    return apart(left, (Span(took, Ink.DIM),) if took else (), width, reading.glyphs, surface)


def _sign(reading: Reading, row: StepRow) -> tuple[Span, Ink]:
    marks = reading.signs
    return {
        StepStatus.PENDING: (Span(f"{marks.to_come} ", Ink.DIM), Ink.DIM),
        StepStatus.UNDER_WAY: (Span(f"{marks.here} ", Ink.ACCENT), Ink.BRIGHT),
        StepStatus.ASKING: (Span(f"{marks.asks} ", Ink.WARN), Ink.BRIGHT),
        StepStatus.DONE: (Span(f"{marks.done} ", Ink.GOOD), Ink.DIM),
        StepStatus.SKIPPED: (Span(f"{marks.skipped} ", Ink.WARN), Ink.DIM),
        StepStatus.NOT_APPLICABLE: (Span(f"{reading.glyphs.minus} ", Ink.LINE), Ink.DIM),
    }[row.status]


def _evidence(reading: Reading, row: StepRow) -> tuple[str, Ink]:
    card = reading.run.card
    if row.status is StepStatus.NOT_APPLICABLE:
        return "does not apply", Ink.DIM
    if row.status is StepStatus.ASKING:
        return row.evidence, Ink.WARN
    if row.evidence:
        return row.evidence, Ink.TEXT if row.status in OPEN else Ink.DIM
    if row.status is StepStatus.PENDING and card is not None and row.step == card.step.id:
        red = [reason for reason in card.reasons if not reason.met]
        if red and reading.run.held_by is None:
            return f"closed: {red[0].waits_for or red[0].sentence}", Ink.WARN
        return "your turn" if not red and not row.waits else "", Ink.WARN
    return "", Ink.DIM


def brief_lines(reading: Reading, place: Place, width: int, height: int) -> list[Line]:
    """Return the step on the card and those after it, for a screen with no room for the runbook."""
    return row_lines(reading, place, width, height)


def debts_box(reading: Reading, width: int, height: int) -> list[Line]:
    """Return progress, what is still to undo, who is kept running and who was waived."""
    inner = width - 4
    run = reading.run
    body = _progress(reading, inner)
    owed = debt_lines(run.debts, inner, reading, max(1, height - len(body) - 6))
    body += owed or [Line((Span("nothing to undo yet", Ink.DIM),))]
    kept = [view.csc for view in reading.views.values() if view.protected]
    extra: list[Line] = []
    if kept:
        extra += [Line(), *folded(f"kept running {listed(kept)}", inner, Ink.DIM)]
    waived = listed(csc for csc, _ in run.waived)
    extra += [Line(), *folded(f"waived  {waived or 'none'}", inner, Ink.TEXT if waived else Ink.DIM)]
    if len(body) + len(extra) > height - 2:
        extra = [line for line in extra if line.spans]
    return box("Debts and progress", [*body, *extra], width, height, reading, asking=False)


def debt_lines(debts: Sequence[str], width: int, reading: Reading, most: int) -> list[Line]:
    """Return what is still to undo, at most ``most`` lines of it."""
    lines: list[Line] = []
    for number, debt in enumerate(debts):
        row = folded(debt, width, Ink.TEXT, "  ", Span(f"{reading.signs.owed} ", Ink.WARN))
        left = len(debts) - number
        if len(lines) + len(row) > most - (left > 1):
            return [*lines, *folded(f"and {left} more" if lines else counted(left, "debt"), width, Ink.WARN, "  ")]
        lines += row
    return lines


def _progress(reading: Reading, width: int) -> list[Line]:
    card = reading.run.card
    if card is None or not card.total or card.status not in OPEN:
        return []
    if is_list(card):
        done = sum(row.done for row in card.rows)
        return [Line((Span(str(done), Ink.BRIGHT), Span(f" of {card.total} done", Ink.DIM))), Line()]
    reached = len(card.arrivals)
    started = next((row.started_utc for row in reading.run.rows if row.step == card.step.id), None) or 0.0
    spans = [Span(str(reached), Ink.BRIGHT), Span(f" of {card.total} at target", Ink.DIM)]
    eta = remaining(card.arrivals, started, card.total - len(card.asking))
    if eta is not None and eta > 0:
        spans += [Span("   eta ", Ink.DIM), Span(lasting(eta), Ink.BRIGHT)]
    drawn = chart(card.arrivals, started, max(reading.moment.utc, started + 1), card.total, 12, reading.signs)
    return [apart(tuple(spans), (Span(drawn, Ink.ACCENT),), width, reading.glyphs), Line()]


def remaining(arrivals: Sequence[float], started: float, total: int) -> float | None:
    """Return the seconds until ``total`` have arrived if they go on as so far; None while that is a guess."""
    if len(arrivals) < 3 or arrivals[-1] <= started:
        return None
    return (total - len(arrivals)) * (arrivals[-1] - started) / len(arrivals)

"""When a step or a wait is probably over, by earlier runs, as a line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from deploydash.core.procedure.names import ItemId
from deploydash.core.run.eta import expected
from deploydash.core.run.records import ArrivalsLearned
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import Card
from deploydash.core.words import counted
from deploydash.ui.draw.ink import Ink, Line, Span
from deploydash.ui.draw.run.reading import Reading, clipped, lasting


def eta_line(
    reading: Reading, missing: Sequence[ItemId], earlier: ArrivalsLearned | None, started_utc: float, width: int
) -> Line:
    """Return when everybody missing is probably there, and of whom earlier runs say nothing good."""
    eta = expected(missing, earlier, max(0.0, reading.moment.utc - started_utc))
    if not eta.runs:
        return Line((Span("eta: no earlier run to learn from", Ink.DIM),))
    told = [Span("eta ", Ink.DIM)]
    if eta.after_s is None:
        told.append(Span("unknown", Ink.WARN))
    else:
        told.append(Span(f"{datetime.fromtimestamp(started_utc + eta.after_s, UTC):%H:%M}", Ink.BRIGHT))
    told.append(Span(f" from {counted(eta.runs, 'earlier run')}", Ink.DIM))
    if eta.overdue:
        name, usual = eta.overdue[0]
        more = f" and {len(eta.overdue) - 1} more" if len(eta.overdue) > 1 else ""
        told.append(Span(f"; {name}{more} overdue, usual {lasting(usual)}", Ink.WARN))
    elif eta.unseen_before:
        more = f" and {len(eta.unseen_before) - 1} more" if len(eta.unseen_before) > 1 else ""
        told.append(Span(f"; nothing known of {eta.unseen_before[0]}{more}", Ink.DIM))
    return Line(clipped(tuple(told), width, reading.glyphs))


def card_eta(reading: Reading, card: Card, width: int) -> list[Line]:
    """Return how long the step on a card takes, or when it is probably over; nothing where no earlier run tells."""
    if card.earlier is None or not card.step.acts:
        return []
    started = next((row.started_utc for row in reading.run.rows if row.step == card.step.id), None)
    missing = [row.item.id for row in card.rows if not row.done and not row.asks]
    if card.status is StepStatus.PENDING or started is None:
        usual = expected(missing, card.earlier, 0.0).after_s
        if usual is None:
            return []
        words = f"took {lasting(usual)} in {counted(card.earlier.runs, 'earlier run')}"
        return [Line((Span(words, Ink.DIM),))]
    return [eta_line(reading, missing, card.earlier, started, width)] if missing else []

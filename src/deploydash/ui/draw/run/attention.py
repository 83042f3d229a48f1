"""What needs the lead, by name and in words, so that the bell rings once for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import RunView
from deploydash.ui.draw.run.item_offers import item_that_asks
from deploydash.ui.draw.run.lanes import title_of
from deploydash.ui.draw.run.offers import Mode, mode_of


def needs(run: RunView, utc: float) -> dict[str, str]:
    """Return everything that waits for the lead at ``utc``: turns, what is late, what is done, each in words."""
    found = {
        f"turn {row.step} {row.evidence}": f"your turn, {row.title}: {row.evidence}"
        for row in run.rows
        if row.status is StepStatus.ASKING
    }
    card = run.card
    if card is not None and not card.step.waits and mode_of(run) in {Mode.READY, Mode.QUESTION}:
        found[f"turn {card.step.id}"] = f"your turn, {card.step.title}"
    item = item_that_asks(run)
    if item is not None and item.progress.question is not None:
        asked = item.progress.question.question
        found[f"question {item.step} {item.item.id} {asked}"] = f"{item.item.label} asks: {asked}"
    here = card.step.id if card is not None else None
    for head in run.heads:
        if head.waits_for_lead and head.status is not StepStatus.ASKING and head.step != here:
            found[f"turn {head.step}"] = f"your turn in lane {head.lane}, {title_of(run, head.step)}"
    if run.wait is not None:
        if not run.wait.missing:
            found[f"done {run.wait.step}"] = "all CSCs are at target, end the wait"
        elif utc >= run.wait.started_utc + run.wait.limit_s:
            late = f"late, {len(run.wait.missing)} of {run.wait.total} are not at target"
            found[f"late {run.wait.step} {run.wait.limit_s}"] = late
    if run.held_by is not None:
        found[f"held by {run.held_by}"] = f"held by {run.held_by}"
    if run.fault:
        found["the journal"] = "the journal cannot be written"
    if run.closed:
        found["done"] = "done, the run is closed"
    return found


class Bell:
    """Remembers what it has rung for. A thing that goes and comes again rings again.

    ``on`` is for the bell, ``notes`` for the terminal's notifications; what came while one was off is not made up for.
    """

    def __init__(self, *, notes: bool = True) -> None:
        self.on = True
        self.notes = notes
        self._known: Mapping[str, str] = {}

    def news(self, run: RunView, utc: float) -> tuple[str, ...]:
        """Return in words what needs the lead now and did not at the last look."""
        before, self._known = self._known, needs(run, utc)
        return tuple(words for name, words in self._known.items() if name not in before)

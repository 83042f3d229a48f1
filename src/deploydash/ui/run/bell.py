"""What needs the lead, by name, so that the bell rings once for each. Pure."""

from __future__ import annotations

from deploydash.core.run_state import StepStatus
from deploydash.core.run_view import RunView
from deploydash.core.runbook import StepKind
from deploydash.ui.run.offers import Mode, mode_of


def needs(run: RunView, utc: float) -> frozenset[str]:
    """Return everything that waits for the lead at ``utc``: turns, what is late, what is done."""
    found = {f"turn {row.step} {row.evidence}" for row in run.rows if row.status is StepStatus.ASKING}
    card = run.card
    if card is not None and card.step.kind is not StepKind.WAIT and mode_of(run) in {Mode.READY, Mode.QUESTION}:
        found.add(f"turn {card.step.id}")
    if run.wait is not None:
        if not run.wait.missing:
            found.add(f"done {run.wait.step}")
        elif utc >= run.wait.started_utc + run.wait.limit_s:
            found.add(f"late {run.wait.step} {run.wait.limit_s}")
    if run.held_by is not None:
        found.add(f"held by {run.held_by}")
    if run.fault:
        found.add("the journal")
    if run.closed:
        found.add("done")
    return frozenset(found)


class Bell:
    """Remembers what it has rung for. A thing that goes and comes again rings again."""

    def __init__(self) -> None:
        self.on = True
        self._known: frozenset[str] = frozenset()

    def rings(self, run: RunView, utc: float) -> bool:
        """Say whether something new needs the lead and the bell is on."""
        before, self._known = self._known, needs(run, utc)
        return self.on and bool(self._known - before)

"""What is left in non-working order after a run, in words for a message: ``<broken>``.

Those that were waived and are not seen at their target, and those that every wait of the run was over for and that are
off target now; each with what is seen of it and why, without ages, so that a message that was read stays as it was.
"""

from __future__ import annotations

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Verdict
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.state import RunState
from deploydash.core.words import counted

NOBODY = "none"
MOST = 25
"""So many are named; a message holds 4,000 characters."""
MOST_WHY = 100
"""So many characters of what others report are told of each."""


def broken(state: RunState, fleet: FleetView | None) -> str:
    """Return who is left broken and why; ``fleet``: what is seen now, None where only the journal tells."""
    told = [_waived(csc, waiver.reason, _view(csc, fleet)) for csc, waiver in state.waived.items()]
    if fleet is not None and _waits_are_over(state):
        off = (csc for csc in state.runbook.concerns if csc not in state.waived)
        told += [f"{csc} {_seen(view)}" for csc in off if (view := _view(csc, fleet)) is not None and _is_off(view)]
    named = [words for words in told if words]
    more = [f"and {counted(len(named) - MOST, 'other')}"] if len(named) > MOST else []
    return "; ".join([*named[:MOST], *more]) or NOBODY


def _view(csc: CscId, fleet: FleetView | None) -> CscView | None:
    return fleet.views.get(csc) if fleet is not None else None


def _waits_are_over(state: RunState) -> bool:
    waits = [step for step in state.runbook.steps() if step.waits]
    return bool(waits) and all(state.settled(step) for step in waits)


def _is_off(view: CscView) -> bool:
    return view.verdict is Verdict.OFF_TARGET


def _waived(csc: CscId, reason: str, view: CscView | None) -> str:
    """Return one that was waived; nothing where it is seen to be there now."""
    if view is None:
        return f"{csc} ({reason})"
    return "" if view.verdict is Verdict.AT_TARGET else f"{csc} {_seen(view)} ({reason})"


def _seen(view: CscView) -> str:
    """Return where a CSC is, where it should be, and what is reported of it."""
    wanted = f", not {view.target}" if view.target is not None and view.verdict is not Verdict.AT_TARGET else ""
    code = f"error {view.error.code} {view.error.report}" if view.error is not None and view.error.code else ""
    why = "; ".join(" ".join(text.split()) for text in (code, view.likely) if text)
    likely = f": {why[:MOST_WHY]}{'…' if len(why) > MOST_WHY else ''}" if why else ""
    return f"is {view.effective.value}{wanted}{likely}"

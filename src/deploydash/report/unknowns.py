"""Outcomes that nobody knew for a while, and what settled each: looking, another try, a waiver, or nothing yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import Runbook, StepId
from deploydash.core.run.records import RunRecord
from deploydash.core.run.state import RunState, StepProgress, TargetStatus, evolve
from deploydash.core.views.record_text import script_name
from deploydash.core.views.timeline import Line

STILL = "not settled"


@dataclass(frozen=True, slots=True)
class Unknown:
    """One outcome that was unknown from ``utc`` on. ``settled`` says how it ended, at ``settled_utc`` if it did."""

    utc: float
    step: StepId
    what: str
    why: str
    settled: str = STILL
    settled_utc: float | None = None


_Key = tuple[StepId, CscId | int]

_SETTLED = {
    TargetStatus.REACHED: "seen to have arrived",
    TargetStatus.FAILED: "seen to have failed",
    TargetStatus.UNDER_WAY: "tried again, or followed anew",
}


def unknowns(lines: Sequence[Line], runbook: Runbook) -> tuple[Unknown, ...]:
    """Return every outcome that was unknown at some time, in the order that became so."""
    state = RunState(runbook)
    open_: dict[_Key, Unknown] = {}
    over: list[Unknown] = []
    for utc, record in lines:
        if not isinstance(record, RunRecord):
            continue
        before, state = state, evolve(state, record, utc)
        for key, (status, why) in _changed(before, state).items():
            if key in open_ and status is not TargetStatus.UNKNOWN:
                settled = _SETTLED.get(status, status.value) + (f": {why}" if why else "")
                over.append(replace(open_.pop(key), settled=settled, settled_utc=utc))
            elif key not in open_ and status is TargetStatus.UNKNOWN:
                open_[key] = Unknown(utc, key[0], _name(state, key), why)
        for key in [key for key in open_ if _let_be(state, key)]:
            settled = _let_be(state, key)
            over.append(replace(open_.pop(key), settled=settled, settled_utc=utc))
    return tuple(sorted((*over, *open_.values()), key=lambda each: each.utc))


def _changed(before: RunState, after: RunState) -> Mapping[_Key, tuple[TargetStatus, str]]:
    """Return the targets and scripts that a record put into another status."""
    found: dict[_Key, tuple[TargetStatus, str]] = {}
    for step, progress in after.steps.items():
        was = before.progress(step)
        if progress is was:
            continue
        for csc, target in progress.targets.items():
            held = was.targets.get(csc)
            if held is not target and (held is None or held.status is not target.status):
                found[step, csc] = (target.status, target.why)
        for number, script in progress.scripts.items():
            kept = was.scripts.get(number)
            if kept is not script and (kept is None or kept.status is not script.status):
                found[step, number] = (script.status, script.why)
    return found


def _let_be(state: RunState, key: _Key) -> str:
    """Say by which decision nobody waits for an outcome any more, or nothing."""
    step, what = key
    progress: StepProgress = state.progress(step)
    if isinstance(what, CscId) and what in state.waived:
        return f"waived by {state.waived[what].operator}: {state.waived[what].reason}"
    if isinstance(what, int) and what in progress.sign_offs:
        return f"ticked as done by {progress.sign_offs[what].by}"
    return f"the step was skipped: {progress.skipped}" if progress.skipped is not None else ""


def _name(state: RunState, key: _Key) -> str:
    step, what = key
    return str(what) if isinstance(what, CscId) else script_name(state, step, what)

"""Outcomes that nobody knew for a while, and what settled each: looking, another try, a waiver, or nothing yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deploydash.core.procedure.runbook import ItemId, StepId
from deploydash.core.run.state import RunState, StepProgress, TargetStatus, csc_of
from deploydash.core.views.record_text import script_name

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


_Key = tuple[StepId, ItemId]

_SETTLED = {
    TargetStatus.REACHED: "seen to have arrived",
    TargetStatus.FAILED: "seen to have failed",
    TargetStatus.UNDER_WAY: "tried again, or followed anew",
}


class Unknowns:
    """Collects every outcome that was unknown at some time, told of each line with the run before and after it."""

    def __init__(self) -> None:
        self._open: dict[_Key, Unknown] = {}
        self._over: list[Unknown] = []

    def changed(self, utc: float, before: RunState, state: RunState) -> None:
        """Take in what a line at ``utc`` changed."""
        if state is before:
            return
        for key, (status, why) in _changed(before, state).items():
            if key in self._open and status is not TargetStatus.UNKNOWN:
                self._settle(key, _SETTLED.get(status, status.value) + (f": {why}" if why else ""), utc)
            elif key not in self._open and status is TargetStatus.UNKNOWN:
                self._open[key] = Unknown(utc, key[0], _name(state, key), why)
        for key in tuple(self._open):
            if let_be := _let_be(state, key):
                self._settle(key, let_be, utc)

    def all(self) -> tuple[Unknown, ...]:
        """Return them in the order that they became so."""
        return tuple(sorted((*self._over, *self._open.values()), key=lambda each: each.utc))

    def _settle(self, key: _Key, how: str, utc: float) -> None:
        self._over.append(replace(self._open.pop(key), settled=how, settled_utc=utc))


def _changed(before: RunState, after: RunState) -> Mapping[_Key, tuple[TargetStatus, str]]:
    """Return the items that a record put into another status."""
    found: dict[_Key, tuple[TargetStatus, str]] = {}
    for step, progress in after.steps.items():
        was = before.progress(step)
        if progress is was:
            continue
        for item, now in progress.items.items():
            held = was.items.get(item)
            if held is not now and (held is None or held.status is not now.status):
                found[step, item] = (now.status, now.why)
    return found


def _let_be(state: RunState, key: _Key) -> str:
    """Say by which decision nobody waits for an outcome any more, or nothing."""
    step, item = key
    progress: StepProgress = state.progress(step)
    csc = csc_of(item)
    if csc is not None and csc in state.waived:
        return f"waived by {state.waived[csc].operator}: {state.waived[csc].reason}"
    if item in progress.sign_offs:
        return f"signed off by {progress.sign_offs[item].by}"
    return f"the step was skipped: {progress.skipped}" if progress.skipped is not None else ""


def _name(state: RunState, key: _Key) -> str:
    step, item = key
    return script_name(state, step, item) if csc_of(item) is None else item

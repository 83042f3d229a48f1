"""Outcomes that nobody knew for a while, and what settled each: looking, another try, a waiver, or nothing yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from deploydash.core.procedure.names import WHOLE, ItemId, StepId
from deploydash.core.run.state import ItemStatus, RunState
from deploydash.core.views.record_text import csc_called, item_name

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
    ItemStatus.REACHED: "seen at target",
    ItemStatus.FAILED: "seen to have failed",
    ItemStatus.UNDER_WAY: "tried again, or followed anew",
}


class Unknowns:
    """Collects every outcome that was unknown at some time; it is given each line with the run before and after it."""

    def __init__(self) -> None:
        self._open: dict[_Key, Unknown] = {}
        self._over: list[Unknown] = []

    def changed(self, utc: float, before: RunState, state: RunState) -> None:
        """Take in what a line at ``utc`` changed."""
        if state is before:
            return
        for key, (status, why) in _changed(before, state).items():
            if key in self._open and status is not ItemStatus.UNKNOWN:
                self._settle(key, _SETTLED.get(status, status.value) + (f": {why}" if why else ""), utc)
            elif key not in self._open and status is ItemStatus.UNKNOWN:
                self._open[key] = Unknown(utc, key[0], item_name(state, *key), why)
        for key in tuple(self._open):
            if let_be := _let_be(state, key):
                self._settle(key, let_be, utc)

    def all(self) -> tuple[Unknown, ...]:
        """Return them in the order that they became so."""
        return tuple(sorted((*self._over, *self._open.values()), key=lambda each: each.utc))

    def _settle(self, key: _Key, how: str, utc: float) -> None:
        self._over.append(replace(self._open.pop(key), settled=how, settled_utc=utc))


def _changed(before: RunState, after: RunState) -> Mapping[_Key, tuple[ItemStatus, str]]:
    """Return the items that a record put into another status."""
    found: dict[_Key, tuple[ItemStatus, str]] = {}
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
    step, name = key
    progress, item = state.progress(step), state.item(step, name)
    cscs = item.cscs if item is not None else tuple(csc for csc in (csc_called(name),) if csc is not None)
    if cscs and all(csc in state.waived for csc in cscs):
        waiver = state.waived[cscs[0]]
        return f"waived by {waiver.operator}: {waiver.reason}"
    if progress.signed_off(name):
        return f"signed off by {(progress.sign_offs.get(name) or progress.sign_offs[WHOLE]).by}"
    return f"the step was skipped: {progress.skipped}" if progress.skipped is not None else ""

"""The views of all CSCs in their order, and the counts over them, kept up to date view by view."""

from __future__ import annotations

from collections import Counter

from deploydash.core.fleet.snapshot import CscView, GroupView, Summary
from deploydash.core.model import CscId, Roster, Verdict

UNEXPECTED = "Unexpected"
"""The group of CSCs that the roster does not have and whose component it does not know either."""


class Board:
    """Every shown CSC's view; only what changed is counted anew."""

    def __init__(self, roster: Roster) -> None:
        self._expected = len(roster.cscs)
        self._views: list[CscView] = []
        self._verdicts: Counter[Verdict] = Counter()
        self._at_target: Counter[str] = Counter()
        self._with_target: Counter[str] = Counter()
        self.group_sizes: Counter[str] = Counter(spec.group for spec in roster.cscs)
        self._groups = list(roster.groups)
        self._groups += [group for group in self.group_sizes if group not in roster.groups]
        self._unexpected: tuple[CscId, ...] = ()
        self._changed = True
        self._cscs: tuple[CscView, ...] = ()
        self._group_views: dict[str, GroupView] = {}

    def add(self, view: CscView) -> int:
        """Append a CSC and return its place."""
        self._views.append(view)
        if not view.expected:
            self._unexpected = (*self._unexpected, view.csc)
            if view.group not in self._groups:
                self._groups.append(view.group)
        self._count(view, 1)
        return len(self._views) - 1

    def replace(self, place: int, view: CscView) -> None:
        """Put a new view of the same CSC in its place."""
        self._count(self._views[place], -1)
        self._views[place] = view
        self._count(view, 1)

    def _count(self, view: CscView, by: int) -> None:
        self._changed = True
        if not view.expected:
            return
        self._verdicts[view.verdict] += by
        if view.verdict is not Verdict.NO_TARGET:
            self._with_target[view.group] += by
        if view.verdict is Verdict.AT_TARGET:
            self._at_target[view.group] += by

    def cscs(self) -> tuple[CscView, ...]:
        """Return all views; the same tuple while none of them changed."""
        self._refresh()
        return self._cscs

    def groups(self) -> tuple[GroupView, ...]:
        """Return n of m at target for each group, in the roster's order."""
        self._refresh()
        return tuple(self._group_views[name] for name in self._groups)

    def summary(self) -> Summary:
        """Return the counts of ``status --json``."""
        count = self._verdicts
        return Summary(
            expected=self._expected,
            at_target=count[Verdict.AT_TARGET],
            moving=count[Verdict.MOVING],
            off_target=count[Verdict.OFF_TARGET],
            unknown=count[Verdict.UNKNOWN],
            no_target=count[Verdict.NO_TARGET],
            unexpected=self._unexpected,
        )

    def _refresh(self) -> None:
        if not self._changed:
            return
        self._changed = False
        self._cscs = tuple(self._views)
        for name in self._groups:
            view = GroupView(name, self._at_target[name], self._with_target[name])
            if self._group_views.get(name) != view:
                self._group_views[name] = view

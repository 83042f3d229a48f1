"""What each CSC was in over a run, from the records alone: for the timeline on the screen and the report's picture.

Folded as for observers, and looked at once a second of the journal's time. Nothing is told of the time in which
no process had the run open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploydash.core.fleet.records import BeatsChanged, StateRecorded
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, CscSpec, Effective, Liveness, Roster, SummaryState, Target
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.run.records import RunOpened, RunResumed
from deploydash.core.run.replica import Replica
from deploydash.core.run.state import RunState
from deploydash.core.views.record_text import Said, said

Line = tuple[float, object]
"""UTC unix seconds of a journal's line, and its record."""

Changed = Callable[[float, RunState, RunState], None]

EVERY_S = 1.0
"""How closely states are told apart in time."""


@dataclass(frozen=True, slots=True)
class Spell:
    """What a CSC is in from ``utc`` on; ``effective`` None means that nobody looked. ``stale``: as last seen."""

    utc: float
    effective: Effective | None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that happened, at UTC unix seconds."""

    utc: float
    said: Said


@dataclass(frozen=True, slots=True)
class StepSpan:
    """When a step was let go and, if it is over, when it ended; UTC unix seconds."""

    step: StepId
    began: float
    ended: float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """One stretch of a strip: the state that matters most in it, or None where there is none to tell."""

    effective: Effective | None
    stale: bool = False
    changed: bool = False


NO_CELL = Cell(None)


class Timeline:
    """Grows line by line of a journal.

    ``began`` and ``last`` are UTC unix seconds of its first and last line, ``spells`` what each CSC was in.
    """

    def __init__(self, runbook: Runbook, roster: Roster) -> None:
        self.runbook = runbook
        self.roster = roster
        self.began = 0.0
        self.last = 0.0
        self.spells: dict[CscId, list[Spell]] = {}
        self.happened: list[Happened] = []
        self._by_csc: dict[CscId, list[Happened]] = {}
        self._replica = Replica(runbook, roster)
        self._views: Sequence[CscView] = ()
        self._looked = 0.0

    @property
    def state(self) -> RunState:
        """The run as it stands."""
        return self._replica.state

    def take(self, lines: Iterable[Line], changed: Changed = lambda *_: None) -> None:
        """Read on; ``changed`` is called with the UTC of each line and the run before and after it."""
        for utc, record in lines:
            if utc - self._looked >= EVERY_S:
                self._look()
            self.began = self.began or utc
            if isinstance(record, RunOpened | RunResumed):
                self._begin_anew(utc)
            self._say(utc, record)
            before, unseen = self.state, self._replica.unseen
            self._replica.take(utc, record)
            if unseen and not self._replica.unseen:
                self._looked = utc
            changed(utc, before, self.state)
            self.last = utc
        self._look()

    def steps(self) -> list[StepSpan]:
        """Return the steps that were let go, in the order they began."""
        spans = []
        for step in self.runbook.steps():
            progress = self.state.progress(step.id)
            if progress.approved_utc is not None:
                spans.append(StepSpan(step.id, progress.approved_utc, progress.ended_utc))
        return sorted(spans, key=lambda span: span.began)

    def told(self, csc: CscId) -> Sequence[Happened]:
        """Return what happened to a CSC, oldest first."""
        return self._by_csc.get(csc, ())

    def counts(self, utc: float) -> Counter[str]:
        """Return how many CSCs were in each effective state at a moment."""
        found = (state_at(spells, utc) for spells in self.spells.values())
        return Counter(spell.effective.value for spell in found if spell is not None and spell.effective is not None)

    def _say(self, utc: float, record: object) -> None:
        telling = said(record, self.state)
        if telling is None:
            return
        happened = Happened(utc, telling)
        self.happened.append(happened)
        for csc in telling.cscs:
            self._by_csc.setdefault(csc, []).append(happened)

    def _begin_anew(self, utc: float) -> None:
        """Another process looks from here on; between the two nobody did."""
        if not self._replica.unseen:
            for spells in self.spells.values():
                _add(spells, Spell(min(utc, self.last + EVERY_S), None))
        self._views = ()

    def _look(self) -> None:
        """Note whoever is in something else than at the last look."""
        if self._replica.unseen:
            return
        self._replica.judge()
        views = self._replica.fleet.snapshot(self._replica.at, self.last).cscs
        before = {id(view) for view in self._views}
        for view in views:
            if id(view) not in before:
                stale = view.liveness is Liveness.FEED_DOWN
                _add(self.spells.setdefault(view.csc, []), Spell(self.last, view.effective, stale))
        self._views, self._looked = views, self.last


def _add(spells: list[Spell], spell: Spell) -> None:
    last = spells[-1] if spells else None
    if last is None or (last.effective, last.stale) != (spell.effective, spell.stale):
        spells.append(spell)


def state_at(spells: Sequence[Spell], utc: float) -> Spell | None:
    """Return the spell in which a moment lies."""
    number = bisect_right(spells, utc, key=lambda spell: spell.utc)
    return spells[number - 1] if number else None


_ALARMS = (Effective.FAULT, Effective.LOST)


def strip(spells: Sequence[Spell], since: float, width_s: float, cells: int, until: float) -> list[Cell]:
    """Return a CSC's states from ``since`` on in stretches of ``width_s`` seconds; nothing is told after ``until``.

    A FAULT or a loss shows however short it was; else a stretch shows what it ended in.
    """
    found: list[Cell] = []
    for number in range(cells):
        begin = since + number * width_s
        if begin > until:
            found.append(NO_CELL)
            continue
        first = bisect_right(spells, begin, key=lambda spell: spell.utc)
        after = bisect_left(spells, begin + width_s, lo=first, key=lambda spell: spell.utc)
        inside = spells[max(0, first - 1) : after]
        if not inside:
            found.append(NO_CELL)
            continue
        loud = next((spell for spell in reversed(inside) if spell.effective in _ALARMS), inside[-1])
        found.append(Cell(loud.effective, loud.stale, after > first))
    return found


def during(told: Sequence[Happened], since: float, until: float) -> Sequence[Happened]:
    """Return what happened from ``since`` up to, not including, ``until``."""
    first = bisect_left(told, since, key=lambda each: each.utc)
    return told[first : bisect_left(told, until, lo=first, key=lambda each: each.utc)]


def named_in(lines: Iterable[Line], opened: RunOpened) -> Roster:
    """Return everybody a journal speaks of: the site's own file may be gone or changed since."""
    anything = Target(SummaryState.STANDBY)
    told = (record.csc for _, record in lines if isinstance(record, StateRecorded | BeatsChanged))
    specs = tuple(CscSpec(csc, "", anything, anything, anything) for csc in dict.fromkeys(told))
    return Roster(opened.site, opened.rehearsal, specs, ("",))


def sampled(timeline: Timeline, every_s: float) -> Mapping[float, Counter[str]]:
    """Return how many CSCs were in each state, every so many seconds of the run."""
    if not timeline.spells:
        return {}
    first = min(spells[0].utc for spells in timeline.spells.values())
    count = int((timeline.last - first) // every_s) + 1
    times = [*(first + number * every_s for number in range(count)), timeline.last]
    return {utc: timeline.counts(utc) for utc in dict.fromkeys(times)}

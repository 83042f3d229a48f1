"""The durable half of the fleet: records in, state out. Nothing here reads a clock or guesses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from deploydash.core.banner import QuietTogether
from deploydash.core.board import UNEXPECTED
from deploydash.core.cell import Cell, Component
from deploydash.core.effective import Looked, Seen, effective_state
from deploydash.core.events import EventLog
from deploydash.core.listening import Hearing
from deploydash.core.model import (
    NEVER_EXPECTED,
    CscId,
    Effective,
    FeedName,
    FeedState,
    Liveness,
    Phase,
    Roster,
    SummaryState,
    Target,
)
from deploydash.core.records import (
    BeatsChanged,
    CscAppeared,
    DuplicateEnded,
    DuplicateNoticed,
    EfdRead,
    ErrorRecorded,
    FeedReported,
    FetchesBack,
    FetchesLost,
    ProcessNoticed,
    Record,
    StateRecorded,
    StatesRead,
    SubstateRecorded,
    TopicsFound,
    UndecodableNoticed,
)
from deploydash.core.snapshot import FeedView, Undecodable

_UP = (FeedState.UP, FeedState.DEGRADED)
_HEARD = (Liveness.BEATING, Liveness.LATE)


class Fold:
    """What records say about a fleet. ``apply`` takes them in order; the same records give the same facts."""

    def __init__(self, roster: Roster, started_at: float, phase: Phase) -> None:
        self.started_at = started_at
        self.phase = phase
        self.hearing = Hearing()
        self.events = EventLog()
        self.quiet = QuietTogether()
        self.components: dict[str, Component] = {}
        self.cells: dict[CscId, Cell] = {}
        self.dirty: list[Cell] = []
        self.undecodable: dict[str, Undecodable] = {}
        self.livenesses: Counter[Liveness] = Counter()
        self.feeds = {
            FeedName.KAFKA: FeedView(FeedName.KAFKA, FeedState.CONNECTING, "", started_at),
            FeedName.SCHEMA_REGISTRY: FeedView(FeedName.SCHEMA_REGISTRY, FeedState.CONNECTING, "", started_at),
            FeedName.EFD: FeedView(FeedName.EFD, FeedState.OFF, "not configured", started_at),
        }
        self._listening_since = started_at
        self._sibling_groups: dict[str, str] = {}
        for spec in roster.cscs:
            self._sibling_groups.setdefault(spec.csc.name, spec.group)
            self._add(Cell(spec.csc, spec, spec.group, self.component(spec.csc.name), started_at))
        self._appliers: dict[type[Any], Callable[[Any], None]] = {
            CscAppeared: self._csc_appeared,
            StateRecorded: self._state_recorded,
            SubstateRecorded: self._substate_recorded,
            ErrorRecorded: self._error_recorded,
            BeatsChanged: self._beats_changed,
            ProcessNoticed: self._process_noticed,
            DuplicateNoticed: self._duplicate_noticed,
            DuplicateEnded: self._duplicate_ended,
            FeedReported: self._feed_reported,
            FetchesLost: self._fetches_lost,
            FetchesBack: self._fetches_back,
            TopicsFound: self._topics_found,
            StatesRead: self._states_read,
            EfdRead: self._efd_read,
            UndecodableNoticed: self._undecodable_noticed,
        }

    def apply(self, record: Record) -> None:
        """Take in one record."""
        self._appliers[type(record)](record)

    def component(self, name: str) -> Component:
        """Return what is held of a component."""
        component = self.components.get(name)
        if component is None:
            component = self.components[name] = Component(name)
        return component

    def cell(self, csc: CscId) -> Cell:
        """Return what is held of a CSC; one that the roster lacks is not shown until it appears."""
        cell = self.cells.get(csc)
        if cell is None:
            group = self._sibling_groups.get(csc.name, UNEXPECTED)
            component = self.component(csc.name)
            since = self._listening_since if component.heard_since is None else component.heard_since
            cell = Cell(csc, None, group, component, since)
            self._add(cell)
        return cell

    def target(self, cell: Cell) -> Target | None:
        """Return what the phase wants of a CSC."""
        return None if cell.spec is None else self.phase.target(cell.spec)

    def mark(self, cells: Iterable[Cell]) -> None:
        """Have the views of these CSCs made anew."""
        for cell in cells:
            if not cell.dirty:
                cell.dirty = True
                self.dirty.append(cell)

    def decided(self, cell: Cell) -> bool:
        """Tell whether a CSC's liveness is decided and all was looked at that could tell its state."""
        if cell.liveness is Liveness.UNSEEN and cell.listening:
            return False
        if cell.liveness is Liveness.FEED_DOWN and cell.back_at is not None:
            return False
        return cell.told is not None or self.looked(cell) is not Looked.NOT_YET

    def looked(self, cell: Cell) -> Looked:
        """Return where the last state of a CSC was looked for."""
        if not cell.component.states_read and self.hearing.has_topic(cell.component):
            return Looked.NOT_YET
        if cell.efd_read:
            return Looked.KAFKA_AND_EFD
        efd = self.feeds[FeedName.EFD].state
        if efd is FeedState.OFF:
            return Looked.KAFKA
        return Looked.KAFKA_ALONE if efd is FeedState.DOWN else Looked.NOT_YET

    def seen(self, cell: Cell) -> Seen:
        """Return what the truth table needs to know of a CSC."""
        hearing, component = self.hearing, cell.component
        lost_at, lost_why, never_up = self.started_at, "", False
        if cell.liveness is Liveness.FEED_DOWN:
            lost = hearing.lost_for(component)
            lost_at = cell.listening_since if lost is None else lost
            never_up = not hearing.ever_up
            if not never_up and hearing.lost_at is None and cell.back_at is None:
                never_up = component.heard_since is None
                lost_why = component.lost_why or ("not answered yet" if never_up else "")
        return Seen(
            csc=cell.csc,
            liveness=cell.liveness,
            listening=cell.listening,
            listening_since=cell.listening_since,
            beat_at=cell.beat_at,
            beat_at_least=cell.at_least,
            has_beaten=cell.has_beaten,
            reported=cell.reported,
            told_at=cell.told_since,
            told_before=cell.told is not None and cell.reported is None,
            looked=self.looked(cell),
            camera=cell.spec is not None and cell.spec.camera,
            substate=cell.substate.substate if cell.substate is not None and cell.substate_current else None,
            error=0 if cell.error is None else cell.error.code,
            duplicate=cell.duplicate,
            topic=hearing.has_topic(component),
            proved=self.livenesses[Liveness.BEATING] > 0,
            lost_at=lost_at,
            lost_why=lost_why,
            back_at=cell.back_at,
            never_up=never_up,
            before=cell.before,
            before_inferred=cell.before_inferred,
        )

    def _add(self, cell: Cell) -> None:
        self.cells[cell.csc] = cell
        cell.component.cells.append(cell)
        self.livenesses[cell.liveness] += 1
        lost_at = self.hearing.lost_for(cell.component)
        if lost_at is not None:
            self._freeze(cell, lost_at)
        if cell.shown:
            self.mark((cell,))

    def _set_liveness(self, cell: Cell, liveness: Liveness) -> None:
        count = self.livenesses
        proved = count[Liveness.BEATING] > 0
        count[cell.liveness] -= 1
        count[liveness] += 1
        cell.liveness = liveness
        cell.deadline = 0.0
        self.mark((cell,))
        if proved is not (count[Liveness.BEATING] > 0):
            self.mark(other for other in self.cells.values() if other.reported is None)

    def _csc_appeared(self, record: CscAppeared) -> None:
        cell = self.cell(record.csc)
        if not cell.shown:
            cell.shown = True
            self.mark((cell,))
            self.events.add(record.at, str(record.csc), "appeared", "not in the roster of this site")

    def _state_recorded(self, record: StateRecorded) -> None:
        cell = self.cell(record.csc)
        said = cell.reported
        cell.told = record
        cell.current = record.current
        if not record.live:
            cell.told_since = None
        elif said is not record.state or cell.told_since is None:
            cell.told_since = record.at
        cell.history.append(record)
        if not record.live:
            states = sorted(cell.history, key=_sent)
            cell.history.clear()
            cell.history.extend(states)
        cell.deadline = 0.0
        self.mark((cell,))

    def _substate_recorded(self, record: SubstateRecorded) -> None:
        cell = self.cell(record.csc)
        cell.substate = record
        cell.substate_current = record.current
        self.mark((cell,))

    def _error_recorded(self, record: ErrorRecorded) -> None:
        cell = self.cell(record.csc)
        cell.error = record
        self.mark((cell,))

    def _beats_changed(self, record: BeatsChanged) -> None:
        cell = self.cell(record.csc)
        was_heard = cell.liveness in _HEARD
        cell.listening = record.listening
        cell.beat_at = record.beat_at
        cell.at_least = record.at_least
        cell.has_beaten = record.has_beaten
        if record.liveness is not Liveness.FEED_DOWN:
            cell.back_at = None
        self._set_liveness(cell, record.liveness)
        if was_heard and record.liveness is Liveness.SILENT and cell.reported is not SummaryState.OFFLINE:
            heard = self.livenesses[Liveness.BEATING] + self.livenesses[Liveness.LATE]
            self.quiet.fell_silent(cell, heard, record.at)

    def _process_noticed(self, record: ProcessNoticed) -> None:
        cell = self.cell(record.csc)
        cell.origin = record.origin
        cell.current = record.keeps_state
        cell.substate_current = record.keeps_substate
        if not record.keeps_error:
            cell.error = None
        if record.restarted:
            cell.restarts += 1
            if cell.liveness in _HEARD:
                detail = "another process beats; what the old one told no longer counts"
                self.events.add(record.at, str(record.csc), "restarted", detail)
        self.mark((cell,))

    def _duplicate_noticed(self, record: DuplicateNoticed) -> None:
        cell = self.cell(record.csc)
        if not cell.duplicate:
            cell.duplicate = True
            detail = f"two processes beat as {record.csc}"
            self.events.add(record.at, str(record.csc), "duplicate", detail)
            self.mark((cell,))

    def _duplicate_ended(self, record: DuplicateEnded) -> None:
        cell = self.cell(record.csc)
        if cell.duplicate:
            cell.duplicate = False
            cell.origin = record.origin
            cell.current = record.keeps_state
            cell.substate_current = record.keeps_substate
            self.events.add(record.at, str(record.csc), "duplicate ended", "one process beats on", calm=True)
            self.mark((cell,))

    def _feed_reported(self, record: FeedReported) -> None:
        before = self.feeds[record.feed]
        self.feeds[record.feed] = replace(
            before,
            state=record.state,
            detail=record.detail,
            since=before.since if record.state is before.state else record.at,
        )
        if record.state is before.state:
            return
        calm = record.state in (FeedState.UP, FeedState.CONNECTING, FeedState.OFF)
        change = f"{before.state} → {record.state}"
        self.events.add(record.at, record.feed.replace("_", " "), change, record.detail, calm=calm)
        if record.feed is FeedName.EFD:
            self.mark(cell for cell in self.cells.values() if cell.told is None)
        if record.feed is FeedName.KAFKA:
            self._kafka_reported(record, before.state)

    def _kafka_reported(self, record: FeedReported, before: FeedState) -> None:
        hearing = self.hearing
        if record.state in _UP:
            first_time = not hearing.ever_up
            self._reached()
            if first_time and hearing.lost_at is not None:
                self._listening_since = record.at
            if hearing.lost_at is not None:
                lost_at, hearing.lost_at = hearing.lost_at, None
                for component in self.components.values():
                    if component.lost_at is None:
                        self._unfreeze(component, lost_at, record.at, listen_anew=first_time)
                    else:
                        self.mark(component.cells)
        elif hearing.lost_at is None and (record.state is FeedState.DOWN or before in _UP):
            for component in self.components.values():
                if component.lost_at is None:
                    self._freeze_all(component, record.at)
                self.mark(component.cells)
            hearing.lost_at = record.at

    def _reached(self) -> None:
        if not self.hearing.ever_up:
            self.hearing.ever_up = True
            self.mark(cell for cell in self.cells.values() if cell.liveness is Liveness.FEED_DOWN)

    def _fetches_lost(self, record: FetchesLost) -> None:
        for name in record.components:
            component = self.component(name)
            if component.lost_at is None:
                component.lost_why = record.why
                self._freeze_all(component, record.answered_until)
                component.lost_at = record.answered_until
        self._tell_of_partitions(record.components, "not answered", record.why, record.at)

    def _fetches_back(self, record: FetchesBack) -> None:
        returned = set()
        self._reached()
        for name in record.components:
            component = self.component(name)
            first_time = component.heard_since is None
            if not first_time and component.lost_at is None:
                continue
            lost_at, component.lost_at, component.lost_why = component.lost_at, None, ""
            if first_time:
                component.heard_since = record.at
            else:
                returned.add(name)
            if self.hearing.lost_at is None:
                self._unfreeze(component, lost_at, record.at, listen_anew=first_time)
            self.mark(component.cells)
        self._tell_of_partitions(returned, "answered again", "", record.at)

    def _tell_of_partitions(self, components: Iterable[str], change: str, why: str, at: float) -> None:
        names = sorted(components)
        if names:
            detail = f"heartbeats of {', '.join(names)}" + (f": {why}" if why else "")
            self.events.add(at, FeedName.KAFKA, change, detail, calm=not why)

    def _freeze_all(self, component: Component, until: float) -> None:
        for cell in component.cells:
            self._freeze(cell, until)

    def _freeze(self, cell: Cell, until: float) -> None:
        """Keep what a CSC was while its silence was a fact; what was concluded after ``until`` was none."""
        seen = self.seen(cell)
        if cell.liveness is Liveness.FEED_DOWN:
            seen = replace(seen, liveness=Liveness.SILENT if cell.has_beaten else Liveness.UNSEEN)
        silent = cell.limits.silent
        concluded_later = False
        if seen.liveness is Liveness.SILENT and cell.origin is not None and cell.beat_at is not None:
            concluded_later = until < cell.beat_at + silent
            if concluded_later:
                seen = replace(seen, liveness=Liveness.BEATING)
        elif seen.liveness in (Liveness.SILENT, Liveness.UNSEEN) and cell.beat_at is None:
            concluded_later = until < cell.listening_since + silent
            if concluded_later:
                seen = replace(seen, liveness=Liveness.UNSEEN, listening=True)
        if concluded_later or cell.liveness is not Liveness.FEED_DOWN:
            judgement = effective_state(seen, self.target(cell), until)
            cell.before = judgement.effective
            cell.before_inferred = judgement.inferred
        if cell.liveness is not Liveness.FEED_DOWN:
            self._set_liveness(cell, Liveness.FEED_DOWN)
        cell.back_at = None
        self.mark((cell,))

    def _unfreeze(self, component: Component, lost_at: float | None, at: float, *, listen_anew: bool) -> None:
        if lost_at is not None:
            component.gaps.append((lost_at, at))
        for cell in component.cells:
            if cell.liveness is Liveness.FEED_DOWN and not listen_anew:
                cell.back_at = at
            elif cell.liveness in (Liveness.FEED_DOWN, Liveness.UNSEEN):
                cell.back_at = None
                cell.listening = True
                cell.listening_since = at
                cell.before, cell.before_inferred = Effective.UNKNOWN, False
                self._set_liveness(cell, Liveness.UNSEEN)
            cell.deadline = 0.0
            self.mark((cell,))

    def _topics_found(self, record: TopicsFound) -> None:
        first_time = self.hearing.topics is None
        self.hearing.topics = record.components
        if first_time:
            self._listening_since = record.at
        for component in self.components.values():
            for cell in component.cells:
                if first_time and component.heard_since is None and cell.liveness is Liveness.UNSEEN:
                    cell.listening_since = record.at
                cell.deadline = 0.0
            self.mark(component.cells)

    def _states_read(self, record: StatesRead) -> None:
        component = self.component(record.component)
        component.states_read = True
        self.mark(component.cells)

    def _efd_read(self, record: EfdRead) -> None:
        for csc in record.cscs:
            if csc.name not in NEVER_EXPECTED:
                cell = self.cell(csc)
                cell.efd_read = True
                self.mark((cell,))

    def _undecodable_noticed(self, record: UndecodableNoticed) -> None:
        self.events.add(record.at, record.topic, "undecodable", record.example)


def _sent(told: StateRecorded) -> float:
    return told.sent_utc

"""What the fleet holds, and what follows from it for one CSC. Changed by :mod:`fold` and :mod:`outages`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from deploydash.core.fleet.banner import QuietTogether
from deploydash.core.fleet.board import UNEXPECTED
from deploydash.core.fleet.cell import LONG_AGO, STATE, SUBSTATE, Cell, Component
from deploydash.core.fleet.effective import OFFLINE_GRACE, Looked, Seen, effective_state
from deploydash.core.fleet.events import EventLog
from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.listening import Hearing
from deploydash.core.fleet.observations import EventShown
from deploydash.core.fleet.records import StandstillNoted
from deploydash.core.fleet.snapshot import FeedView, OtherHand, Undecodable
from deploydash.core.model import CscId, FeedName, FeedState, Liveness, Phase, Roster, SummaryState, Target

_ALIVE = (Liveness.BEATING, Liveness.LATE)
_KEPT_STANDSTILLS = 64
_READING = (FeedState.UP, FeedState.DEGRADED)
_REASONS = 2
"""So many facts about one CSC stand in its reason."""


class Ledger:
    """Every CSC and component, the feeds, the event list, and which views have to be made anew."""

    def __init__(self, roster: Roster, started_at: float, phase: Phase) -> None:
        self.started_at = started_at
        self.phase = phase
        self.startup: Mapping[CscId, Target] = {}
        self.concerns = frozenset(spec.csc for spec in roster.cscs)
        self.stopped: Mapping[CscId, str] = {}
        self.moving: frozenset[CscId] = frozenset()
        self.hearing = Hearing(started_at)
        self.events = EventLog()
        self.quiet = QuietTogether()
        self.components: dict[str, Component] = {}
        self.cells: dict[CscId, Cell] = {}
        self.dirty: list[Cell] = []
        self.facts: dict[str, Fact] = {}
        self.shown: dict[str, EventShown] = {}
        """Transient: the facts that are events of CSCs, as they were told."""
        self._about: dict[str, dict[str, Fact]] = {}
        self.undecodable: dict[str, Undecodable] = {}
        self.standstill: StandstillNoted | None = None
        """The last one, recorded or not."""
        self.stood_lately: deque[tuple[float, float]] = deque(maxlen=_KEPT_STANDSTILLS)
        """Transient: when each of the last ones ended and how long it lasted."""
        self.stood_until = LONG_AGO
        self.unrecorded: list[StandstillNoted] = []
        """Transient: standstills that touched nobody and wait for the next record."""
        self.recorded_at = LONG_AGO
        """Transient: when the last standstill was made a record."""
        self.waiting: dict[str, Undecodable] = {}
        self.livenesses: Counter[Liveness] = Counter()
        self.commanded: dict[CscId, tuple[str, float]] = {}
        """Who else commanded a CSC last, and when that was acknowledged."""
        self.others: dict[str, OtherHand] = {}
        """People who command from elsewhere, by identity: ``user@host``; a CSC that commands others has no host."""
        self.foreign: dict[tuple[CscId, str, str, str], float] = {}
        """Transient: what others did to a CSC of late and when it was told: who, which command, what came of it."""
        self.feeds: dict[str, FeedView] = {
            FeedName.KAFKA: FeedView(FeedName.KAFKA, FeedState.CONNECTING, "", started_at),
            FeedName.SCHEMA_REGISTRY: FeedView(FeedName.SCHEMA_REGISTRY, FeedState.CONNECTING, "", started_at),
            FeedName.EFD: FeedView(FeedName.EFD, FeedState.OFF, "not configured", started_at),
        }
        self.listening_since = started_at
        self._sibling_groups: dict[str, str] = {}
        for spec in roster.cscs:
            self._sibling_groups.setdefault(spec.csc.name, spec.group)
            self._add(Cell(spec.csc, spec, spec.group, self.component(spec.csc.name), started_at))

    def feed(self, name: str, now: float) -> FeedView:
        """Return how a feed fares; one that told nothing yet is connecting."""
        return self.feeds.get(name) or FeedView(name, FeedState.CONNECTING, "", now)

    def read_last(self, fact: Fact, utc: float) -> Fact:
        """Return a fact as its writer read it last: while its feed is up it is read on, without a record."""
        feed = self.feeds.get(fact.system)
        return replace(fact, read_utc=utc) if feed is not None and feed.state is FeedState.UP else fact

    def as_it_holds(self, fact: Fact, utc: float) -> Fact:
        """Return a fact as it holds now: an event holds as long as the process that told it sends heartbeats.

        It is told on a change alone, so that while its CSC is heard it is as good as read now.
        """
        told = self.shown.get(fact.name)
        cell = None if told is None else self.cells.get(told.csc)
        if told is None or cell is None:
            return fact
        series = cell.lives.series
        if series is not None and series.origin != told.process.origin:
            return replace(fact, ok=False, sentence=f"{fact.sentence}, told by the process before")
        if cell.liveness is Liveness.BEATING and self.feeds[FeedName.KAFKA].state is FeedState.UP:
            fact = self.facts[fact.name] = replace(fact, read_utc=utc)
        return fact

    def keep(self, fact: Fact) -> None:
        """Take in a fact; the one of its name that was held before counts no more."""
        before = self.facts.get(fact.name)
        self.facts[fact.name] = fact
        if before is not None and before.about != fact.about:
            self._about[before.about].pop(fact.name, None)
            self._mark_about(before.about)
        self._about.setdefault(fact.about, {})[fact.name] = fact
        if before is None or not before.same(fact):
            self._mark_about(fact.about)

    def feed_changed(self, system: str) -> None:
        """Have the views made anew of whom a system reports about: whether it is read on is told with each."""
        for about, facts in self._about.items():
            if any(fact.system == system for fact in facts.values()):
                self._mark_about(about)

    def _mark_about(self, about: str) -> None:
        try:
            cell = self.cells.get(CscId.parse(about))
        except ValueError:
            return  # it is about no CSC
        if cell is not None:
            self.mark((cell,))

    def likely(self, csc: CscId) -> str:
        """Return what other systems report of a CSC that departs, as a reason; empty where they report nothing."""
        facts = self._about.get(str(csc)) if self._about else None
        departing = [fact for fact in facts.values() if not fact.ok and fact.name not in self.shown] if facts else []
        told = [f"{fact.system}: {fact.sentence}{self._unread_since(fact.system)}" for fact in departing[:_REASONS]]
        more = [f"{len(departing) - _REASONS} more"] if len(departing) > _REASONS else []
        return "; ".join([*told, *more])

    def image(self, csc: CscId) -> str:
        """Return the version of what a CSC runs, as another system names it; empty where none does."""
        facts = self._about.get(str(csc)) if self._about else None
        return next((fact.version for fact in facts.values() if fact.version), "") if facts else ""

    def _unread_since(self, system: str) -> str:
        feed = self.feeds.get(system)
        return "" if feed is None or feed.state in _READING else " (not read since its feed was lost)"

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
            since = self.listening_since if component.heard_since is None else component.heard_since
            cell = Cell(csc, None, group, component, since)
            self._add(cell)
        return cell

    def target(self, cell: Cell) -> Target | None:
        """Return what the phase wants of a CSC."""
        judged = cell.spec is not None and cell.csc in self.concerns
        return self.phase.target(cell.spec, self.startup) if judged and cell.spec is not None else None

    def mark(self, cells: Iterable[Cell]) -> None:
        """Have the views of these CSCs made anew."""
        for cell in cells:
            if not cell.dirty:
                cell.dirty = True
                self.dirty.append(cell)

    def set_liveness(self, cell: Cell, liveness: Liveness) -> None:
        """Change a CSC's liveness; whether any CSC beats at all bears on those that never told a state."""
        count = self.livenesses
        proved = count[Liveness.BEATING] > 0
        count[cell.liveness] -= 1
        count[liveness] += 1
        cell.liveness = liveness
        cell.deadline = 0.0
        self.mark((cell,))
        if proved is not (count[Liveness.BEATING] > 0):
            self.mark(other for other in self.cells.values() if other.reported is None)

    def freeze(self, cell: Cell, until: float) -> None:
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
            self.set_liveness(cell, Liveness.FEED_DOWN)
        cell.back_at = cell.stood_for = None
        self.mark((cell,))

    def unreadable(self) -> tuple[Undecodable, ...]:
        """Return by topic how many records cannot be read, for good or until their schema comes."""
        found = dict(self.undecodable)
        for topic, waiting in self.waiting.items():
            if waiting.records:
                refused = found.get(topic)
                records = waiting.records + (0 if refused is None else refused.records)
                found[topic] = Undecodable(topic, records, waiting.example if refused is None else refused.example)
        return tuple(found.values())

    def decided(self, cell: Cell, now: float) -> bool:
        """Tell whether a CSC's liveness is decided and all was looked at that could tell its state."""
        due = self.first_beat_due(cell)
        if due is not None and now <= due:
            return False
        if cell.liveness is Liveness.UNSEEN and cell.listening:
            return False
        if cell.liveness is Liveness.FEED_DOWN and cell.back_at is not None:
            return False
        enough_at = self.one_process_at(cell)
        if enough_at is not None and now <= enough_at:
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
            silence_due=None if cell.told_since is None else self.grace_until(cell.told_since),
            first_beat_due=self.first_beat_due(cell),
            told_before=cell.told is not None and cell.reported is None,
            looked=self.looked(cell),
            camera=cell.spec is not None and cell.spec.camera,
            substate=cell.known_substate,
            unread=cell.unread_why,
            state_unread=_why(cell, STATE),
            substate_unread=_why(cell, SUBSTATE),
            error=0 if cell.error is None else cell.error.code,
            duplicate=cell.duplicate,
            one_process_at=self.one_process_at(cell),
            topic=hearing.has_topic(component),
            proved=self.livenesses[Liveness.BEATING] > 0,
            lost_at=lost_at,
            lost_why=lost_why,
            back_at=cell.back_at,
            stood_for=cell.stood_for,
            never_up=never_up,
            before=cell.before,
            before_inferred=cell.before_inferred,
            stopped_by=cell.stopped_by,
            moving=cell.moving,
        )

    def awaited_until(self, cell: Cell, now: float) -> float | None:
        """Return until when something has to follow, whose failing to come means something; None where nothing has.

        What a CSC reported live is followed by its silence or its first heartbeat, and what beats by the beats of a
        second process, if there is one.
        """
        dues = [self.one_process_at(cell), self.first_beat_due(cell)]
        if cell.told_since is not None and cell.reported is SummaryState.OFFLINE:
            dues.append(self.grace_until(cell.told_since))
        return min((due for due in dues if due is not None and now <= due), default=None)

    def one_process_at(self, cell: Cell) -> float | None:
        """Return when a second process behind the heartbeats that are received will have been seen, if there is one.

        One that takes turns beats within the limit of silence: so long every heartbeat has to be known, from the log
        or by listening. None where this process read none of them: others did, who decided.
        """
        if cell.liveness not in _ALIVE or cell.duplicate:
            return None
        if not cell.recent and cell.log_beat is None:
            return None
        component = cell.component
        since = component.heard_since if component.known_since is None else component.known_since
        return self.hearing.due(self.started_at if since is None else since, cell.limits.silent)

    def first_beat_due(self, cell: Cell) -> float | None:
        """Return until when a process that reported a state may take to its first heartbeat, or None if it has beaten.

        A process reports before it beats (ts_salobj: three seconds), so that its state is newer than the last beat of
        the one before. After its limit it counts as silent.
        """
        beat_at = cell.beat_at
        if cell.liveness is not Liveness.SILENT or cell.told_since is None or not cell.has_beaten:
            return None
        if cell.reported in (None, SummaryState.OFFLINE):
            return None
        if beat_at is not None and cell.told_since <= beat_at:
            return None
        return self.hearing.due(cell.told_since, cell.limits.silent)

    def grace_until(self, told_at: float) -> float:
        """Return until when a CSC that told OFFLINE may still beat; a standstill of our own does not count."""
        return self.hearing.due(told_at, OFFLINE_GRACE)

    def _add(self, cell: Cell) -> None:
        self.cells[cell.csc] = cell
        cell.component.cells.append(cell)
        cell.component.indices.add(cell.csc.index)
        self.livenesses[cell.liveness] += 1
        lost_at = self.hearing.lost_for(cell.component)
        if lost_at is not None:
            self.freeze(cell, lost_at)
        if cell.shown:
            self.mark((cell,))


def _why(cell: Cell, event: str) -> str:
    unread = cell.unread_states.get(event)
    return "" if unread is None else unread.why

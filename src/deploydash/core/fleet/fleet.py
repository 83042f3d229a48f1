"""Every CSC of a site, folded from what feeds observe, and the snapshots of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from deploydash.core.fleet import asides, fold, notice, standstill, unread
from deploydash.core.fleet import heartbeats as heard
from deploydash.core.fleet import observations as seen
from deploydash.core.fleet.board import Board
from deploydash.core.fleet.cell import LONG_AGO, Cell
from deploydash.core.fleet.commands import Command, CompareWith, JudgeByRun, Remark
from deploydash.core.fleet.detail import detail_of
from deploydash.core.fleet.events import COMMAND_TELLS_S, plan_of
from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.listening import review
from deploydash.core.fleet.observations import BeatArrived, Observation
from deploydash.core.fleet.records import NOTHING, Record
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.fleet.views import view_of
from deploydash.core.model import CscId, Effective, FeedName, FeedState, Liveness, Phase, Roster

_BEATING = Liveness.BEATING
_STARTUP = Phase()

_NOTICES: Mapping[type[Any], Callable[[Ledger, Any], tuple[Record, ...]]] = MappingProxyType(
    {
        seen.BeatFoundInLog: heard.beat_found_in_log,
        seen.BeatsReadBack: heard.beats_read_back,
        seen.BeatsUnreadable: unread.beats_unreadable,
        seen.BeatsRead: unread.beats_read,
        seen.StatesUnreadable: unread.states_unreadable,
        seen.EfdUnreadable: unread.efd_unreadable,
        seen.StateTold: notice.state_told,
        seen.SubstateTold: notice.substate_told,
        seen.EventShown: asides.event_shown,
        seen.ErrorTold: notice.error_told,
        seen.LogTold: asides.log_told,
        seen.VersionsTold: asides.newest("versions"),
        seen.SimulationModeTold: asides.newest("simulation"),
        seen.ConfigurationTold: asides.newest("configuration"),
        seen.OverridesTold: asides.newest("offered"),
        seen.StatesReadBack: notice.states_read_back,
        seen.EfdAnswered: notice.efd_answered,
        seen.TopicsListed: notice.topics_listed,
        seen.ExitAcknowledged: asides.exit_acknowledged,
        seen.CommandSeen: asides.command_seen,
        seen.FetchesStopped: notice.fetches_stopped,
        seen.FetchesResumed: notice.fetches_resumed,
        seen.StoodStill: standstill.stood_still,
        seen.FeedChanged: notice.feed_changed,
        seen.FactRead: asides.fact_read,
        seen.FeedMeasured: asides.feed_measured,
        seen.RecordsUndecodable: asides.records_undecodable,
    }
)


class Fleet:
    """Observations in, records out; records in, snapshots out.

    ``observe`` and ``tick`` return what became a durable fact; it counts only when it was handed to ``apply``
    (after it was written down). The caller applies the records of one observation before the next one. Times
    are monotonic seconds, except ``utc``. Silence is noticed on ticks, which should come about 4 times a second.
    ``live``: it observes; a fleet that is folded from records alone is not told when a fact was read again.
    """

    def __init__(self, roster: Roster, started_at: float, phase: Phase = _STARTUP, *, live: bool = True) -> None:
        self._roster = roster
        self._live = live
        self._ledger = Ledger(roster, started_at, phase)
        self._cells = self._ledger.cells
        self._board = Board(roster)
        self._inspected: CscId | None = None
        self._number = 0
        self._leaving: dict[Cell, float] = {}
        self._undecided = len(roster.cscs)
        self._settle(started_at)

    def observe(self, observation: Observation, now: float) -> tuple[Record, ...]:
        """Take in one observation and return the durable facts it makes, not applied yet."""
        if type(observation) is BeatArrived:
            cell = self._cells.get(observation.csc)
            if cell is not None and cell.liveness is _BEATING:
                series = cell.lives.series
                process = observation.process
                if (
                    series is not None
                    and process.origin == series.origin
                    and process.seq_num >= series.seq + observation.count
                    and not cell.lives.others
                ):
                    series.seq = process.seq_num
                    series.stamp = observation.sent_tai
                    series.at = at = observation.at
                    if not (cell.decided or cell.recent):
                        self._ledger.mark((cell,))
                    if observation.count == 1:
                        cell.recent.append(at)
                    else:
                        cell.recent.extend([at] * observation.count)
                    return NOTHING
            return heard.beat_arrived(self._ledger, observation, now)
        return _NOTICES[type(observation)](self._ledger, observation)

    def tick(self, now: float) -> tuple[Record, ...]:
        """Notice what the passing of time makes a fact."""
        records: list[Record] = list(standstill.overdue(self._ledger, now))
        for cell in self._cells.values():
            if cell.deadline <= now:
                self._review(cell, now, records)
        self._settle(now)
        return tuple(records) if records else NOTHING

    def apply(self, record: Record) -> None:
        """Make a durable fact part of the state."""
        fold.apply(self._ledger, record)

    def order(self, command: Command) -> None:
        """Obey an operator's order about what is shown."""
        if isinstance(command, CompareWith):
            self._compare(command)
        elif isinstance(command, JudgeByRun):
            self._judge(command)
        elif isinstance(command, Remark):
            self._ledger.events.add(command.at, command.subject, command.change, command.detail, calm=command.calm)
        else:
            self._inspected = command.csc

    def snapshot(self, now: float, utc: float) -> Snapshot:
        """Return one numbered view of everything; views that did not change are the same objects as before."""
        ledger = self._ledger
        self._settle(now)
        self._number += 1
        inspected = None if self._inspected is None else self._cells.get(self._inspected)
        return Snapshot(
            number=self._number,
            at=now,
            utc=utc,
            roster=self._roster,
            target=str(ledger.phase),
            cscs=self._board.cscs(),
            groups=self._board.groups(),
            feeds=tuple(ledger.feeds.values()),
            summary=self._board.summary(),
            events=ledger.events.lines(now, utc),
            undecodable=ledger.unreadable(),
            detail=None if inspected is None else detail_of(inspected, ledger.hearing, now),
            decided=self._undecided == 0,
            banner=self._banner(),
            standstill=standstill.shown(ledger, now),
            others=tuple(ledger.others.values()),
            facts=tuple(self._fact(fact, utc) for fact in tuple(ledger.facts.values())),
        )

    def _fact(self, fact: Fact, utc: float) -> Fact:
        return self._ledger.as_it_holds(fact, utc) if self._live else self._ledger.read_last(fact, utc)

    def _compare(self, command: CompareWith) -> None:
        ledger = self._ledger
        startup = ledger.startup if command.startup is None else command.startup
        concerns = ledger.concerns if command.concerns is None else command.concerns
        if (command.phase, startup, concerns) != (ledger.phase, ledger.startup, ledger.concerns):
            ledger.phase, ledger.startup, ledger.concerns = command.phase, startup, concerns
            ledger.mark(cell for cell in self._cells.values() if cell.shown)

    def _judge(self, by: JudgeByRun) -> None:
        ledger = self._ledger
        before, ledger.stopped = ledger.stopped, by.stopped
        for cell in self._known(before.keys() | by.stopped.keys()):
            if by.stopped.get(cell.csc) != before.get(cell.csc):
                cell.stopped_by = by.stopped.get(cell.csc, "")
                ledger.mark((cell,))
        changed, ledger.moving = ledger.moving ^ by.moving, by.moving
        for cell in self._known(changed):
            cell.moving = cell.csc in by.moving
            ledger.mark((cell,))

    def _known(self, cscs: Iterable[CscId]) -> list[Cell]:
        return [self._cells[csc] for csc in cscs if csc in self._cells]

    def _review(self, cell: Cell, now: float, records: list[Record]) -> None:
        change = review(cell, self._ledger.hearing, now)
        if change is not None:
            records.append(change)
            records += heard.two_in_log(self._ledger, cell, change)
        if cell.lives.others and self._ledger.hearing.lost_for(cell.component) is None:
            ended = heard.duplicate_ended(cell, now)
            if ended is not None:
                records.append(ended)
            if cell.lives.others:
                cell.deadline = now

    def _settle(self, now: float) -> None:
        """Make the views of all CSCs of which anything changed, also by the passing of row 4's seconds."""
        ledger = self._ledger
        if self._leaving:
            overdue = [cell for cell, until in self._leaving.items() if now > until]
            ledger.mark(overdue)
            for cell in overdue:
                del self._leaving[cell]
        if not ledger.dirty:
            return
        dirty, ledger.dirty = ledger.dirty, []
        for cell in dirty:
            cell.dirty = False
            if cell.shown:
                self._show(cell, now)

    def _show(self, cell: Cell, now: float) -> None:
        ledger, old = self._ledger, cell.view
        view = view_of(ledger, cell, now)
        decided = ledger.decided(cell, now)
        if decided is not cell.decided:
            cell.decided = decided
            if view.expected:
                self._undecided -= 1 if decided else -1
        until = ledger.awaited_until(cell, now)
        if until is not None:
            self._leaving[cell] = until
        if view is old:
            return
        cell.view = view
        if old is None:
            cell.place = self._board.add(view)
        else:
            self._board.replace(cell.place, view)
        if view.effective is Effective.UNKNOWN or view.liveness is Liveness.FEED_DOWN:
            return
        before, cell.known_as = cell.known_as, view.effective
        restarts, cell.known_restarts = cell.known_restarts, cell.restarts
        if before is not None and before is not view.effective:
            ours = cell.moving or bool(cell.stopped_by)
            by, at = ledger.commanded.get(cell.csc, ("", LONG_AGO))
            lately = now - at <= COMMAND_TELLS_S
            plan = plan_of(before, view, ours=ours, restarted=cell.restarts > restarts, by_others=lately)
            ledger.events.csc_changed(before, view, self._board.group_sizes[view.group], plan, now, by)

    def _banner(self) -> str:
        ledger = self._ledger
        kafka = ledger.feeds[FeedName.KAFKA]
        if kafka.state is FeedState.DOWN or ledger.hearing.lost_at is not None:
            fares = "connecting to Kafka" if kafka.state is FeedState.CONNECTING else f"Kafka is {kafka.state}"
            return f"{fares}: {kafka.detail}; everything is shown as it was last seen"
        if kafka.state is FeedState.DEGRADED and ledger.hearing.topics == frozenset():
            return f"Kafka: {kafka.detail}"
        if ledger.livenesses[Liveness.FEED_DOWN]:
            lost = [component for component in ledger.components.values() if component.lost_at is not None]
            deaf = sum(cell.shown for component in lost for cell in component.cells)
            if deaf:
                return f"no heartbeats of {deaf} CSC{'s' * (deaf > 1)} can be received: {lost[0].lost_why}"
            waiting = sum(cell.shown and cell.stood_for is not None for cell in self._cells.values())
            if waiting:
                return standstill.banner(ledger, waiting)
        return self._unread_banner() or ledger.quiet.sentence()

    def _unread_banner(self) -> str:
        if not self._ledger.livenesses[Liveness.UNREADABLE]:
            return ""
        unread = [cell for cell in self._cells.values() if cell.shown and cell.liveness is Liveness.UNREADABLE]
        if not unread:
            return ""
        whose = str(unread[0].csc) if len(unread) == 1 else f"{len(unread)} CSCs"
        return f"heartbeats of {whose} arrive and cannot be read: {unread[0].unread_why}"

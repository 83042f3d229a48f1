"""What the fleet holds of one CSC and of one component's topics. Plain mutable state of :mod:`ledger`.

Durable fields are written by ``fold`` and ``outages`` alone, from records; transient ones by ``heard``, ``notice``
and ``asides``, from observations.
"""

from __future__ import annotations

from collections import deque

from deploydash.core.fleet.beats import Lives
from deploydash.core.fleet.observations import (
    BeatFoundInLog,
    ConfigurationTold,
    OverridesTold,
    SimulationModeTold,
    Unreadable,
    VersionsTold,
)
from deploydash.core.fleet.recent import Recent
from deploydash.core.fleet.records import ErrorLogged, ErrorRecorded, StateRecorded, StateUnread, SubstateRecorded
from deploydash.core.fleet.snapshot import CscView, LogLine, StateTime
from deploydash.core.model import CameraSubstate, CscId, CscSpec, Effective, Limits, Liveness, SummaryState

NEVER = float("inf")
LONG_AGO = float("-inf")
STATE = "summaryState"
SUBSTATE = "offlineDetailedState"
_REASON_STAYS_S = 3.0
_KEPT_BEATS = 64
_KEPT_LINES = 50


class Unread:
    """The newest heartbeat record that could not be read: when it arrived (monotonic), and why."""

    __slots__ = ("_met_at", "at", "why")

    def __init__(self) -> None:
        self.at = LONG_AGO
        self.why = ""
        self._met_at = LONG_AGO

    def take(self, at: float, why: str) -> None:
        """Take in one more; of reasons that alternate the first stays while it is met."""
        if at - self._met_at > _REASON_STAYS_S:
            self.why = why
        if why == self.why:
            self._met_at = at
        self.at = max(self.at, at)


class Component:
    """The topics of one component, shared by its indices. Times are monotonic seconds."""

    __slots__ = (
        "append_ahead",
        "back_at",
        "cells",
        "gaps",
        "heard_since",
        "indices",
        "known_since",
        "log_complete",
        "log_since_utc",
        "log_unread_utc",
        "lost_at",
        "lost_why",
        "name",
        "states_read",
        "unread",
        "unread_states",
        "waiting",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.cells: list[Cell] = []
        self.indices: set[int] = set()
        """Of these cells; thousands of CSCs may be of one component."""
        self.heard_since: float | None = None
        """When its heartbeats were answered for the first time."""
        self.lost_at: float | None = None
        """Until when fetches were answered, while they are not."""
        self.lost_why = ""
        self.back_at: float | None = None
        """When fetches were answered again after a loss."""
        self.states_read = False
        self.append_ahead: float | None = None
        """Transient: its broker's append time minus our receive time, where it was largest (least delay)."""
        self.log_since_utc: float | None = None
        """Transient: append time back to which its heartbeat log is known."""
        self.known_since: float | None = None
        """Transient: since when every heartbeat of it is known, from the log or by listening to this connection."""
        self.log_complete = False
        """Transient: the log was read to its start."""
        self.log_unread_utc = LONG_AGO
        """Transient: append time of the newest heartbeat of its log that cannot be read."""
        self.unread = Unread()
        """Transient: heartbeats that may be any of its CSCs'."""
        self.waiting = Unread()
        """Transient: the like of them whose schema may still come."""
        self.unread_states: dict[str, tuple[Unreadable, ...]] = {}
        """Transient: by state event, the newest records that cannot be read."""
        self.gaps: deque[tuple[float, float]] = deque(maxlen=_KEPT_LINES)
        """From when to when nothing was answered, newest last."""


class Cell:
    """Everything known of one CSC. Times are monotonic seconds.

    ``shown`` with its ``place`` in the snapshot. Durable are the fields from ``liveness`` to ``stood_for``:
    ``told`` counts only while ``current``, that is told by the process that beats, and was first told live at
    ``told_since``; ``unread_states`` holds, by event, what hides it; ``before`` is what the CSC was when its feed was
    lost, ``back_at`` when the feed came back while no beat has followed, or a standstill of our own ended, of
    ``stood_for`` seconds. Transient are those from ``lives`` on: ``deadline`` is when to look at it again, ``fell_at``
    when the number of its states last fell, ``exited_at`` when the process that beats acknowledged our exitControl,
    ``orders`` the place of its newest state in each state topic, ``efd_unread`` why the EFD's cannot be used. The rest
    is of the view last made; ``known_as`` is the last effective state that was not UNKNOWN, after ``known_restarts``.
    """

    __slots__ = (
        "at_least",
        "back_at",
        "beat_at",
        "before",
        "before_inferred",
        "changed_at",
        "component",
        "configuration",
        "csc",
        "current",
        "deadline",
        "decided",
        "dirty",
        "duplicate",
        "efd_read",
        "efd_unread",
        "error",
        "exited_at",
        "fell_at",
        "group",
        "has_beaten",
        "history",
        "known_as",
        "known_restarts",
        "limits",
        "listening",
        "listening_since",
        "liveness",
        "lives",
        "log_beat",
        "logged",
        "logs",
        "moving",
        "offered",
        "orders",
        "origin",
        "place",
        "recent",
        "restarts",
        "shown",
        "simulation",
        "spec",
        "stood_for",
        "stopped_by",
        "substate",
        "substate_current",
        "told",
        "told_since",
        "unread",
        "unread_states",
        "unread_why",
        "versions",
        "view",
    )

    def __init__(self, csc: CscId, spec: CscSpec | None, group: str, component: Component, started_at: float) -> None:
        self.csc = csc
        self.spec = spec
        self.group = group
        self.component = component
        self.limits = spec.limits if spec is not None else Limits()
        self.shown, self.place = spec is not None, -1

        self.liveness = Liveness.UNSEEN
        self.listening = True
        self.listening_since = started_at
        self.beat_at: float | None = None
        self.at_least = False
        self.has_beaten = False
        self.unread_why = ""
        self.origin: int | None = None
        self.restarts = self.known_restarts = 0
        self.duplicate = False
        self.told: StateRecorded | None = None
        self.current = False
        self.told_since: float | None = None
        self.substate: SubstateRecorded | None = None
        self.substate_current = False
        self.unread_states: dict[str, StateUnread] = {}
        self.error: ErrorRecorded | None = None
        self.logged: ErrorLogged | None = None
        self.efd_read = False
        self.back_at: float | None = None
        self.before, self.before_inferred = Effective.UNKNOWN, False
        self.stood_for: float | None = None

        self.lives = Lives()
        self.unread = Unread()
        self.orders: dict[str, int] = {}
        self.efd_unread: dict[str, str] = {}
        self.deadline = 0.0
        self.fell_at: float | None = None
        self.exited_at: float | None = None
        self.stopped_by = ""
        self.moving = False
        self.log_beat: BeatFoundInLog | None = None
        self.recent: deque[float] = deque(maxlen=_KEPT_BEATS)
        self.history: Recent[StateTime] = Recent()
        self.logs: Recent[LogLine] = Recent()
        self.versions: VersionsTold | None = None
        self.simulation: SimulationModeTold | None = None
        self.configuration: ConfigurationTold | None = None
        self.offered: OverridesTold | None = None

        self.view: CscView | None = None
        self.dirty = False
        self.decided = False
        self.known_as: Effective | None = None
        self.changed_at: float | None = None

    @property
    def reported(self) -> SummaryState | None:
        """The state that counts: told by the process that beats, or the last told while two of them beat.

        None while a newer one cannot be read.
        """
        if self.told is None or not (self.current or self.duplicate) or STATE in self.unread_states:
            return None
        return self.told.state

    @property
    def known_substate(self) -> CameraSubstate | None:
        """The sub-state that counts."""
        if self.substate is None or not self.substate_current or SUBSTATE in self.unread_states:
            return None
        return self.substate.substate

    @property
    def last_beat(self) -> float | None:
        """The newest beat known, whatever the liveness says."""
        series = self.lives.series
        return self.beat_at if series is None else series.at

"""One CSC process as ts_salobj makes it behave: a state machine of commands and time, which says what it writes.

It reads no clock and does no input or output: every method takes ``now`` (UTC unix seconds) and gives the records to
be written. Sources: ts_salobj python/lsst/ts/salobj/base_csc.py (transitions, FAULT, exit), controller.py (end of
the process), topics/controller_command.py (acknowledgements), topics/write_topic.py (events only on change).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any

from deploydash.demo.states import (
    AVAILABLE,
    COMPLETE,
    FAILED,
    IN_PROGRESS,
    PUBLISH_ONLY,
    TRANSITIONS,
    Reaction,
    State,
    Traits,
    route,
)
from deploydash.demo.wire import CAMERAS, CLOSED_LOOP, COMMANDS, CPP, M2, TELEMETRY_ONLY, Emit, Writer

STARTUP_S = 3.6
"""From the start of the process to its first beat: ts_salobj listens 3 s for a duplicate."""
EXIT_S = 1.9
"""From the acknowledgement of exitControl to the end of the process."""
LATENCY_S = 0.015
"""From a command's arrival to its handling."""


class Process:
    """One run of a CSC. ``pace`` divides every delay but the beats'."""

    def __init__(self, writer: Writer, traits: Traits, *, pace: float, phase: float, rng: random.Random) -> None:
        self.writer = writer
        self.traits = traits
        self.alive = True
        self.state: State | None = None
        self.substate: int | None = None
        self.beats_at: float | None = None
        self._pace = pace
        self._phase = phase
        self._rng = rng
        self._seq: dict[str, int] = {}
        self._told: dict[str, dict[str, Any]] = {}
        self._agenda: list[tuple[float, int, Callable[[float], list[Emit]]]] = []
        self._order = itertools.count()
        self._deaf = False
        self.does: dict[str, Callable[[Mapping[str, Any], float], list[Emit]]] = {}
        """Commands beside the transitions, each with what it writes, acknowledgements included."""
        self.on_state: Callable[[State, float], list[Emit]] = lambda _, __: []
        """What is written before a state is told."""

    @property
    def camera(self) -> bool:
        """Whether it lives on in OFFLINE."""
        return self.writer.component in CAMERAS

    @property
    def next_due(self) -> float | None:
        """When `advance` has something to do; None if never."""
        if not self.alive:
            return None
        dues = [self._agenda[0][0]] if self._agenda else []
        if self.beats_at is not None:
            dues.append(self.beats_at)
        return min(dues, default=None)

    # -- life ---------------------------------------------------------------------------------------------------

    def boot(self, now: float, goal: State = State.STANDBY, substate: int | None = None) -> list[Emit]:
        """The process starts; it will beat and tell its state some seconds later, then go on to ``goal``.

        ``substate``: that of a camera that stays OFFLINE; AVAILABLE unless given.
        """
        self._later(now + STARTUP_S / self._pace, lambda t: self._appear(t, goal, substate))
        return [
            *self.event("logevent_logLevel", now, level=20, subsystem=""),
            *self.log(
                f"{self.writer.identity} with origin={self.writer.origin} checking for an already-running instance.",
                now,
            ),
        ]

    def _appear(self, now: float, goal: State, substate: int | None) -> list[Emit]:
        emits = [*self._beat(now), *self._introduce(now)]
        if self.camera:
            emits += self._offline(now, substate or AVAILABLE)
            if goal is State.OFFLINE:
                return emits
        else:
            emits += self._tell(State.STANDBY, now)
        emits += self.event("logevent_errorCode", now, errorCode=0, errorReport="", traceback="")
        return emits + self.move(goal, now)

    def _introduce(self, now: float) -> list[Emit]:
        xml, csc = self.traits.versions
        return [
            *self.event("logevent_simulationMode", now, mode=0),
            *self.event(
                "logevent_softwareVersions",
                now,
                salVersion="",
                xmlVersion=xml,
                cscVersion=csc,
                subsystemVersions="",
            ),
            *self.event(
                "logevent_configurationsAvailable",
                now,
                overrides="day.yaml,night.yaml",
                version="heads/main-0-g3d2a29b",
                url="file:///opt/ts_config",
                schemaVersion="v2",
            ),
        ]

    def resume(
        self,
        began: float,
        now: float,
        *,
        state: State,
        substate: int | None,
        since: float,
        history: float,
        code: int = 0,
        report: str = "",
    ) -> list[Emit]:
        """The records of a process that ran before the world began, and its life from ``now`` on.

        It began at ``began``, has been in ``state`` for ``since`` seconds and has left ``history`` seconds of beats.
        """
        emits = [*self.event("logevent_logLevel", began, level=20, subsystem=""), *self._introduce(began)]
        changed = max(began, now - since)
        if state is State.OFFLINE and self.camera:
            emits += self._offline(changed, substate or AVAILABLE)
        else:
            emits += self._tell(State.STANDBY, began)
            if state is not State.STANDBY:
                emits += self._applied(began)
                emits += self.fault(code, report, changed) if state is State.FAULT else self._tell(state, changed)
        if state is not State.FAULT:
            emits += self.event("logevent_errorCode", began, errorCode=0, errorReport="", traceback="")
        every = self.traits.beat_every
        count = int(min(history, now - began) / every)
        last = self._aligned(now) - 1.0
        self._seq["logevent_heartbeat"] = max(0, int((now - began) / every) - count)
        for n in range(count, -1, -1):
            emits += self.event("logevent_heartbeat", last - n * every, heartbeat=False)
        self.beats_at = last + every
        return emits

    def kill(self) -> None:
        """SIGKILL: nothing more is written; the last state lies for ever."""
        self.alive = False
        self.beats_at = None
        self._agenda.clear()

    def hang(self) -> None:
        """The read loop is dead: the process stays, but neither beats nor answers."""
        self._deaf = True
        self.beats_at = None
        self._agenda.clear()

    def deafen(self) -> None:
        """It goes on beating and answers no command."""
        self._deaf = True

    def advance(self, now: float) -> list[Emit]:
        """Everything that is due by ``now``."""
        emits: list[Emit] = []
        while self.alive and self._agenda and self._agenda[0][0] <= now:
            emits += heapq.heappop(self._agenda)[2](now)
        if self.alive and self.beats_at is not None and self.beats_at <= now:
            emits += self._beat(now)
        return emits

    def _later(self, due: float, action: Callable[[float], list[Emit]]) -> None:
        heapq.heappush(self._agenda, (due, next(self._order), action))

    def _aligned(self, now: float) -> float:
        """The next moment of this process's beat after ``now``."""
        return (now - self._phase) // 1.0 + 1.0 + self._phase

    def _beat(self, now: float) -> list[Emit]:
        every = self.traits.beat_every
        self.beats_at = self._aligned(now + 0.2) if every == 1.0 else now + every
        return self.event("logevent_heartbeat", now, heartbeat=False)

    # -- events -------------------------------------------------------------------------------------------------

    def event(self, sal_name: str, now: float, **fields: Any) -> list[Emit]:
        """An event record, if it says anything new; beats always do."""
        if sal_name != "logevent_heartbeat":
            if self._told.get(sal_name) == fields:
                return []
            self._told[sal_name] = fields
        self._seq[sal_name] = self._seq.get(sal_name, 0) + 1
        return [Emit(self.writer, sal_name, fields, self._seq[sal_name], now)]

    def forget(self, sal_name: str) -> None:
        """Let the next event of a topic be written even if it says nothing new."""
        self._told.pop(sal_name, None)

    def log(self, message: str, now: float, level: int = 20) -> list[Emit]:
        """A log message; the field timestamp stays 0, as ts_salobj leaves it."""
        return self.event(
            "logevent_logMessage",
            now,
            name=self.writer.component,
            level=level,
            message=message,
            traceback="",
            filePath="",
            functionName="",
            lineNumber=0,
            process=self.writer.origin,
            timestamp=0.0,
        )

    def _tell(self, state: State, now: float) -> list[Emit]:
        self.state = state
        before = self.on_state(state, now)
        told = [*before, *self.event("logevent_summaryState", now, summaryState=int(state))]
        if self.writer.component == M2:  # its operator keeps the mirror in closed loop while it is ENABLED
            mode = CLOSED_LOOP if state is State.ENABLED else TELEMETRY_ONLY
            told += self.event("logevent_closedLoopControlMode", now, mode=mode)
        return told

    def _offline(self, now: float, substate: int) -> list[Emit]:
        """A camera in OFFLINE: it stays, and says in which of its two ways."""
        self.substate = substate
        return [
            *self._tell(State.OFFLINE, now),
            *self.event("logevent_offlineDetailedState", now, substate=substate, timestampTransition=now + 37.0),
        ]

    def _applied(self, now: float, override: str = "") -> list[Emit]:
        files = f"_init.yaml,{override}" if override else "_init.yaml"
        return self.event(
            "logevent_configurationApplied",
            now,
            configurations=files,
            version="heads/main-0-g3d2a29b",
            url="file:///opt/ts_config",
            schemaVersion="v2",
            otherInfo="",
        )

    def fault(self, code: int, report: str, now: float) -> list[Emit]:
        """To FAULT: the error code is written before the state."""
        return [
            *self.event("logevent_errorCode", now, errorCode=code, errorReport=report, traceback=""),
            *self._tell(State.FAULT, now + 0.001),
            *self.log(f"Fault! errorCode={code}, errorReport='{report}'", now + 0.002, level=50),
        ]

    def set_substate(self, substate: int, now: float) -> list[Emit]:
        """A camera changes its way of being OFFLINE, as by setAvailable on its host."""
        return self._offline(now, substate) if self.state is State.OFFLINE else []

    def clear_fault(self, now: float) -> list[Emit]:
        """A camera leaves FAULT, as by clearFault on its host: it is OFFLINE and only publishes."""
        if not self.camera or self.state is not State.FAULT:
            return []
        return [
            *self._offline(now, PUBLISH_ONLY),
            *self.event("logevent_errorCode", now + 0.005, errorCode=0, errorReport="", traceback=""),
        ]

    # -- transitions --------------------------------------------------------------------------------------------

    def move(self, goal: State, now: float, step: float = 0.8) -> list[Emit]:
        """Go to a state by the legal route, one transition every ``step`` world seconds, commanded by nobody here."""
        if self.state is None:
            return []
        due = now
        for command in route(self.state, goal):
            due += step * self._rng.uniform(0.7, 1.3) / self._pace
            self._later(due, self._unasked(command))
        return []

    def _unasked(self, command: str) -> Callable[[float], list[Emit]]:
        return lambda now: self._transit(command, now) if self._legal(command) else []

    def _legal(self, command: str) -> bool:
        if command == "enterControl" and not self.camera:
            return False
        return self.state in TRANSITIONS[command][0]

    def _transit(self, command: str, now: float, override: str = "") -> list[Emit]:
        """What a transition writes before its acknowledgement."""
        goal = TRANSITIONS[command][1]
        was_fault = self.state is State.FAULT
        if goal is State.OFFLINE:
            if self.camera:
                return self._offline(now, AVAILABLE)
            self.beats_at = None
            self._later(now + EXIT_S / self._pace, self._end)
            if self._reaction(command).do == "silent":
                self.state = State.OFFLINE
                return []
        emits = self._applied(now, override) if command == "start" else []
        emits += self._tell(goal, now + 0.001)
        if was_fault:
            emits += self.event("logevent_errorCode", now + 0.005, errorCode=0, errorReport="", traceback="")
        return emits

    def _end(self, _: float) -> list[Emit]:
        self.kill()
        return []

    def _reaction(self, command: str) -> Reaction:
        return self.traits.on.get(command, Reaction())

    # -- commands -----------------------------------------------------------------------------------------------

    def receive(self, command: str, fields: Mapping[str, Any], now: float) -> list[Emit]:
        """A command record of this component. Those for another index are not for us; 0 is no broadcast."""
        if (
            not self.alive
            or self._deaf
            or self.state is None
            or fields.get("salIndex") not in {None, self.writer.index}
        ):
            return []
        if fields["private_seqNum"] <= 0:
            self.hang()
            return []
        self._later(now + LATENCY_S, lambda t: self._begin(command, fields, t))
        return []

    def _begin(self, command: str, fields: Mapping[str, Any], now: float) -> list[Emit]:
        reaction = self._reaction(command)
        if reaction.do == "ignore":
            return []
        if command in self.does:
            return self.does[command](fields, now)
        if not self._legal(command):
            return self._refused(command, fields, now)
        took = reaction.delay / self._pace + (0.03 if command == "start" else 0.002)
        self._later(now + took, lambda t: self._finish(command, fields, t))
        if reaction.progress:
            return self.acknowledge(command, fields, now, IN_PROGRESS, "", timeout=reaction.progress)
        return []

    def _finish(self, command: str, fields: Mapping[str, Any], now: float) -> list[Emit]:
        reaction = self._reaction(command)
        if reaction.do == "refuse":
            return self.acknowledge(command, fields, now, FAILED, f"Failed: {reaction.report}", error=1)
        if reaction.do == "fault":
            failed = self.acknowledge(command, fields, now + 0.003, FAILED, f"Failed: {reaction.report}", error=1)
            return [*self.fault(reaction.code, reaction.report, now), *failed]
        written = self._transit(command, now, str(fields.get("configurationOverride", "")))
        return [*written, *self.acknowledge(command, fields, now + 0.002, COMPLETE, "Done")]

    def _refused(self, command: str, fields: Mapping[str, Any], now: float) -> list[Emit]:
        if self.writer.component in CPP:
            return self.acknowledge(command, fields, now, FAILED, "Command not allowed in this state", error=-1)
        why = f"Failed: {command} not allowed in state {self.state!r}"
        return self.acknowledge(command, fields, now, FAILED, why, error=1)

    def acknowledge(
        self,
        command: str,
        fields: Mapping[str, Any],
        now: float,
        ack: int,
        result: str,
        *,
        error: int = 0,
        timeout: float = 0.0,
    ) -> list[Emit]:
        """The acknowledgement of a command of which these are the fields."""
        known = (*sorted({*COMMANDS, "enterControl", *self.does}), "")
        answer = {
            "ack": ack,
            "error": error,
            "result": result,
            "identity": fields["private_identity"],
            "origin": fields["private_origin"],
            "cmdtype": known.index(command),
            "timeout": timeout,
        }
        return [Emit(self.writer, "ackcmd", answer, fields["private_seqNum"], now)]

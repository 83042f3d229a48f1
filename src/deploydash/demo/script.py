"""A script in a ScriptQueue: a process that lives for some seconds, beats every 5 s and leaves.

Order and values as the real ScriptQueue and ts_salobj's BaseScript write them (ts_scriptqueue script_info.py,
ts_salobj base_script.py).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable

from deploydash.demo.csc import Process
from deploydash.demo.wire import TAI_MINUS_UTC, Emit, Writer

BEAT_S = 5.0
"""Seconds between the beats of a Script (ts_salobj base_script.py)."""
_QUEUE_LENGTH = 400

_UNCONFIGURED, _CONFIGURED, _RUNNING, _ENDING, _DONE = 1, 2, 3, 5, 8
"""Values of Script logevent_state.state."""
_PROCESS_LOADING, _PROCESS_CONFIGURED, _PROCESS_RUNNING, _PROCESS_DONE = 1, 2, 3, 4
"""Values of ScriptQueue logevent_script.processState."""


class ScriptRun:
    """One script, from loading to its end. ``seconds`` is how long it runs, in real time."""

    def __init__(self, queue: Process, number: int, now: float, seconds: float, rng: random.Random) -> None:
        self.writer = Writer("Script", number, rng.randrange(300, 60_000))
        self._queue = queue
        self._seq: dict[str, int] = {}
        self._stamps: dict[str, float] = {"timestampProcessStart": now + TAI_MINUS_UTC}
        self._agenda: list[tuple[float, int, Callable[[float], list[Emit]]]] = []
        self._order = itertools.count()
        ready, began = now + 1.5, now + 2.0
        over = began + seconds
        self._later(now, lambda t: [*self._lists(t, current=0), *self._script(t, _PROCESS_LOADING, 0)])
        self._later(ready, lambda t: [*self._state(t, _UNCONFIGURED), *self._state(t + 0.1, _CONFIGURED)])
        self._later(ready, lambda t: self._script(t, _PROCESS_CONFIGURED, _CONFIGURED))
        self._later(began, lambda t: [*self._lists(t, current=number), *self._state(t, _RUNNING)])
        self._later(began, lambda t: self._script(t, _PROCESS_RUNNING, _RUNNING))
        for beat in range(int((over - ready) / BEAT_S) + 1):
            self._later(ready + beat * BEAT_S, lambda t: self._event("logevent_heartbeat", t, heartbeat=False))
        self._later(over, lambda t: [*self._state(t, _ENDING), *self._state(t + 0.05, _DONE)])
        self._later(over + 2.0, lambda t: [*self._script(t, _PROCESS_DONE, _DONE), *self._lists(t, current=0, past=1)])

    @property
    def next_due(self) -> float | None:
        """When it acts next; None when it is gone."""
        return self._agenda[0][0] if self._agenda else None

    def advance(self, now: float) -> list[Emit]:
        """Everything due by ``now``."""
        emits: list[Emit] = []
        while self._agenda and self._agenda[0][0] <= now:
            emits += heapq.heappop(self._agenda)[2](now)
        return emits

    def _later(self, due: float, action: Callable[[float], list[Emit]]) -> None:
        heapq.heappush(self._agenda, (due, next(self._order), action))

    def _event(self, sal_name: str, now: float, **fields: object) -> list[Emit]:
        self._seq[sal_name] = self._seq.get(sal_name, 0) + 1
        return [Emit(self.writer, sal_name, fields, self._seq[sal_name], now)]

    def _state(self, now: float, state: int) -> list[Emit]:
        return self._event(
            "logevent_state",
            now,
            state=state,
            reason="",
            groupId="",
            lastCheckpoint="",
            numCheckpoints=0,
            blockId="",
            dayObs=0,
            blockExecution=0,
            executionId="",
        )

    def _script(self, now: float, process_state: int, script_state: int) -> list[Emit]:
        """What the queue tells about this script."""
        stamp = {_PROCESS_CONFIGURED: "ConfigureEnd", _PROCESS_RUNNING: "RunStart", _PROCESS_DONE: "ProcessEnd"}
        if process_state in stamp:
            self._stamps[f"timestamp{stamp[process_state]}"] = now + TAI_MINUS_UTC
        stamps = {
            name: self._stamps.get(name, 0.0)
            for name in (
                "timestampProcessStart",
                "timestampConfigureStart",
                "timestampConfigureEnd",
                "timestampRunStart",
                "timestampProcessEnd",
            )
        }
        return self._queue.event(
            "logevent_script",
            now,
            cmdId=self.writer.index,
            scriptSalIndex=self.writer.index,
            isStandard=True,
            path="maintel/track_target.py",
            processState=process_state,
            scriptState=script_state,
            blockId="",
            scriptBlockIndex=0,
            blockSize=0,
            executionId="",
            **stamps,
        )

    def _lists(self, now: float, *, current: int, past: int = 0) -> list[Emit]:
        waiting = 0 if current or past else 1

        def padded(count: int) -> list[int]:
            return [self.writer.index or 0] * count + [0] * (_QUEUE_LENGTH - count)

        return self._queue.event(
            "logevent_queue",
            now,
            enabled=True,
            running=True,
            currentSalIndex=current,
            length=waiting,
            salIndices=padded(waiting),
            pastLength=past,
            pastSalIndices=padded(past),
        )

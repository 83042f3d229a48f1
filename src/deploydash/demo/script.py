"""A script in a ScriptQueue: a process that is loaded, configured, runs, beats every 5 s and leaves.

Order and values as the real ScriptQueue and ts_salobj's BaseScript write them (ts_scriptqueue script_info.py,
ts_salobj base_script.py). Times are world seconds; beats keep to real ones.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from deploydash.demo.csc import Process
from deploydash.demo.script_work import Ask, Checkpoint, Pause, ScriptFailedError, Work, config_error, work_of
from deploydash.demo.site import Csc, Site
from deploydash.demo.states import IN_PROGRESS, ScriptManner, State
from deploydash.demo.wire import TAI_MINUS_UTC, Emit, Writer

BEAT_S = 5.0
"""Seconds between the beats of a Script (ts_salobj base_script.py)."""
LOAD_S, CONFIGURE_S, LEAVE_S = 1.0, 0.12, 2.0
"""From being added to being there, from there to configured, and from the final state to the end of the process."""
UNLOADABLE_S = 0.03

UNCONFIGURED, CONFIGURED, RUNNING, ENDING, STOPPING, FAILING = 1, 2, 3, 5, 6, 7
DONE, STOPPED, FAILED, CONFIGURE_FAILED = 8, 9, 10, 11
"""Values of Script logevent_state.state (ts_xml Script.py)."""
P_LOADING, P_CONFIGURED, P_RUNNING, P_DONE, P_LOADFAILED, P_CONFIGURE_FAILED, P_TERMINATED = range(1, 8)
"""Values of ScriptQueue logevent_script.processState (ts_xml ScriptQueue.py)."""

_STAMPS = ("ProcessStart", "ConfigureStart", "ConfigureEnd", "RunStart", "ProcessEnd")


class Stage(Protocol):
    """What a script needs of the world."""

    pace: float
    rng: random.Random
    site: Site
    answers: dict[str, Callable[[Emit], None]]

    def running(self, csc: Csc) -> list[Process]:
        """The live processes of a CSC."""

    def wake(self, actor: Any) -> None:
        """Note when an actor is next due."""


class ScriptRun:
    """One script, from being added to its end. ``changed`` is called when it is configured, ended or gone."""

    def __init__(
        self,
        stage: Stage,
        queue: Process,
        number: int,
        *,
        path: str,
        config: str,
        standard: bool,
        cmd_id: int,
        manner: ScriptManner,
        changed: Callable[[ScriptRun, float], list[Emit]],
    ) -> None:
        self.number = number
        self.process_state, self.state = 0, 0
        self.checkpoint, self.reason, self.reached = "", "", 0
        self.writer = Writer("Script", number, stage.rng.randrange(300, 60_000))
        self._stage = stage
        self._queue = queue
        self._told = {"isStandard": standard, "path": path, "cmdId": cmd_id}
        self._config = config
        self._manner = manner
        self._changed = changed
        self._work: Work | None = None
        self._asked = 0
        self._seq: dict[str, int] = {}
        self._stamps: dict[str, float] = {}
        self._agenda: list[tuple[float, int, Callable[[float], list[Emit]]]] = []
        self._order = itertools.count()

    @property
    def over(self) -> bool:
        """Whether it will never run (again)."""
        return self.process_state > P_RUNNING or self.state >= DONE

    @property
    def next_due(self) -> float | None:
        """When it acts next; None when it is gone."""
        return self._agenda[0][0] if self._agenda else None

    def advance(self, now: float) -> list[Emit]:
        """Everything due by ``now``; nothing any more once its queue's process is gone."""
        emits: list[Emit] = []
        if not self._queue.alive:
            self._gone()
        while self._agenda and self._agenda[0][0] <= now:
            emits += heapq.heappop(self._agenda)[2](now)
        return emits

    # -- life ---------------------------------------------------------------------------------------------------

    def load(self, now: float) -> list[Emit]:
        """Its process starts."""
        self._stamp("ProcessStart", now)
        if self._manner.do == "load-failed":
            self._after(UNLOADABLE_S, now, lambda t: self._leave(t, P_LOADFAILED))
        else:
            self._after(LOAD_S, now, self._appear)
        return self._tell(now, P_LOADING)

    def _appear(self, now: float) -> list[Emit]:
        self._stamp("ConfigureStart", now)
        self._beat(now)
        error = config_error(str(self._told["path"]), self._config)
        if not error and self._manner.do == "configure-failed":
            error = self._manner.message
        self._after(CONFIGURE_S, now, lambda t: self._refuse(error, t) if error else self._configured(t))
        return [
            *self._become(UNCONFIGURED, now),
            *self._tell(now + 0.013, P_LOADING),
            *self.log("Configure started", now + 0.03),
        ]

    def _configured(self, now: float) -> list[Emit]:
        self._stamp("ConfigureEnd", now)
        emits = [
            *self.log("Configure succeeded", now),
            *self._become(CONFIGURED, now + 0.003),
            *self._tell(now + 0.01, P_LOADING),
            *self._tell(now + 0.012, P_CONFIGURED),
        ]
        return emits + self._changed(self, now + 0.02)

    def _refuse(self, why: str, now: float) -> list[Emit]:
        self.reason = why
        self._after(LEAVE_S, now, lambda t: self._leave(t, P_CONFIGURE_FAILED))
        emits = [*self._become(CONFIGURE_FAILED, now), *self.log(why, now + 0.002, 40)]
        return emits + self._tell(now + 0.02, P_CONFIGURE_FAILED)

    def start(self, now: float) -> list[Emit]:
        """It is its turn."""
        self._stamp("RunStart", now)
        cscs = self._stage.site.cscs
        self._work = work_of(str(self._told["path"]), self._config, self._manner, cscs, self._look)
        self._stage.answers[self.writer.identity] = self._heard
        self._after(0.0, now + 0.03, self._go_on)
        self._stage.wake(self)
        return [
            *self._become(RUNNING, now + 0.02),
            *self.log("Run started", now + 0.021),
            *self._tell(now + 0.025, P_RUNNING),
        ]

    def stop(self, now: float, *, terminate: bool) -> list[Emit]:
        """It is stopped by the queue, or its process ended where it cannot be stopped."""
        self._agenda.clear()
        self._beat(now + BEAT_S)
        ran = self.process_state == P_RUNNING
        emits = self._become(STOPPING, now) if ran else []
        if terminate or not ran:
            self._after(LEAVE_S, now, lambda t: self._leave(t, P_TERMINATED))
            emits += self._tell(now + 0.02, P_TERMINATED)
        else:
            emits += [*self._become(STOPPED, now + 0.01), *self._tell(now + 0.02, P_RUNNING)]
            self._after(LEAVE_S, now, lambda t: self._leave(t, P_DONE))
        self._stage.wake(self)
        return emits

    def _go_on(self, now: float, answer: tuple[int, str] | None = None) -> list[Emit]:
        """Let it work until it has to wait."""
        emits: list[Emit] = []
        assert self._work is not None
        try:
            deed = next(self._work) if answer is None else self._work.send(answer)
            while isinstance(deed, Checkpoint):
                self.checkpoint, self.reached = deed.name, self.reached + 1
                emits += self._become(RUNNING, now)
                deed = next(self._work)
        except StopIteration:
            return emits + self._finish(now, ENDING, DONE)
        except ScriptFailedError as error:
            self.reason = f"Error in run: {error}"
            return emits + self.log(self.reason, now, 40) + self._finish(now, FAILING, FAILED)
        if isinstance(deed, Pause):
            if deed.seconds is not None:
                self._after(deed.seconds, now, self._go_on)
            return emits
        return emits + self._ask(deed, now)

    def _finish(self, now: float, last: int, final: int) -> list[Emit]:
        self._stage.answers.pop(self.writer.identity, None)
        self._after(LEAVE_S, now, lambda t: self._leave(t, P_DONE))
        said = self.log("Run succeeded", now) if final == DONE else []
        emits = [*said, *self._become(last, now + 0.001), *self._tell(now + 0.02, P_RUNNING)]
        emits += [*self._become(final, now + 0.003), *self._tell(now + 0.021, P_RUNNING)]
        return emits + self._changed(self, now + 0.03)

    def _leave(self, now: float, process_state: int) -> list[Emit]:
        self._stamp("ProcessEnd", now)
        emits = self._tell(now, process_state)
        self._gone()
        return emits + self._changed(self, now + 0.001)

    def _gone(self) -> None:
        self._agenda.clear()
        self._stage.answers.pop(self.writer.identity, None)

    # -- commands to CSCs ---------------------------------------------------------------------------------------

    def _look(self, csc: Csc) -> State | None:
        return next((process.state for process in self._stage.running(csc)), None)

    def _ask(self, ask: Ask, now: float) -> list[Emit]:
        self._asked += 1
        number = self._asked
        self._after(ask.within, now, lambda t: self._go_on(t, (0, "")) if self._asked == number else [])
        fields: dict[str, Any] = {"private_identity": self.writer.identity}
        if ask.command == "start":
            fields["configurationOverride"] = ask.override
        target = Writer(ask.csc.component, ask.csc.index, self.writer.origin)
        return [Emit(target, f"command_{ask.command}", fields, number, now)]

    def _heard(self, ack: Emit) -> None:
        if ack.fields["ack"] == IN_PROGRESS or ack.seq != self._asked or self._work is None:
            return
        self._asked += 1
        answer = (int(ack.fields["ack"]), str(ack.fields["result"]))
        self._after(0.0, ack.at + 0.01, lambda t: self._go_on(t, answer))
        self._stage.wake(self)

    # -- records ------------------------------------------------------------------------------------------------

    def show(self, now: float) -> list[Emit]:
        """Let the queue tell of it once more."""
        self._queue.forget("logevent_script")
        return self._tell(now, self.process_state)

    def log(self, message: str, now: float, level: int = 20) -> list[Emit]:
        """A log message of the script."""
        return self._event(
            "logevent_logMessage",
            now,
            name="Script",
            level=level,
            message=message,
            traceback="",
            filePath="",
            functionName="",
            lineNumber=0,
            process=self.writer.origin,
            timestamp=0.0,
        )

    def _after(self, seconds: float, now: float, action: Callable[[float], list[Emit]]) -> None:
        heapq.heappush(self._agenda, (now + seconds / self._stage.pace, next(self._order), action))

    def _beat(self, now: float) -> None:
        def beat(moment: float) -> list[Emit]:
            self._beat(moment + BEAT_S)
            return self._event("logevent_heartbeat", moment, heartbeat=False)

        heapq.heappush(self._agenda, (now, next(self._order), beat))

    def _event(self, sal_name: str, now: float, **fields: object) -> list[Emit]:
        self._seq[sal_name] = self._seq.get(sal_name, 0) + 1
        return [Emit(self.writer, sal_name, fields, self._seq[sal_name], now)]

    def _become(self, state: int, now: float) -> list[Emit]:
        self.state = state
        return self._event(
            "logevent_state",
            now,
            state=state,
            reason=self.reason,
            groupId="",
            lastCheckpoint=self.checkpoint,
            numCheckpoints=self.reached,
            blockId="",
            dayObs=0,
            blockExecution=0,
            executionId="",
        )

    def _stamp(self, name: str, now: float) -> None:
        self._stamps[name] = now + TAI_MINUS_UTC

    def _tell(self, now: float, process_state: int) -> list[Emit]:
        """What the queue tells about this script."""
        self.process_state = process_state
        return self._queue.event(
            "logevent_script",
            now,
            **self._told,
            scriptSalIndex=self.number,
            processState=process_state,
            scriptState=self.state,
            blockId="",
            scriptBlockIndex=0,
            blockSize=0,
            executionId="",
            **{f"timestamp{name}": self._stamps.get(name, 0.0) for name in _STAMPS},
        )


def numbers(runs: Iterable[ScriptRun]) -> list[int]:
    """The salIndex of each."""
    return [run.number for run in runs]

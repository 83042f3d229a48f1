"""The queue of a ScriptQueue process: what it does with its own commands, and the order in which it tells.

Sources: ts_scriptqueue script_queue.py and queue_model.py, and the order seen on a running one: ``add`` writes the
queue, the script, then its acknowledgement with the salIndex as text; a script that fails leaves the queue paused and
stays the current one until the queue is resumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploydash.demo.csc import Process
from deploydash.demo.script import CONFIGURED, FAILED, P_TERMINATED, ScriptRun, Stage, numbers
from deploydash.demo.states import COMPLETE, IN_PROGRESS, ScriptManner, State
from deploydash.demo.states import FAILED as REFUSED
from deploydash.demo.wire import Emit

_LISTED = 400
"""Elements of the arrays of salIndices (ts_xml ScriptQueue)."""
_FIRST = 1
"""Location.FIRST; every other is taken as LAST."""
_STOPPING_S = 60.0
_ANY_STATE = frozenset({"pause", "showQueue", "showAvailableScripts"})


class ScriptQueue:
    """The scripts of one process. Its indices begin anew with every process, as the real one's do."""

    def __init__(self, stage: Stage, process: Process) -> None:
        self._stage = stage
        self._process = process
        self._next = (process.writer.index or 0) * 100_000
        self._running = True
        self._enabled = False
        self._waiting: list[ScriptRun] = []
        self._current: ScriptRun | None = None
        self._past: list[ScriptRun] = []
        self._stops: dict[int, Mapping[str, Any]] = {}
        handlers = {
            "add": self._add,
            "pause": self._pause,
            "resume": self._resume,
            "stopScripts": self._stop,
            "showQueue": self._show_queue,
            "showScript": self._show_script,
            "showAvailableScripts": self._show_available,
        }
        for command, handler in handlers.items():
            process.does[command] = lambda fields, now, command=command, handler=handler: (  # type: ignore[misc]
                self._refusal(command, fields, now) or handler(fields, now)
            )
        process.on_state = self._on_state

    def add_own(self, path: str, seconds: float, now: float) -> list[Emit]:
        """Somebody adds a script whose command is not seen here."""
        return self._added(ScriptManner(seconds=seconds), now, path=path, config="", standard=True, cmd_id=self._next)

    # -- commands -----------------------------------------------------------------------------------------------

    def _refusal(self, command: str, fields: Mapping[str, Any], now: float) -> list[Emit]:
        state = self._process.state
        if command in _ANY_STATE or state is State.ENABLED:
            return []
        return self._failed(command, fields, now, f"{command} not allowed in state={state!r}")

    def _add(self, fields: Mapping[str, Any], now: float) -> list[Emit]:
        path = str(fields["path"])
        if not fields["isStandard"] or path not in self._stage.site.scripts:
            self._next += 1
            directory = "standard" if fields["isStandard"] else "external"
            return self._failed("add", fields, now, f"Cannot find script /opt/sal/{directory}/{path}.")
        manner = self._process.traits.scripts.get(path, ScriptManner())
        first = fields["location"] == _FIRST
        number = self._next
        emits = self._added(
            manner,
            now,
            path=path,
            config=str(fields["config"]),
            standard=True,
            cmd_id=int(fields["private_seqNum"]),
            first=first,
        )
        return [*emits, *self._process.acknowledge("add", fields, now + 0.004, COMPLETE, str(number))]

    def _added(
        self,
        manner: ScriptManner,
        now: float,
        *,
        path: str,
        config: str,
        standard: bool,
        cmd_id: int,
        first: bool = False,
    ) -> list[Emit]:
        run = ScriptRun(
            self._stage,
            self._process,
            self._next,
            path=path,
            config=config,
            standard=standard,
            cmd_id=cmd_id,
            manner=manner,
            changed=self._changed,
        )
        self._next += 1
        self._waiting.insert(0 if first else len(self._waiting), run)
        emits = [*self._tell(now), *run.load(now + 0.001)]
        self._stage.wake(run)
        return emits

    def _pause(self, fields: Mapping[str, Any], now: float) -> list[Emit]:
        self._running = False
        return [*self._tell(now), *self._done("pause", fields, now)]

    def _resume(self, fields: Mapping[str, Any], now: float) -> list[Emit]:
        self._running = True
        if self._current is not None and self._current.over:
            self._past.insert(0, self._current)
            self._current = None
        return [*self._tell(now), *self._done("resume", fields, now), *self._next_one(now + 0.002)]

    def _stop(self, fields: Mapping[str, Any], now: float) -> list[Emit]:
        wanted = fields["salIndices"][: fields["length"]]
        there = [*self._waiting, *([self._current] if self._current else [])]
        emits = self._process.acknowledge(
            "stopScripts", fields, now, IN_PROGRESS, "Stopping scripts.", timeout=_STOPPING_S
        )
        stopping = [run for run in there if run.number in wanted and not run.over]
        if not stopping:
            return emits + self._done("stopScripts", fields, now + 0.002)
        self._stops[stopping[-1].number] = fields
        for run in stopping:
            emits += run.stop(now + 0.001, terminate=bool(fields["terminate"]))
        return emits

    def _show_queue(self, fields: Mapping[str, Any], now: float) -> list[Emit]:
        self._process.forget("logevent_queue")
        return [*self._tell(now), *self._done("showQueue", fields, now)]

    def _show_script(self, fields: Mapping[str, Any], now: float) -> list[Emit]:
        number = int(fields["scriptSalIndex"])
        there = [*self._waiting, *([self._current] if self._current else []), *self._past]
        run = next((run for run in there if run.number == number), None)
        if run is None:
            return self._failed("showScript", fields, now, f"Unknown script {number}")
        return [*run.show(now), *self._done("showScript", fields, now)]

    def _show_available(self, fields: Mapping[str, Any], now: float) -> list[Emit]:
        self._process.forget("logevent_availableScripts")
        return [*self._available(now), *self._done("showAvailableScripts", fields, now)]

    # -- scripts ------------------------------------------------------------------------------------------------

    def _changed(self, run: ScriptRun, now: float) -> list[Emit]:
        """A script is configured, has ended or is gone."""
        if not run.over:
            return self._next_one(now)
        emits: list[Emit] = []
        if run in self._waiting:
            self._waiting.remove(run)
            self._past.insert(0, run)
            emits += self._tell(now)
        elif run is self._current:
            if run.state == FAILED or run.process_state == P_TERMINATED:
                self._running = self._running and run.next_due is not None
            else:
                self._past.insert(0, run)
                self._current = None
            emits += self._tell(now)
        stopped = self._stops.pop(run.number, None) if run.next_due is None else None
        if stopped is not None:
            emits += self._done("stopScripts", stopped, now)
        return emits + self._next_one(now + 0.001)

    def _next_one(self, now: float) -> list[Emit]:
        """Start the first one that waits, if it may run now."""
        if not (self._running and self._enabled and self._waiting) or self._current is not None:
            return []
        if self._waiting[0].state != CONFIGURED or self._waiting[0].over:
            return []
        self._current = self._waiting.pop(0)
        return [*self._tell(now), *self._current.start(now)]

    # -- events -------------------------------------------------------------------------------------------------

    def _on_state(self, state: State, now: float) -> list[Emit]:
        self._enabled = state is State.ENABLED
        return [*self._tell(now), *(self._available(now + 0.0005) if self._enabled else [])]

    def _available(self, now: float) -> list[Emit]:
        listed = ":".join(self._stage.site.scripts)
        return self._process.event("logevent_availableScripts", now, standard=listed, external="")

    def _tell(self, now: float) -> list[Emit]:
        waiting, past = numbers(self._waiting), numbers(self._past[:_LISTED])
        return self._process.event(
            "logevent_queue",
            now,
            enabled=self._enabled,
            running=self._running,
            currentSalIndex=self._current.number if self._current else 0,
            length=len(waiting),
            salIndices=waiting + [0] * (_LISTED - len(waiting)),
            pastLength=len(past),
            pastSalIndices=past + [0] * (_LISTED - len(past)),
        )

    def _done(self, command: str, fields: Mapping[str, Any], now: float) -> list[Emit]:
        return self._process.acknowledge(command, fields, now + 0.002, COMPLETE, "Done")

    def _failed(self, command: str, fields: Mapping[str, Any], now: float, why: str) -> list[Emit]:
        return self._process.acknowledge(command, fields, now, REFUSED, f"Failed: {why}", error=1)

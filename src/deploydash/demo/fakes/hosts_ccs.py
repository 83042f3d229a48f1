"""``ccs-shell`` on a camera's host: commands on standard input, one a line, until ``exit`` or its end."""

from __future__ import annotations

from deploydash.demo.csc import Process
from deploydash.demo.fakes.hosts_host import Asked, Host
from deploydash.demo.states import AVAILABLE, State
from deploydash.demo.wire import Emit

_LOAD_S = 3.0
"""World seconds until a Java program answers."""


class _Shell:
    """One session. ``target``: the subsystem that it speaks to."""

    def __init__(self, host: Host, asked: Asked) -> None:
        self._host = host
        self._asked = asked
        self._target = ""

    async def say(self, line: str) -> None:
        words = line.split()
        if words[0] in self._host.bridges:
            self._target, words = words[0], words[1:]
        elif words[:2] == ["set", "target"]:
            self._target = words[2] if len(words) > 2 else ""
            if self._target not in self._host.bridges:
                self._asked.out(f"Error: no such target: {self._target}")
            return
        if not words:
            return
        verb = words[0]
        if verb == "showAllLocks":
            self._locks()
        elif verb not in {"getState", "setAvailable", "clearFault"}:
            self._asked.out(f"Error: no such command: {verb}")
        elif (process := self._process()) is None:
            self._asked.out(f"Error: {self._target} is not connected")
        elif verb == "getState":
            self._asked.out(_state(process))
        else:
            await self._change(verb, process)

    def _process(self) -> Process | None:
        csc = self._host.bridges.get(self._target)
        running = self._host.world.running(csc) if csc else []
        return next((each for each in running if each.state is not None), None)

    def _locks(self) -> None:
        for target in self._host.bridges if self._host.fault("ccs-locked") is not None else ():
            self._asked.out(f"{target} lock held by someone@ccs-console since 2026-01-01T00:00:00Z")

    async def _change(self, verb: str, process: Process) -> None:
        world = self._host.world
        await self._host.take(1.0)
        if self._host.fault("ccs-locked") is not None:
            self._asked.out(f"Error: {self._target} is already locked by someone@ccs-console")
            return
        if verb == "clearFault":
            written = process.clear_fault(world.now)
        elif process.state is State.OFFLINE:
            written = process.set_substate(AVAILABLE, world.now)
        else:
            self._asked.out(f"Error: {verb} is rejected in this state: {_state(process)}")
            return
        self._write(process, written)

    def _write(self, process: Process, written: list[Emit]) -> None:
        self._host.world.write(written)
        self._host.world.wake(process)


def _state(process: Process) -> str:
    substate = "OFFLINE_AVAILABLE" if process.substate == AVAILABLE else "OFFLINE_PUBLISH_ONLY"
    state = process.state.name if process.state is not None else "UNKNOWN"
    phase = "OPERATIONAL" if process.state is not None else "INITIALIZING"
    health = "ENGINEERING_FAULT" if process.state is State.FAULT else "ENGINEERING_OK"
    return (
        f"CommandState:READY OfflineState:{substate} OperationalState:{health} PhaseState:{phase} SummaryState:{state}"
    )


async def ccs_shell(host: Host, asked: Asked) -> int:
    """Obey line after line; the exit status says nothing."""
    await host.take(_LOAD_S)
    shell = _Shell(host, asked)
    async for line in asked.channel.stdin:
        if line.strip() == "exit":
            break
        if line.strip():
            asked.out(f"ccs>{line.strip()}")
            await shell.say(line)
    return 0

"""Units, init scripts and processes: ``systemctl``, ``/etc/init.d/…``, ``pgrep``."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from deploydash.demo.fakes.hosts_host import Asked, Host, Unit, moment

_STOP_S, _START_S = 2.0, 1.5
"""World seconds that a service takes to stop, and to have been started."""
_COMM = 15
"""The kernel keeps so many characters of a program's name."""


async def systemctl(host: Host, asked: Asked) -> int:
    """``systemctl`` for the verbs that anybody here uses."""
    words = [word for word in asked.words[1:] if not word.startswith("-")]
    options = [word for word in asked.words[1:] if word.startswith("-")]
    verb, names = (words[0], words[1:]) if words else ("", [])
    if verb == "show":
        return _show(host, asked, options, names)
    if verb == "list-unit-files":
        for name in sorted(host.units):
            if not names or any(fnmatchcase(name, pattern) for pattern in names):
                asked.out(f"{name} enabled disabled")
        return 0
    if verb == "is-active":
        return _is_active(host, asked, names)
    if verb not in {"stop", "start", "restart", "reboot"}:
        asked.err(f"Unknown command verb {verb}.")
        return 1
    if asked.user != "root":
        asked.err(f"Failed to {verb} {' '.join(names)}: Interactive authentication required.".replace("  ", " "))
        return 1
    if verb == "reboot":
        host.reboot()
        return 0
    return await _change(host, asked, verb, names)


def _unit(host: Host, name: str) -> Unit | None:
    return host.units.get(name if "." in name else f"{name}.service") or host.units.get(f"{name}.service")


def _state(unit: Unit | None) -> str:
    if unit is None:
        return "inactive"
    if unit.life.running:
        return "active"
    return "failed" if unit.fails else "inactive"


def _show(host: Host, asked: Asked, options: list[str], names: list[str]) -> int:
    wanted = [option.partition("=")[2] for option in options if option.startswith(("--property=", "-p="))]
    for name in names:
        unit = _unit(host, name)
        state = _state(unit)
        pid = unit.life.pid if unit else 0
        told = {
            "LoadState": "loaded" if unit else "not-found",
            "ActiveState": state,
            "SubState": {"active": "running", "failed": "failed"}.get(state, "dead"),
            "MainPID": str(pid),
            "ExecMainStartTimestamp": moment(unit.life.since) if unit and pid else "",
        }
        for key, value in told.items():
            if not wanted or key in ",".join(wanted).split(","):
                asked.out(f"{key}={value}")
    return 0


def _is_active(host: Host, asked: Asked, names: list[str]) -> int:
    states = [_state(_unit(host, name)) for name in names]
    for state in states:
        asked.out(state)
    return 0 if "active" in states else 3


async def _change(host: Host, asked: Asked, verb: str, names: list[str]) -> int:
    for name in names:
        unit = _unit(host, name)
        if unit is None:
            asked.err(f"Failed to {verb} {name}: Unit {name} not {'loaded' if verb == 'stop' else 'found'}.")
            return 5
        if verb in {"stop", "restart"}:
            await stop(host, unit)
        if verb in {"start", "restart"}:
            await host.take(_START_S)
            unit.life.start()
    return 0


async def stop(host: Host, unit: Unit) -> None:
    """Stop what a unit or an init script runs, unless it is to stay."""
    await host.take(_STOP_S)
    if host.fault("kept") is None:
        unit.life.stop()


async def init_script(host: Host, asked: Asked) -> int:
    """A script below ``/etc/init.d``: start, stop, restart, status."""
    unit = host.scripts[asked.words[0]]
    verb = asked.words[1] if len(asked.words) > 1 else ""
    if verb == "status":
        asked.out(f"{unit.process} (pid {unit.life.pid}) is running..." if unit.life.running else "stopped")
        return 0 if unit.life.running else 3
    if verb not in {"start", "stop", "restart"}:
        asked.err(f"Usage: {asked.words[0]} {{start|stop|restart|status}}")
        return 1
    if verb != "start":
        asked.out(f"Stopping {unit.process}")
        await stop(host, unit)
    if verb != "stop":
        asked.out(f"Starting {unit.process}")
        await host.take(_START_S)
        unit.life.start()
    return 0


async def pgrep(host: Host, asked: Asked) -> int:
    """``pgrep -x NAME`` or ``-f PATTERN``: the pids, and 1 where there is none."""
    name = asked.words[-1]
    if "-f" in asked.words:
        pids = [pid for pid, line in host.at_work.items() if re.search(name, line)]
    else:
        pids = [unit.life.pid for unit in host.scripts.values() if unit.process[:_COMM] == name and unit.life.running]
    for pid in pids:
        asked.out(str(pid))
    return 0 if pids else 1

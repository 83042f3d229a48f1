"""P8: ten ESS controllers updated side by side beside the slowest of them alone; the check of all of a site's hosts.

Measured: the system's own action, as a run has it, on ten servers of OpenSSH with sudo and git, each host with a launch
that takes as long as its pull would; each of the ten is a log-in, the same questions and the same requests as at the
Summit. All ten share this machine, which two cores and ten log-in shells make slower than ten hosts would be: what of
it is ours is told beside it. The check asks as many hosts as the Summit has, and one more that accepts a connection and
never answers.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass

from bench.rows import Row, Say
from bench.world import World, say
from deploydash.core.model import Roster
from deploydash.core.run.records import Outcome
from deploydash.session.clock import SystemClock
from deploydash.systems.ssh.act import SshAction
from deploydash.systems.ssh.check import check
from deploydash.systems.ssh.connect import LOGIN_S
from deploydash.systems.ssh.memory import Memory
from deploydash.systems.ssh.settings import SshSettings
from deploydash.systems.ssh.specs import Controller
from deploydash.systems.ssh.writes import Tools
from deploydash.systems.table import Place
from deploydash.wiring.ssh import REMEMBERED_S
from tests.servers.sshd import Sshd, SshWorld, ssh_world
from tests.support.item_context import RecordingContext
from tests.systems.ssh.acting import Acting, item, places
from tests.systems.ssh.programs import RIGHTS, Programs, Repository

HOSTS = 10
GOAL_S = 1.0
CHECK_GOAL_S = 5.0
CHECKED = 24
PULL_S = 6.0
"""The slowest pull; the others are sooner by half a second each."""


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure ten in turns with the slowest alone, and the check."""
    del world
    rounds = 1 if quick else 3
    say(f"P8: {HOSTS} controllers on as many servers, {rounds} rounds; the check of {CHECKED} hosts")
    with ssh_world() as hosts:
        hosts.rights(*RIGHTS)
        programs = Programs(hosts)
        repository = Repository(hosts)
        repository.commit("setup.env", "CYCLE=c0045\n", "c0045")
        repository.git(repository.copy, "fetch", "-q")
        repository.git(repository.copy, "checkout", "-q", "c0045")
        servers = [hosts.server() for _ in range(HOSTS)]
        names = [f"-{number:02d}" for number in range(HOSTS)]
        for number, name in enumerate(names):
            programs.write(f"slow{name}", str(PULL_S - number / 2))
        alone = [asyncio.run(_update(hosts, servers, programs, names[:1])) for _ in range(rounds)]
        ten = [asyncio.run(_update(hosts, servers, programs, names)) for _ in range(rounds)]
        tell(Row("P8", size, "ten ESS controllers side by side", tuple(each.seconds for each in ten), "s"))
        tell(Row("P8", size, "- the slowest of them alone", tuple(each.seconds for each in alone), "s"))
        later = tuple(both.seconds - one.seconds for both, one in zip(ten, alone, strict=True))
        tell(Row("P8", size, "later than the slowest", later, "s", GOAL_S))
        tell(Row("P8", size, "- the processor that we took for ten", tuple(each.cpu_s for each in ten), "s"))
        tell(Row("P8", size, "- for one", tuple(each.cpu_s for each in alone), "s"))
        checks = tuple(asyncio.run(_check(hosts, servers[0], mute=False)) for _ in range(rounds))
        tell(Row("P8", size, f"check of {CHECKED} hosts", checks, "s", CHECK_GOAL_S))
        took = asyncio.run(_check(hosts, servers[0], mute=True))
        tell(Row("P8", size, "- and of one that never answers", (took,), "s", note=f"it may take {LOGIN_S:g} s itself"))


@dataclass(frozen=True, slots=True)
class Took:
    """What an update took: seconds to its end, and those of the processor that were ours, user and system."""

    seconds: float
    cpu_s: float


async def _update(hosts: SshWorld, servers: list[Sshd], programs: Programs, names: list[str]) -> Took:
    """Return in what time these are brought from nothing to running, as a run does it."""
    for name in names:
        programs.write(f"containers{name}", "")
    acting = Acting(places(hosts, **{f"ess{name}": server for name, server in zip(names, servers, strict=False)}))
    slots = asyncio.Semaphore(HOSTS)
    clock = SystemClock()
    action = SshAction(Tools(acting.hosts, clock, Memory(clock, REMEMBERED_S)))
    items = [item(_controller(hosts, name)) for name in names]
    try:
        plan = await action.describe(items, acting.context.view)
        began, used = time.monotonic(), time.process_time()
        runs = (
            action.run(each, its.approved, RecordingContext(slots=slots))
            for each, its in zip(items, plan.items, strict=True)
        )
        ends = await asyncio.gather(*runs)
        took = Took(time.monotonic() - began, time.process_time() - used)
    finally:
        await acting.hosts.aclose()
    if wrong := [end.why for end in ends if end.outcome is not Outcome.REACHED]:
        raise RuntimeError(f"{len(wrong)} of {len(ends)} were not updated: {wrong[0]}")
    return took


def _controller(hosts: SshWorld, name: str) -> Controller:
    return Controller(
        login=f"ess{name}.example.org",
        user=hosts.dco.name,
        directory="docker-compose-ops",
        branch="c0045",
        cycle="c0045",
        stop=(("./shutdown_controller", name),),
        start=(("./launch_controller", name),),
        containers=(f"ess-controller{name}",),
    )


async def _check(hosts: SshWorld, server: Sshd, *, mute: bool) -> float:
    """Return the seconds of a check; ``mute``: of one host more, which accepts a connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        names = [f"h{number}.example.org" for number in range(CHECKED + mute)]
        ports = [server.port] * CHECKED + [silent.getsockname()[1]] * mute
        place = {"address": "127.0.0.1", "host_key": server.public_key, "user": hosts.user.name}
        at = {
            name: {**place, "client_keys": [str(hosts.key)], "port": port}
            for name, port in zip(names, ports, strict=True)
        }
        rows = [{"ssh": name, "directory": "docker-compose-ops", "as": hosts.dco.name} for name in names]
        settings = SshSettings.model_validate({"domain": "example.org", "at": at, "checkouts": rows})
        began = time.monotonic()
        findings = await check(Place(settings, Roster("hill", rehearsal=True, cscs=(), groups=())))
        took = time.monotonic() - began
    red = [finding for finding in findings if finding.level == "red"]
    if len(red) != mute:
        raise RuntimeError(f"red were {red}")
    return took

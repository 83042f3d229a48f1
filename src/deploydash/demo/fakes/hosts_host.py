"""One host of the demo observatory: what stands on it, how it fails now, and what a command knows of who asked."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploydash.demo.fake import Values
from deploydash.demo.fakes.hosts_clone import Checkout
from deploydash.demo.fakes.hosts_docker import Docker
from deploydash.demo.fakes.hosts_life import Life
from deploydash.demo.fakes.hosts_server import Channel
from deploydash.demo.site import Csc
from deploydash.demo.world import World

OPERATORS = "dco"
"""The user who owns the scripts and repositories of a host."""


@dataclass
class Unit:
    """A systemd unit, or what an init script runs.

    ``fails``: it is failed, not inactive, when it was stopped, as a Java program is that ends with 143. ``process``:
    what its program is called.
    """

    name: str
    life: Life
    fails: bool = False
    process: str = ""


@dataclass
class Build:
    """The software of a cRIO, built in place: what is newer than what."""

    binary: str
    made: bool = False
    installed: bool = True


@dataclass
class Alone:
    """A command that was left to run by itself: what it said, and its exit status once it has ended."""

    began: str
    log: str = ""
    status: int | None = None
    task: asyncio.Task[None] | None = None

    def __str__(self) -> str:
        if self.status is not None:
            return str(self.status)
        return "runs" if self.task is not None and not self.task.done() else "lost"


@dataclass
class Host:
    """A host. ``fault`` gives the values of a fault that is on for it, or None.

    ``units`` by name, ``scripts`` below ``/etc/init.d``, ``bridges`` by what ccs-shell calls them, ``builds`` by
    repository. ``by_ccs``: who logs in may stop units as the user ccs only. ``at_work``: the programs that run now, by
    pid, each with its arguments. ``alone``: by the folder in which it keeps what it says.
    """

    name: str
    world: World
    fault: Callable[[str], Values | None]
    units: dict[str, Unit] = field(default_factory=dict)
    scripts: dict[str, Unit] = field(default_factory=dict)
    bridges: dict[str, Csc] = field(default_factory=dict)
    checkouts: dict[str, Checkout] = field(default_factory=dict)
    builds: dict[str, Build] = field(default_factory=dict)
    docker: Docker = field(default_factory=Docker)
    patches: list[str] = field(default_factory=list)
    at_work: dict[int, str] = field(default_factory=dict)
    alone: dict[str, Alone] = field(default_factory=dict)
    by_ccs: bool = False
    boot_id: str = ""
    reboot: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.boot()

    @property
    def short(self) -> str:
        """``hostname -s``."""
        return self.name.partition(".")[0]

    async def take(self, seconds: float) -> None:
        """Let so many world seconds pass."""
        await asyncio.sleep(seconds / self.world.pace)

    def boot(self) -> None:
        """Have another boot id."""
        self.boot_id = str(uuid.UUID(int=self.world.rng.getrandbits(128), version=4))

    def stands(self) -> dict[str, object]:
        """What runs of what is here, containers with their image, and at which commit each clone is."""
        units = {**self.units, **self.scripts}
        return {
            "units": {name: unit.life.running for name, unit in sorted(units.items())},
            "containers": {each.name: [each.image, each.life.running] for each in self.docker.containers()},
            "clones": {name: [clone.branch, clone.head] for name, clone in sorted(self.checkouts.items())},
            "builds": {name: [build.made, build.installed] for name, build in sorted(self.builds.items())},
            "patches": len(self.patches),
        }

    def lives(self) -> list[Life]:
        """Everything that a boot of the host starts."""
        units = [*self.units.values(), *self.scripts.values()]
        return [each.life for each in units] + [each.life for each in self.docker.containers()]


@dataclass(frozen=True)
class Asked:
    """A command as a program of the host gets it: its words, as whom it runs, and who hears it."""

    words: list[str]
    user: str
    channel: Channel

    @property
    def home(self) -> bool:
        """Whether it runs in the home of who owns the scripts."""
        return self.user == OPERATORS

    def out(self, line: str = "") -> None:
        """Write a line to standard output."""
        self.channel.out(f"{line}\n")

    def err(self, line: str) -> None:
        """Write a line to standard error."""
        self.channel.err(f"{line}\n")


Program = Callable[[Host, Asked], Awaitable[int]]
"""Returns its exit status."""


def moment(at: float) -> str:
    """A moment (UTC unix seconds) as systemd writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC")

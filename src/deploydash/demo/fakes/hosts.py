"""The hosts of a site over SSH: camera bridges, services on bare metal, repositories, ESS controllers, cRIOs.

Every host of the site file's section ``ssh`` listens on a loopback port of its own with a key of its own, and knows
exactly the programs that are asked of it. What it stops and starts are the CSCs of the one world. To the section it
adds ``at``: where each host really is, its key, and the only key that may log in.

Sources of what the programs say and do: lsst-ts/observatory-controls-docs, lsst-ts/docker-compose-admin,
lsst-it/docker-compose-ops, lsst-it/puppet-ccs_sal, docker compose, systemd, sudo.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from deploydash.demo.fake import Fault, Faults, Kind, Section, Values
from deploydash.demo.fakes.hosts_keys import key_pair
from deploydash.demo.fakes.hosts_life import SYSTEM
from deploydash.demo.fakes.hosts_server import Port
from deploydash.demo.fakes.hosts_shell import KINDS, Shell
from deploydash.demo.fakes.hosts_site import furnished
from deploydash.demo.world import World

SECTION = "ssh"
"""The section of a site file that names the hosts."""

_HERE = {"host": "*"}

FAULTS: Mapping[str, Fault] = {
    "down": Fault("nobody listens: the connection is refused", _HERE),
    "silent": Fault("it takes the connection and says nothing", _HERE),
    "other-key": Fault("it offers a host key that nobody knows", _HERE),
    "no-login": Fault("it takes the key of nobody", _HERE),
    "sudo": Fault("sudo wants a password, whatever is asked", _HERE),
    "cut": Fault(
        "the connection breaks so many seconds into a command that changes something, so many times for each command; "
        "then the command 'goes on' or 'ends'; ``asked``: of one kind only, such as stop",
        {**_HERE, "seconds": 0.5, "times": 1.0, "then": "goes on", "asked": ""},
    ),
    "kept": Fault("what is stopped goes on running, and stopping it ends with 0", _HERE),
    "disk-full": Fault("the disk is full: nothing is pulled, written or built", _HERE),
    "slow-pull": Fault("an image takes so many seconds to come", {**_HERE, "seconds": 20.0}),
    "pull-fails": Fault("an image is not there: the old one is started again", _HERE),
    "edits": Fault("somebody edited a repository on the host", _HERE),
    "behind": Fault("the branch of the upgrade is known on the host and older than at origin", _HERE),
    "no-branch": Fault("origin has no branch but the main one", _HERE),
    "ccs-locked": Fault("somebody else holds the lock of a camera's bridge", _HERE),
}
"""``host``: a pattern of host names, short or whole, or several with commas."""

_BOOT_S = 45.0
"""World seconds that a host takes to boot."""


class Hosts:
    """All hosts of the site. They share one client key."""

    def __init__(self, world: World) -> None:
        self.faults = Faults(FAULTS, lambda _: self._switched())
        self.asked: Counter[str] = Counter()
        self._world = world
        self._section: Mapping[str, Any] = (world.site.document.get("systems") or {}).get(SECTION) or {}
        self._client = key_pair()
        self._stranger = key_pair()
        self._folder: Path | None = None
        self._hosts = furnished(world, self._section, self._on)
        self._ports = {name: Port(self._client, Shell(host, self.asked).serve) for name, host in self._hosts.items()}
        self._booting: set[str] = set()
        world.deeds.stands[SYSTEM] = lambda: {name: host.stands() for name, host in sorted(self._hosts.items())}
        for name, host in self._hosts.items():
            host.reboot = lambda name=name: self._reboot(name)  # type: ignore[misc]

    async def start(self) -> Section:
        """Where each host of ``ssh`` is; nothing where the site has no hosts."""
        if not self._hosts:
            return {}
        self._folder = Path(tempfile.mkdtemp(prefix="deploydash-hosts-"))
        key = self._folder / "id_ed25519"
        key.touch(mode=0o600)
        key.write_text(self._client.private, "utf-8")
        for port in self._ports.values():
            port.open()
        at = {
            name: {
                "address": "127.0.0.1",
                "port": port.number,
                "host_key": port.key.public,
                "client_keys": [str(key)],
            }
            for name, port in self._ports.items()
        }
        return {"systems": {SECTION: {"at": at}}}

    async def stop(self) -> None:
        """Close all ports and forget the key."""
        await asyncio.gather(*(port.stop() for port in self._ports.values()))
        alone = [each.task for host in self._hosts.values() for each in host.alone.values() if each.task is not None]
        for task in alone:
            task.cancel()
        await asyncio.gather(*alone, return_exceptions=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _on(self, fault: str, host: str) -> Values | None:
        """The values of a fault that is on for a host."""
        values = self.faults[fault]
        patterns = str(values["host"]).split(",") if values is not None else ()
        names = (host, host.partition(".")[0])
        return values if any(fnmatchcase(name, each.strip()) for each in patterns for name in names) else None

    def _switched(self) -> None:
        """Let every port be as the faults want it."""
        for name, port in self._ports.items():
            port.manner.silent = self._on("silent", name) is not None
            port.manner.refuses_key = self._on("no-login", name) is not None
            port.manner.stranger = self._stranger if self._on("other-key", name) is not None else None
            if self._on("down", name) is not None or name in self._booting:
                port.close()
            elif port.number:
                port.open()

    def _reboot(self, name: str) -> None:
        """Go away with everything that runs, and come back with it as another boot."""
        host = self._hosts[name]
        self._booting.add(name)
        self._switched()
        lives = host.lives()
        for life in lives:
            life.stop()
        for alone in host.alone.values():
            if alone.task is not None:
                alone.task.cancel()

        def booted(_: float) -> None:
            host.boot()
            self._booting.discard(name)
            self._switched()
            for life in lives:
                life.start()

        self._world.at(self._world.now + _BOOT_S / self._world.pace, booted)


KIND = Kind(SYSTEM, FAULTS, KINDS, Hosts)

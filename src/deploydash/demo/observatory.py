"""The demo observatory as a whole: broker, registry, EFD and world, from the first record to the signal to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from deploydash.demo import site as sites
from deploydash.demo.broker import Bus, MockBroker
from deploydash.demo.director import Director
from deploydash.demo.efd import Efd
from deploydash.demo.outside import OutsideBroker, OutsideRegistry
from deploydash.demo.registry import Registry
from deploydash.demo.scenario import Scenario
from deploydash.demo.wire import Emit, Raw, schemas_of
from deploydash.demo.world import World

_TICK_S = 0.05
"""How often commands are looked for, and the finest grain of time in the world."""


@dataclass(frozen=True)
class Settings:
    """What the command line asked for. ``out`` None: a temporary folder that goes with the process.

    ``kafka`` and ``registry`` are loopback addresses of servers that somebody else runs, empty for our own.
    """

    site: sites.Site
    scenario: Scenario
    speed: float
    seed: int
    out: Path | None
    parent_pipe: bool
    kafka: str = ""
    registry: str = ""


class _Servers:
    """Everything that listens, all on 127.0.0.1 and on free ports; also what the director may do to it.

    Raises:
        OutsideError: servers of somebody else are none for a demo observatory.
    """

    def __init__(self, settings: Settings, world: World) -> None:
        self._world = world
        self.registry_store = OutsideRegistry(settings.registry) if settings.registry else Registry()
        self.kafka = OutsideBroker(settings.kafka, world.codec.prefix) if settings.kafka else MockBroker()
        self.efd_store = Efd(settings.site.database, world.codec.prefix, settings.speed)
        self._announced: set[str] = set()
        self._runners: list[web.AppRunner] = []
        self._bus: Bus | None = None

    async def start(self, components: Iterable[str]) -> dict[str, str]:
        """Make the topics, open the ports; the addresses."""
        commands = self._make_topics(components)
        self._bus = Bus(self.kafka.bootstrap, commands)
        return {
            "kafka": self.kafka.bootstrap,
            "schema_registry": await self._registry_url(),
            "efd": await self._listen(self.efd_store.application()),
        }

    @property
    def bus(self) -> Bus:
        """The world's way to Kafka. Raises RuntimeError before `start`."""
        if self._bus is None:
            raise RuntimeError("the servers are not started")
        return self._bus

    def _make_topics(self, components: Iterable[str]) -> list[str]:
        schemas = [schema for each in sorted(set(components) - self._announced) for schema in schemas_of(each)]
        self._announced.update(schema.component for schema in schemas)
        topics = [self._world.codec.topic(schema.component, schema.sal_name) for schema in schemas]
        self.kafka.create_topics(topics)
        self.registry_store.add_all(
            (f"{topic}-value", schema.text) for schema, topic in zip(schemas, topics, strict=True)
        )
        return [topic for topic in topics if ".command_" in topic]

    async def _registry_url(self) -> str:
        if isinstance(self.registry_store, OutsideRegistry):
            return self.registry_store.url
        return await self._listen(self.registry_store.application())

    async def _listen(self, application: web.Application) -> str:
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        self._runners.append(runner)
        listener = web.TCPSite(runner, "127.0.0.1", 0)
        await listener.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    def broker(self, up: bool) -> None:
        """Let the broker go down or come back."""
        self.kafka.set_up(up)

    def registry(self, up: bool) -> None:
        """Let the schema registry fail or work."""
        self.registry_store.available = up

    def efd(self, up: bool) -> None:
        """Let the EFD fail or work."""
        self.efd_store.available = up

    def forget(self, records: list[Emit]) -> None:
        """Put records into the EFD that Kafka does not hold."""
        self.efd_store.add(records)

    def announce(self, component: str) -> None:
        """Make the topics of a component that the site file does not have."""
        self.bus.read(self._make_topics([component]))

    def publish(self) -> None:
        """Write what the world wrote, to Kafka and to the EFD."""
        records = self._world.take()
        if not records:
            return
        emits = [record for record in records if isinstance(record, Emit)]
        self.efd_store.add(emit for emit in emits if emit.sal_name.startswith("logevent_"))
        encode = self._world.codec.encode
        self.bus.write(record if isinstance(record, Raw) else encode(record) for record in records)

    async def close(self) -> None:
        """Close every port."""
        self.bus.close()
        for runner in self._runners:
            await runner.cleanup()
        self.kafka.close()


async def run(settings: Settings) -> None:
    """Run the observatory until SIGINT, SIGTERM or, if so asked, the end of standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if settings.parent_pipe:
        _follow_parent(loop, stop)
    world = World(settings.site, settings.seed, settings.speed)
    servers = _Servers(settings, world)
    addresses = await servers.start({csc.component for csc in settings.site.cscs} | {"Script"})
    with tempfile.TemporaryDirectory(prefix="deploydash-demo-") as folder:
        path = (settings.out or Path(folder)) / f"{settings.site.document.get('site', 'demo')}.yaml"
        demo = {"speed": settings.speed, "scenario": settings.scenario.name, "seed": settings.seed}
        sites.write(path, sites.rehearsal(settings.site, addresses, demo))
        director = Director(world, settings.scenario, servers, time.time())
        director.open()
        servers.publish()
        servers.bus.flush(10.0)
        sys.stdout.write(json.dumps({**addresses, "site_file": str(path)}) + "\n")
        sys.stdout.flush()
        await _live(world, servers, stop)
    await servers.close()


async def _live(world: World, servers: _Servers, stop: asyncio.Event) -> None:
    """Let the world's time pass, in real time, until asked to stop."""
    start, clock = time.time(), time.monotonic()
    while not stop.is_set():
        now = start + time.monotonic() - clock
        for topic, value in servers.bus.commands():
            world.deliver(topic, value, now)
        world.advance(now)
        servers.publish()
        due = world.next_due
        pause = _TICK_S if due is None else min(_TICK_S, max(0.005, due - now))
        await asyncio.sleep(pause)


def _follow_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stop when standard input ends, so that no orphan stays behind a parent that died."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, name="demo-parent", daemon=True).start()

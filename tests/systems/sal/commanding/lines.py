"""A CommandChannel to a real Kafka and registry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from deploydash.core.fleet.observations import Observation
from deploydash.session.clock import SystemClock
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.commanding.acks import AckSeen
from deploydash.systems.sal.commanding.kafka_commands import CommandChannel
from deploydash.systems.sal.commanding.schemas import RegistryLatest
from deploydash.systems.sal.wire.commands import Sender
from deploydash.systems.settings import KafkaSettings, RegistrySettings

LEAD = Sender("lead@console.example", 4711)


@asynccontextmanager
async def command_line(
    settings: KafkaSettings,
    registry_url: str,
    *,
    heard: Callable[[AckSeen], None] = lambda _: None,
    tell: Callable[[Observation], None] = lambda _: None,
) -> AsyncIterator[CommandChannel]:
    """Open a command line until the block ends."""
    schemas = SchemaStore(RegistrySettings(registry_url, "site file"), None, timeout=2.0)
    latest = RegistryLatest(schemas.registry)
    line = CommandChannel(settings, latest, schemas, SystemClock(), sender=LEAD, heard=heard, tell=tell)
    try:
        await line.open()
        yield line
    finally:
        await line.close()
        await latest.aclose()
        await schemas.aclose()

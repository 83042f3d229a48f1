"""A CommandLine to a real Kafka and registry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from deploydash.actions.acks import AckSeen
from deploydash.actions.kafka_commands import CommandLine
from deploydash.actions.schemas import RegistryLatest
from deploydash.config.settings import KafkaSettings, RegistrySettings
from deploydash.feeds.registry import SchemaStore
from deploydash.sal.commands import Sender
from deploydash.session.clock import SystemClock

LEAD = Sender("lead@console.example", 4711)


@asynccontextmanager
async def command_line(
    settings: KafkaSettings, registry_url: str, *, heard: Callable[[AckSeen], None] = lambda _: None
) -> AsyncIterator[CommandLine]:
    """Open a command line until the block ends."""
    schemas = SchemaStore(RegistrySettings(registry_url, "site file"), None, timeout=2.0)
    latest = RegistryLatest(schemas.registry)
    line = CommandLine(settings, latest, schemas, SystemClock(), sender=LEAD, heard=heard)
    try:
        await line.open()
        yield line
    finally:
        await line.close()
        await latest.aclose()
        await schemas.aclose()

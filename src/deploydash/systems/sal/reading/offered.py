"""Which scripts each ScriptQueue lists, read from the end of ``logevent_availableScripts`` once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiokafka.errors import KafkaError

from deploydash.core.model import CscId
from deploydash.systems.registry.framing import Undecodable, unframe
from deploydash.systems.sal.reading.client import (
    Consumer,
    Partition,
    Record,
    close_consumer,
    new_consumer,
    new_metadata_client,
    partition,
)
from deploydash.systems.sal.reading.errors import in_words
from deploydash.systems.sal.reading.schemas import Schemas
from deploydash.systems.sal.wire.fields import index_of, text
from deploydash.systems.settings import KafkaSettings
from deploydash.systems.topics import event_topic

QUEUE = "ScriptQueue"
BACK = 60
"""So many records are read back: a queue lists its scripts when it is enabled and when it is asked, some 10 kB each."""

_POLL_MS = 50


async def offered(settings: KafkaSettings, schemas: Schemas) -> dict[CscId, frozenset[str]]:
    """Return the paths of the scripts that each queue listed last, standard and external; none that never did.

    Raises:
        FeedError: Kafka or the registry cannot be asked.
    """
    topic = event_topic(settings.topic_subname, QUEUE, "availableScripts")
    found: dict[CscId, frozenset[str]] = {}
    try:
        partitions = await _partitions(settings, topic)
        if partitions:
            async with _reading(settings, partitions) as consumer:
                for record in await _tail(consumer, partitions):
                    await _take(record, schemas, found.__setitem__)
    except (KafkaError, OSError, TimeoutError) as error:
        raise in_words(settings, error) from error
    return found


async def _partitions(settings: KafkaSettings, topic: str) -> list[Partition]:
    """Return the partitions of a topic by the list of all: asking for it by name could create it."""
    client = new_metadata_client(settings)
    try:
        await client.bootstrap()
        metadata = await client.list_anew()
        numbers = metadata.partitions_for_topic(topic) if metadata is not None else None
        return [partition(topic, number) for number in sorted(numbers or ())]
    finally:
        await client.close()


@asynccontextmanager
async def _reading(settings: KafkaSettings, partitions: list[Partition]) -> AsyncIterator[Consumer]:
    consumer = new_consumer(settings, wait_ms=_POLL_MS)
    try:
        await consumer.start()
        consumer.assign(partitions)
        yield consumer
    finally:
        await close_consumer(consumer)


async def _tail(consumer: Consumer, partitions: list[Partition]) -> list[Record]:
    """Return the last records; compaction and transactions leave offsets without one, so the position says the end."""
    begins = await consumer.beginning_offsets(partitions)
    await consumer.seek_to_end(*partitions)
    ends = {one: await consumer.position(one) for one in partitions}
    for one, end in ends.items():
        consumer.seek(one, max(begins[one], end - BACK))
    records: list[Record] = []
    while any([await consumer.position(one) < end for one, end in ends.items()]):
        batch = await consumer.getmany(*partitions, timeout_ms=_POLL_MS, max_records=BACK)
        records += [record for each in batch.values() for record in each]
        await asyncio.sleep(0)
    return records


async def _take(record: Record, schemas: Schemas, put: Callable[[CscId, frozenset[str]], None]) -> None:
    try:
        schema_id, payload = unframe(record.value)
        fields = (await schemas.schema(schema_id)).decode(payload)
        listed = [path for name in ("standard", "external") for path in text(fields, name).split(":") if path]
        put(CscId(QUEUE, index_of(fields)), frozenset(listed))
    except Undecodable:
        return  # what cannot be read lists nothing: the queue is named as one that has not

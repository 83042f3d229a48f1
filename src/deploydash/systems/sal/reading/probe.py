"""One look at Kafka for ``check``: can it be reached, are we let in, may we read?"""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from deploydash.core.model import FeedName
from deploydash.errors import FeedError
from deploydash.systems.sal.reading.client import Partition, close_consumer, new_consumer
from deploydash.systems.sal.reading.decode import HEARTBEAT
from deploydash.systems.sal.reading.errors import examine, in_words, unreachable_error
from deploydash.systems.sal.reading.topics import Catalogue, Listing
from deploydash.systems.sal.security import where
from deploydash.systems.settings import KafkaSettings

_READ_S = 5.0


async def probe(settings: KafkaSettings) -> str:
    """Return a sentence that tells what this account sees.

    Raises:
        FeedError: Kafka cannot be reached, refuses us, or shows or gives us no heartbeats; in words.
    """
    found = await examine(settings)
    if found.refusal is not None:
        raise found.refusal
    if found.unreachable:
        raise unreachable_error(settings, found.unreachable)
    prefix = f"lsst.{settings.topic_subname}."
    try:
        listing = await _list(settings)
        beats = [partition for partition, event in listing.led.items() if event.name == HEARTBEAT]
        if not beats:
            raise FeedError(
                FeedName.KAFKA,
                f"{where(settings)}: answers, but shows no heartbeat topic {prefix}*",
                hint="none exists under this name (LSST_TOPIC_SUBNAME), or this account lacks DESCRIBE on them",
            )
        refused = await _refused(settings, beats)
    except (KafkaError, OSError, TimeoutError) as error:
        raise in_words(settings, error) from error
    if refused:
        raise FeedError(
            FeedName.KAFKA,
            f"{where(settings)}: this account may not read {refused}",
            hint=f"ask for READ on {prefix}*",
        )
    return f"{where(settings)} answers: heartbeats of {len(listing.components(HEARTBEAT))} components under {prefix}*"


async def _list(settings: KafkaSettings) -> Listing:
    catalogue = Catalogue(settings)
    try:
        await catalogue.connect()
        return await catalogue.list()
    finally:
        await catalogue.close()


async def _refused(settings: KafkaSettings, partitions: list[Partition]) -> str:
    """Return a topic that we are refused, or nothing if a fetch of each is answered."""
    consumer = new_consumer(settings, wait_ms=50, reset="latest")
    try:
        await consumer.start()
        consumer.assign(partitions)
        async with asyncio.timeout(_READ_S):
            while any(consumer.last_poll_timestamp(partition) is None for partition in partitions):
                await consumer.getmany(timeout_ms=50, max_records=1000)
    except TopicAuthorizationFailedError as error:
        return str(error.args[0]) if error.args else "its topics"
    finally:
        await close_consumer(consumer)
    return ""

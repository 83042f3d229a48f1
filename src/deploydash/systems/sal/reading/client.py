"""aiokafka behind types of ours: only what reading needs, and nothing that could write.

aiokafka ships no type information, so its objects are seen through Protocols here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploydash.systems.sal.reading.fetches import Fetches, hand_over_records
from deploydash.systems.sal.reading.metadata import ListingClient, create_no_topics
from deploydash.systems.sal.security import security, unusable
from deploydash.systems.settings import KafkaSettings

logging.getLogger("aiokafka").addHandler(logging.NullHandler())
"""Without a handler Python would print aiokafka's warnings on the operator's screen."""

create_no_topics()
hand_over_records()

_IDLE_MS = 1_000
"""How often aiokafka's fetcher goes through all partitions although nothing came; its own 200 ms cost as much as the
fetches of a second."""


class Partition(Protocol):
    """A topic's partition; hashable."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102


class Record(Protocol):
    """One record. ``timestamp`` is UTC milliseconds, the broker's if ``timestamp_type`` is 1 (LogAppendTime)."""

    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def timestamp_type(self) -> int: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102


class OffsetAndTime(NamedTuple):
    """Where the first record of a time or later stands."""

    offset: int
    timestamp: int


class Consumer(Protocol):
    """What is used of an AIOKafkaConsumer with manual assignment and no group."""

    async def start(self) -> None: ...  # noqa: D102
    async def stop(self) -> None: ...  # noqa: D102
    def assign(self, partitions: list[Partition]) -> None: ...  # noqa: D102
    def unsubscribe(self) -> None: ...  # noqa: D102
    def seek(self, partition: Partition, offset: int) -> None: ...  # noqa: D102
    async def seek_to_end(self, *partitions: Partition) -> bool: ...  # noqa: D102
    async def getmany(  # noqa: D102
        self, *partitions: Partition, timeout_ms: int, max_records: int
    ) -> dict[Partition, list[Record]]: ...
    async def position(self, partition: Partition) -> int: ...  # noqa: D102
    def pause(self, *partitions: Partition) -> None: ...  # noqa: D102
    def last_stable_offset(self, partition: Partition) -> int | None: ...  # noqa: D102
    def highwater(self, partition: Partition) -> int | None: ...  # noqa: D102
    def last_poll_timestamp(self, partition: Partition) -> int | None: ...  # noqa: D102
    async def beginning_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]: ...  # noqa: D102
    async def offsets_for_times(  # noqa: D102
        self, timestamps: Mapping[Partition, int]
    ) -> dict[Partition, OffsetAndTime | None]: ...


class Metadata(Protocol):
    """The brokers' list of topics."""

    def topics(self) -> set[str]: ...  # noqa: D102
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...  # noqa: D102
    def leader_for_partition(self, partition: Partition) -> int | None: ...  # noqa: D102


class MetadataClient(Protocol):
    """What is used of a ListingClient."""

    async def bootstrap(self) -> None: ...  # noqa: D102
    async def list_anew(self) -> Metadata | None: ...  # noqa: D102
    async def close(self) -> None: ...  # noqa: D102


def partition(topic: str, number: int) -> Partition:
    """Return a partition as aiokafka wants it."""
    made: Partition = TopicPartition(topic, number)
    return made


def new_consumer(settings: KafkaSettings, *, wait_ms: int, min_bytes: int = 1, reset: str = "earliest") -> Consumer:
    """Return a consumer without a group, not started: it commits nothing and leaves nothing on the broker.

    A fetch is answered once ``min_bytes`` are there or ``wait_ms`` have passed. Transactions that were aborted
    are not seen, as ts_salobj's readers do not see them (librdkafka's default). ``reset`` is where reading goes
    on when the position is no longer in the log.

    Raises:
        FeedError: the settings cannot be used.
    """
    try:
        made: Consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap,
            client_id="deploydash",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset=reset,
            isolation_level="read_committed",
            fetch_max_wait_ms=wait_ms,
            fetch_min_bytes=min_bytes,
            fetch_max_bytes=8 * 1024 * 1024,
            consumer_timeout_ms=_IDLE_MS,
            **security(settings),
        )
    except ValueError as error:
        raise unusable(settings, error) from error
    return made


def new_metadata_client(settings: KafkaSettings) -> MetadataClient:
    """Return a client that only asks for the list of topics, not connected.

    Raises:
        FeedError: the settings cannot be used.
    """
    try:
        made: MetadataClient = ListingClient(
            bootstrap_servers=settings.bootstrap, client_id="deploydash", **security(settings)
        )
    except ValueError as error:
        raise unusable(settings, error) from error
    return made


def paced(consumer: Consumer, least_s: float, hold_s: float = 0.0) -> Fetches:
    """Have a consumer that was not started yet fetch every ``least_s`` seconds at most, and return what sees to it.

    An empty answer is waited out for ``hold_s`` seconds, whatever the broker does.
    """
    client: Any = getattr(consumer, "_client")  # noqa: B009  not public, and the only way to its requests
    return Fetches(client, least_s, hold_s)


async def close_consumer(consumer: Consumer) -> None:
    """Stop a consumer, whatever it was doing.

    aiokafka's ``stop()`` raises CancelledError if one of its own tasks had not begun yet, and then leaves its
    connections open; it is told apart from our own cancellation by running it as a task.
    """
    stop = asyncio.ensure_future(consumer.stop())
    await asyncio.wait({stop})
    if stop.cancelled() or stop.exception() is not None:
        client: Any = getattr(consumer, "_client")  # noqa: B009  not public, and the only way to its connections
        await client.close()

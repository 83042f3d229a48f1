"""aiokafka behind types of ours: what commanding needs of it.

aiokafka ships no type information, so its objects are seen through Protocols here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Protocol

from aiokafka import AIOKafkaClient, AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from deploydash.systems.sal.reading.metadata import create_no_topics
from deploydash.systems.sal.security import REQUEST_TIMEOUT_MS, security, unusable
from deploydash.systems.settings import KafkaSettings

_APPEND_TIMEOUT_MS = REQUEST_TIMEOUT_MS // 2
_ALL_REPLICAS = -1
_NO_PRODUCER = -1

logging.getLogger("aiokafka").addHandler(logging.NullHandler())
"""Without a handler Python would print aiokafka's warnings on the operator's screen."""

create_no_topics()


class Partition(Protocol):
    """A topic's partition; hashable."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102


class Cluster(Protocol):
    """What the client knows of the brokers and topics."""

    def topics(self) -> set[str]: ...  # noqa: D102
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...  # noqa: D102
    def leader_for_partition(self, partition: Partition) -> int | None: ...  # noqa: D102


class Client(Protocol):
    """What is used of an AIOKafkaClient."""

    cluster: Cluster

    async def bootstrap(self) -> None: ...  # noqa: D102
    async def force_metadata_update(self) -> bool: ...  # noqa: D102
    async def ready(self, node_id: int) -> bool: ...  # noqa: D102
    async def send(self, node_id: int, request: Any) -> Any: ...  # noqa: D102
    async def close(self) -> None: ...  # noqa: D102


class Record(Protocol):
    """One record read."""

    offset: int
    value: bytes | None


class Consumer(Protocol):
    """What is used of an AIOKafkaConsumer with manual assignment and no group."""

    async def start(self) -> None: ...  # noqa: D102
    async def stop(self) -> None: ...  # noqa: D102
    def assign(self, partitions: list[Partition]) -> None: ...  # noqa: D102
    def seek(self, partition: Partition, offset: int) -> None: ...  # noqa: D102
    async def getmany(self, *, timeout_ms: int) -> dict[Partition, list[Record]]: ...  # noqa: D102
    async def end_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]: ...  # noqa: D102


def partition(topic: str, number: int) -> Partition:
    """Return a partition as aiokafka wants it."""
    made: Partition = TopicPartition(topic, number)
    return made


def new_client(settings: KafkaSettings) -> Client:
    """Return a client that sends a request when asked to and never by itself, not connected.

    Raises:
        FeedError: the settings cannot be used.
    """
    try:
        made: Client = AIOKafkaClient(
            bootstrap_servers=settings.bootstrap, client_id="deploydash-command", **security(settings)
        )
    except ValueError as error:
        raise unusable(settings, error) from error
    return made


def new_consumer(settings: KafkaSettings, client_id: str = "deploydash-acks") -> Consumer:
    """Return a consumer without a group, not started: it commits nothing and leaves nothing on the broker.

    Raises:
        FeedError: the settings cannot be used.
    """
    try:
        made: Consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap,
            client_id=client_id,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50 if settings.rehearsal else 200,
            **security(settings),
        )
    except ValueError as error:
        raise unusable(settings, error) from error
    return made


def produce_request(topic: str, number: int, key: bytes, value: bytes, utc: float) -> Any:
    """Return the request that appends one record to one partition, to be answered by all its replicas."""
    batch = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=0,
        producer_id=_NO_PRODUCER,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=len(key) + len(value) + 1024,
    )
    batch.append(0, int(utc * 1000), key, value, [])
    topics = [(topic, [(number, bytes(batch.build()))])]
    return ProduceRequest(None, _ALL_REPLICAS, _APPEND_TIMEOUT_MS, topics)


def produce_answer(response: Any, topic: str) -> tuple[int, int]:
    """Return the error code (0: none) and the offset that the broker gave, -1 for none.

    Raises:
        ValueError: the response says nothing of this topic.
    """
    for name, partitions in response.topics:
        for _, code, offset, *_ in partitions:
            if name == topic:
                return int(code), int(offset)
    raise ValueError(f"the broker's answer says nothing of {topic}")

"""The world's way to Kafka: writes records in batches, reads the command topics."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import confluent_kafka

from deploydash.demo.wire import Raw

QUIET = logging.getLogger("deploydash.demo.librdkafka")
"""For librdkafka's clients: what they say of a broker that a scenario lets go down is no news."""
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False


class Bus:
    """A producer and a consumer without a group on one Kafka."""

    def __init__(self, bootstrap: str) -> None:
        common = {"bootstrap.servers": bootstrap, "log_level": 0, "log.connection.close": False}
        self._producer = confluent_kafka.Producer(
            {
                **common,
                "acks": 1,
                # On a topic just made a first batch may be refused: repeated behind the second, a past would end
                # with its beginning.
                "max.in.flight.requests.per.connection": 1,
                "linger.ms": 10,
                "compression.type": "none",
                "queue.buffering.max.messages": 2_000_000,
                "batch.num.messages": 20_000,
            },
            logger=QUIET,
        )
        self._consumer = confluent_kafka.Consumer(
            {
                **common,
                "group.id": "not-used",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
                "fetch.error.backoff.ms": 200,
            },
            logger=QUIET,
        )

    def read(self, topics: Iterable[str]) -> None:
        """Read these command topics too, from their beginning; those that are read already go on where they are."""
        self._consumer.incremental_assign([confluent_kafka.TopicPartition(topic, 0, 0) for topic in topics])

    def write(self, records: Iterable[Raw]) -> None:
        """Hand records to the producer; their time is the record's ``at``."""
        for record in records:
            self._producer.produce(
                record.topic,
                value=record.value,
                key=record.key,
                partition=0,
                timestamp=int(record.at * 1000),
            )
        self._producer.poll(0)

    def commands(self) -> list[tuple[str, bytes | None]]:
        """Topic and value of every command record that arrived; never waits."""
        messages = self._consumer.consume(500, timeout=0)
        return [(m.topic() or "", m.value()) for m in messages if m.error() is None]

    def flush(self, timeout: float) -> None:
        """Wait until everything is written, at most ``timeout`` seconds."""
        self._producer.flush(timeout)

    def close(self) -> None:
        """Leave Kafka; what is not yet written is dropped."""
        self._producer.purge()
        self._producer.flush(1)
        self._consumer.close()

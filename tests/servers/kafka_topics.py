"""What tests do to a real Kafka's topics, synchronously: create as salobj does, produce fast, grant, look."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import admin as confluent_admin

from tests.servers.waiting import patient, wait_until

_api: Any = confluent_admin  # its types are incomplete and partly wrong

Record = tuple[str, bytes | None, bytes | None]
"""Topic, key, value."""


def _silent_logger() -> logging.Logger:
    logger = logging.getLogger("tests.librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


class KafkaTopics:
    """Admin and producer over the plain listener, where everything is allowed."""

    silent = _silent_logger()

    def __init__(self, bootstrap: str) -> None:
        self._settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.max.ms": 200,
            "topic.metadata.propagation.max.ms": 5000,
        }
        self._producer: Producer | None = None
        self._admin: Any = None

    @property
    def admin(self) -> Any:
        """The one admin client, made on first use."""
        if self._admin is None:
            self._admin = _api.AdminClient(self._settings, logger=self.silent)
        return self._admin

    def forget(self) -> None:
        """Drop what the clients remember of the broker: after a restart its leader epochs are others."""
        self._admin = self._producer = None

    def new_producer(self, **settings: Any) -> Producer:
        """Return a producer of its own; setting names have ``_`` for librdkafka's dots."""
        extra = {name.replace("_", "."): value for name, value in settings.items()}
        return Producer({**self._settings, "linger.ms": 20, **extra}, logger=self.silent)

    def create(
        self,
        names: Iterable[str],
        *,
        partitions: int = 1,
        config: Mapping[str, str] | None = None,
        brokers: Sequence[int] = (),
    ) -> None:
        """Create topics and wait for their leaders: events compacted, one partition, as ts_salobj makes them.

        ``brokers`` puts every partition on these, the first as leader; topics that exist are left alone.
        """
        wanted = list(names)
        topics = []
        for name in wanted:
            settings = {"cleanup.policy": "compact"} if name.rpartition(".")[2].startswith("logevent_") else {}
            settings.update(config or {})
            placed: dict[str, Any] = (
                {"replica_assignment": [list(brokers)] * partitions} if brokers else {"replication_factor": 1}
            )
            topics.append(_api.NewTopic(name, num_partitions=partitions, config=settings, **placed))
        admin = self.admin
        for future in admin.create_topics(topics, operation_timeout=patient(10)).values():
            try:
                future.result(20)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

        def led() -> bool:
            with suppress(KafkaException):
                known = admin.list_topics(timeout=patient(5)).topics
                return all(
                    name in known
                    and known[name].partitions
                    and all(p.leader >= 0 for p in known[name].partitions.values())
                    for name in wanted
                )
            return False

        wait_until(led, 20, f"leaders of {wanted}")

    def delete(self, names: Iterable[str]) -> None:
        """Delete topics."""
        for future in self.admin.delete_topics(list(names), operation_timeout=patient(10)).values():
            future.result(20)

    def configure(self, name: str, settings: Mapping[str, str]) -> None:
        """Change a topic's settings, such as ``message.timestamp.type``."""
        entries = [
            _api.ConfigEntry(key, text, incremental_operation=_api.AlterConfigOpType.SET)
            for key, text in settings.items()
        ]
        resource = _api.ConfigResource(_api.ConfigResource.Type.TOPIC, name, incremental_configs=entries)
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result(20)

    def produce(self, records: Iterable[Record], **settings: Any) -> int:
        """Write records in order and return how many, once every one is acknowledged.

        ``settings`` as for ``new_producer``: ``compression_type="zstd"``, ``batch_num_messages=1``.

        Raises:
            AssertionError: the broker refused some or did not answer within 60 s.
        """
        if settings or self._producer is None:
            producer = self.new_producer(**settings)
            if not settings:
                self._producer = producer
        else:
            producer = self._producer
        refused: list[str] = []

        def delivered(error: KafkaError | None, message: Any) -> None:
            if error is not None:
                refused.append(f"{message.topic()}: {error}")

        count = 0
        for topic, key, value in records:
            while True:
                try:
                    producer.produce(topic, key=key, value=value, on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(0.05)
            count += 1
        left = producer.flush(60)
        assert not left, f"{left} of {count} records were not acknowledged"
        assert not refused, f"{len(refused)} of {count} records were refused, such as {refused[0]}"
        return count

    def ends(self, names: Iterable[str]) -> dict[str, int]:
        """Return the end offset of partition 0 of each topic."""
        parts = {TopicPartition(name, 0): _api.OffsetSpec.latest() for name in names}
        return {part.topic: future.result(20).offset for part, future in self.admin.list_offsets(parts).items()}

    def metadata(self) -> Any:
        """Return the cluster's metadata, asked for now."""
        return self.admin.list_topics(timeout=patient(10))

    def names(self) -> set[str]:
        """Return every topic of the broker."""
        return set(self.metadata().topics)

    def read(self, name: str) -> list[tuple[bytes | None, bytes | None]]:
        """Return keys and values of partition 0 up to its present end, for looking at what is there."""
        end = self.ends([name])[name]
        settings = {"group.id": "look", "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer({**self._settings, **settings, "fetch.wait.max.ms": 20}, logger=self.silent)
        found: list[tuple[bytes | None, bytes | None]] = []
        try:
            consumer.assign([TopicPartition(name, 0, 0)])
            at = 0
            while at < end:
                message = consumer.poll(10)
                assert message is not None, f"{name} could not be read to its end"
                error = message.error()
                if error is not None:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    break
                found.append((message.key(), message.value()))
                at = (message.offset() or 0) + 1
        finally:
            consumer.close()
        return found

    def allow_reading(self, user: str, *, prefix: str) -> None:
        """Let a user read and describe the topics that begin with ``prefix``, and nothing else."""
        acls = [
            _api.AclBinding(
                _api.ResourceType.TOPIC,
                prefix,
                _api.ResourcePatternType.PREFIXED,
                f"User:{user}",
                "*",
                operation,
                _api.AclPermissionType.ALLOW,
            )
            for operation in (_api.AclOperation.READ, _api.AclOperation.DESCRIBE)
        ]
        for future in self.admin.create_acls(acls).values():
            future.result(20)
        wait_until(self.has_acls, 10, "the new ACLs are known to the broker")

    def has_acls(self) -> bool:
        """Return whether the broker has any ACL."""
        every = _api.AclBindingFilter(
            _api.ResourceType.ANY,
            None,
            _api.ResourcePatternType.ANY,
            None,
            None,
            _api.AclOperation.ANY,
            _api.AclPermissionType.ANY,
        )
        return bool(self.admin.describe_acls(every).result(20))

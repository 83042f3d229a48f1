"""An independent reader of everything that was ever written to the command topics of a Kafka.

It shares nothing with the application: confluent-kafka reads, fastavro decodes, and every schema is fetched anew
from the registry. A command that it calls malformed would end the reading of a whole component's CSCs.
"""

from __future__ import annotations

import io
import json
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import fastavro
import httpx2
from confluent_kafka import Consumer, KafkaError, TopicPartition

from deploydash.core.model import CscId
from tests.servers.kafka_topics import KafkaTopics
from tests.servers.waiting import patient


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it stands on Kafka."""

    csc: CscId
    name: str
    seq_num: int
    identity: str
    origin: int
    key: bytes | None
    fields: dict[str, Any] = field(hash=False, compare=False)

    @property
    def who(self) -> tuple[CscId, str, int, str, int]:
        """What must be there once only."""
        return self.csc, self.name, self.seq_num, self.identity, self.origin


@dataclass(slots=True)
class Found:
    """Everything on the command topics: what could be read, in order per topic, and what is wrong with the rest."""

    commands: list[Command] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)

    def twice(self) -> list[tuple[CscId, str, int, str, int]]:
        """Return what is there more than once."""
        counted = Counter(command.who for command in self.commands)
        return [who for who, count in counted.items() if count > 1]

    def of(self, csc: str) -> list[str]:
        """Return the names of the commands to one CSC, in the order of their numbers."""
        wanted = [command for command in self.commands if command.csc == CscId.parse(csc)]
        return [command.name for command in sorted(wanted, key=lambda command: command.fields["private_sndStamp"])]


class CommandReader:
    """Reads a Kafka's command topics from their beginnings to their present ends."""

    def __init__(self, bootstrap: str, registry_url: str, subname: str = "sal") -> None:
        self._bootstrap = bootstrap
        self._registry = registry_url.rstrip("/")
        self._subname = subname
        self._schemas: dict[tuple[str, int], Any] = {}

    def read(self) -> Found:
        """Decode every byte there is; the schemas are asked for again each time."""
        found = Found()
        self._schemas.clear()
        with httpx2.Client(timeout=patient(20)) as http:
            for topic, key, value in self._records("command_"):
                try:
                    found.commands.append(self._command(http, topic, key, value))
                except ValueError as error:
                    found.malformed.append(f"{topic}: {error}")
        return found

    def written_elsewhere(self, identity: str) -> list[str]:
        """Return the topics beside the command topics on which somebody wrote under this identity."""
        topics = []
        with httpx2.Client(timeout=patient(20)) as http:
            for prefix in ("logevent_", "ackcmd"):
                for topic, _, value in self._records(prefix):
                    if self._decode(http, topic, value).get("private_identity") == identity:
                        topics.append(topic)
        return topics

    def _command(self, http: httpx2.Client, topic: str, key: bytes | None, value: bytes | None) -> Command:
        fields = self._decode(http, topic, value)
        component, sal_name = topic.split(".")[2:]
        number = fields["private_seqNum"]
        if not 0 < number < 2**31:
            raise ValueError(f"private_seqNum {number}")
        if fields["private_sndStamp"] < 1.7e9 or fields["private_rcvStamp"] != 0.0:
            raise ValueError(f"stamps {fields['private_sndStamp']} and {fields['private_rcvStamp']}")
        index = {"index": fields["salIndex"]} if "salIndex" in fields else {}
        wanted = json.dumps({"name": component, **index, "topic": sal_name})
        if key != f"{{ {wanted[1:-1]} }}".encode():
            raise ValueError(f"key {key!r}")
        csc = CscId(component, fields.get("salIndex", 0))
        identity, origin = fields["private_identity"], fields["private_origin"]
        return Command(csc, sal_name.removeprefix("command_"), number, identity, origin, key, fields)

    def _decode(self, http: httpx2.Client, topic: str, value: bytes | None) -> dict[str, Any]:
        if value is None:
            raise ValueError("a null value")
        if len(value) < 5 or value[0] != 0:
            raise ValueError(f"no frame: {value[:5]!r}")
        (number,) = struct.unpack(">I", value[1:5])
        schema = self._schema(http, topic, number)
        stream = io.BytesIO(value[5:])
        try:
            fields: Any = fastavro.schemaless_reader(stream, schema, None)
        except Exception as error:
            raise ValueError(f"not of schema {number}: {error!r}") from error
        if stream.read(1):
            raise ValueError(f"bytes beyond schema {number}")
        decoded: dict[str, Any] = fields
        return decoded

    def _schema(self, http: httpx2.Client, topic: str, number: int) -> Any:
        """Return a schema that the registry has under the topic's own subject."""
        if (topic, number) not in self._schemas:
            subject = f"{self._registry}/subjects/{topic}-value/versions"
            versions = http.get(subject).raise_for_status().json()
            known = {
                body["id"]: body["schema"]
                for body in (http.get(f"{subject}/{version}").raise_for_status().json() for version in versions)
            }
            if number not in known:
                raise ValueError(f"schema id {number} is not registered for it")
            self._schemas[topic, number] = fastavro.parse_schema(json.loads(known[number]))
        return self._schemas[topic, number]

    def _records(self, prefix: str) -> Iterator[tuple[str, bytes | None, bytes | None]]:
        settings = {
            "bootstrap.servers": self._bootstrap,
            "group.id": "command-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 20,
        }
        consumer = Consumer(settings, logger=KafkaTopics.silent)
        try:
            begins = f"lsst.{self._subname}."
            parts = [
                TopicPartition(name, number, 0)
                for name, topic in consumer.list_topics(timeout=patient(10)).topics.items()
                if name.startswith(begins) and name.rpartition(".")[2].startswith(prefix)
                for number in topic.partitions
            ]
            left = len(parts)
            if parts:
                consumer.assign(parts)
            while left:
                message = consumer.poll(20)
                assert message is not None, f"{left} topics could not be read to their ends"
                error = message.error()
                if error is None:
                    yield str(message.topic()), message.key(), message.value()
                    continue
                assert error.code() == KafkaError._PARTITION_EOF, error
                left -= 1
        finally:
            consumer.close()

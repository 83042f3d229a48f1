"""Acknowledgements that cannot be read are counted with their topic and a reason; the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from deploydash.core.fleet.observations import Observation, RecordsUndecodable
from deploydash.core.model import CscId
from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.commanding import ack_reader
from deploydash.systems.sal.commanding.ack_reader import AckReader
from deploydash.systems.sal.commanding.acks import Ack, AckCode
from deploydash.systems.sal.commanding.kafka_wire import Partition, partition
from tests.servers.kafka_scenes import plain_settings

ESS, WATCHER = partition("lsst.sal.ESS.ackcmd", 0), partition("lsst.sal.Watcher.ackcmd", 0)
FIELDS = {"salIndex": 104, "identity": "lead@console", "origin": 7, "private_seqNum": 3, "ack": 303, "error": 0}
GOOD = b"\x00\x00\x00\x00\x01good"


@dataclass
class Raw:
    offset: int
    value: bytes | None


class Schema:
    def decode(self, payload: bytes) -> dict[str, Any]:
        if payload != b"good":
            raise Undecodable("truncated")
        return {**FIELDS, "result": "Done", "timeout": 0.0}


class Schemas:
    async def schema(self, schema_id: int) -> WriterSchema:
        if schema_id == 2:
            raise FeedError("schema_registry", "the registry does not answer")
        return cast("WriterSchema", Schema())

    async def instead(self, misfit: WriterSchema) -> WriterSchema | None:
        raise FeedError("schema_registry", f"{misfit} was asked for a moment ago")


class Broker:
    """A consumer that has these batches, one after the other, and then nothing more."""

    def __init__(self, *batches: dict[Partition, list[Raw]]) -> None:
        self._client = self
        self._batches = list(batches)
        self.read = asyncio.Event()

    async def start(self) -> None: ...

    async def set_topics(self, topics: list[str]) -> None: ...

    async def end_offsets(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, 0)

    def assign(self, partitions: list[Partition]) -> None: ...

    def seek(self, partition: Partition, offset: int) -> None: ...

    async def getmany(self, *, timeout_ms: int) -> dict[Partition, list[Raw]]:
        del timeout_ms
        if self._batches:
            return self._batches.pop(0)
        self.read.set()
        return (await asyncio.Event().wait() and {}) or {}


async def read(monkeypatch: pytest.MonkeyPatch, *batches: dict[Partition, list[Raw]]) -> tuple[list[Ack], list[Any]]:
    """Return the acknowledgements, and what was said of those that could not be read."""
    broker, acks, told = Broker(*batches), list[Ack](), list[Observation]()
    monkeypatch.setattr(ack_reader, "new_consumer", lambda _: broker)
    reader = AckReader(plain_settings("nowhere:1", "sal"), Schemas(), acks.append, told.append, lambda: 12.5)
    await reader.open()
    await reader.follow([ESS, WATCHER])
    running = asyncio.create_task(reader.run())
    await broker.read.wait()
    running.cancel()
    await asyncio.wait({running})
    return acks, told


async def test_what_cannot_be_read_is_told_once_a_batch_and_topic_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = (None, b"\x07", GOOD, b"\x00\x00\x00\x00\x01bad")
    batch = {
        ESS: [Raw(at, value) for at, value in enumerate(values)],
        WATCHER: [Raw(0, b"\x00\x00\x00\x00\x02good")],
    }
    acks, told = await read(monkeypatch, batch, {ESS: [Raw(4, b"\x00\x00\x00\x00\x01bad")]})
    assert [(ack.csc, ack.code) for ack in acks] == [(CscId("ESS", 104), AckCode.COMPLETE)]
    assert told == [
        RecordsUndecodable(ESS.topic, 3, "null value", 12.5),
        RecordsUndecodable(WATCHER.topic, 1, "the registry does not answer", 12.5),
        RecordsUndecodable(ESS.topic, 1, "truncated", 12.5),
    ]


async def test_nothing_is_told_where_all_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    acks, told = await read(monkeypatch, {ESS: [Raw(0, GOOD)]})
    assert (len(acks), told) == (1, [])

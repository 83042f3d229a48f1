"""The last minute of heartbeats: whole for a site's CSCs, and of very many no more than a start can read."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from json import loads
from typing import Any, cast

import fastavro
import pytest

from deploydash.core.model import CscId
from deploydash.core.observations import BeatFoundInLog, BeatsReadBack
from deploydash.feeds.kafka_beatlog import BeatLog, read_last_minute
from deploydash.feeds.kafka_client import Partition, partition
from deploydash.feeds.kafka_connection import by_component
from deploydash.feeds.kafka_decode import Decoder, Undecoded
from deploydash.feeds.kafka_schemas import WaitingRoom
from deploydash.feeds.kafka_second_look import SecondLook
from deploydash.feeds.kafka_spans import Span, SpanReader, Take
from deploydash.feeds.kafka_tails import Reading
from deploydash.sal.avro import WriterSchema
from deploydash.session.clock import SystemClock
from tests.servers.fleet import schema_text
from tests.support.collected import Collected
from tests.support.records import Entry

REFERENCE = 1_790_000_060.0
TEXT = schema_text("ESS", "heartbeat", indexed=True)


class Known:
    """A registry whose schemas are in memory."""

    def __init__(self) -> None:
        self._schema = WriterSchema(1, TEXT)

    def known(self, _: int) -> WriterSchema:
        return self._schema


class Logs:
    """A broker that holds logs of one beat a second for each CSC; of what is read it gives the first and the last."""

    def __init__(self, rates: Mapping[Partition, int], end: int) -> None:
        self._rates = rates
        self._end = end
        self.read_back: dict[Partition, Span] = {}

    def utc(self, one: Partition, offset: int) -> float:
        return REFERENCE - (self._end - offset) / self._rates[one]

    async def since(self, partitions: list[Partition], utc: float) -> dict[Partition, int]:
        return {one: self._end - int((REFERENCE - utc) * self._rates[one]) for one in partitions}

    async def read(self, spans: Mapping[Partition, Span], take: Take) -> set[Partition]:
        self.read_back = dict(spans)
        for one, span in spans.items():
            for offset in (span.start, span.end - 1):
                stamp = int(self.utc(one, offset) * 1000)
                await take(one, [Entry(offset, beat(1 + offset % self._rates[one]), stamp)])
        return set(spans)


def beat(index: int) -> bytes:
    fields = {"salIndex": index, "private_seqNum": 5, "private_origin": 7, "private_sndStamp": 1.79e9}
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(loads(TEXT)), fields)
    return struct.pack(">bI", 0, 1) + body.getvalue()


async def read(fleet: Mapping[str, int]) -> tuple[Logs, Collected, dict[str, Partition]]:
    """Return what was read back of components with so many CSCs each, and what was told of it."""
    topics = {name: partition(f"lsst.sal.{name}.logevent_heartbeat", 0) for name in fleet}
    logs = Logs({topics[name]: count for name, count in fleet.items()}, 1_000_000)
    schemas: Any = Known()
    inbox = Collected()

    async def nothing(_: object) -> None:
        raise AssertionError("nothing waits")

    undecoded = Undecoded()
    room = WaitingRoom(schemas, nothing, lambda held, why: undecoded.add(held.partition, why))
    decoder = Decoder(schemas, room, SecondLook(schemas, nothing), undecoded)
    expected = by_component(CscId(name, index) for name, count in fleet.items() for index in range(1, count + 1))
    reading = Reading(cast("SpanReader", logs), decoder, room, SystemClock(), inbox.put, expected)
    whole = [BeatLog(topics[name], name, 0, 1_000_000) for name in fleet]
    assert await read_last_minute(reading, whole, REFERENCE) == []
    return logs, inbox, topics


async def test_a_site_has_its_whole_last_minute_read_back() -> None:
    logs, inbox, topics = await read({"ESS": 39, "Watcher": 1, "Others": 77})
    for name, count in (("ESS", 39), ("Watcher", 1), ("Others", 77)):
        assert logs.read_back[topics[name]].start <= 1_000_000 - 60 * count
    assert {told.since_utc for told in inbox.of(BeatsReadBack)} == {REFERENCE - 60}


async def test_of_ten_thousand_so_much_is_read_back_as_of_one_thousand_and_told_as_no_more() -> None:
    logs, inbox, topics = await read({"ESS": 5_000, "Test": 4_990, "Watcher": 10})
    assert sum(span.end - span.start for span in logs.read_back.values()) <= 62_000
    since = {told.component: told.since_utc for told in inbox.of(BeatsReadBack)}
    for name in ("ESS", "Test"):
        assert since[name] == pytest.approx(logs.utc(topics[name], logs.read_back[topics[name]].start), abs=0.01)
        assert REFERENCE - 7 < since[name] < REFERENCE - 5
    assert since["Watcher"] == REFERENCE - 60


async def test_the_newest_beat_of_each_csc_is_told() -> None:
    logs, inbox, topics = await read({"ESS": 3})
    found = {told.csc: told.appended_utc for told in inbox.of(BeatFoundInLog)}
    span = logs.read_back[topics["ESS"]]
    assert found == {
        CscId("ESS", 1 + offset % 3): pytest.approx(logs.utc(topics["ESS"], offset), abs=0.01)
        for offset in (span.start, span.end - 1)
    }


def test_who_belongs_to_a_component_is_found_in_one_pass() -> None:
    everybody = [CscId("ESS", 1), CscId("Watcher"), CscId("ESS", 2)]
    found = by_component(iter(everybody))
    assert found == {"ESS": {CscId("ESS", 1), CscId("ESS", 2)}, "Watcher": {CscId("Watcher")}}

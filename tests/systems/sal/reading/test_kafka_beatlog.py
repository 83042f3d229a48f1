"""The last minute of heartbeats: whole for a site's CSCs, and of very many no more than a start can read."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from io import BytesIO
from json import loads
from typing import Any, cast

import fastavro
import pytest

from deploydash.core.fleet.observations import BeatFoundInLog, BeatsReadBack, Process
from deploydash.core.model import CscId
from deploydash.session.clock import SystemClock
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.sal.reading.beatlog import BeatLog, read_last_minute
from deploydash.systems.sal.reading.client import Partition, partition
from deploydash.systems.sal.reading.connection import by_component
from deploydash.systems.sal.reading.decode import Decoder, Undecoded
from deploydash.systems.sal.reading.schemas import WaitingRoom
from deploydash.systems.sal.reading.second_look import SecondLook
from deploydash.systems.sal.reading.spans import Span, SpanReader, Take
from deploydash.systems.sal.reading.tails import Reading
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


class Written:
    """A broker with one log, whose records from ``begin`` on are there: seconds before the reference and the beat."""

    def __init__(self, begin: int, beats: Sequence[tuple[float, bytes]], *, create_time: bool = False) -> None:
        stamped = ((begin + place, age, value) for place, (age, value) in enumerate(beats))
        kind = 0 if create_time else 1
        self.entries = [Entry(at, value, int((REFERENCE - age) * 1000), kind) for at, age, value in stamped]

    async def since(self, partitions: list[Partition], utc: float) -> dict[Partition, int]:
        later = [entry.offset for entry in self.entries if entry.timestamp >= utc * 1000]
        return dict.fromkeys(partitions, later[0]) if later else {}

    async def read(self, spans: Mapping[Partition, Span], take: Take) -> set[Partition]:
        for one, span in spans.items():
            for entry in self.entries:
                if span.start <= entry.offset < span.end:
                    await take(one, [entry])
        return set(spans)


def beat(index: int, *, origin: int = 7, number: int = 5, sent: float = 1.79e9) -> bytes:
    fields = {"salIndex": index, "private_seqNum": number, "private_origin": origin, "private_sndStamp": sent}
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(loads(TEXT)), fields)
    return struct.pack(">bI", 0, 1) + body.getvalue()


async def read(fleet: Mapping[str, int]) -> tuple[Logs, Collected, dict[str, Partition]]:
    """Return what was read back of components with so many CSCs each, and what was told of it."""
    topics = {name: partition(f"lsst.sal.{name}.logevent_heartbeat", 0) for name in fleet}
    logs = Logs({topics[name]: count for name, count in fleet.items()}, 1_000_000)
    inbox = await told_of(logs, [BeatLog(topics[name], name, 0, 1_000_000) for name in fleet], fleet)
    return logs, inbox, topics


async def told_of(reader: object, whole: list[BeatLog], fleet: Mapping[str, int]) -> Collected:
    """Return what is told of these logs."""
    schemas: Any = Known()
    inbox = Collected()

    async def nothing(_: object) -> None:
        raise AssertionError("nothing waits")

    undecoded = Undecoded()
    room = WaitingRoom(schemas, nothing, lambda held, why: undecoded.add(held.partition, why))
    decoder = Decoder(schemas, room, SecondLook(schemas, nothing), undecoded)
    expected = by_component(CscId(name, index) for name, count in fleet.items() for index in range(1, count + 1))
    reading = Reading(cast("SpanReader", reader), decoder, room, SystemClock(), inbox.put, expected)
    assert await read_last_minute(reading, whole, REFERENCE) == []
    return inbox


async def of_one(
    beats: Sequence[tuple[float, int, int]], *, begin: int = 0, create_time: bool = False
) -> tuple[BeatsReadBack, tuple[Process, ...]]:
    """Return what is told of ESS:1 with these beats (age, origin, number), and those it keeps of them."""
    written = [
        (age, beat(1, origin=origin, number=number, sent=REFERENCE - age + 37.0)) for age, origin, number in beats
    ]
    log = BeatLog(partition("lsst.sal.ESS.logevent_heartbeat", 0), "ESS", begin, begin + len(beats))
    inbox = await told_of(Written(begin, written, create_time=create_time), [log], {"ESS": 1})
    lately = [one.process for found in inbox.of(BeatFoundInLog) for one in found.lately]
    return inbox.of(BeatsReadBack)[0], tuple(lately)


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


async def test_of_a_run_of_heartbeats_the_ends_are_kept_and_each_turn_of_a_second_process() -> None:
    beats = [(float(age), 7, 100 - age) for age in range(70, 0, -1)]
    assert (await of_one(beats))[1] == (Process(7, 30), Process(7, 99))
    for age, number in ((11.5, 20), (6.5, 21), (1.5, 22)):
        beats.append((age, 9, number))
    beats.sort(reverse=True)
    ends = [Process(*one) for one in ((7, 88), (9, 20), (7, 89), (7, 93), (9, 21), (7, 94), (7, 98), (9, 22), (7, 99))]
    assert (await of_one(beats))[1][1:] == tuple(ends)


async def test_two_processes_of_one_origin_are_kept_as_they_take_turns() -> None:
    beats = []
    for second in range(12, 0, -1):
        beats += [(second + 0.5, 7, 1012 - second), (float(second), 7, 52 - second)]
    lately = (await of_one(beats))[1]
    assert lately == tuple(Process(7, number) for _, _, number in beats)


@pytest.mark.parametrize("create_time", [False, True])
async def test_a_log_reaches_as_far_as_it_was_read_and_nothing_was_deleted(create_time: bool) -> None:
    beats = [(float(age), 7, 100 - age) for age in range(3, 0, -1)]
    assert (await of_one(beats, create_time=create_time))[0].reaches_s == math.inf
    cut = (await of_one(beats, begin=500, create_time=create_time))[0]
    assert cut.reaches_s == pytest.approx(2.0, abs=0.01)
    assert cut.since_utc == (REFERENCE - 60 if create_time else pytest.approx(REFERENCE - 3.0, abs=0.01))
    minute = [(float(age), 7, 100 - age) for age in range(90, 0, -1)]
    assert (await of_one(minute, begin=500, create_time=create_time))[0].reaches_s >= 58.0
    assert (await of_one([], begin=500, create_time=create_time))[0].reaches_s == 0.0


async def test_a_clock_that_was_set_forward_makes_a_log_reach_no_further_than_the_heartbeats_counted() -> None:
    beats = [(30 * 86_400.0, 7, 97), (2.0, 7, 98), (1.0, 7, 99)]
    assert (await of_one(beats, begin=500, create_time=True))[0].reaches_s == pytest.approx(2.0, abs=0.01)


def test_who_belongs_to_a_component_is_found_in_one_pass() -> None:
    everybody = [CscId("ESS", 1), CscId("Watcher"), CscId("ESS", 2)]
    found = by_component(iter(everybody))
    assert found == {"ESS": {CscId("ESS", 1), CscId("ESS", 2)}, "Watcher": {CscId("Watcher")}}

"""Live records on their way to the inbox: merged runs, what waited for a schema, what was appended while cut off."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from json import loads

import fastavro
import pytest

from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatFoundInLog,
    BeatsRead,
    BeatsUnreadable,
    FetchesResumed,
    FetchesStopped,
    RecordsUndecodable,
    StatesUnreadable,
    StateTold,
    Unreadable,
)
from deploydash.core.model import CscId, SummaryState
from deploydash.errors import FeedError
from deploydash.session.clock import SystemClock
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.reading import schemas as kafka_schemas
from deploydash.systems.sal.reading.client import partition
from deploydash.systems.sal.reading.health import Answers, Health
from deploydash.systems.sal.reading.intake import Intake
from deploydash.systems.sal.reading.schemas import MOST_STRANGERS
from deploydash.systems.sal.reading.topics import Event
from tests.servers.fleet import schema_text
from tests.servers.waiting import within
from tests.support.collected import Collected
from tests.support.records import Entry

BEATS = partition("lsst.sal.ESS.logevent_heartbeat", 0)
STATES = partition("lsst.sal.ESS.logevent_summaryState", 0)
ESS1 = CscId("ESS", 1)
ASKED = "schema {} is still asked for at the registry"
TEXTS = {1: schema_text("ESS", "heartbeat", indexed=True), 2: schema_text("ESS", "summaryState", indexed=True)}


class Registry:
    """A registry with two schemas that is away or there."""

    def __init__(self, *, there: bool = True) -> None:
        self.there = there
        self.asked: list[int] = []
        self.asked_instead: list[int] = []
        self._known: dict[int, WriterSchema] = {}

    def known(self, schema_id: int) -> WriterSchema | None:
        return self._known.get(schema_id)

    async def schema(self, schema_id: int) -> WriterSchema:
        self.asked.append(schema_id)
        if not self.there:
            raise FeedError("schema_registry", "away")
        if schema_id not in TEXTS:
            raise Undecodable(f"no schema {schema_id}")
        return self._known.setdefault(schema_id, WriterSchema(schema_id, TEXTS[schema_id]))

    async def instead(self, misfit: WriterSchema) -> WriterSchema | None:
        number = misfit.schema_id
        self.asked_instead.append(number)
        if not self.there:
            raise FeedError("schema_registry", "away")
        if number not in TEXTS:
            raise Undecodable(f"no schema {number}")
        if TEXTS[number] == misfit.text:
            return None
        schema = self._known[number] = WriterSchema(number, TEXTS[number])
        return schema


def value(schema_id: int, index: int, seq: int, *, origin: int = 7, state: SummaryState | None = None) -> bytes:
    fields: dict[str, object] = {
        "salIndex": index,
        "private_seqNum": seq,
        "private_origin": origin,
        "private_sndStamp": 1.79e9,
    }
    if state is not None:
        fields["summaryState"] = int(state)
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(loads(TEXTS[schema_id])), fields)
    return struct.pack(">bI", 0, schema_id) + body.getvalue()


class Way:
    """An intake with its ends: the registry, the health and the inbox."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.inbox = Collected()
        self.health = Health("here", "lsst.sal.")
        self.end = 0
        self.intake = Intake(registry, SystemClock(), self.inbox, self.health, lambda _: self.end)
        self.intake.events = {BEATS: Event("ESS", "heartbeat"), STATES: Event("ESS", "summaryState")}

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask for schemas meanwhile; a question that failed for good fails the test."""
        tasks = [asyncio.ensure_future(self.intake.room.run()), asyncio.ensure_future(self.intake.again.run())]
        yield
        for task in tasks:
            assert not task.done()
            task.cancel()


@pytest.fixture
async def way() -> Way:
    registry = Registry()
    await registry.schema(1)
    await registry.schema(2)
    return Way(registry)


async def test_a_run_of_one_process_is_one_observation(way: Way) -> None:
    values = [value(1, 1, 5), value(1, 2, 90), value(1, 1, 6), value(1, 1, 7), value(1, 2, 91)]
    await way.intake.beats({BEATS: [Entry(offset, one) for offset, one in enumerate(values)]}, 12.5)
    beats = way.inbox.of(BeatArrived)
    assert {(beat.csc, beat.process.seq_num, beat.count, beat.at) for beat in beats} == {
        (ESS1, 7, 3, 12.5),
        (CscId("ESS", 2), 91, 2, 12.5),
    }
    assert len(way.inbox.batches) == 1


async def test_a_restart_another_process_and_a_gap_end_a_run(way: Way) -> None:
    series = [(5, 7), (6, 7), (1, 7), (2, 7), (9, 8), (10, 8), (12, 8)]
    values = [Entry(offset, value(1, 1, seq, origin=origin)) for offset, (seq, origin) in enumerate(series)]
    await way.intake.beats({BEATS: values}, 1.0)
    runs = [(beat.process.origin, beat.process.seq_num, beat.count) for beat in way.inbox.of(BeatArrived)]
    assert runs == [(7, 6, 2), (7, 2, 2), (8, 10, 2), (8, 12, 1)]


async def test_beats_appended_while_no_fetch_was_answered_are_log_and_no_life(way: Way) -> None:
    way.health.update(Answers(frozenset({"ESS"}), ["ESS"], {}), 1.0)
    [stopped] = [
        told
        for told in way.health.update(Answers(frozenset({"ESS"}), ["ESS"], {"ESS": ("hangs", 1.0)}), 3.0)
        if isinstance(told, FetchesStopped)
    ]
    assert stopped.answered_until == 1.0
    way.end = 12
    await way.intake.beats({BEATS: [Entry(offset, value(1, 1, offset)) for offset in (9, 10)]}, 9.0)
    assert [type(told) for told in way.inbox.batches[0]] == [FetchesResumed, BeatFoundInLog]
    await way.intake.beats({BEATS: [Entry(11, value(1, 1, 11))]}, 9.1)
    assert not way.inbox.of(BeatArrived)
    await way.intake.beats({BEATS: [Entry(12, value(1, 1, 12))]}, 9.2)
    [live] = way.inbox.of(BeatArrived)
    assert live.process.seq_num == 12


async def test_garbage_among_beats_is_counted_and_costs_none(way: Way) -> None:
    garbage = [None, b"", b"\0\0", b"no frame at all", value(1, 1, 2)[:-3], value(1, 1, 2) + b"x"]
    records = [Entry(number, one) for number, one in enumerate([*garbage, value(1, 1, 3), value(1, 1, 4)])]
    await way.intake.beats({BEATS: records}, 1.0)
    assert [beat.count for beat in way.inbox.of(BeatArrived)] == [2]
    [report] = way.inbox.of(RecordsUndecodable)
    assert (report.topic, report.count) == (BEATS.topic, len(garbage))
    assert report.example == "null value"
    [unread] = way.inbox.of(BeatsUnreadable)
    assert (unread.component, unread.index) == ("ESS", None)


async def test_a_record_waits_for_its_schema_and_is_told_with_the_time_it_arrived() -> None:
    way = Way(Registry(there=False))
    await way.intake.events_told({STATES: [Entry(0, value(2, 1, 1, state=SummaryState.FAULT))]}, 4.0)
    [[hidden, counted]] = way.inbox.batches
    assert hidden == StatesUnreadable("ESS", "summaryState", (Unreadable(None, 0, ASKED.format(2), waits=True),), 4.0)
    assert isinstance(counted, RecordsUndecodable)
    assert (counted.topic, counted.count, counted.waiting) == (STATES.topic, 1, True)
    way.registry.there = True
    with way.asking():
        await way.inbox.until(lambda: way.inbox.of(StateTold))
    [told] = way.inbox.of(StateTold)
    assert (told.csc, told.state, told.at, told.live) == (ESS1, SummaryState.FAULT, 4.0, True)
    assert not way.intake.room.holds(STATES)
    assert way.inbox.of(StatesUnreadable)[-1].newest == ()
    assert way.inbox.of(RecordsUndecodable)[-1].count == 0


async def test_what_waited_never_replaces_what_came_after_it() -> None:
    """The newer state was written with a schema that is known; the older one of another CSC is still told."""
    registry = Registry()
    await registry.schema(1)
    way = Way(registry)
    way.intake.events[BEATS] = Event("ESS", "heartbeat")
    later = value(1, 1, 9)
    TEXTS[3] = TEXTS[1]
    try:
        older = [Entry(0, value(3, 1, 8)), Entry(1, value(3, 2, 8))]
        await way.intake.beats({BEATS: [*older, Entry(2, later)]}, 1.0)
        [unread] = way.inbox.of(BeatsUnreadable)
        assert (unread.component, unread.index, unread.why, unread.at) == ("ESS", None, ASKED.format(3), 1.0)
        with way.asking():
            await way.inbox.until(lambda: len(way.inbox.of(BeatArrived)) == 2)
    finally:
        del TEXTS[3]
    assert [(beat.csc.index, beat.process.seq_num) for beat in way.inbox.of(BeatArrived)] == [(1, 9), (2, 8)]
    assert unread.waits
    assert way.inbox.of(BeatsRead) == [BeatsRead("ESS", 1.0)]


async def test_what_is_told_of_very_many_at_once_is_told_in_batches_that_hold_nobody_up(way: Way) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.ensure_future(count())
    await way.intake.beats({BEATS: [Entry(index, value(1, index, 1)) for index in range(1, 5001)]}, 1.0)
    others.cancel()
    assert [len(batch) for batch in way.inbox.batches] == [1000] * 5
    assert [beat.csc.index for beat in way.inbox.of(BeatArrived)] == list(range(1, 5001))
    assert turns >= 4


async def test_five_thousand_first_beats_that_wait_for_one_schema_are_all_told() -> None:
    way = Way(Registry(there=False))
    await way.intake.beats({BEATS: [Entry(index, value(1, index, 1)) for index in range(1, 5001)]}, 1.0)
    way.registry.there = True
    with way.asking():
        await way.inbox.until(lambda: len(way.inbox.of(BeatArrived)) == 5000)
    assert {beat.csc.index for beat in way.inbox.of(BeatArrived)} == set(range(1, 5001))
    assert not [report for report in way.inbox.of(RecordsUndecodable) if not report.waiting and report.count]


async def test_what_waits_for_a_schema_takes_a_bounded_part_of_the_memory() -> None:
    way = Way(Registry(there=False))
    large = [struct.pack(">bI", 0, 1) + bytes(1_000_000) for _ in range(20)]
    await way.intake.beats({BEATS: [Entry(number, one) for number, one in enumerate(large)]}, 1.0)
    lost = sum(report.count for report in way.inbox.of(RecordsUndecodable) if not report.waiting)
    waiting = [report.count for report in way.inbox.of(RecordsUndecodable) if report.waiting]
    assert (lost, waiting[-1]) == (13, 7)
    assert all("newer records wait" in told.example for told in way.inbox.of(RecordsUndecodable) if not told.waiting)


async def test_a_flood_of_unknown_schemas_does_not_reach_the_registry(way: Way) -> None:
    asked = len(way.registry.asked)
    with way.asking():
        for number in range(500):
            record = Entry(number, struct.pack(">bI", 0, 1000 + number) + b"garbage")
            await way.intake.events_told({STATES: [record]}, float(number))
            await asyncio.sleep(0)
        last = Entry(500, value(2, 1, 1, state=SummaryState.FAULT))
        await way.intake.events_told({STATES: [last]}, 500.0)
        async with within(5):
            while way.intake.room.holds(STATES):  # noqa: ASYNC110  it tells nobody when it is empty
                await asyncio.sleep(0)
    assert len(way.registry.asked) - asked <= 2 * MOST_STRANGERS
    assert sum(report.count for report in way.inbox.of(RecordsUndecodable) if not report.waiting) == 500
    assert [told.state for told in way.inbox.of(StateTold)] == [SummaryState.FAULT]


async def test_a_schema_that_was_unknown_is_asked_for_again(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_schemas, "FORGIVEN_S", 0.01)
    with way.asking():
        await way.intake.beats({BEATS: [Entry(0, struct.pack(">bI", 0, 7) + value(1, 1, 1)[5:])]}, 1.0)
        await way.inbox.until(lambda: any(one.why == "no schema 7" for one in way.inbox.of(BeatsUnreadable)))
        monkeypatch.setitem(TEXTS, 7, TEXTS[1])
        async with within(5):
            for offset in range(1, 1_000_000):
                await way.intake.beats({BEATS: [Entry(offset, struct.pack(">bI", 0, 7) + value(1, 1, 2)[5:])]}, 2.0)
                await asyncio.sleep(0.005)
                if way.inbox.of(BeatArrived):
                    break
    assert way.inbox.of(BeatArrived)[0].csc == ESS1

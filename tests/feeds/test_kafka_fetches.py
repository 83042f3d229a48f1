"""Fetches: paced by us, and the same bytes and answers as aiokafka's own."""

from __future__ import annotations

import asyncio
import io
import struct
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v4, FetchRequest_v11, FetchResponse_v11
from aiokafka.protocol.metadata import MetadataRequest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.feeds.kafka_fetches import Answer, Fetches
from tests.support.leaping import leaping

number = st.integers(-(2**31), 2**31 - 1)
offset = st.integers(-(2**63), 2**63 - 1)
topic = st.text(max_size=20)
asked = st.lists(st.tuples(topic, st.lists(st.tuples(number, offset, number), max_size=3)), max_size=3)
aborted = st.none() | st.lists(st.tuples(offset, offset), max_size=2)
found = st.tuples(
    number, st.integers(-1, 100), offset, offset, offset, aborted, number, st.none() | st.binary(max_size=30)
)
answered = st.lists(st.tuples(topic, st.lists(found, max_size=3)), max_size=3)


class Broker:
    """Answers every request at once, and keeps what it was asked and when."""

    def __init__(self, answer: object = "answer") -> None:
        self.answer = answer
        self.asked: list[tuple[int, Any, float]] = []

    async def send(self, node_id: int, request: Any, **_: Any) -> object:
        self.asked.append((node_id, request, asyncio.get_running_loop().time()))
        return self.answer

    def moments(self, node_id: int) -> list[float]:
        return [at for node, _, at in self.asked if node == node_id]


def fetch(topics: Any = (), rack: str = "") -> FetchRequest:
    return FetchRequest(100, 65_536, 8_000_000, 1, list(topics), rack)


async def lean(request: FetchRequest, version: Any) -> Any:
    broker = Broker()
    Fetches(broker, 0.0)
    await broker.send(1, request)
    return broker.asked[0][1].build(version)


@given(topics=asked, rack=st.text(max_size=5))
def test_a_fetch_is_asked_for_in_the_bytes_of_aiokafka(topics: Any, rack: str) -> None:
    request = fetch(topics, rack)
    made = asyncio.run(lean(request, FetchRequest_v11))
    assert made.encode() == request.build(FetchRequest_v11).encode()
    assert made.RESPONSE_TYPE is Answer


@given(topics=asked)
def test_a_broker_that_takes_an_older_version_only_is_asked_in_that(topics: Any) -> None:
    request = fetch(topics)
    made = asyncio.run(lean(request, FetchRequest_v4))
    assert made.encode() == request.build(FetchRequest_v4).encode()
    assert made.RESPONSE_TYPE is FetchRequest_v4.RESPONSE_TYPE


@given(topics=answered)
def test_an_answer_is_read_as_aiokafka_reads_it(topics: Any) -> None:
    frame = FetchResponse_v11(0, 0, 0, topics).encode()
    theirs = FetchResponse_v11.decode(frame)
    ours = Answer.decode(io.BytesIO(frame))
    assert ours.API_VERSION == theirs.API_VERSION
    assert ours.topics == theirs.topics


@given(topics=answered, data=st.data())
def test_an_answer_that_is_cut_off_is_refused(topics: Any, data: st.DataObject) -> None:
    frame = FetchResponse_v11(0, 0, 0, topics).encode()
    left = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises((ValueError, struct.error)):
        Answer.decode(io.BytesIO(frame[:left]))


def test_fetches_of_one_broker_follow_each_other_no_faster_than_they_may() -> None:
    async def ask() -> Broker:
        broker = Broker()
        Fetches(broker, 0.1)
        for _ in range(20):
            assert await broker.send(1, fetch()) == "answer"
        return broker

    moments = leaping(ask()).moments(1)
    assert moments == pytest.approx([0.1 * number for number in range(20)])


def test_a_fetch_that_is_due_and_any_other_request_go_out_at_once() -> None:
    async def ask() -> Broker:
        broker = Broker()
        fetches = Fetches(broker, 0.1)
        await broker.send(1, fetch())
        await broker.send(2, fetch())
        await broker.send(1, MetadataRequest([]))
        await asyncio.sleep(0.3)
        await broker.send(1, fetch())
        fetches.least_s = 0.25
        await broker.send(1, fetch())
        await broker.send(1, fetch())
        return broker

    broker = leaping(ask())
    assert [at for _, _, at in broker.asked] == pytest.approx([0.0, 0.0, 0.0, 0.3, 0.4, 0.65])
    assert [type(request) for _, request, _ in broker.asked].count(MetadataRequest) == 1


def test_nobody_pauses_while_there_is_more_to_be_had() -> None:
    async def ask(size: int) -> Broker:
        broker = Broker(Answer([], size))
        Fetches(broker, 0.1)
        for _ in range(5):
            await broker.send(1, fetch())
        return broker

    assert leaping(ask(2_000_000)).moments(1) == [0.0] * 5
    assert leaping(ask(500_000)).moments(1) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def batch(base: int, records: int) -> bytes:
    """Return the head of a batch of records and something behind it."""
    body = struct.pack(">ibIhi", 0, 2, 0, 0, records - 1) + bytes(40)
    return struct.pack(">qi", base, len(body)) + body


def test_what_was_not_all_in_an_answer_is_asked_for_at_once_and_alone() -> None:
    """Of ESS one batch of three came, of Watcher all; of Test two came in one answer, as a real broker gives them."""
    given = [
        ("ESS", [(0, 0, 13, 13, 0, None, -1, batch(10, 1))]),
        ("Watcher", [(0, 0, 6, 6, 0, None, -1, batch(5, 1))]),
        ("Test", [(0, 0, 90, 90, 0, None, -1, batch(10, 1) + batch(11, 1))]),
        ("MTMount", [(0, 0, 13, 11, 0, None, -1, batch(10, 1))]),
    ]
    asked = [(topic, [(0, 10, 1_000)]) for topic, _ in given]

    async def ask() -> Broker:
        broker = Broker(Answer(given, 500))
        Fetches(broker, 0.1)
        await broker.send(1, fetch(asked))
        await broker.send(1, fetch(asked))
        broker.answer = Answer([("ESS", [(0, 0, 13, 13, 0, None, -1, batch(12, 1))])], 100)
        await broker.send(1, fetch(asked))
        await broker.send(1, fetch(asked))
        return broker

    broker = leaping(ask())
    assert broker.moments(1) == pytest.approx([0.0, 0.0, 0.0, 0.1])
    named = [[topic for topic, _ in request.topics] for _, request, _ in broker.asked]
    everything = ["ESS", "Watcher", "Test", "MTMount"]
    assert named == [everything, ["ESS"], ["ESS"], everything]

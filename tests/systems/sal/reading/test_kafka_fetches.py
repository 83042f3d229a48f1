"""Fetches: paced by us, and the same bytes and answers as aiokafka's own."""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v4, FetchRequest_v11, FetchResponse_v11
from aiokafka.protocol.metadata import MetadataRequest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.systems.sal.reading.fetches import Answer, Fetches
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


class MockCluster:
    """A log for each topic. Answers as librdkafka's does: one batch of each, the ends of empty ones after a wait."""

    def __init__(self, logs: Mapping[str, list[bytes]], round_s: float = 0.001) -> None:
        self.logs = {name: list(batches) for name, batches in logs.items()}
        self.round_s = round_s
        self.asked: list[dict[str, int]] = []
        self.broken_at = -1

    async def send(self, _: int, request: Any, **__: Any) -> Answer:
        if len(self.asked) == self.broken_at:
            raise KafkaConnectionError
        asked = {topic: offset for topic, partitions in request.topics for _, offset, _ in partitions}
        self.asked.append(asked)
        found = [(topic, [self.answer(topic, offset)]) for topic, offset in asked.items()]
        empty = not any(one[-1] for _, (one,) in found)
        await asyncio.sleep(request.wait_s if empty else self.round_s)
        return Answer(found, 100)

    def answer(self, topic: str, offset: int) -> tuple[Any, ...]:
        end = 0
        for each in self.logs[topic]:
            base, last = *struct.unpack_from(">q", each), *struct.unpack_from(">i", each, 23)
            end = base + last + 1
        for each in self.logs[topic]:
            base, last = *struct.unpack_from(">q", each), *struct.unpack_from(">i", each, 23)
            if offset <= base + last:
                return (0, 0, end, end, 0, None, -1, each)
        return (0, 0, end, end, 0, None, -1, b"")


def at_offsets(**offsets: int) -> FetchRequest:
    return fetch([(topic, [(0, offset, 1_000)]) for topic, offset in offsets.items()])


ESS = [batch(10, 1), batch(11, 2), batch(13, 1)]


def test_what_was_not_all_in_an_answer_is_asked_for_alone_and_handed_over_with_it() -> None:
    cluster = MockCluster({"ESS": ESS, "Watcher": [batch(5, 1)], "Test": [batch(7, 1), batch(8, 1)], "MTMount": []})
    answer = leaping(taken(cluster, 0.1, at_offsets(ESS=10, Watcher=5, Test=7, MTMount=0)))
    assert cluster.asked[1:] == [{"ESS": 11, "Test": 8}, {"ESS": 13}]
    records = {topic: one[-1] for topic, (one,) in answer.topics}
    assert records == {"ESS": b"".join(ESS), "Watcher": batch(5, 1), "Test": batch(7, 1) + batch(8, 1), "MTMount": b""}


async def taken(cluster: MockCluster, least_s: float, request: FetchRequest, hold_s: float = 0.0) -> Answer:
    Fetches(cluster, least_s, hold_s)
    return await cluster.send(1, request)


@pytest.mark.parametrize(("round_s", "rounds"), [(0.01, (9, 10)), (0.07, (1, 1))])
def test_nobody_waits_for_more_longer_than_until_the_next_fetch_is_due(round_s: float, rounds: tuple[int, int]) -> None:
    """Nor where the broker falls mute in between: what it answered before is of that time."""
    many = [batch(number, 1) for number in range(1_000)]

    async def ask() -> tuple[float, Answer]:
        answer = await taken(MockCluster({"ESS": many}, round_s), 0.1, at_offsets(ESS=0))
        return asyncio.get_running_loop().time(), answer

    ended, answer = leaping(ask())
    assert ended == pytest.approx(0.1)
    got = answer.topics[0][1][0][-1]
    assert rounds[0] <= len(got) // len(many[0]) <= rounds[1]
    assert got == b"".join(many)[: len(got)]


def test_prompt_records_are_handed_over_as_they_come() -> None:
    cluster = MockCluster({"ESS": ESS})
    assert leaping(taken(cluster, 0.0, at_offsets(ESS=10))).topics[0][1][0][-1] == ESS[0]


def test_what_came_before_a_connection_broke_is_handed_over() -> None:
    cluster = MockCluster({"ESS": ESS})
    cluster.broken_at = 2
    assert leaping(taken(cluster, 0.1, at_offsets(ESS=10))).topics[0][1][0][-1] == ESS[0] + ESS[1]


def test_a_real_broker_that_gave_all_there_was_is_asked_once() -> None:
    """Of Test two batches came in one answer; of MTMount all that no open transaction holds back."""
    given = [
        ("Test", [(0, 0, 90, 90, 0, None, -1, batch(10, 1) + batch(11, 1))]),
        ("MTMount", [(0, 0, 13, 11, 0, None, -1, batch(10, 1))]),
    ]

    async def ask() -> Broker:
        broker = Broker(Answer(given, 500))
        Fetches(broker, 0.1)
        await broker.send(1, at_offsets(Test=10, MTMount=10))
        return broker

    assert len(leaping(ask()).asked) == 1


def test_the_end_that_a_log_had_last_and_every_aborted_transaction_are_told() -> None:
    first = Answer([("ESS", [(0, 0, 12, 12, 0, [(7, 3)], -1, ESS[0])])], 10)
    refused = Answer([("ESS", [(0, 6, -1, -1, -1, None, -1, None)])], 10)
    second = Answer([("ESS", [(0, 0, 14, 13, 0, [(8, 11)], -1, ESS[1])])], 20)
    assert first.with_those([refused, second]) == Answer(
        [("ESS", [(0, 0, 14, 13, 0, [(7, 3), (8, 11)], -1, ESS[0] + ESS[1])])], 40
    )


def test_where_nothing_came_yet_a_broker_that_waits_less_than_we_do_is_asked_anew() -> None:
    """The request's own wait is a tenth of a second."""

    async def ask() -> tuple[float, Answer]:
        cluster = MockCluster({"ESS": []})
        asyncio.get_running_loop().call_later(0.35, cluster.logs["ESS"].append, batch(0, 1))
        answer = await taken(cluster, 0.0, at_offsets(ESS=0), hold_s=1.0)
        return asyncio.get_running_loop().time(), answer

    ended, answer = leaping(ask())
    assert ended == pytest.approx(0.401)
    assert answer.topics[0][1][0][-1] == batch(0, 1)


@pytest.mark.parametrize(("hold_s", "asked"), [(1.0, 10), (0.0, 1), (0.1, 1), (0.25, 2)])
def test_nothing_is_told_after_the_wait(hold_s: float, asked: int) -> None:
    cluster = MockCluster({"ESS": []})
    answer = leaping(taken(cluster, 0.0, at_offsets(ESS=0), hold_s))
    assert answer.topics == [("ESS", [(0, 0, 0, 0, 0, None, -1, b"")])]
    assert len(cluster.asked) == asked


def test_a_fault_of_a_partition_is_told_at_once() -> None:
    async def ask() -> Broker:
        broker = Broker(Answer([("ESS", [(0, 6, -1, -1, -1, None, -1, None)])], 30))
        Fetches(broker, 0.0, 1.0)
        await broker.send(1, at_offsets(ESS=0))
        return broker

    assert len(leaping(ask()).asked) == 1

"""The short way to a beat tells what the long way tells, for any bytes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.core.model import CscId
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable, unframe
from deploydash.systems.sal.wire.beats import Beat, BeatReader, beat_fields
from tests.systems.registry.avro_bytes import double, number, record_schema, text
from tests.systems.sal.wire.captures import every_captured, schema

HEAD = {
    "private_sndStamp": "double",
    "private_rcvStamp": "double",
    "private_efdStamp": "double",
    "private_kafkaStamp": "double",
    "private_seqNum": "int",
}
TAIL = {"private_revCode": "string", "private_identity": "string", "private_origin": "int", "heartbeat": "boolean"}
INDEXED = record_schema(1, "logevent_heartbeat", salIndex="int", **HEAD, **TAIL)
NOT_INDEXED = record_schema(2, "logevent_heartbeat", **HEAD, **TAIL)
TAIL_FIRST = record_schema(3, "logevent_heartbeat", **TAIL, **HEAD, salIndex="int")
INDEX_LAST = record_schema(5, "logevent_heartbeat", **HEAD, **TAIL, salIndex="int")
NULLABLE = record_schema(
    4, "logevent_heartbeat", heartbeat=["null", "boolean"], **{name: ["null", kind] for name, kind in HEAD.items()},
    private_origin=["null", "int"],
)  # fmt: skip
SCHEMAS = (INDEXED, NOT_INDEXED, TAIL_FIRST, INDEX_LAST, NULLABLE)


def beat_bytes(index: int | None, seq_num: int, *, sent: float = 1_795_199_875.0, origin: int = 4711) -> bytes:
    stamps = double(sent) + double(0.0) + double(sent - 37) + double(sent)
    tail = text(b"deadbeef") + text(b"ESS:1") + number(origin) + b"\x00"
    return (b"" if index is None else number(index)) + stamps + number(seq_num) + tail


def long_way(schema: WriterSchema, payload: bytes) -> Any:
    try:
        return beat_fields(schema.decode(payload), "ESS")
    except Undecodable:
        return "undecodable"


def short_way(reader: BeatReader, schema: WriterSchema, payload: bytes) -> Any:
    try:
        return reader.read(schema, payload)
    except Undecodable:
        return "undecodable"


def test_beats_of_one_process_are_told_apart_by_their_numbers() -> None:
    reader = BeatReader("ESS")
    told = [reader.read(INDEXED, beat_bytes(104, seq_num)) for seq_num in (1, 2, 63, 64, 8192, 2**31 - 1)]
    assert [beat.seq_num for beat in told] == [1, 2, 63, 64, 8192, 2**31 - 1]
    assert {(beat.csc, beat.origin, beat.sent_tai) for beat in told} == {(CscId("ESS", 104), 4711, 1_795_199_875.0)}


def test_indices_and_processes_that_share_a_topic_are_kept_apart() -> None:
    reader = BeatReader("ESS")
    for _ in range(3):
        for index in (0, 1, 300):
            for origin in (1, 2):
                beat = reader.read(INDEXED, beat_bytes(index, 9, origin=origin))
                assert beat == Beat(CscId("ESS", index), origin, 9, 1_795_199_875.0)


def test_schema_versions_that_share_a_topic_are_kept_apart() -> None:
    reader = BeatReader("ESS")
    tail = text(b"") + text(b"ESS") + number(5) + b"\x00"
    last = tail + double(1e9) * 4 + number(8) + number(3)
    for _ in range(2):
        assert reader.read(INDEXED, beat_bytes(3, 7)).csc == CscId("ESS", 3)
        assert reader.read(NOT_INDEXED, beat_bytes(None, 7)).csc == CscId("ESS", 0)
        for index in (1, 2):
            assert reader.read(INDEX_LAST, beat_bytes(None, 7) + number(index)).csc == CscId("ESS", index)
        assert reader.read(TAIL_FIRST, last) == Beat(CscId("ESS", 3), 5, 8, 1e9)


def test_a_nullable_beat_is_read_and_one_without_its_number_is_refused() -> None:
    some = b"\x02"
    stamps = (some + double(1e9)) * 4
    reader = BeatReader("MTCamera")
    beat = reader.read(NULLABLE, b"\x00" + stamps + some + number(7) + some + number(12))
    assert beat == Beat(CscId("MTCamera"), 12, 7, 1e9)
    with pytest.raises(Undecodable, match="private_seqNum is null"):
        reader.read(NULLABLE, b"\x00" + stamps + b"\x00" + some + number(12))


@pytest.mark.parametrize("sent", [math.nan, math.inf, -5.0, 1e300])
def test_a_stamp_that_is_no_time_leaves_the_beat_a_beat(sent: float) -> None:
    reader = BeatReader("ESS")
    for seq_num in (1, 2):
        assert reader.read(INDEXED, beat_bytes(1, seq_num, sent=sent)) == Beat(CscId("ESS", 1), 4711, seq_num, 0.0)


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_beat_cut_short_is_refused_however_often_whole_ones_came_before(cut: int) -> None:
    reader = BeatReader("ESS")
    whole = beat_bytes(1, 70)
    assert reader.read(INDEXED, whole) == reader.read(INDEXED, whole)
    with pytest.raises(Undecodable):
        reader.read(INDEXED, whole[: -min(cut, len(whole))])
    with pytest.raises(Undecodable):
        reader.read(INDEXED, whole + b"\x00" * cut)


@pytest.mark.parametrize("count", range(1, 14))
def test_a_number_of_more_bytes_than_it_needs_is_read_alike_both_ways(count: int) -> None:
    reader = BeatReader("ESS")
    whole = beat_bytes(1, 1)
    longer = whole[:33] + b"\xff" * count + b"\x01" + whole[34:]
    for _ in range(2):
        assert short_way(reader, INDEXED, longer) == long_way(INDEXED, longer) != "undecodable"


def test_an_index_beyond_32_bits_is_refused_and_never_remembered() -> None:
    reader = BeatReader("ESS")
    for _ in range(2):
        for index in (-1, 2**31, 2**40):
            with pytest.raises(Undecodable, match="salIndex"):
                reader.read(INDEXED, beat_bytes(index, 1))


def test_what_is_remembered_stays_bounded() -> None:
    reader = BeatReader("ESS")
    for origin in range(25_000):
        assert reader.read(INDEXED, beat_bytes(1, 1, origin=origin)).origin == origin
    layout = reader._layouts[INDEXED]
    assert layout is not None
    assert len(layout._tails) <= 20_000


def test_five_thousand_that_beat_in_one_topic_are_all_remembered() -> None:
    reader = BeatReader("ESS")
    for index in range(1, 5001):
        reader.read(INDEXED, beat_bytes(index, 1, origin=index))
    layout = reader._layouts[INDEXED]
    assert layout is not None
    beats = [layout.recognise(beat_bytes(index, 2, origin=index)) for index in range(1, 5001)]
    assert [beat and (beat.csc.index, beat.seq_num) for beat in beats] == [(index, 2) for index in range(1, 5001)]


def test_every_captured_heartbeat_is_told_alike_both_ways() -> None:
    readers: dict[str, BeatReader] = {}
    seen = 0
    for record in every_captured() * 2:
        if record.sal_name != "logevent_heartbeat":
            continue
        reader = readers.setdefault(record.component, BeatReader(record.component))
        schema_id, payload = unframe(record.value)
        assert reader.read(schema(schema_id), payload) == beat_fields(record.truth, record.component)
        seen += 1
    assert seen >= 60


PARTS = st.lists(
    st.one_of(
        st.sampled_from([number(n) for n in (0, 1, 104, -1, 2**31, 2**35, 2**62)]),
        st.sampled_from([double(1e9), double(math.nan), b"\x80\x00", b"\xff" * 9, text(b"ESS:1"), b"\x00"]),
        st.binary(max_size=12),
    ),
    max_size=14,
).map(b"".join)


@given(
    st.lists(
        st.one_of(
            PARTS,
            st.builds(
                lambda index, seq_num, origin, cut, more: (
                    beat_bytes(index, seq_num, origin=origin)[: 999 if cut is None else cut] + more
                ),
                st.one_of(st.none(), st.integers(-2, 2**40)),
                st.integers(-(2**40), 2**40),
                st.integers(0, 3),
                st.one_of(st.none(), st.integers(0, 70)),
                st.sampled_from([b"", b"", b"\x00"]),
            ),
        ),
        max_size=12,
    )
)
@settings(max_examples=400)
def test_both_ways_tell_the_same_for_any_bytes_in_any_order(payloads: list[bytes]) -> None:
    reader = BeatReader("ESS")
    for payload in payloads * 2:
        for writer in SCHEMAS:
            assert short_way(reader, writer, payload) == long_way(writer, payload)

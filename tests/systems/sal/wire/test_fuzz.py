"""Whatever bytes come: they are a record, or Undecodable says why; nothing else ever happens."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.core.fleet.observations import StateTold
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable, unframe
from deploydash.systems.sal.wire.beats import BeatReader
from deploydash.systems.sal.wire.events import observation
from tests.systems.sal.wire.captures import every_captured, schema, schema_texts

RECORDS = every_captured()
NAMES = sorted({record.sal_name for record in RECORDS})


def refused(error: Undecodable) -> str:
    assert 0 < len(str(error)) < 250, "an operator reads it in a table"
    return "undecodable"


def decoded(text: str, payload: bytes) -> Any:
    try:
        return WriterSchema(1, text).decode(payload)
    except Undecodable as error:
        return refused(error)


def read(value: bytes | None, sal_name: str) -> str:
    """The whole way of a value, as a feed goes it; return what became of it."""
    try:
        schema_id, payload = unframe(value)
        if schema_id not in schema_texts():
            return "unknown schema"
        writer = schema(schema_id)
        told = observation("Test", sal_name, writer.decode(payload), at=1.0, appended_utc=None, live=True)
        if sal_name == "logevent_heartbeat":
            BeatReader("Test").read(writer, payload)
    except Undecodable as error:
        return refused(error)
    return "nothing" if told is None else type(told).__name__


framed = st.builds(
    lambda schema_id, payload: b"\x00" + schema_id.to_bytes(4, "big") + payload,
    st.sampled_from(sorted(schema_texts())),
    st.binary(max_size=400),
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, str]:
    record = draw(st.sampled_from(RECORDS))
    value = bytearray(record.value)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(value) - 1)))
        change = draw(st.sampled_from(("flip", "cut", "insert", "huge", "delete")))
        if change == "flip" and value:
            value[at] ^= draw(st.integers(1, 255))
        elif change == "cut":
            del value[at:]
        elif change == "insert":
            value[at:at] = draw(st.binary(min_size=1, max_size=8))
        elif change == "huge":
            value[at:at] = b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
        else:
            del value[at : at + draw(st.integers(1, 9))]
    return bytes(value), draw(st.sampled_from([record.sal_name, draw(st.sampled_from(NAMES))]))


@given(st.one_of(st.none(), st.binary(max_size=60), framed), st.sampled_from(NAMES))
@settings(max_examples=1500)
def test_any_bytes_are_a_record_or_undecodable(value: bytes | None, sal_name: str) -> None:
    assert read(value, sal_name)


@given(damaged())
@settings(max_examples=2500)
def test_any_damaged_record_is_a_record_or_undecodable(changed: tuple[bytes, str]) -> None:
    assert read(*changed)


def test_every_cut_of_a_state_is_undecodable_and_never_another_state() -> None:
    record = next(record for record in RECORDS if record.sal_name == "logevent_summaryState")
    assert read(record.value, record.sal_name) == StateTold.__name__
    for length in range(len(record.value)):
        assert read(record.value[:length], record.sal_name) == "undecodable"


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["record", "int", "r", "array", ""])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["type", "name", "fields", "items", "values", "size", "symbols", "default", "logicalType"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=20,
)


def record_of(kind: Any) -> str:
    return json.dumps({"type": "record", "name": "r", "fields": [{"name": "a", "type": kind}]})


names = st.integers(0, 10**6).map("n{}".format)
types = st.recursive(
    st.one_of(
        st.sampled_from(["null", "boolean", "int", "long", "float", "double", "string", "bytes", "r", "n1"]),
        st.builds(
            lambda kind, logical: {"type": kind, "logicalType": logical, "precision": 4, "scale": 2},
            st.sampled_from(["int", "long", "bytes", "string"]),
            st.sampled_from(["date", "time-millis", "timestamp-micros", "timestamp-millis", "decimal", "uuid", "odd"]),
        ),
        st.builds(lambda name, size: {"type": "fixed", "name": name, "size": size}, names, st.integers(-2, 2**62)),
        st.builds(lambda name: {"type": "enum", "name": name, "symbols": ["x", "y"]}, names),
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda values: {"type": "map", "values": values}, inner),
        st.lists(inner, max_size=3),
        st.builds(
            lambda name, kinds: {
                "type": "record",
                "name": name,
                "fields": [{"name": f"f{at}", "type": kind} for at, kind in enumerate(kinds)],
            },
            names,
            st.lists(inner, max_size=3),
        ),
    ),
    max_leaves=8,
)


@given(st.one_of(st.text(max_size=60), json_values.map(json.dumps)), st.binary(max_size=40))
@settings(max_examples=1000)
def test_any_text_is_a_schema_or_undecodable(text: str, payload: bytes) -> None:
    assert isinstance(decoded(text, payload), dict | str)


@given(json_values, st.binary(max_size=40))
@settings(max_examples=1000)
def test_a_field_of_any_description_makes_a_schema_or_undecodable(kind: Any, payload: bytes) -> None:
    assert isinstance(decoded(record_of(kind), payload), dict | str)


@given(types, st.binary(max_size=40))
@settings(max_examples=2000)
def test_bytes_of_any_type_are_a_record_or_undecodable(kind: Any, payload: bytes) -> None:
    assert isinstance(decoded(record_of(kind), payload), dict | str)

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable
from tests.systems.registry.avro_bytes import double, number, record_schema, text

HUGE = 2**60
ARRAY_OF_INT = {"type": "array", "items": "int"}


def test_a_schema_tells_its_name_and_its_fields_in_order() -> None:
    schema = record_schema(7, salIndex="int", values=ARRAY_OF_INT, state=["null", "int"])
    assert (schema.schema_id, schema.namespace, schema.name) == (7, "lsst.sal.Test", "logevent_x")
    assert schema.layout == (("salIndex", "int"), ("values", None), ("state", None))
    assert schema.fields == {"salIndex", "values", "state"}


def test_fields_are_read_by_name_in_whatever_order_the_writer_had_them() -> None:
    schema = record_schema(state=["null", "int"], report="string", private_seqNum="long")
    payload = number(1) + number(3) + text(b"why") + number(2**40)
    assert schema.decode(payload) == {"state": 3, "report": "why", "private_seqNum": 2**40}


def test_arrays_may_come_in_blocks_with_negative_counts() -> None:
    blocks = number(-2) + number(2) + number(5) + number(6) + number(1) + number(7) + number(0)
    assert record_schema(values=ARRAY_OF_INT).decode(blocks) == {"values": [5, 6, 7]}


def test_a_text_with_bytes_that_are_not_utf8_does_not_hide_the_rest_of_its_record() -> None:
    schema = record_schema(errorReport="string", errorCode="int")
    assert schema.decode(text(b"caf\xe9") + number(7)) == {"errorReport": "caf\ufffd", "errorCode": 7}


@pytest.mark.parametrize(
    ("fields", "payload"),
    [
        ({"a": "double"}, b"\x00" * 7),
        ({"a": "int"}, b""),
        ({"a": "int"}, b"\x80\x80"),
        ({"a": "string"}, text(b"abc")[:-1]),
        ({"a": "int"}, number(1) + b"\x00"),
        ({"a": ["null", "int"]}, number(2) + number(1)),
        ({"a": "string"}, number(HUGE) + b"abc"),
        ({"a": "string"}, number(-3) + b"abc"),
        ({"a": "bytes"}, number(HUGE) + b"abc"),
        ({"a": ARRAY_OF_INT}, number(HUGE) + number(1) * 9),
        ({"a": ARRAY_OF_INT}, number(-HUGE) + number(HUGE) + number(1) * 9),
        ({"a": {"type": "map", "values": "int"}}, number(HUGE) + b"\x00\x02"),
        ({"a": {"type": "fixed", "name": "f", "size": HUGE}}, b"abc"),
        ({"a": {"type": "enum", "name": "e", "symbols": ["x"]}}, number(9)),
        ({"a": {"type": "int", "logicalType": "date"}}, number(2**30)),
        ({"a": {"type": "array", "items": {"type": "array", "items": "int"}}}, number(HUGE) + number(HUGE) * 50),
    ],
)
def test_bytes_that_are_not_one_whole_record_are_refused_at_once(fields: dict[str, Any], payload: bytes) -> None:
    schema = record_schema(11, **fields)
    before = time.monotonic()
    with pytest.raises(Undecodable) as refused:
        schema.decode(payload)
    assert str(refused.value) == "does not fit schema 11"
    assert time.monotonic() - before < 0.5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is no Avro schema"),
        ("{not json", "it is no Avro schema"),
        ("[" * 100_000, "it is no Avro schema"),
        ('"string"', "no Avro record"),
        ("[]", "no Avro record"),
        ("null", "no Avro record"),
        ('{"type": "enum", "name": "e", "symbols": ["a"]}', "no Avro record"),
        ('{"type": "record", "name": "r"}', "no Avro record"),
        ('{"type": "record", "fields": []}', "it is no Avro schema"),
        ('{"type": "record", "name": "r", "fields": [{"name": "a"}]}', "it is no Avro schema"),
        ('{"type": "record", "name": "r", "fields": [{"name": "a", "type": "real"}]}', "it is no Avro schema"),
        ('{"type": "record", "name": "r", "fields": [], "__fastavro_parsed": true}', "skip its checks"),
    ],
)
def test_a_text_that_is_no_record_schema_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason) as refused:
        WriterSchema(12, text)
    assert "schema 12" in str(refused.value)
    assert len(str(refused.value)) < 200, "an operator reads it in a table"


def test_a_schema_that_contains_itself_is_refused_before_a_record_can_exhaust_the_stack() -> None:
    with pytest.raises(Undecodable, match="refers to the named type"):
        record_schema(next=["null", "lsst.sal.Test.logevent_x"])


@pytest.mark.parametrize(
    "items",
    [
        "null",
        {"type": "fixed", "name": "f", "size": 0},
        {"type": "record", "name": "empty", "fields": []},
        {"type": "record", "name": "nulls", "fields": [{"name": "a", "type": "null"}]},
    ],
)
def test_an_array_of_what_takes_no_bytes_is_refused_before_a_record_can_exhaust_the_memory(items: Any) -> None:
    with pytest.raises(Undecodable, match="take no bytes"):
        record_schema(values={"type": "array", "items": items})


def test_a_schema_nested_without_end_is_refused() -> None:
    nested: Any = "int"
    for _ in range(100):
        nested = {"type": "array", "items": nested}
    with pytest.raises(Undecodable, match="nested more than 16 deep"):
        record_schema(values=nested)


def test_a_schema_of_every_kind_of_type_is_usable() -> None:
    schema = record_schema(
        a={"type": "map", "values": {"type": "array", "items": "long"}},
        b={"type": "record", "name": "inner", "fields": [{"name": "c", "type": "float"}]},
        d={"type": "enum", "name": "e", "symbols": ["x", "y"]},
        f={"type": "fixed", "name": "g", "size": 2},
        h={"type": "string"},
    )
    values = {"a": {"k": [1, 2]}, "b": {"c": 0.5}, "d": "y", "f": b"zz", "h": "text"}
    assert schema.decode(schema.encode(values)) == values


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"level": 10}, "needs name"),
        ({"level": 10, "name": "x", "more": 1}, "has no field more"),
        ({"level": "10", "name": "x"}, "cannot hold this level"),
        ({"level": True, "name": "x"}, "cannot hold this level"),
        ({"level": 2**31, "name": "x"}, "cannot hold this level"),
        ({"level": 1.5, "name": "x"}, "cannot hold this level"),
        ({"level": 10, "name": None}, "cannot hold this name"),
        ({"level": 10, "name": "\ud800"}, "cannot be written"),
    ],
)
def test_values_that_do_not_fit_are_never_encoded(values: dict[str, Any], reason: str) -> None:
    schema = record_schema(level="int", name="string")
    with pytest.raises(ValueError, match=f"logevent_x.*{reason}"):
        schema.encode(values)
    assert schema.encode({"level": 10, "name": "x"}) == number(10) + text(b"x")


def test_defaults_are_the_schemas_own() -> None:
    fields = [{"name": "a", "type": "int", "default": 4}, {"name": "b", "type": "double"}]
    schema = WriterSchema(1, json.dumps({"type": "record", "name": "r", "fields": fields}))
    assert schema.defaults == {"a": 4}
    assert schema.namespace == ""
    assert schema.encode({"a": 4, "b": 0.5}) == number(4) + double(0.5)


def test_one_reason_has_one_sentence_whatever_object_the_library_names() -> None:
    schema = record_schema(7, stamp="double")
    told = set()
    for _ in range(3):
        with pytest.raises(Undecodable) as caught:
            schema.decode(b"")
        told.add(str(caught.value))
    assert len(told) == 1
    assert "0x" not in told.pop()

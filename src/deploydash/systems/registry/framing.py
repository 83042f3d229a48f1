"""Confluent's framing of a Kafka value: a zero byte, the writer's schema id, then Avro (ts_salobj ``sal_info.py``)."""

from __future__ import annotations

from struct import Struct

_MAGIC = 0
_HEADER = Struct(">BI")
_LAST_ID = 2**31 - 1


class Undecodable(ValueError):
    """A record that cannot be used; the message is a short reason for the operator, without the topic.

    ``index`` is whose record it is, where that much can be read.
    """

    index: int | None = None


class FieldMissing(Undecodable):
    """The schema has no such field: it is another event's, and so nothing else of the record is to be believed."""


def unframe(value: bytes | None) -> tuple[int, bytes]:
    """Return the writer's schema id and the Avro bytes of a Kafka value.

    Raises:
        Undecodable: the value is null, shorter than its header, framed by something else, or its id is none.
    """
    if value is None:
        raise Undecodable("null value")
    if len(value) < _HEADER.size:
        raise Undecodable(f"{len(value)} bytes, shorter than the 5 of a header")
    magic, schema_id = _HEADER.unpack_from(value)
    if magic != _MAGIC:
        raise Undecodable(f"first byte {magic:#04x}, not the 0x00 of a framed record")
    if not 0 < schema_id <= _LAST_ID:
        raise Undecodable(f"schema id {schema_id}, which no registry gives")
    return schema_id, value[_HEADER.size :]


def frame(schema_id: int, payload: bytes) -> bytes:
    """Return Avro bytes as a Kafka value.

    Raises:
        ValueError: the schema id is none (it is a positive 32-bit number).
    """
    if not 0 < schema_id <= _LAST_ID:
        raise ValueError(f"{schema_id} is no schema id")
    return _HEADER.pack(_MAGIC, schema_id) + payload

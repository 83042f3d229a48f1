"""Avro by hand, for what no writer would write."""

from __future__ import annotations

import json
import struct
from typing import Any

from deploydash.systems.registry.avro import WriterSchema


def number(value: int) -> bytes:
    """An Avro int or long: zigzag, seven bits a byte."""
    zigzag = (value << 1) ^ (value >> 63)
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def double(value: float) -> bytes:
    return struct.pack("<d", value)


def record_schema(schema_id: int = 1, record: str = "logevent_x", /, **fields: Any) -> WriterSchema:
    described = [{"name": field, "type": kind} for field, kind in fields.items()]
    return WriterSchema(
        schema_id,
        json.dumps({"type": "record", "name": record, "namespace": "lsst.sal.Test", "fields": described}),
    )

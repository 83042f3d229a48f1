"""Heartbeats as bytes, thousands at a time: the unchanging parts are encoded once by fastavro, the rest spliced in."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass

import fastavro
from aiokafka.record.util import calc_crc32c, encode_varint

from bench.fleet import BenchCsc
from deploydash.systems.sal.wire.keys import message_key
from tests.servers.fleet import TAI_MINUS_UTC, private_fields, schema_text

_STAMPS = struct.Struct("<dddd")
_HEAD = struct.Struct(">qiibI")
_BODY = struct.Struct(">hiqqqhii")
_LOG_APPEND_TIME = 8
_NO_HEADERS = b"\0"


def zigzag(number: int) -> bytes:
    """Return a number as Avro writes an int."""
    left = (number << 1) ^ (number >> 63)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _varint(number: int) -> bytes:
    out = bytearray()
    encode_varint(number, out.append)
    return bytes(out)


@dataclass(frozen=True, slots=True)
class BeatBytes:
    """One CSC's heartbeats: topic, key, and what stands before the stamps and behind the number."""

    topic: str
    key: bytes
    head: bytes
    tail: bytes

    @classmethod
    def of(cls, one: BenchCsc, topic: str, schema_id: int) -> BeatBytes:
        """Return a CSC's, encoded by fastavro with the recorded schema of a real heartbeat."""
        schema = fastavro.parse_schema(json.loads(schema_text(one.csc.name, "heartbeat", indexed=one.indexed)))
        fields = private_fields(one.csc, indexed=one.indexed, origin=one.origin, seq=1, at_utc=0.0)
        body = io.BytesIO()
        fastavro.schemaless_writer(body, schema, {**fields, "heartbeat": False})
        index = zigzag(one.csc.index) if one.indexed else b""
        encoded = body.getvalue()
        behind = len(index) + _STAMPS.size + 1
        key = message_key(one.csc.name, "logevent_heartbeat", one.csc.index if one.indexed else None)
        return cls(topic, key, struct.pack(">bI", 0, schema_id) + index, encoded[behind:])

    def value(self, number: int, utc: float) -> bytes:
        """Return the Kafka value of one beat."""
        tai = utc + TAI_MINUS_UTC
        return self.head + _STAMPS.pack(tai, 0.0, utc, tai) + zigzag(number) + self.tail

    def record_head(self, digits: int) -> bytes:
        """Return what stands before the stamps in a Kafka record whose number takes ``digits`` bytes."""
        value = len(self.head) + _STAMPS.size + digits + len(self.tail)
        fixed = b"".join((b"\0\0\0", _varint(len(self.key)), self.key, _varint(value)))
        return _varint(len(fixed) + value + 1) + fixed + self.head


def batch(offset: int, utc: float, record_head: bytes, number: bytes, tail: bytes) -> bytes:
    """Return one beat as the batch of its own that ts_salobj's producer makes of it, stamped by the broker.

    ``record_head`` and ``tail`` are the CSC's, ``number`` its zigzag.
    """
    stamp = int(utc * 1000)
    tai = utc + TAI_MINUS_UTC
    body = b"".join(
        (
            _BODY.pack(_LOG_APPEND_TIME, 0, stamp, stamp, -1, -1, -1, 1),
            record_head,
            _STAMPS.pack(tai, 0.0, utc, tai),
            number,
            tail,
            _NO_HEADERS,
        )
    )
    return _HEAD.pack(offset, len(body) + 9, 0, 2, calc_crc32c(body)) + body

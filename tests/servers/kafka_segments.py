"""Logs with a past: segment files written while the broker is down, one record a batch, append times of one's own.

No client can do this, for a broker stamps what it takes with its own time (LogAppendTime). The batch is Kafka's
message format 2; broker and client check its sum.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from aiokafka.record.util import calc_crc32c

from tests.servers.kafka import KafkaServer

_LOG_APPEND_TIME = 8


def _varint(number: int) -> bytes:
    """Return a length as Kafka's records have it: zigzag, seven bits a byte."""
    zigzag = number << 1
    out = bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def batch(offset: int, utc: float, key: bytes, value: bytes) -> bytes:
    """Return one record as a batch of its own, as ts_salobj's producers write them."""
    record = b"\0\0\0" + _varint(len(key)) + key + _varint(len(value)) + value + b"\0"
    milliseconds = int(utc * 1000)
    body = struct.pack(">hiqqqhii", _LOG_APPEND_TIME, 0, milliseconds, milliseconds, -1, -1, -1, 1)
    body += _varint(len(record)) + record
    return struct.pack(">qiibI", offset, len(body) + 9, 0, 2, calc_crc32c(body)) + body


def write_history(kafka: KafkaServer, topic: str, records: Iterable[tuple[float, bytes, bytes]]) -> None:
    """Replace the log of a topic's partition 0 by records (append time UTC, key, value), oldest first.

    The broker must be stopped; it rebuilds its indexes when it starts.
    """
    assert not kafka.running
    folder: Path = kafka.folder / "data" / f"{topic}-0"
    for old in [*folder.glob("*index"), *folder.glob("*.log"), *folder.glob("*.snapshot")]:
        old.unlink()
    with (folder / "00000000000000000000.log").open("wb") as log:
        for offset, (utc, key, value) in enumerate(records):
            log.write(batch(offset, utc, key, value))
    (folder / "leader-epoch-checkpoint").write_text("0\n1\n0 0\n")


def spoil_last(kafka: KafkaServer, topic: str) -> None:
    """Change one byte of the last batch of a topic's partition 0, which its broker sends on without a look."""
    log = kafka.folder / "data" / f"{topic}-0" / "00000000000000000000.log"
    content = log.read_bytes()
    last, at = 0, 0
    while at < len(content):
        last, at = at, at + 12 + struct.unpack_from(">i", content, at + 8)[0]
    with log.open("r+b") as file:
        file.seek(at - 2)
        file.write(bytes([content[at - 2] ^ 0xFF]))
    assert last < at == len(content)

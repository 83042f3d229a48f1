"""The independent reader finds what would end a CSC's reading, and what is there twice."""

from __future__ import annotations

import io
import json
import struct
import time
from typing import Any

import fastavro
import pytest

from deploydash.core.model import CscId
from tests.servers.command_reader import CommandReader
from tests.servers.fleet import SCHEMAS, private_fields
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry

pytestmark = pytest.mark.server

ESS = CscId("ESS", 104)
KEY = b'{ "name": "ESS", "index": 104, "topic": "command_start" }'


def start_schema() -> Any:
    recorded = json.loads(SCHEMAS.read_text())
    return json.loads(recorded["schemas"][str(recorded["subjects"]["lsst.sal.ESS.command_start-value"][0])])


def record(number: int, seq: int, *, identity: str = "lead@console", stamp: float | None = None) -> bytes:
    at = time.time() if stamp is None else stamp
    private = private_fields(ESS, indexed=True, origin=4711, seq=seq, at_utc=at)
    body = io.BytesIO()
    values = {**private, "private_identity": identity, "configurationOverride": ""}
    fastavro.schemaless_writer(body, fastavro.parse_schema(start_schema()), values)
    return struct.pack(">bI", 0, number) + body.getvalue()


def test_every_command_is_decoded_and_counted(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    topic = f"lsst.{subname}.ESS.command_start"
    kafka.topics.create([topic])
    number = schema_registry.register(f"{topic}-value", json.dumps(start_schema()))
    good = [record(number, 7), record(number, 8), record(number, 8, identity="other@console")]
    kafka.topics.produce([(topic, KEY, value) for value in good])
    reader = CommandReader(kafka.bootstrap, schema_registry.url, subname)
    found = reader.read()
    assert found.malformed == []
    assert found.twice() == []
    assert [(command.csc, command.name, command.seq_num) for command in found.commands] == [
        (ESS, "start", 7),
        (ESS, "start", 8),
        (ESS, "start", 8),
    ]
    kafka.topics.produce([(topic, KEY, good[0])])
    assert reader.read().twice() == [(ESS, "start", 7, "lead@console", 4711)]


def test_every_kind_of_malformed_command_is_found(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    topic = f"lsst.{subname}.ESS.command_start"
    kafka.topics.create([topic])
    number = schema_registry.register(f"{topic}-value", json.dumps(start_schema()))
    good = record(number, 7)
    bad = [
        (KEY, None),
        (KEY, b"\x00\x00"),
        (KEY, b"\x01" + good[1:]),
        (KEY, struct.pack(">bI", 0, number + 1000) + good[5:]),
        (KEY, good[:-1]),
        (KEY, good + b"\x00"),
        (KEY, record(number, 0)),
        (KEY, record(number, -3)),
        (KEY, record(number, 9, stamp=1.0)),
        (None, good),
    ]
    kafka.topics.produce([(topic, key, value) for key, value in bad])
    found = CommandReader(kafka.bootstrap, schema_registry.url, subname).read()
    assert found.commands == []
    assert len(found.malformed) == len(bad)


def test_what_one_wrote_beside_the_command_topics_is_found(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    topic = f"lsst.{subname}.ESS.logevent_summaryState"
    kafka.topics.create([topic])
    number = schema_registry.register(f"{topic}-value", json.dumps(start_schema()))
    kafka.topics.produce([(topic, KEY, record(number, 1))])
    reader = CommandReader(kafka.bootstrap, schema_registry.url, subname)
    assert reader.written_elsewhere("lead@console") == [topic]
    assert reader.written_elsewhere("other@console") == []

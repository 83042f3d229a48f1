"""The fleet's records are what ts_salobj would have written, and its beaters beat until they are killed."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import fastavro
import httpx2
import pytest

from deploydash.core.model import CameraSubstate, CscId, SummaryState
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import patient, wait_until

pytestmark = pytest.mark.server

ESS = CscId("ESS", 104)
WATCHER = CscId("Watcher")


@pytest.fixture
def writer(kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> SalWriter:
    return SalWriter(kafka.topics, schema_registry, subname, indexed=["DREAM"])


def _decoded(writer: SalWriter, registry: SchemaRegistry, csc: CscId, event: str) -> list[dict[str, Any]]:
    found = []
    schemas: dict[int, Any] = {}
    for _, value in writer.topics.read(writer.topic(csc, event)):
        assert value is not None
        magic, number = struct.unpack(">bI", value[:5])
        assert magic == 0
        if number not in schemas:
            text = (
                httpx2.get(f"{registry.url}/schemas/ids/{number}", timeout=patient(10))
                .raise_for_status()
                .json()["schema"]
            )
            schemas[number] = fastavro.parse_schema(json.loads(text))
        schema = schemas[number]
        assert schema["name"] == f"lsst.sal.{csc.name}.logevent_{event}"
        record = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)
        assert isinstance(record, dict)
        found.append(record)
    return found


def test_a_state_is_written_with_salobjs_private_fields(writer: SalWriter, schema_registry: SchemaRegistry) -> None:
    writer.tell_state(ESS, SummaryState.FAULT, origin=77, at_utc=1.75e9)
    assert _decoded(writer, schema_registry, ESS, "summaryState") == [
        {
            "salIndex": 104,
            "private_sndStamp": 1.75e9 + 37,
            "private_rcvStamp": 0.0,
            "private_efdStamp": 1.75e9,
            "private_kafkaStamp": 1.75e9 + 37,
            "private_seqNum": 1,
            "private_revCode": "0a1b2c3d",
            "private_identity": "ESS:104",
            "private_origin": 77,
            "summaryState": 3,
        }
    ]
    (key, _), *_ = writer.topics.read(writer.topic(ESS, "summaryState"))
    assert key == b'{ "name": "ESS", "index": 104, "topic": "logevent_summaryState" }'


def test_a_component_without_index_has_neither_field_nor_key(
    writer: SalWriter, schema_registry: SchemaRegistry
) -> None:
    writer.tell_states({WATCHER: SummaryState.STANDBY, CscId("DREAM"): SummaryState.ENABLED})
    (watcher,) = _decoded(writer, schema_registry, WATCHER, "summaryState")
    assert "salIndex" not in watcher
    (dream,) = _decoded(writer, schema_registry, CscId("DREAM"), "summaryState")
    assert dream["salIndex"] == 0
    (key, _), *_ = writer.topics.read(writer.topic(WATCHER, "summaryState"))
    assert key == b'{ "name": "Watcher", "topic": "logevent_summaryState" }'


def test_every_event_of_a_life_can_be_told(writer: SalWriter, schema_registry: SchemaRegistry) -> None:
    camera = CscId("ATCamera")
    writer.tell_substate(camera, CameraSubstate.AVAILABLE)
    writer.tell_error(ESS, 12, "too hot")
    writer.tell_log(ESS, 30, "careful")
    writer.tell_versions(ESS, "1.2", "28.0")
    writer.tell_simulation_mode(ESS, 1)
    writer.tell_configuration(ESS, "_init.yaml,summit.yaml", "v9")
    writer.beat(ESS)
    writer.beat_all([ESS, CscId("ESS", 105)])

    def last(csc: CscId, event: str) -> dict[str, Any]:
        return _decoded(writer, schema_registry, csc, event)[-1]

    assert last(camera, "offlineDetailedState")["substate"] == 1
    assert last(ESS, "errorCode")["errorReport"] == "too hot"
    assert last(ESS, "logMessage")["level"] == 30
    assert last(ESS, "softwareVersions")["xmlVersion"] == "28.0"
    assert last(ESS, "simulationMode")["mode"] == 1
    assert last(ESS, "configurationApplied")["version"] == "v9"
    beats = _decoded(writer, schema_registry, ESS, "heartbeat")
    assert [(beat["salIndex"], beat["private_seqNum"]) for beat in beats] == [(104, 1), (104, 2), (105, 1)]


def test_beats_go_on_until_their_csc_is_killed(writer: SalWriter, schema_registry: SchemaRegistry) -> None:
    other = CscId("ESS", 105)

    def beats(csc: CscId) -> list[tuple[int, int]]:
        found = _decoded(writer, schema_registry, csc, "heartbeat")
        return [(beat["private_origin"], beat["private_seqNum"]) for beat in found if beat["salIndex"] == csc.index]

    with Beater(writer, [ESS, other], period=0.05) as beater:
        wait_until(lambda: len(beats(ESS)) >= 3, 10, "three beats of ESS:104")
        beater.kill(ESS)
        last = beater.origin(other)
        survivor = len(beats(other))
        wait_until(lambda: len(beats(other)) >= survivor + 5, 10, "five more beats of ESS:105")
        first_life = beats(ESS)
        new = beater.start_csc(ESS)
        wait_until(lambda: len(beats(ESS)) > len(first_life), 10, "a beat of the new process")
    assert [number for _, number in first_life] == list(range(1, len(first_life) + 1))
    assert beats(ESS)[len(first_life)] == (new, 1)
    assert {origin for origin, _ in beats(other)} == {last}

"""A fleet of CSCs as it is seen on Kafka: real SAL records written in ts_salobj's way, without its programs.

Topic, key, framing and private fields as ts_salobj and ts_xml ``topic_info.py`` have them; the schemas in
tests/data/sal/schemas.json are those that real programs registered.
"""

from __future__ import annotations

import io
import json
import struct
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

from deploydash.core.model import CameraSubstate, CscId, SummaryState
from tests.servers.kafka_topics import KafkaTopics, Record
from tests.servers.registry import SchemaRegistry

TAI_MINUS_UTC = 37.0
SCHEMAS = Path(__file__).resolve().parents[1] / "data" / "sal" / "schemas.json"
EVENTS = (
    "heartbeat",
    "summaryState",
    "errorCode",
    "logMessage",
    "softwareVersions",
    "simulationMode",
    "configurationApplied",
)


@cache
def _recorded() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMAS.read_text())
    return loaded


@cache
def schema_text(component: str, event: str, *, indexed: bool) -> str:
    """Return the schema of one event of any component: that of one which was recorded, under its own namespace."""
    donor = "ESS" if indexed else "MTMount"
    if event == "offlineDetailedState":
        donor = "MTCamera"
    elif event == "configurationsAvailable":
        donor = "Test" if indexed else "Watcher"
    recorded = "simulationMode" if event == "closedLoopControlMode" else event  # both have a mode and no more
    numbers = _recorded()["subjects"][f"lsst.sal.{donor}.logevent_{recorded}-value"]
    schema = json.loads(_recorded()["schemas"][str(numbers[0])])
    schema["name"] = schema["name"].replace(recorded, event)
    schema["namespace"] = f"lsst.sal.{component}"
    return json.dumps(schema)


@cache
def _parsed(text: str) -> Any:
    return fastavro.parse_schema(json.loads(text))


def private_fields(csc: CscId, *, indexed: bool, origin: int, seq: int, at_utc: float) -> dict[str, object]:
    """Return the fields every record of a CSC begins with, as ts_salobj fills them."""
    index: dict[str, object] = {"salIndex": csc.index} if indexed else {}
    return {
        **index,
        "private_sndStamp": at_utc + TAI_MINUS_UTC,
        "private_rcvStamp": 0.0,
        "private_efdStamp": at_utc,
        "private_kafkaStamp": at_utc + TAI_MINUS_UTC,
        "private_seqNum": seq,
        "private_revCode": "0a1b2c3d",
        "private_identity": str(csc),
        "private_origin": origin,
    }


class SalWriter:
    """Writes events of arbitrary CSCs to a Kafka, registering schemas and creating topics when first needed.

    A CSC with an index has ``salIndex``; one without has not, unless its component is in ``indexed`` (DREAM is
    indexed and runs with index 0). Sequence numbers count up per CSC, topic and origin unless given.
    """

    def __init__(
        self,
        topics: KafkaTopics,
        registry: SchemaRegistry,
        subname: str = "sal",
        *,
        indexed: Iterable[str] = (),
    ) -> None:
        self.topics = topics
        self.subname = subname
        self._registry = registry
        self._indexed = frozenset(indexed)
        self._ids: dict[tuple[str, str], int] = {}
        self._numbers: dict[tuple[CscId, str, int], int] = {}

    def topic(self, csc: CscId, event: str) -> str:
        """Return the topic an event of this CSC is written to."""
        return f"lsst.{self.subname}.{csc.name}.logevent_{event}"

    def has_index(self, csc: CscId) -> bool:
        """Return whether the CSC's records carry ``salIndex``."""
        return csc.index != 0 or csc.name in self._indexed

    def prepare(self, cscs: Iterable[CscId], events: Iterable[str] = EVENTS, **create: Any) -> None:
        """Create the topics of many CSCs at once and register their schemas; ``create`` as KafkaTopics.create."""
        wanted = {(csc.name, event): csc for csc in cscs for event in events}
        missing = {pair: csc for pair, csc in wanted.items() if pair not in self._ids}
        if missing:
            self.topics.create(
                sorted(self.topic(csc, event) for (_, event), csc in missing.items()),
                **create,
            )
        for (name, event), csc in missing.items():
            text = schema_text(name, event, indexed=self.has_index(csc))
            self._ids[name, event] = self._registry.register(f"{self.topic(csc, event)}-value", text)

    def fields(
        self,
        csc: CscId,
        event: str,
        values: Mapping[str, object],
        *,
        origin: int = 1000,
        seq: int | None = None,
        at_utc: float | None = None,
    ) -> dict[str, object]:
        """Return all fields of one record, private ones first as on the wire; ``at_utc`` defaults to now."""
        utc = time.time() if at_utc is None else at_utc
        if seq is None:
            seq = self._numbers.get((csc, event, origin), 0) + 1
        self._numbers[csc, event, origin] = seq
        private = private_fields(csc, indexed=self.has_index(csc), origin=origin, seq=seq, at_utc=utc)
        return {**private, **values}

    def record(self, csc: CscId, event: str, values: Mapping[str, object], **how: Any) -> Record:
        """Return one record ready for ``KafkaTopics.produce``; ``how`` as for ``fields``."""
        if (csc.name, event) not in self._ids:
            self.prepare([csc], [event])
        number = self._ids[csc.name, event]
        text = schema_text(csc.name, event, indexed=self.has_index(csc))
        body = io.BytesIO()
        body.write(struct.pack(">bI", 0, number))
        fastavro.schemaless_writer(body, _parsed(text), self.fields(csc, event, values, **how))
        index = f'"index": {csc.index}, ' if self.has_index(csc) else ""
        key = f'{{ "name": "{csc.name}", {index}"topic": "logevent_{event}" }}'
        return self.topic(csc, event), key.encode(), body.getvalue()

    def write(self, csc: CscId, event: str, values: Mapping[str, object], **how: Any) -> None:
        """Write one record and wait for its acknowledgement; ``how`` as for ``fields``."""
        self.topics.produce([self.record(csc, event, values, **how)])

    def beat(self, csc: CscId, **how: Any) -> None:
        """Write one heartbeat."""
        self.write(csc, "heartbeat", {"heartbeat": False}, **how)

    def beat_all(self, cscs: Iterable[CscId], **how: Any) -> None:
        """Write one heartbeat of each."""
        self.topics.produce([self.record(csc, "heartbeat", {"heartbeat": False}, **how) for csc in cscs])

    def tell_state(self, csc: CscId, state: SummaryState, **how: Any) -> None:
        """Write a summaryState."""
        self.write(csc, "summaryState", {"summaryState": int(state)}, **how)

    def tell_states(self, states: Mapping[CscId, SummaryState], **how: Any) -> None:
        """Write one summaryState of each."""
        self.topics.produce(
            [self.record(csc, "summaryState", {"summaryState": int(state)}, **how) for csc, state in states.items()]
        )

    def tell_substate(self, csc: CscId, substate: CameraSubstate, **how: Any) -> None:
        """Write a camera's offlineDetailedState."""
        values = {"substate": int(substate), "timestampTransition": time.time() + TAI_MINUS_UTC}
        self.write(csc, "offlineDetailedState", values, **how)

    def tell_error(self, csc: CscId, code: int, report: str, **how: Any) -> None:
        """Write an errorCode."""
        self.write(csc, "errorCode", {"errorCode": code, "errorReport": report, "traceback": ""}, **how)

    def tell_log(self, csc: CscId, level: int, message: str, **how: Any) -> None:
        """Write a logMessage."""
        self.write(csc, "logMessage", {"name": csc.name, "level": level, "message": message}, **how)

    def tell_versions(self, csc: CscId, csc_version: str, xml_version: str, **how: Any) -> None:
        """Write a softwareVersions; ts_salobj leaves the SAL version empty."""
        values = {"salVersion": "", "xmlVersion": xml_version, "cscVersion": csc_version, "subsystemVersions": ""}
        self.write(csc, "softwareVersions", values, **how)

    def tell_simulation_mode(self, csc: CscId, mode: int, **how: Any) -> None:
        """Write a simulationMode."""
        self.write(csc, "simulationMode", {"mode": mode}, **how)

    def tell_overrides(self, csc: CscId, overrides: str, **how: Any) -> None:
        """Write a configurationsAvailable."""
        self.write(csc, "configurationsAvailable", {"overrides": overrides}, **how)

    def tell_configuration(self, csc: CscId, configurations: str, version: str, **how: Any) -> None:
        """Write a configurationApplied."""
        self.write(csc, "configurationApplied", {"configurations": configurations, "version": version}, **how)

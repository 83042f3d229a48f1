"""SAL records as bytes: topic names, message keys, Confluent framing, Avro and the private fields.

What is written here is what ts_salobj writes (python/lsst/ts/salobj/sal_info.py, topics/write_topic.py), and for
the C++ components what ts_sal writes (lsstsal/scripts/gengenericreaderKafka.tcl). The schema texts are real: they
come from ts_xml and lie beside this file in ``schemas/``.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

import fastavro

TAI_MINUS_UTC = 37.0
"""Seconds; constant since 2017-01-01."""

_INDEXED = """
AlarmRule MTAirCompressor GCHeaderService DIMM DREAM DSM Electrometer ESS FiberSpectrograph GenericCamera Guider
LaserTracker LinearStage MTHexapod MTVMS OCPS PMD Scheduler Script ScriptQueue Test
"""
INDEXED = frozenset(_INDEXED.split())
"""Components with a salIndex (ts_xml SALSubsystems.xml, IndexEnumeration other than "no")."""

CAMERAS = frozenset({"ATCamera", "CCCamera", "MTCamera"})
"""The only components with enterControl and offlineDetailedState (ts_xml)."""

M2 = "MTM2"
CLOSED_LOOP, TELEMETRY_ONLY = 4, 2
"""Its mirror's modes of control (ts_xml enums/MTM2.py)."""

CPP = frozenset({"MTM1M3", "MTM1M3TS", "MTVMS"})
"""Components written in C++, whose keys and acknowledgements look different."""

COMMANDS = ("start", "enable", "disable", "standby", "exitControl")


@dataclass(frozen=True, slots=True)
class Writer:
    """One process as its records name it: component, index (None if not indexed) and process id."""

    component: str
    index: int | None
    origin: int

    @property
    def identity(self) -> str:
        """``Test:1`` or ``Watcher`` (ts_salobj controller.py)."""
        return self.component if self.index is None else f"{self.component}:{self.index}"


@dataclass(frozen=True, slots=True)
class Emit:
    """One record to be written. ``at`` is UTC unix seconds; ``seq`` the private_seqNum."""

    writer: Writer
    sal_name: str
    fields: dict[str, Any]
    seq: int
    at: float


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes for a topic, ready or deliberately broken. ``at`` is UTC unix seconds."""

    topic: str
    key: bytes | None
    value: bytes | None
    at: float


@cache
def _schema_set(kind: str) -> dict[str, Any]:
    text = resources.files("deploydash.demo").joinpath("schemas", f"{kind}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _parsed(kind: str, sal_name: str) -> Any:
    return fastavro.parse_schema(_schema_set(kind)["schemas"][sal_name])


def kinds(component: str) -> tuple[str, ...]:
    """The schema sets that together make the topics of a component."""
    if component == "Script":
        return ("script",)
    if component == "ScriptQueue":
        return ("indexed", "scriptqueue")
    if component in CAMERAS:
        return ("plain", "camera")
    if component == M2:
        return ("plain", "mtm2")
    return ("indexed",) if is_indexed(component) else ("plain",)


def is_indexed(component: str) -> bool:
    """Whether records of this component carry salIndex. Synthetic components (Csc0001) do."""
    return component in INDEXED or component.startswith("Csc0")


@dataclass(frozen=True)
class TopicSchema:
    """The schema of one topic. The Avro text names the component, never the subname (ts_xml topic_info.py)."""

    component: str
    sal_name: str
    kind: str

    @cached_property
    def text(self) -> str:
        """The Avro schema exactly as ts_salobj posts it to a registry."""
        schema = _schema_set(self.kind)["schemas"][self.sal_name]
        return json.dumps({**schema, "namespace": f"lsst.sal.{self.component}"})

    @cached_property
    def schema_id(self) -> int:
        """The id in the framing."""
        return schema_id(self.text)

    @cached_property
    def rev_code(self) -> str:
        """private_revCode: eight hexadecimal digits of the text; nobody checks it."""
        return hashlib.md5(self.text.encode(), usedforsecurity=False).hexdigest()[:8]

    @property
    def parsed(self) -> Any:
        """The schema as fastavro wants it. The namespace does not change a byte of what is written."""
        return _parsed(self.kind, self.sal_name)


COMMAND_NAMES = frozenset(
    name
    for kind in ("plain", "indexed", "camera", "script", "scriptqueue")
    for name in _schema_set(kind)["schemas"]
    if name.startswith("command_")
)
"""Every command of any component, by SAL name."""

_IDS: dict[str, int] = {}


def schema_id(text: str) -> int:
    """The registry's id of a schema text. Registries count up from 1 and give an equal text its old id."""
    return _IDS.setdefault(text, len(_IDS) + 1)


def learn_id(text: str, number: int) -> None:
    """Take the id that a registry of somebody else gave a schema text, before anything of it is written."""
    _IDS[text] = number


def schemas_of(component: str) -> list[TopicSchema]:
    """Every topic of a component that the demo observatory knows."""
    return [TopicSchema(component, name, kind) for kind in kinds(component) for name in _schema_set(kind)["schemas"]]


def message_key(writer: Writer, sal_name: str) -> bytes | None:
    """The message key, to the blank. C++ acknowledgements have none."""
    if writer.component in CPP:
        if sal_name == "ackcmd":
            return None
        return f'{{"name":"{writer.identity}","topic":"{writer.component}_{sal_name}"}}'.encode()
    index = "" if writer.index is None else f'"index": {writer.index}, '
    return f'{{ "name": "{writer.component}", {index}"topic": "{sal_name}" }}'.encode()


class Codec:
    """Encodes what CSCs write and decodes the commands they receive, for one topic subname."""

    def __init__(self, subname: str) -> None:
        self.prefix = f"lsst.{subname}."
        self._topics: dict[tuple[str, str], TopicSchema] = {}
        self._keys: dict[tuple[Writer, str], bytes | None] = {}

    def topic(self, component: str, sal_name: str) -> str:
        """The Kafka topic; one for all indices of a component."""
        return f"{self.prefix}{component}.{sal_name}"

    def split(self, topic: str) -> tuple[str, str]:
        """Component and SAL name of a Kafka topic of this subname."""
        component, _, sal_name = topic.removeprefix(self.prefix).partition(".")
        return component, sal_name

    def schema(self, component: str, sal_name: str) -> TopicSchema:
        """The schema of a topic. Raises KeyError when the component has no such topic."""
        found = self._topics.get((component, sal_name))
        if found is None:
            for each in schemas_of(component):
                self._topics[component, each.sal_name] = each
            found = self._topics[component, sal_name]
        return found

    def encode(self, emit: Emit) -> Raw:
        """The record as it goes to Kafka."""
        writer = emit.writer
        schema = self.schema(writer.component, emit.sal_name)
        tai = emit.at + TAI_MINUS_UTC
        record = {
            "salIndex": writer.index or 0,
            "private_sndStamp": tai,
            "private_rcvStamp": 0.0,
            "private_efdStamp": emit.at,
            "private_kafkaStamp": tai,
            "private_seqNum": emit.seq,
            "private_revCode": schema.rev_code,
            "private_identity": writer.identity,
            "private_origin": 0 if emit.sal_name == "ackcmd" and writer.component in CPP else writer.origin,
            **emit.fields,
        }
        out = io.BytesIO()
        out.write(struct.pack(">bI", 0, schema.schema_id))
        fastavro.schemaless_writer(out, schema.parsed, record)
        key_of = (writer, emit.sal_name)
        if key_of not in self._keys:
            self._keys[key_of] = message_key(writer, emit.sal_name)
        return Raw(self.topic(writer.component, emit.sal_name), self._keys[key_of], out.getvalue(), emit.at)

    def decode_command(self, topic: str, value: bytes | None) -> dict[str, Any] | None:
        """The fields of a command record; None for bytes that ts_salobj would pass over (no framing).

        Raises:
            PoisonedRecordError: the record would kill the read loop of every ts_salobj process of the component:
                no value at all, an unknown schema id, or Avro that cannot be read.
        """
        if value is None:
            raise PoisonedRecordError(topic, "null value")
        if len(value) <= 5 or value[0] != 0:
            return None
        component, sal_name = self.split(topic)
        schema = self.schema(component, sal_name)
        if struct.unpack(">I", value[1:5])[0] != schema.schema_id:
            raise PoisonedRecordError(topic, "unknown schema id")
        try:
            decoded: Any = fastavro.schemaless_reader(io.BytesIO(value[5:]), schema.parsed, None)
        except Exception as error:
            raise PoisonedRecordError(topic, "not readable") from error
        fields: dict[str, Any] = decoded
        return fields


class PoisonedRecordError(Exception):
    """A command record that ends the read loop of ts_salobj. ``topic`` and ``reason`` say which and why."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"{topic}: {reason}")
        self.topic = topic
        self.reason = reason

"""The captured records of tests/data/sal with the truth beside them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.topics import split_topic

DATA = Path(__file__).parents[3] / "data" / "sal"
FILES = (
    "avro-variants",
    "camera",
    "camera-unions",
    "cpp",
    "evolution",
    "scriptqueue",
    "testcsc-life",
    "two-clients",
    "watcher-life",
)


@dataclass(frozen=True)
class Captured:
    topic: str
    key: bytes | None
    value: bytes
    timestamp: int
    schema_id: int
    producer: str
    truth: dict[str, Any]

    @property
    def component(self) -> str:
        return self._parts[0]

    @property
    def sal_name(self) -> str:
        return self._parts[1]

    @property
    def _parts(self) -> tuple[str, str]:
        parts = split_topic(self.topic, "sal")
        assert parts is not None
        return parts


@cache
def schema_texts() -> dict[int, str]:
    texts = json.loads((DATA / "schemas.json").read_text())["schemas"]
    return {int(number): text for number, text in texts.items()}


@cache
def schema(schema_id: int) -> WriterSchema:
    return WriterSchema(schema_id, schema_texts()[schema_id])


@cache
def captured(name: str) -> tuple[Captured, ...]:
    return tuple(_record(json.loads(line)) for line in (DATA / f"{name}.jsonl").read_text().splitlines())


def every_captured() -> list[Captured]:
    return [record for name in FILES for record in captured(name)]


def comparable(value: Any) -> Any:
    """NaN equals nothing, itself included; its name does."""
    if isinstance(value, dict):
        return {name: comparable(field) for name, field in value.items()}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _record(line: dict[str, Any]) -> Captured:
    return Captured(
        topic=line["topic"],
        key=None if line["key"] is None else bytes.fromhex(line["key"]),
        value=bytes.fromhex(line["value"]),
        timestamp=line["timestamp"],
        schema_id=line["schema_id"],
        producer=line["producer"],
        truth={name: _restored(field) for name, field in line["truth"].items()},
    )


def _restored(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"len", "head", "rest"}:
        head = [_restored(item) for item in value["head"]]
        return head + [_restored(value["rest"])] * (value["len"] - len(head))
    if isinstance(value, dict) and value.keys() == {"float"}:
        return float(value["float"])
    if isinstance(value, list):
        return [_restored(item) for item in value]
    return value

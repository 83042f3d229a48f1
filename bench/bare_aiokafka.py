"""aiokafka and fastavro alone, for comparison: the same records from the same topics, and nothing else.

``follow SITE one|three``: read the watched topics live, with one consumer of stock settings, or with three split and
tuned as ours are. ``latency SITE SECONDS``: print how old each state was when it was received.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import fastavro
import yaml
from aiokafka import AIOKafkaConsumer, TopicPartition

EVENTS = (
    "heartbeat",
    "summaryState",
    "errorCode",
    "logMessage",
    "softwareVersions",
    "simulationMode",
    "configurationApplied",
)
BEATS, PROMPT, DETAILS = EVENTS[:1], EVENTS[1:3], EVENTS[3:]
SPLIT: tuple[tuple[tuple[str, ...], dict[str, int]], ...] = (
    (BEATS, {"fetch_max_wait_ms": 100, "fetch_min_bytes": 65_536}),
    (PROMPT, {"fetch_max_wait_ms": 1000, "fetch_min_bytes": 1}),
    (DETAILS, {"fetch_max_wait_ms": 1000, "fetch_min_bytes": 65_536}),
)
STOCK: tuple[tuple[tuple[str, ...], dict[str, int]], ...] = ((EVENTS, {}),)


class Site:
    """What of a site file is needed: the address, the topics, the registry."""

    def __init__(self, path: Path) -> None:
        document = yaml.safe_load(path.read_text())
        self.bootstrap: str = document["kafka"]["bootstrap"]
        self.subname: str = document["kafka"]["topic_subname"]
        self._registry: str = document["schema_registry"]["url"]
        self.components = sorted({str(entry["csc"]).partition(":")[0] for entry in document["cscs"]})
        self._schemas: dict[bytes, Any] = {}

    def partitions(self, events: tuple[str, ...]) -> list[TopicPartition]:
        """Return the only partition of each topic."""
        return [
            TopicPartition(f"lsst.{self.subname}.{name}.logevent_{event}", 0)
            for name in self.components
            for event in events
        ]

    def schema_ids(self, events: tuple[str, ...]) -> list[int]:
        """Return the ids of these events' newest schemas."""
        return [self._ask(f"subjects/{one.topic}-value/versions/latest")["id"] for one in self.partitions(events)]

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._registry}/{path}") as answer:
            return json.load(answer)

    def decode(self, value: bytes) -> Any:
        """Return a record's fields, by fastavro with the writer's schema."""
        head = value[1:5]
        schema = self._schemas.get(head)
        if schema is None:
            text = self._ask(f"schemas/ids/{int.from_bytes(head)}")["schema"]
            schema = self._schemas[head] = fastavro.parse_schema(json.loads(text))
        return fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None)


async def start(site: Site, events: tuple[str, ...], **settings: Any) -> AIOKafkaConsumer:
    """Return a consumer without a group that reads from the ends of these topics."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=site.bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="latest",
        **settings,
    )
    await consumer.start()
    partitions = site.partitions(events)
    consumer.assign(partitions)
    await consumer.seek_to_end(*partitions)
    return consumer


async def follow(site: Site, kind: str) -> None:
    """Read and decode for ever."""

    async def read(events: tuple[str, ...], settings: dict[str, int]) -> None:
        consumer = await start(site, events, **settings)
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    site.decode(record.value)

    jobs = [asyncio.create_task(read(*part)) for part in (STOCK if kind == "one" else SPLIT)]
    await asyncio.sleep(1.0)
    print("reading", flush=True)
    await asyncio.gather(*jobs)


async def latency(site: Site, seconds: float) -> None:
    """Read states for a time and print how late each was received, beside all heartbeats as we read them."""
    late: list[float] = []

    async def states() -> None:
        consumer = await start(site, PROMPT, **SPLIT[1][1])
        print("reading", flush=True)
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                now = time.time()
                for record in records:
                    site.decode(record.value)
                    late.append(now - record.timestamp / 1000)

    async def beats() -> None:
        consumer = await start(site, BEATS, **SPLIT[0][1])
        while True:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    site.decode(record.value)

    jobs = [asyncio.create_task(states()), asyncio.create_task(beats())]
    await asyncio.sleep(seconds)
    for job in jobs:
        job.cancel()
    print(json.dumps(late))


def main() -> None:
    """Do what was asked for."""
    site = Site(Path(sys.argv[2]))
    asyncio.run(follow(site, sys.argv[3]) if sys.argv[1] == "follow" else latency(site, float(sys.argv[3])))


if __name__ == "__main__":
    main()

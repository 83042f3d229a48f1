"""A backlog of heartbeats read by aiokafka and fastavro alone: ``bare_backlog SITE RECORDS stock|tuned``.

Nothing of ours is loaded, for ours makes aiokafka faster in its process. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer

from bench.bare_aiokafka import BEATS, SPLIT, Site, start


def backlog(ends: dict[Any, int], records: int) -> dict[Any, int]:
    """Return where to begin in each log so that about ``records`` lie ahead: in each the same share of it."""
    total = sum(ends.values())
    return {partition: end - end * min(records, total) // max(1, total) for partition, end in ends.items()}


async def bare(path: Path, records: int, kind: str) -> dict[str, Any]:
    """Read a backlog with aiokafka, decode each record with fastavro, and return how fast."""
    site = Site(path)
    settings: dict[str, Any] = {} if kind == "stock" else {**SPLIT[0][1], "fetch_max_bytes": 8 * 1024 * 1024}
    consumer: AIOKafkaConsumer = await start(site, BEATS, **settings)
    ends = {partition: await consumer.position(partition) for partition in site.partitions(BEATS)}
    begins = backlog(ends, records)
    for partition, begin in begins.items():
        consumer.seek(partition, begin)
    left = {partition for partition, end in ends.items() if begins[partition] < end}
    count = 0
    began, used = time.monotonic(), time.process_time()
    while left:
        for partition, found in (await consumer.getmany(timeout_ms=500, max_records=20_000)).items():
            for record in found:
                site.decode(record.value)
            count += len(found)
            if found[-1].offset + 1 >= ends[partition]:
                left.discard(partition)
    took, used = time.monotonic() - began, time.process_time() - used
    await consumer.stop()
    return {"records": count, "seconds": took, "cpu": used}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(bare(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))))

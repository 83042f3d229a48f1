"""A backlog of heartbeats read as fast as it goes by the app's own feed and session: ``ingest SITE RECORDS``.

The Kafka feed, decoder, session and fleet run as in ``status``, only that the reader of heartbeats begins RECORDS
behind the ends of the logs, and that their schemas are in memory as in any session that runs. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.bare_aiokafka import BEATS, Site
from bench.bare_backlog import backlog
from deploydash.cli.places import places
from deploydash.config.load import load_site
from deploydash.core.fleet.observations import BeatArrived, Observation
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import FeedName, Phase
from deploydash.session.session import Session
from deploydash.systems.sal.reading import connection as kafka_connection
from deploydash.systems.sal.reading.client import Partition
from deploydash.systems.sal.reading.live import LiveReader
from deploydash.wiring.read_only import read_only

_HEARTBEAT = ".logevent_heartbeat"


class Backlog:
    """What is to be read, and how much of it the fold has taken in."""

    def __init__(self, records: int) -> None:
        self.records = records
        self.wanted = 0
        self.taken = 0
        self.began = 0.0
        self.used = 0.0
        self.done = asyncio.Event()

    def reader(self) -> type[LiveReader]:
        """Return a reader of heartbeats that begins behind, as if it had been started then; others begin at the end."""
        behind = self

        class BehindReader(LiveReader):
            async def assign(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
                ends = await super().assign(partitions)
                beats = {one: end for one, end in ends.items() if one.topic.endswith(_HEARTBEAT)}
                begins = backlog(beats, behind.records)
                for partition, begin in begins.items():
                    self._consumer.seek(partition, begin)
                    behind.wanted += beats[partition] - begin
                if beats:
                    behind.began, behind.used = time.monotonic(), time.process_time()
                return {**ends, **begins}

        return BehindReader


class CountingSession(Session):
    """Counts the beats that were folded."""

    def __init__(self, behind: Backlog, *parts: Any) -> None:
        super().__init__(*parts)
        self._behind = behind

    def _take(self, item: Any) -> None:
        super()._take(item)
        if isinstance(item, Sequence):
            self._behind.taken += sum(_beats(observation) for observation in item)
            if 0 < self._behind.wanted <= self._behind.taken:
                self._behind.done.set()


def _beats(observation: Observation) -> int:
    return observation.count if type(observation) is BeatArrived else 0


async def ours(path: Path, records: int) -> dict[str, Any]:
    """Read a backlog through everything of ours, and return how fast and what the fleet says then."""
    behind = Backlog(records)
    setattr(kafka_connection, "LiveReader", behind.reader())  # noqa: B010 - a name that is not exported
    reader = read_only(load_site(path), os.environ, places().cache, Phase())
    wired: Any = reader.session
    await asyncio.gather(*(reader.schemas.schema(schema_id) for schema_id in Site(path).schema_ids(BEATS)))
    session = CountingSession(behind, wired._fleet, wired._feeds, wired.clock, wired._ask_efd)  # noqa: SLF001 - the same parts
    running = asyncio.create_task(session.run())
    async with asyncio.timeout(120):
        await behind.done.wait()
        took = time.monotonic() - behind.began
        used = time.process_time() - behind.used
        decided: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()

        def look(snapshot: Snapshot) -> None:
            kafka = next(feed for feed in snapshot.feeds if feed.feed is FeedName.KAFKA)
            if snapshot.decided and kafka.state == "up" and not decided.done():
                decided.set_result(snapshot)

        session.subscribe(look)
        snapshot = await decided
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await reader.aclose()
    seen = {str(view.csc): view.effective.value for view in snapshot.cscs}
    broken = sum(entry.records for entry in snapshot.undecodable)
    return {"records": behind.taken, "seconds": took, "cpu": used, "seen": seen, "undecodable": broken}


def main() -> None:
    """Do what was asked for."""
    path, records = Path(sys.argv[1]), int(sys.argv[2])
    print(json.dumps(asyncio.run(ours(path, records))))


if __name__ == "__main__":
    main()

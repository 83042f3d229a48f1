"""Reading stretches of logs back: bounded, from given offsets to given ends, on a consumer of its own.

A consumer of its own, because a call on one that waits for live records waits behind its long poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from aiokafka.errors import TopicAuthorizationFailedError

from deploydash.systems.sal.reading.client import Consumer, Partition, Record, close_consumer, new_consumer, paced
from deploydash.systems.sal.reading.spoilt import Careful, spoilt_by
from deploydash.systems.settings import KafkaSettings

_POLL_MS = 200
_MOST_RECORDS = 2_000
_STALLED_S = 5.0
_CAREFUL_PAUSE_S = 0.05


class Span(NamedTuple):
    """A stretch of a log, without ``end`` itself."""

    start: int
    end: int


Take = Callable[[Partition, list[Record]], Awaitable[None]]


class SpanReader:
    """Reads spans, one call at a time."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._consumer: Consumer = new_consumer(settings, wait_ms=50)
        paced(self._consumer, 0.0)
        self._known: frozenset[Partition] = frozenset()

    async def start(self) -> None:
        """Connect; raises KafkaError."""
        await self._consumer.start()

    async def close(self) -> None:
        """Stop reading."""
        await close_consumer(self._consumer)

    async def begins(self, partitions: list[Partition]) -> dict[Partition, int]:
        """Return where the logs start now; raises KafkaError."""
        self._know(partitions)
        return await self._consumer.beginning_offsets(partitions) if partitions else {}

    async def since(self, partitions: list[Partition], utc: float) -> dict[Partition, int]:
        """Return the offset of the first record stamped ``utc`` or later, where there is one; raises KafkaError."""
        if not partitions:
            return {}
        self._know(partitions)
        found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, int(utc * 1000)))
        return {partition: place.offset for partition, place in found.items() if place is not None}

    async def read(self, spans: Mapping[Partition, Span], take: Take) -> set[Partition]:
        """Hand over the spans' records, each partition's in order; return the partitions that were read whole.

        A span is read once the position is at or past its end: compaction and transactions leave offsets
        without records, so a number of records says nothing.
        """
        left = {partition: span for partition, span in spans.items() if span.start < span.end}
        whole = set(spans) - set(left)
        if not left:
            return whole
        self._assign(list(left))
        for partition, span in left.items():
            self._consumer.seek(partition, span.start)
        positions = {partition: span.start for partition, span in left.items()}
        now = asyncio.get_running_loop().time  # which stands still while this process does
        moved_at = now()
        careful: Careful | None = None
        while left and now() - moved_at < _STALLED_S:
            try:
                batch = await self._next(careful, {one: positions[one] for one in left})
            except TopicAuthorizationFailedError as error:
                refused = {partition for partition in left if partition.topic in error.args}
                self._consumer.pause(*refused)
                left = {partition: span for partition, span in left.items() if partition not in refused}
                continue
            except Exception as error:
                if not spoilt_by(error) or careful is not None:
                    raise
                careful = Careful(self._consumer)
                for partition in left:
                    self._consumer.seek(partition, positions[partition])
                continue
            for partition, records in batch.items():
                span = spans[partition]
                inside = records if records[-1].offset < span.end else [r for r in records if r.offset < span.end]
                if inside and partition in left:
                    await take(partition, inside)
            for partition, span in list(left.items()):
                position = await self._consumer.position(partition)
                if position != positions[partition]:
                    positions[partition] = position
                    moved_at = now()
                if position >= span.end:
                    self._consumer.pause(partition)
                    del left[partition]
                    whole.add(partition)
        return whole

    async def _next(self, careful: Careful | None, positions: Mapping[Partition, int]) -> dict[Partition, list[Record]]:
        if careful is None:
            return await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_RECORDS)
        batch = await careful.read(positions)
        if not batch:
            await asyncio.sleep(_CAREFUL_PAUSE_S)
        return batch

    def rest(self) -> None:
        """Fetch nothing until the next call."""
        self._consumer.pause(*self._known)

    def _know(self, partitions: list[Partition]) -> None:
        """Make the brokers' metadata of these known: asking for unassigned ones takes 0.1 s for each."""
        if not self._known.issuperset(partitions):
            self._assign(partitions)
            self._consumer.pause(*partitions)

    def _assign(self, partitions: list[Partition]) -> None:
        self._consumer.assign(partitions)
        self._known = frozenset(partitions)

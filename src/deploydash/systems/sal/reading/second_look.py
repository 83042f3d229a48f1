"""Records refused for their schema: kept, and read once the registry has another answer than it had."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from deploydash.core.fleet.observations import Unreadable
from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.reading.client import Partition
from deploydash.systems.sal.reading.schemas import MOST_STRANGERS, RETRY_S, Held, Schemas

AGAIN_S = 10.0
"""How often the registry is asked again for the ids that it did not know."""
MOST_KEPT_BYTES = 1_000_000
"""Of one partition: the newest states of five thousand CSCs. The oldest make room, for the newest tells what is."""
_LEAST_BYTES = 100
"""What a record counts at least."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that could not be read, and why; ``misfit`` is the schema that it does not fit, if one is known."""

    held: Held
    schema_id: int
    index: int | None
    why: str
    misfit: WriterSchema | None

    @property
    def place(self) -> Unreadable:
        """What of it is told."""
        return Unreadable(self.index, self.held.record.offset, self.why)


class SecondLook:
    """Keeps the newest refused records of each partition until they can be read, or never will be.

    Ids that the registry did not know are asked for again and again. For one that it knew it is asked once more: it
    may have been set up anew, with other schemas under the same ids.
    """

    def __init__(self, schemas: Schemas, release: Callable[[list[Held]], Awaitable[None]]) -> None:
        self._schemas = schemas
        self._release = release
        self._kept: dict[Partition, list[tuple[int, int, Refused]]] = {}
        self._numbers = itertools.count()
        self._bytes: Counter[Partition] = Counter()
        self._final: dict[Partition, dict[int | None, Unreadable]] = {}
        self._newest: dict[Partition, dict[int | None, Unreadable]] = {}
        self._doubted: set[int] = set()
        self._came = asyncio.Event()

    def keep(self, refused: Refused) -> None:
        """Keep a record for as long as there is room for it."""
        partition = refused.held.partition
        queue = self._kept.setdefault(partition, [])
        heapq.heappush(queue, (refused.held.record.offset, next(self._numbers), refused))
        self._bytes[partition] += _size(refused)
        note(self._newest.setdefault(partition, {}), refused.place)
        while self._bytes[partition] > MOST_KEPT_BYTES:
            _, _, oldest = heapq.heappop(queue)
            self._bytes[partition] -= _size(oldest)
            note(self._final.setdefault(partition, {}), oldest.place)
        if refused.misfit is not None:
            self.doubt(refused.schema_id)

    def doubt(self, schema_id: int) -> None:
        """Have the registry asked once more for a schema that a record does not fit."""
        self._doubted.add(schema_id)
        self._came.set()

    def newest(self, partition: Partition) -> Mapping[int | None, Unreadable]:
        """Return the newest refused record of each index, also of those that never will be read."""
        return self._newest.get(partition, {})

    def keeps(self, partition: Partition) -> int:
        """Return how many records of a partition may be read yet."""
        return len(self._kept.get(partition, ()))

    async def run(self) -> None:
        """Ask and release until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask_for_unknown())
            group.create_task(self._ask_for_doubted())

    async def _ask_for_unknown(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            wanted = {schema_id for queue in self._kept.values() for schema_id in self._unknown(queue)}
            await asyncio.gather(*(self._ask(schema_id) for schema_id in wanted))
            await self._look()

    async def _ask_for_doubted(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            doubted, self._doubted = self._doubted, set()
            await asyncio.gather(*(self._ask_instead(schema_id) for schema_id in doubted))
            await self._look()
            if self._doubted:
                self._came.set()
                await asyncio.sleep(RETRY_S)

    def _unknown(self, queue: Iterable[tuple[int, int, Refused]]) -> list[int]:
        """Return the newest unknown ids of a partition."""
        newest = dict.fromkeys(refused.schema_id for _, _, refused in sorted(queue, reverse=True))
        strange = (schema_id for schema_id in newest if self._schemas.known(schema_id) is None)
        return list(itertools.islice(strange, MOST_STRANGERS))

    async def _ask(self, schema_id: int) -> None:
        try:
            await self._schemas.schema(schema_id)
        except (FeedError, Undecodable):
            return

    async def _ask_instead(self, schema_id: int) -> None:
        """Ask for what a record does not fit; give those up that were there before, if there is nothing else."""
        if (misfit := self._schemas.known(schema_id)) is None:
            return
        asked_for = [
            refused
            for queue in self._kept.values()
            for _, _, refused in queue
            if refused.schema_id == schema_id and refused.misfit is misfit
        ]
        try:
            if await self._schemas.instead(misfit) is not None:
                return
        except FeedError:
            self._doubted.add(schema_id)
            return
        except Undecodable:
            pass
        for refused in asked_for:
            note(self._final.setdefault(refused.held.partition, {}), refused.place)
        self._remove(asked_for)

    async def _look(self) -> None:
        """Release what may be readable now."""
        for queue in list(self._kept.values()):
            ready = [refused for _, _, refused in queue if self._has_another(refused)]
            if ready:
                self._remove(ready)
                held = [refused.held for refused in ready]
                await self._release(sorted(held, key=lambda one: one.record.offset))

    def _has_another(self, refused: Refused) -> bool:
        schema = self._schemas.known(refused.schema_id)
        return schema is not None and schema is not refused.misfit

    def _remove(self, gone: Iterable[Refused]) -> None:
        numbers = {id(refused) for refused in gone}
        for partition in {refused.held.partition for refused in gone}:
            left = [entry for entry in self._kept.get(partition, ()) if id(entry[2]) not in numbers]
            heapq.heapify(left)
            self._kept[partition] = left
            self._bytes[partition] = sum(_size(refused) for _, _, refused in left)
            newest = self._newest[partition] = dict(self._final.get(partition, {}))
            for _, _, refused in left:
                note(newest, refused.place)


def note(newest: dict[int | None, Unreadable], one: Unreadable) -> None:
    """Note a record that cannot be read where it is newer than what is held of its index."""
    held = newest.get(one.index)
    if held is None or held.order < one.order:
        newest[one.index] = one


def _size(refused: Refused) -> int:
    return max(_LEAST_BYTES, len(refused.held.record.value or b""))

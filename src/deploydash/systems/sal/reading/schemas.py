"""Records that wait for their schema: a state told while the registry is down must not be lost."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.reading.client import Partition, Record

RETRY_S = 2.0
"""How long to wait until a registry that could not be asked is asked again."""
FORGIVEN_S = 20.0
"""How long a schema id that the registry does not have is taken as garbage before it is asked again."""
MOST_HELD = 20_000
MOST_HELD_BYTES = 8_000_000
"""Records of one partition that may wait (five thousand CSCs beat in one topic), and their bytes; the oldest make room,
for the newest tells what is."""
MOST_STRANGERS = 20
"""Unknown ids of one partition that are asked for in FORGIVEN_S: garbage must not flood the registry."""


class Schemas(Protocol):
    """What is used of feeds.registry.SchemaStore."""

    def known(self, schema_id: int) -> WriterSchema | None:
        """Return a schema from memory."""
        ...

    async def schema(self, schema_id: int) -> WriterSchema:
        """Return a schema; raises Undecodable (there is none) or FeedError (cannot be asked)."""
        ...

    async def instead(self, misfit: WriterSchema) -> WriterSchema | None:
        """Return what the registry has by now in the place of a schema that a record does not fit, None for the same.

        Raises Undecodable (it has none) or FeedError (it cannot be asked, or was asked a moment ago).
        """
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A record that waits, with when it was received (monotonic), and whether it arrived or was read back."""

    partition: Partition
    record: Record
    at: float
    live: bool = True


class WaitingRoom:
    """Holds live records until their schema is known or refused, then hands them to ``release``.

    ``lost`` is told of records that had to make room, and why.
    """

    def __init__(
        self,
        schemas: Schemas,
        release: Callable[[list[Held]], Awaitable[None]],
        lost: Callable[[Held, str], None],
    ) -> None:
        self._schemas = schemas
        self._release = release
        self._lost = lost
        self._held: dict[Partition, deque[Held]] = {}
        self._bytes: Counter[Partition] = Counter()
        self._ids: dict[int, set[Partition]] = {}
        self._newest: dict[Partition, tuple[int, int]] = {}
        self._refused: dict[int, str] = {}
        self._strangers: Counter[Partition] = Counter()
        self._came = asyncio.Event()

    def refusal(self, schema_id: int, partition: Partition) -> str | None:
        """Return why records with this schema can never be read, or None where it may still become known."""
        if (reason := self._refused.get(schema_id)) is not None:
            return reason
        if self._strangers[partition] >= MOST_STRANGERS:
            return f"schema {schema_id} was not asked for: too many unknown ones in this topic"
        return None

    def hold(self, schema_id: int, held: Held) -> None:
        """Keep a record until its schema is known."""
        queue = self._held.setdefault(held.partition, deque())
        queue.append(held)
        self._bytes[held.partition] += _size(held)
        while len(queue) > MOST_HELD or (self._bytes[held.partition] > MOST_HELD_BYTES and len(queue) > 1):
            oldest = queue.popleft()
            self._bytes[held.partition] -= _size(oldest)
            self._lost(oldest, f"{len(queue)} newer records wait for schemas such as {schema_id}")
        self._newest[held.partition] = (schema_id, held.record.offset)
        self._ids.setdefault(schema_id, set()).add(held.partition)
        self._came.set()

    def holds(self, partition: Partition) -> bool:
        """Tell whether records of this partition wait."""
        return partition in self._held

    def waiting(self) -> dict[Partition, tuple[int, int]]:
        """Return how many records of each partition wait, and for which schema the newest of them does."""
        return {partition: (len(queue), self._newest[partition][0]) for partition, queue in self._held.items()}

    def newest(self, partition: Partition) -> tuple[int, int] | None:
        """Return schema id and offset of the newest record of this partition that waits."""
        return self._newest.get(partition) if partition in self._held else None

    async def ensure(self, wanted: Iterable[tuple[int, Partition]]) -> set[int]:
        """Get schemas into memory, or learn that there are none; return the ids that could not be asked for."""
        by_id: dict[int, Partition] = {}
        for schema_id, partition in wanted:
            if self._schemas.known(schema_id) is None and self.refusal(schema_id, partition) is None:
                by_id.setdefault(schema_id, partition)
        answers = await asyncio.gather(*(self._ask(schema_id, partition) for schema_id, partition in by_id.items()))
        return {schema_id for schema_id, settled in zip(by_id, answers, strict=True) if not settled}

    async def run(self) -> None:
        """Ask for the schemas that are waited for, again and again until each is settled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forgive())
            while True:
                await self._came.wait()
                self._came.clear()
                waiting = [(schema_id, partition) for schema_id, found in self._ids.items() for partition in found]
                unasked = await self.ensure(waiting)
                for schema_id in [settled for settled in self._ids if settled not in unasked]:
                    for partition in self._ids.pop(schema_id):
                        self._bytes.pop(partition, None)
                        await self._release(list(self._held.pop(partition, ())))
                if unasked:
                    self._came.set()
                    await asyncio.sleep(RETRY_S)

    async def _forgive(self) -> None:
        while True:
            await asyncio.sleep(FORGIVEN_S)
            self._refused.clear()
            self._strangers.clear()

    async def _ask(self, schema_id: int, partition: Partition) -> bool:
        """Return whether the schema is known or refused by now."""
        try:
            await self._schemas.schema(schema_id)
        except FeedError:
            return False
        except Undecodable as error:
            self._refused[schema_id] = str(error)
            self._strangers[partition] += 1
        return True


def _size(held: Held) -> int:
    return len(held.record.value or b"")

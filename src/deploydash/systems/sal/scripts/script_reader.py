"""Reads what ScriptQueues and Scripts tell, from a short way back, while a script of a run is under way.

The feed watches none of these topics: they matter to nobody but who runs a script. All scripts of a queue share one
key, so a compacted topic keeps the last record of one of them only; what is told from now on is all there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka.errors import KafkaError, RecordTooLargeError

from deploydash.core.model import FeedName
from deploydash.errors import FeedError
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.commanding.kafka_wire import Cluster, Consumer, Partition, Record, new_consumer, partition
from deploydash.systems.sal.commanding.schemas import SchemaById, read_by
from deploydash.systems.sal.scripts.told import ScriptFact
from deploydash.systems.sal.scripts.wire import QUEUE_EVENTS, SCRIPT_EVENTS, script_fact
from deploydash.systems.sal.security import where
from deploydash.systems.settings import KafkaSettings
from deploydash.systems.topics import split_topic, topic_name

_BACK = 500
"""Records of each topic that are read back: more than any queue holds, and what ts_salobj reads (``sal_info.py``)."""
_POLL_MS = 250
_AFTER_ERROR_S = 0.2
_LOOK_FOR_TOPICS_S = 1.0
_ENDS_S = 10.0

Take = Callable[[ScriptFact], None]


class ScriptReader:
    """One consumer without a group. ``caught_up`` is set once everything was read that was there at its opening.

    ``undecodable`` counts what could not be read, ``example`` says why for one.
    """

    def __init__(self, settings: KafkaSettings, schemas: SchemaById, take: Take) -> None:
        self._settings = settings
        self._schemas = schemas
        self._take = take
        self._consumer: Consumer = new_consumer(settings, "deploydash-scripts")
        subname = settings.topic_subname
        queue = [topic_name(subname, "ScriptQueue", name) for name in QUEUE_EVENTS]
        self._missing = {*queue, *(topic_name(subname, "Script", name) for name in SCRIPT_EVENTS)}
        self._next: dict[Partition, int] = {}
        self._behind: dict[Partition, int] = {}
        self._looked = 0.0
        self.caught_up = asyncio.Event()
        self.undecodable = 0
        self.example = ""

    async def open(self) -> None:
        """Connect and find where to begin.

        Raises:
            FeedError: no broker answers, or the ends of the topics are not told.
        """
        try:
            await self._consumer.start()
            async with asyncio.timeout(_ENDS_S):
                await self._look_for_topics()
        except (KafkaError, OSError, TimeoutError) as error:
            message = f"{where(self._settings)}: what ScriptQueues tell cannot be read: {error or type(error).__name__}"
            raise FeedError(FeedName.KAFKA.value, message, hint="without it no script is followed") from error

    async def close(self) -> None:
        """Close the connections; as a task, as aiokafka may raise its own cancellation instead."""
        await asyncio.wait({asyncio.ensure_future(self._consumer.stop())})

    async def run(self) -> None:
        """Hand over facts until cancelled; survives whatever is in the log."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                if self._missing and loop.time() > self._looked + _LOOK_FOR_TOPICS_S:
                    await self._look_for_topics()
                if not self._next:
                    await asyncio.sleep(_AFTER_ERROR_S)
                    continue
                batch = await self._consumer.getmany(timeout_ms=_POLL_MS)
            except (KafkaError, RecordTooLargeError, ValueError):
                await asyncio.sleep(_AFTER_ERROR_S)
                continue
            for one, records in batch.items():
                for record in records:
                    await self._hand_over(one.topic, record)
                self._reached(one, records[-1].offset + 1)

    async def _look_for_topics(self) -> None:
        """Read topics that have come to exist; a Script's appear with the first script ever."""
        self._looked = asyncio.get_running_loop().time()
        client: Any = getattr(self._consumer, "_client")  # noqa: B009  not public, and the only way to ask who leads
        cluster: Cluster = await client.fetch_all_metadata()
        there = self._missing & cluster.topics()
        every = [partition(topic, number) for topic in there for number in cluster.partitions_for_topic(topic) or ()]
        new = [one for one in every if cluster.leader_for_partition(one) not in {None, -1}]
        if new:
            ends = await self._consumer.end_offsets(new)
            first = not self._next
            self._next.update({one: max(0, end - _BACK) for one, end in ends.items()})
            if first:
                self._behind.update({one: end for one, end in ends.items() if end > 0})
            self._missing -= {one.topic for one in new}
            self._place()
        if not self._behind:
            self.caught_up.set()

    def _place(self) -> None:
        """Assign without losing positions: nothing runs between the assignment and the seeks."""
        self._consumer.assign(list(self._next))
        for one, offset in self._next.items():
            with suppress(KafkaError):
                self._consumer.seek(one, offset)

    def _reached(self, one: Partition, offset: int) -> None:
        self._next[one] = offset
        if one in self._behind and offset >= self._behind[one]:
            del self._behind[one]
            if not self._behind:
                self.caught_up.set()

    async def _hand_over(self, topic: str, record: Record) -> None:
        parts = split_topic(topic, self._settings.topic_subname)
        if parts is None:
            return
        try:
            fact = await read_by(self._schemas, record.value, lambda fields: script_fact(*parts, fields))
        except (Undecodable, FeedError) as error:
            self.undecodable += 1
            self.example = f"{topic}: {error}"
            return
        if fact is not None:
            self._take(fact)


@asynccontextmanager
async def reading(settings: KafkaSettings, schemas: SchemaById, take: Take) -> AsyncIterator[ScriptReader]:
    """Read scripts until the block ends.

    Raises:
        FeedError: no broker answers, or the ends of the topics are not told.
    """
    reader = ScriptReader(settings, schemas, take)
    task = None
    try:
        await reader.open()
        task = asyncio.create_task(reader.run(), name="scripts")
        yield reader
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await reader.close()

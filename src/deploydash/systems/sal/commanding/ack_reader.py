"""Reads every ``ackcmd`` topic of a site from its end on, so that no acknowledgement of ours is missed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiokafka.errors import KafkaError, RecordTooLargeError, TopicAuthorizationFailedError

from deploydash.core.fleet.observations import Observation
from deploydash.core.model import FeedName
from deploydash.errors import FeedError
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.commanding.acks import Ack, ack_of
from deploydash.systems.sal.commanding.kafka_wire import Consumer, Partition, Record, new_consumer
from deploydash.systems.sal.commanding.schemas import SchemaById, read_by
from deploydash.systems.sal.reading.decode import Undecoded
from deploydash.systems.sal.security import where
from deploydash.systems.settings import KafkaSettings
from deploydash.systems.topics import split_topic

_POLL_MS = 250
_PAUSE_S = 0.01
"""From one batch to the next: every fetch asks for the acknowledgements of all components, and costs a millisecond."""
_AFTER_ERROR_S = 0.2
_ENDS_S = 10.0


class AckReader:
    """One consumer without a group.

    ``take`` gets every acknowledgement, ``tell`` what could not be read, with ``now`` (monotonic) as its time.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        schemas: SchemaById,
        take: Callable[[Ack], None],
        tell: Callable[[Observation], None],
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._schemas = schemas
        self._take = take
        self._tell = tell
        self._now = now
        self._undecoded = Undecoded()
        self._consumer: Consumer | None = None
        self._next: dict[Partition, int] = {}
        self._refused: set[str] = set()
        self._any = asyncio.Event()

    async def open(self) -> None:
        """Connect.

        Raises:
            FeedError: the settings cannot be used, or no broker answers.
        """
        self._consumer = new_consumer(self._settings)
        try:
            await self._consumer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            message = f"{where(self._settings)}: no broker can be reached for acknowledgements: {error}"
            raise FeedError(FeedName.KAFKA.value, message, hint="see what the feed says") from error

    async def close(self) -> None:
        """Close the connections, whatever it was doing.

        aiokafka's ``stop()`` raises CancelledError if one of its own tasks had not begun yet and leaves its
        connections open then; as a task it is kept apart from our own cancellation.
        """
        if self._consumer is None:
            return
        stop = asyncio.ensure_future(self._consumer.stop())
        await asyncio.wait({stop})
        if stop.cancelled() or stop.exception() is not None:
            client: Any = getattr(self._consumer, "_client")  # noqa: B009  not public, and the only way
            await client.close()

    def hears(self, topic: str) -> bool:
        """Say whether this ``ackcmd`` topic is being read."""
        return any(one.topic == topic for one in self._next)

    def refused(self, topic: str) -> bool:
        """Say whether the broker does not let this account read it."""
        return topic in self._refused

    async def follow(self, partitions: list[Partition]) -> None:
        """Read these from their present ends on, too; those already read go on where they are.

        Only partitions with a leader may be given: aiokafka asks in a busy loop for any other.

        Raises:
            FeedError: their ends are not known in time.
        """
        new = [one for one in partitions if one not in self._next and one.topic not in self._refused]
        if not new:
            return
        try:
            async with asyncio.timeout(_ENDS_S):
                await self._know([*self._next, *new])
                ends = await self._connected().end_offsets(new)
        except (KafkaError, TimeoutError) as error:
            message = f"the ends of {len(new)} ackcmd topics are not known, such as {new[0].topic}: {error}"
            raise FeedError(FeedName.KAFKA.value, message, hint="without acknowledgements nothing is sent") from error
        self._next.update({one: end for one, end in ends.items() if one not in self._next})
        self._place()

    async def _know(self, partitions: list[Partition]) -> None:
        """Learn who leads all of them at once.

        aiokafka's ``end_offsets`` asks for one unknown topic, waits, asks for the next: seconds for a site's.
        """
        client: Any = getattr(self._connected(), "_client")  # noqa: B009  not public, and the only way
        await client.set_topics([one.topic for one in partitions])

    async def run(self) -> None:
        """Hand over acknowledgements until cancelled; survives whatever is in the log."""
        while True:
            await self._any.wait()
            try:
                batch = await self._connected().getmany(timeout_ms=_POLL_MS)
            except TopicAuthorizationFailedError as error:
                self._refuse(error.args[0] if error.args else ())
                continue
            except (KafkaError, RecordTooLargeError, ValueError):
                await asyncio.sleep(_AFTER_ERROR_S)
                continue
            self._next.update({one: records[-1].offset + 1 for one, records in batch.items() if one in self._next})
            for one, records in batch.items():
                for record in records:
                    await self._hand_over(one, record)
            for unread in self._undecoded.take(self._now()):
                self._tell(unread)
            await asyncio.sleep(_PAUSE_S)

    async def _hand_over(self, one: Partition, record: Record) -> None:
        parts = split_topic(one.topic, self._settings.topic_subname)
        try:
            component = parts[0] if parts else ""
            ack = await read_by(self._schemas, record.value, lambda fields: ack_of(component, fields))
        except (Undecodable, FeedError) as error:
            self._undecoded.add(one, str(error))
            return
        self._take(ack)

    def _refuse(self, topics: Any) -> None:
        named = {topics} if isinstance(topics, str) else set(topics)
        self._refused |= named
        for one in [one for one in self._next if one.topic in named]:
            del self._next[one]
        self._place()

    def _place(self) -> None:
        """Assign without losing positions: nothing runs between the assignment and the seeks."""
        consumer = self._connected()
        consumer.assign(list(self._next))
        for one, offset in self._next.items():
            with suppress(KafkaError):
                consumer.seek(one, offset)
        if self._next:
            self._any.set()
        else:
            self._any.clear()

    def _connected(self) -> Consumer:
        if self._consumer is None:
            raise RuntimeError("the reader is not open")
        return self._consumer

"""A command leaves for Kafka at most once.

A producer is the wrong tool for that. aiokafka's keeps every record in a queue and sends it again after a lost
answer, a time-out or a broken connection until its time is over (``producer/sender.py``, ``_can_retry``), and has
no setting against it: a broker that appended the record and ended before it said so makes two of one command, and a
CSC carries out both. Idempotence would have the broker drop the second, but the accounts at the sites may lack the
right to it (error 31), it then retries for ever, so that a command could arrive when nobody waits for it any more,
and a new producer id forgets what the old one sent. So a command is one produce request, written by us over
aiokafka's connection, which sends a request exactly when asked to. What became of it is one of three:

* written: the broker gave it an offset;
* ``NotWritten``: it certainly is not on Kafka, because there was no connection to write to, or the broker refused it
  and gave no offset;
* ``MaybeWritten``: the bytes left and no answer came, or one that leaves it open. It is not sent again by anybody.
"""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError, NodeNotReadyError, for_code

from deploydash.core.model import FeedName
from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.sal.commanding.guard import check_leaving
from deploydash.systems.sal.commanding.kafka_wire import (
    Client,
    Partition,
    new_client,
    partition,
    produce_answer,
    produce_request,
)
from deploydash.systems.sal.security import where
from deploydash.systems.sal.wire.commands import CommandRecord
from deploydash.systems.settings import KafkaSettings

_LEADER_S = 5.0
_LEADER_PAUSE_S = 0.2
_NO_OFFSET = -1
_MOVED = frozenset({3, 5, 6})
"""Unknown topic or partition, leader not available, not the leader: with no offset given, refused before the log."""
_REFUSED = frozenset({2, 10, 17, 18, 19, 29, 31, 87})
"""Corrupt, too large, invalid topic, list too large, too few replicas, no right to the topic or cluster, invalid."""
_NO_RIGHT = frozenset({29, 31})


class NotWritten(FeedError):
    """The command certainly is not on Kafka."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(FeedName.KAFKA.value, message, hint=hint)


class MaybeWritten(FeedError):
    """The command may or may not be on Kafka; only a look at the CSC decides."""

    def __init__(self, message: str) -> None:
        super().__init__(FeedName.KAFKA.value, message, hint="look whether it was obeyed; it is not sent again")


class OnceWriter:
    """The one way for bytes of ours onto Kafka: whole commands, read back before they leave, each sent once."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._client: Client | None = None

    async def open(self) -> None:
        """Connect and read the list of topics.

        Raises:
            FeedError: the settings cannot be used, or no broker answers.
        """
        self._client = new_client(self._settings)
        try:
            await self._client.bootstrap()
            known = await self._client.force_metadata_update()
        except (KafkaError, OSError, TimeoutError) as error:
            raise NotWritten(
                f"{where(self._settings)}: no broker can be reached for commands: {error}", "see what the feed says"
            ) from error
        if not known:
            raise NotWritten(f"{where(self._settings)}: no broker lists its topics", "see what the feed says")

    async def close(self) -> None:
        """Close the connections; what is under way then may or may not be written."""
        if self._client is not None:
            await self._client.close()

    async def refresh(self) -> None:
        """Ask for the list of all topics anew; never for one by name, which could create it."""
        await self._connected().force_metadata_update()

    def topics(self) -> set[str]:
        """Return every topic as of the last list."""
        return self._connected().cluster.topics()

    def led(self, topic: str) -> list[Partition]:
        """Return the partitions of a topic that have a leader, in order."""
        cluster = self._connected().cluster
        every = [partition(topic, number) for number in sorted(cluster.partitions_for_topic(topic) or ())]
        return [one for one in every if cluster.leader_for_partition(one) not in {None, -1}]

    async def write(self, record: CommandRecord, schema: WriterSchema, utc: float) -> int:
        """Append one command and return its offset. It goes to the topic's first partition, so order is kept.

        A broker that refuses because another leads now has written nothing; the leader is then looked for anew.

        Raises:
            ValueError: the record is no command that its readers survive; nothing was sent.
            NotWritten: it is not on Kafka.
            MaybeWritten: nobody knows.
        """
        check_leaving(record, schema, self._settings.topic_subname)
        loop = asyncio.get_running_loop()
        until = loop.time() + _LEADER_S
        while True:
            offset, trouble = await self._try(record, utc)
            if offset is not None:
                return offset
            if loop.time() > until:
                raise NotWritten(f"{record.topic}: {trouble}", "nothing was sent")
            await asyncio.sleep(_LEADER_PAUSE_S)
            await self.refresh()

    async def _try(self, record: CommandRecord, utc: float) -> tuple[int | None, str]:
        """Return the offset, or None and why it was not even written."""
        client = self._connected()
        first = next(iter(self.led(record.topic)), None)
        leader = None if first is None else client.cluster.leader_for_partition(first)
        if first is None or leader is None:
            return None, "no broker leads it"
        if not await client.ready(leader):
            return None, f"broker {leader}, which leads it, cannot be reached"
        request = produce_request(record.topic, first.partition, record.key, record.value, utc)
        try:
            code, offset = produce_answer(await client.send(leader, request), record.topic)
        except NodeNotReadyError:
            return None, f"broker {leader}, which leads it, cannot be reached"
        except (KafkaError, OSError, ValueError) as error:
            raise MaybeWritten(
                f"may or may not have been sent: broker {leader} {_ended(error)}",
            ) from error
        return _judge(record.topic, code, offset)

    def _connected(self) -> Client:
        if self._client is None:
            raise RuntimeError("the writer is not open")
        return self._client


def _judge(topic: str, code: int, offset: int) -> tuple[int | None, str]:
    if code == 0:
        return offset, ""
    name = type(for_code(code)()).__name__
    if offset == _NO_OFFSET and code in _MOVED:
        return None, f"the broker answers {name} ({code})"
    if offset == _NO_OFFSET and code in _REFUSED:
        if code in _NO_RIGHT:
            raise NotWritten(
                f"this account may not write to {topic}: {name} ({code})",
                "commands need an account with the right WRITE on the command topics; reading alone does not do",
            )
        raise NotWritten(f"the broker refuses a command on {topic}: {name} ({code})", "its log says more")
    raise MaybeWritten(f"may or may not have been sent: the broker answers {name} ({code}) for {topic}")


def _ended(error: Exception) -> str:
    words = str(error) or type(error).__name__
    return f"did not confirm it: {words}"

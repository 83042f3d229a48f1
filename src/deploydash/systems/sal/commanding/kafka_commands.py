"""Commands to CSCs over Kafka: checked, numbered, sent once, and answered by their own acknowledgement."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from deploydash.core.fleet.observations import Observation
from deploydash.core.model import CscId, FeedName
from deploydash.core.ports import Clock
from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.sal.commanding.ack_reader import AckReader
from deploydash.systems.sal.commanding.acks import FINAL, Ack, AckSeen, Answer, Awaited, command_at
from deploydash.systems.sal.commanding.kafka_write import OnceWriter
from deploydash.systems.sal.commanding.schemas import LatestSchema, SchemaById
from deploydash.systems.sal.wire.commands import CommandRecord, Sender, command_record
from deploydash.systems.settings import KafkaSettings
from deploydash.systems.times import utc_to_tai
from deploydash.systems.topics import ackcmd_topic, command_topic, split_topic

_MOST_SEQ_NUM = 2**31 - 1
_LOOK_FOR_TOPICS_S = 60.0

Heard = Callable[[AckSeen], None]


class CannotCommand(FeedError):
    """A command that is not sent because it would not be obeyed as meant, or nobody could hear the answer."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(FeedName.KAFKA.value, message, hint=hint)


@dataclass(frozen=True, slots=True)
class Order:
    """A command that was checked and has its number, not sent yet."""

    csc: CscId
    command: str
    seq_num: int
    values: Mapping[str, Any]
    schema: WriterSchema


def key_of(order: Order, sender: Sender) -> str:
    """Return as JSON by what a command and what it begins are known again."""
    return json.dumps({"seq": order.seq_num, "identity": sender.identity, "origin": sender.origin})


def number_in(key: str) -> int:
    """Return the number of a command in its key, 0 where there is none."""
    try:
        number = json.loads(key)["seq"]
    except (ValueError, KeyError, TypeError):
        return 0
    return number if isinstance(number, int) else 0


class CommandChannel:
    """Sends commands and waits for their acknowledgements. Creates no topic and registers no schema.

    Every command of one has another number, whatever CSC it is for; the first is random, as ts_salobj has it, so
    that a process with the same id as an earlier one is not taken for it. On the event loop, ``heard`` gets final
    acknowledgements that nobody here waits for, ``tell`` how many could not be read.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        latest: LatestSchema,
        schemas: SchemaById,
        clock: Clock,
        *,
        sender: Sender,
        heard: Heard = lambda _: None,
        tell: Callable[[Observation], None] = lambda _: None,
    ) -> None:
        self.sender = sender
        self._subname = settings.topic_subname
        self._latest = latest
        self._clock = clock
        self._heard = heard
        self._writer = OnceWriter(settings)
        self._acks = AckReader(settings, schemas, self._take, tell, clock.monotonic)
        self._awaited: dict[tuple[str, int], Awaited] = {}
        self._number = random.randint(1, _MOST_SEQ_NUM)
        self._listing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Connect and read acknowledgements from now on: whatever is sent later is heard.

        Raises:
            FeedError: the settings cannot be used, no broker answers, or the ends of the topics are not known.
        """
        try:
            await asyncio.gather(self._writer.open(), self._acks.open())
            await self._hear_all()
        except BaseException:
            await self.close()
            raise
        self._tasks = [
            asyncio.create_task(self._acks.run(), name="acknowledgements"),
            asyncio.create_task(self._look_for_topics(), name="acknowledgement topics"),
        ]

    async def close(self) -> None:
        """Close every connection; commands under way stay unanswered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._acks.close(), self._writer.close())

    async def prepare(self, csc: CscId, command: str, values: Mapping[str, Any] | None = None) -> Order:
        """Return a command with its number after everything was checked that can be without sending it.

        Raises:
            CannotCommand: the topic does not exist, its answers cannot be heard, or schema and CSC do not fit.
            FeedError: the registry does not give the schema.
        """
        await self._check_topics(csc, command)
        schema = await self._latest.latest(f"{command_topic(self._subname, csc.name, command)}-value")
        self._number = self._number % _MOST_SEQ_NUM + 1
        order = Order(csc, command, self._number, dict(values or {}), schema)
        self._record(order, self._clock.utc())
        return order

    async def send(self, order: Order, limit_s: float) -> Answer:
        """Send a command and return its final acknowledgement; code 0 if none came within its time.

        ``limit_s`` counts from when it is on Kafka; every INPROGRESS adds what it asks for.

        Raises:
            CannotCommand: it does not fit; nothing was sent.
            NotWritten: it certainly was not sent.
            MaybeWritten: nobody knows whether it was.
        """
        key = (order.csc.name, order.seq_num)
        # The loop's time: an answer that came while this process stood still is no missing one.
        awaited = Awaited(order.csc, limit_s, asyncio.get_running_loop().time)
        self._awaited[key] = awaited
        try:
            utc = self._clock.utc()
            await self._writer.write(self._record(order, utc), order.schema, utc)
            awaited.began()
            return await awaited.answer()
        except ValueError as error:
            raise CannotCommand(f"{order.command} for {order.csc} is not sent: {error}") from error
        finally:
            del self._awaited[key]

    def _record(self, order: Order, utc: float) -> CommandRecord:
        csc = order.csc
        index = csc.index if "salIndex" in order.schema.fields or csc.index else None
        try:
            return command_record(
                order.schema,
                subname=self._subname,
                component=csc.name,
                index=index,
                command=order.command,
                values=order.values,
                sender=self.sender,
                seq_num=order.seq_num,
                sent_tai=utc_to_tai(utc),
            )
        except ValueError as error:
            raise CannotCommand(f"{order.command} for {csc} is not sent: {error}") from error

    async def _check_topics(self, csc: CscId, command: str) -> None:
        commands, acks = command_topic(self._subname, csc.name, command), ackcmd_topic(self._subname, csc.name)
        if not (command.isascii() and command.isalnum()) or split_topic(commands, self._subname) is None:
            raise CannotCommand(f"{commands} is no command topic")
        if commands not in self._writer.topics() or not self._acks.hears(acks):
            async with self._listing:
                await self._writer.refresh()
                await self._hear_all()
        if commands not in self._writer.topics():
            raise CannotCommand(
                f"{commands} does not exist on this Kafka, or this account may not see it",
                f"no {csc.name} that takes {command} has ever run there; nothing is created for it",
            )
        if not self._acks.hears(acks):
            why = "may not be read by this account" if self._acks.refused(acks) else "does not exist or has no leader"
            raise CannotCommand(f"{acks} {why}", "an answer could not be heard, so nothing is sent")

    async def _hear_all(self) -> None:
        topics = [topic for topic in self._writer.topics() if self._is_ackcmd(topic)]
        await self._acks.follow([one for topic in topics for one in self._writer.led(topic)])

    def _sal_names(self, component: str) -> list[str]:
        """Return the names of all topics of a component."""
        parts = (split_topic(topic, self._subname) for topic in self._writer.topics())
        return [part[1] for part in parts if part is not None and part[0] == component]

    def _is_ackcmd(self, topic: str) -> bool:
        parts = split_topic(topic, self._subname)
        return parts is not None and parts[1] == "ackcmd"

    async def _look_for_topics(self) -> None:
        """Hear those that appear during the upgrade, too."""
        while True:
            await asyncio.sleep(_LOOK_FOR_TOPICS_S)
            async with self._listing:
                with suppress(FeedError):
                    await self._writer.refresh()
                    await self._hear_all()

    def _take(self, ack: Ack) -> None:
        ours = (ack.identity, ack.origin) == (self.sender.identity, self.sender.origin)
        awaited = self._awaited.get((ack.csc.name, ack.seq_num)) if ours else None
        if awaited is not None and awaited.csc == ack.csc:
            awaited.take(ack)
        elif ack.code in FINAL:
            at = self._clock.monotonic()
            named = command_at(ack.place, self._sal_names(ack.csc.name))
            seen = AckSeen(ack.csc, ack.identity, ack.origin, ack.seq_num, ack.code, ack.result, ours, at, named)
            self._heard(seen)

"""The fetches of one consumer: paced, gathered, and written and read without aiokafka's general way.

aiokafka names every assigned partition in each fetch, goes through all of them for each answer and asks anew as soon
as one was taken. librdkafka's mock cluster gives one batch of a partition for each fetch, and holds no answer back for
what comes later; aiokafka then does all that for every record. What a real broker does by itself is done here instead.
And a partition costs aiokafka 6 microseconds to write and to read, by a call for each of its fields; here it is one.
"""

from __future__ import annotations

import asyncio
import io
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import aiokafka.consumer.fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import KafkaError
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11

_HEAD = struct.Struct(">iiiibiii")
_ASKED = struct.Struct(">iiqqi")
_FEET = struct.Struct(">ih")
_ANSWER = struct.Struct(">ihii")
_NAME = struct.Struct(">h")
_COUNT = struct.Struct(">i")
_FOUND = struct.Struct(">ihqqqi")
_ABORTED = struct.Struct(">qq")
_BEHIND = struct.Struct(">ii")
_BATCH = struct.Struct(">qi11xi")
_LENGTH_BEHIND = 12
"""Of a batch of records (version 2): its first offset, its length without these two, and how far its last record is."""
_ERROR, _ABORTS, _DATA = 1, 5, 7
"""Where they stand in a partition of an answer."""
_CONSUMER = -1
_NO_SESSION = (0, -1)
_UNKNOWN = -1
_FULL = 1_048_576
"""Bytes; aiokafka's own limit of a partition in an answer."""


class Fetches:
    """Sends a client's fetches, those of one broker at least ``least_s`` seconds apart; other requests at once.

    What was not all in an answer is asked for at once and alone, and added to it, until the next fetch is due. What is
    not there yet is waited for ``hold_s`` seconds, by asking anew where a broker waits less.
    """

    def __init__(self, client: Any, least_s: float, hold_s: float = 0.0) -> None:
        self._send = client.send
        self.least_s = least_s
        self._hold_s = hold_s
        self._due: dict[int, float] = {}
        client.send = self.send

    async def send(self, node_id: int, request: Any, **how: Any) -> Any:
        """Stand in for ``AIOKafkaClient.send``."""
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **how)
        clock = asyncio.get_running_loop().time
        early = self._due.get(node_id, 0.0) - clock()
        if early > 0:
            await asyncio.sleep(early)
        began = clock()
        self._due[node_id] = began + self.least_s
        lean = _LeanRequest(request)
        answer = await self._send(node_id, lean, **how)
        while isinstance(answer, Answer) and answer.idle() and clock() + lean.wait_s <= began + self._hold_s:
            answer = await self._send(node_id, lean, **how)
        if isinstance(answer, Answer):
            answer = await self._gathered(node_id, lean, answer, how)
            if answer.size >= _FULL:
                self._due.pop(node_id, None)
        return answer

    async def _gathered(self, node_id: int, lean: _LeanRequest, answer: Answer, how: dict[str, Any]) -> Answer:
        """Return the answer with what was not all in it and came before the next fetch is due."""
        due = self._due[node_id]
        clock = asyncio.get_running_loop().time
        parts = [answer]
        # What came before is good, whatever becomes of the rest: the next fetch asks for it again, or fails.
        with suppress(TimeoutError, KafkaError):
            async with asyncio.timeout_at(due):
                while clock() < due and sum(part.size for part in parts) < _FULL and (rest := parts[-1].behind()):
                    parts.append(await self._send(node_id, lean.only(rest), **how))
        return answer.with_those(parts[1:]) if len(parts) > 1 else answer


class _Records(PartitionRecords):
    """Hands records over as they were parsed, in place of copying each, field by field, beside its topic."""

    def _consumer_record(self, tp: Any, record: Any) -> Any:  # noqa: ARG002 - aiokafka's
        return record


def hand_over_records() -> None:
    """Let every consumer of this process do so; aiokafka has no setting for it."""
    setattr(aiokafka.consumer.fetcher, "PartitionRecords", _Records)  # noqa: B010 - its types forbid it


class _LeanRequest(FetchRequest):
    """The same request; where the broker takes version 11 (any since 2.3) in our way."""

    def __init__(self, request: Any) -> None:
        self.__dict__.update(vars(request))
        self._topics: Any = request.topics
        self._bytes = b""

    @property
    def wait_s(self) -> float:
        """How long the broker may wait for something to answer with."""
        return float(self._max_wait_ms) / 1000

    def only(self, offsets: Mapping[tuple[str, int], int]) -> _LeanRequest:
        """Return the same for these partitions alone, from there on."""
        made = _LeanRequest(self)
        asked: dict[str, list[tuple[int, int, int]]] = {}
        for topic, partitions in self._topics:
            for number, _, most in partitions:
                if (topic, number) in offsets:
                    asked.setdefault(topic, []).append((number, offsets[topic, number], most))
        made._topics = list(asked.items())
        return made

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class is not FetchRequest_v11:
            return super().build(request_struct_class)
        made: Any = FetchRequest_v11()
        made.encode = self._encoded
        made.RESPONSE_TYPE = Answer
        return made

    def _encoded(self) -> bytes:
        if self._bytes:
            return self._bytes
        limits = (self._max_wait_ms, self._min_bytes, self._max_bytes, self._isolation_level)
        parts = [_HEAD.pack(_CONSUMER, *limits, *_NO_SESSION, len(self._topics))]
        for topic, partitions in self._topics:
            name = topic.encode()
            parts += (_NAME.pack(len(name)), name, _COUNT.pack(len(partitions)))
            parts += [_ASKED.pack(number, _UNKNOWN, offset, _UNKNOWN, most) for number, offset, most in partitions]
        rack = self._rack_id.encode()
        parts += (_FEET.pack(0, len(rack)), rack)
        self._bytes = b"".join(parts)
        return self._bytes


class Answer(NamedTuple):
    """What aiokafka's fetcher reads of a fetch's answer (version 11)."""

    topics: list[tuple[str, list[tuple[Any, ...]]]]
    size: int
    API_VERSION: int = 11

    def idle(self) -> bool:
        """Tell whether there is nothing in it but ends of logs."""
        return not any(one[_ERROR] or one[_DATA] for _, partitions in self.topics for one in partitions)

    def behind(self) -> dict[tuple[str, int], int]:
        """Return the partitions of which one batch was given although there are more, and where the next begins.

        A real broker gives all there are up to its limits, ``size`` says when they were met.
        """
        found = {}
        for topic, partitions in self.topics:
            for number, _, highwater, stable, _, _, _, records in partitions:
                if records and len(records) > _BATCH.size:
                    base, length, last = _BATCH.unpack_from(records)
                    end = highwater if stable < 0 else stable
                    if length + _LENGTH_BEHIND == len(records) and base + last + 1 < end:
                        found[topic, number] = base + last + 1
        return found

    def with_those(self, others: Iterable[Answer]) -> Answer:
        """Return it with what later answers have of its partitions behind what it has; their errors are left out."""
        more: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
        size = self.size
        for other in others:
            size += other.size
            for topic, partitions in other.topics:
                for one in partitions:
                    if not one[_ERROR]:
                        more.setdefault((topic, one[0]), []).append(one)
        topics = [
            (topic, [_joined([one, *more.get((topic, one[0]), ())]) for one in found]) for topic, found in self.topics
        ]
        return Answer(topics, size)

    @classmethod
    def decode(cls, data: io.BytesIO) -> Answer:
        """Return the answer that follows.

        Raises:
            ValueError, struct.error: the bytes end in it; aiokafka closes the connection then.
        """
        frame = data.read()
        _, _, _, count = _ANSWER.unpack_from(frame)
        at = _ANSWER.size
        topics = []
        for _ in range(count):
            (length,) = _NAME.unpack_from(frame, at)
            at += _NAME.size
            name = _cut(frame, at, length).decode()
            at += length
            (partitions,) = _COUNT.unpack_from(frame, at)
            at += _COUNT.size
            found = []
            for _ in range(partitions):
                one, at = _partition(frame, at)
                found.append(one)
            topics.append((name, found))
        return cls(topics, len(frame))


def _partition(frame: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    """Return a partition as aiokafka's own types have it, and where the next one begins."""
    number, error, highwater, stable, begin, aborts = _FOUND.unpack_from(frame, at)
    at += _FOUND.size
    aborted = None if aborts < 0 else [_ABORTED.unpack_from(frame, at + _ABORTED.size * each) for each in range(aborts)]
    at += _ABORTED.size * max(0, aborts)
    replica, length = _BEHIND.unpack_from(frame, at)
    at += _BEHIND.size
    records = None if length < 0 else _cut(frame, at, length)
    return (number, error, highwater, stable, begin, aborted, replica, records), at + max(0, length)


def _joined(parts: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Return a partition's answers as one: the records of all, the ends of the last."""
    if len(parts) == 1:
        return parts[0]
    number, error, *ends, _, replica, _ = parts[-1]
    aborted = [each for part in parts for each in part[_ABORTS] or ()]
    return (number, error, *ends, aborted or None, replica, b"".join(part[_DATA] or b"" for part in parts))


def _cut(frame: bytes, at: int, length: int) -> bytes:
    found = frame[at : at + length]
    if len(found) != length:
        raise ValueError("an answer to a fetch ends in a partition")
    return found

"""The fetches of one consumer: paced, and written and read without aiokafka's general way.

aiokafka names every assigned partition in each fetch and asks anew as soon as an answer was taken. A broker that holds
no answer back (librdkafka's mock cluster never does; a real one not where the least number of bytes comes soon) is
then asked again for every record. And a partition costs aiokafka 6 microseconds to write and to read, by a call for
each of its fields; here it is one.
"""

from __future__ import annotations

import asyncio
import io
import struct
from typing import Any, NamedTuple

import aiokafka.consumer.fetcher
from aiokafka.consumer.fetcher import PartitionRecords
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
_CONSUMER = -1
_NO_SESSION = (0, -1)
_UNKNOWN = -1
_FULL = 1_048_576
"""Bytes; aiokafka's own limit of a partition in an answer."""


class Fetches:
    """Sends a client's fetches, those of one broker at least ``least_s`` seconds apart; other requests at once.

    What was not all in an answer is asked for without a pause, and alone: the mock cluster gives one batch of a
    partition for each fetch, a real broker so many bytes.
    """

    def __init__(self, client: Any, least_s: float) -> None:
        self._send = client.send
        self.least_s = least_s
        self._due: dict[int, float] = {}
        self._behind: dict[int, set[tuple[str, int]]] = {}
        client.send = self.send

    async def send(self, node_id: int, request: Any, **how: Any) -> Any:
        """Stand in for ``AIOKafkaClient.send``."""
        if not isinstance(request, FetchRequest):
            return await self._send(node_id, request, **how)
        lean = _LeanRequest(request)
        clock = asyncio.get_running_loop().time
        early = self._due.get(node_id, 0.0) - clock()
        rest = self._behind.pop(node_id, set())
        if early > 0 and not (rest and lean.only(rest)):
            await asyncio.sleep(early)
            early = 0.0
        if early <= 0:
            self._due[node_id] = clock() + self.least_s
        answer = await self._send(node_id, lean, **how)
        if isinstance(answer, Answer):
            self._behind[node_id] = answer.behind()
            if answer.size >= _FULL:
                self._due.pop(node_id, None)
        return answer


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

    def only(self, partitions: set[tuple[str, int]]) -> bool:
        """Leave out all other partitions; tell whether any is left."""
        named = [(topic, [one for one in asked if (topic, one[0]) in partitions]) for topic, asked in self._topics]
        left = [(topic, asked) for topic, asked in named if asked]
        if left:
            self._topics = left
        return bool(left)

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class is not FetchRequest_v11:
            return super().build(request_struct_class)
        made: Any = FetchRequest_v11()
        made.encode = self._encoded
        made.RESPONSE_TYPE = Answer
        return made

    def _encoded(self) -> bytes:
        limits = (self._max_wait_ms, self._min_bytes, self._max_bytes, self._isolation_level)
        parts = [_HEAD.pack(_CONSUMER, *limits, *_NO_SESSION, len(self._topics))]
        for topic, partitions in self._topics:
            name = topic.encode()
            parts += (_NAME.pack(len(name)), name, _COUNT.pack(len(partitions)))
            parts += [_ASKED.pack(number, _UNKNOWN, offset, _UNKNOWN, most) for number, offset, most in partitions]
        rack = self._rack_id.encode()
        parts += (_FEET.pack(0, len(rack)), rack)
        return b"".join(parts)


class Answer(NamedTuple):
    """What aiokafka's fetcher reads of a fetch's answer (version 11)."""

    topics: list[tuple[str, list[tuple[Any, ...]]]]
    size: int
    API_VERSION: int = 11

    def behind(self) -> set[tuple[str, int]]:
        """Return the partitions of which one batch was given although there are more.

        A real broker gives all there are up to its limits, ``size`` says when they were met.
        """
        found = set()
        for topic, partitions in self.topics:
            for number, _, highwater, stable, _, _, _, records in partitions:
                if records and len(records) > _BATCH.size:
                    base, length, last = _BATCH.unpack_from(records)
                    end = highwater if stable < 0 else stable
                    if length + _LENGTH_BEHIND == len(records) and base + last + 1 < end:
                        found.add((topic, number))
        return found

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


def _cut(frame: bytes, at: int, length: int) -> bytes:
    found = frame[at : at + length]
    if len(found) != length:
        raise ValueError("an answer to a fetch ends in a partition")
    return found

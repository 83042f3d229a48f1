"""One consumer that reads a set of partitions live, from their ends, and knows which of them are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from deploydash.core.ports import Clock
from deploydash.systems.sal.reading.client import Consumer, Partition, Record, close_consumer, new_consumer, paced
from deploydash.systems.sal.reading.spoilt import Careful, Spoilt, spoilt_by
from deploydash.systems.settings import KafkaSettings

_MOST_RECORDS = 20_000
_POLL_MS = 500
_POSITION_S = 5.0
_AFTER_ERROR_S = 0.5
_CAREFUL_S = 10.0
_CAREFUL_PAUSE_S = 0.05

Batch = Mapping[Partition, Sequence[Record]]
Handle = Callable[[Batch, float], Awaitable[None]]


class LiveReader:
    """Reads partitions from the end that they had when they were assigned.

    ``wait_ms`` and ``min_bytes`` trade latency for work: aiokafka asks for all partitions in every fetch. So do
    ``least_s``, from one fetch to the next whatever the broker makes of the former two, ``hold_s``, for which nothing
    but an empty answer is waited for more, and ``pause_s``, from one batch to the next: the first record is handed over
    at once, and those that follow it closely wait for each other.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        clock: Clock,
        *,
        wait_ms: int,
        min_bytes: int,
        reset: str,
        least_s: float = 0.0,
        hold_s: float = 0.0,
        pause_s: float = 0.0,
    ) -> None:
        self._consumer: Consumer = new_consumer(settings, wait_ms=wait_ms, min_bytes=min_bytes, reset=reset)
        self._fetches = paced(self._consumer, least_s, hold_s)
        self._clock = clock
        self._pause_s = pause_s
        self._positions: dict[Partition, int] = {}
        self._assigned: frozenset[Partition] = frozenset()
        self._polled: dict[Partition, int | None] = {}
        self._answered: dict[Partition, float] = {}
        self._any = asyncio.Event()
        self._handled_at = float("-inf")
        self._went_on_at = float("-inf")
        self._handling = False
        self._careful = Careful(self._consumer)
        self._careful_until = float("-inf")
        self.refused: dict[Partition, str] = {}
        """Partitions that this account may not read, and what the broker said."""

    async def start(self) -> None:
        """Connect; raises KafkaError."""
        await self._consumer.start()

    async def close(self) -> None:
        """Stop reading."""
        await close_consumer(self._consumer)

    def ease(self, least_s: float) -> None:
        """Fetch every ``least_s`` seconds at most from now on."""
        self._fetches.least_s = least_s

    @property
    def assigned(self) -> frozenset[Partition]:
        """What is read."""
        return self._assigned

    async def assign(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Read exactly these from now on: new ones from their end, kept or returning ones from where they were.

        Returns the ends of the new ones. Those that cannot be placed in time are not assigned.
        """
        wanted = frozenset(partitions)
        if wanted == self._assigned:
            return {}
        self._place(wanted)
        new = [partition for partition in wanted if partition not in self._positions]
        if new:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POSITION_S):
                    await self._consumer.seek_to_end(*new)
        found = await asyncio.gather(*(self._position(partition) for partition in new))
        ends = {partition: end for partition, end in zip(new, found, strict=True) if end is not None}
        self._positions.update(ends)
        unplaced = wanted - self._positions.keys()
        if unplaced:
            self._place(wanted - unplaced)
        if self._assigned:
            self._any.set()
        return ends

    async def _position(self, partition: Partition) -> int | None:
        """Return where reading stands; aiokafka waits for ever where it has no answer yet."""
        try:
            async with asyncio.timeout(0.1):
                return await self._consumer.position(partition)
        except TimeoutError:
            return None

    def _place(self, wanted: frozenset[Partition]) -> None:
        """Assign without losing positions: nothing runs between the assignment and the seeks."""
        now = self._clock.monotonic()
        self._consumer.assign(list(wanted))
        for partition in wanted & self._positions.keys():
            self._consumer.seek(partition, self._positions[partition])
        self._polled = dict.fromkeys(wanted)
        self._answered |= {partition: now for partition in wanted if partition not in self._assigned}
        self._assigned = wanted
        if not wanted:
            self._any.clear()

    def end(self, partition: Partition) -> int | None:
        """Return the end of the log as of the last answered fetch."""
        return self._consumer.highwater(partition)

    async def run(self, handle: Handle) -> None:
        """Hand over batches with their receive time (monotonic) until cancelled; survives whatever is in the log."""
        while True:
            await self._any.wait()
            try:
                batch = await self._next()
            except TopicAuthorizationFailedError as error:
                self._refuse(str(error.args[0]) if error.args else "")
                continue
            except Exception as error:  # whatever unpacking raises: zlib's, struct's ...
                spoilt = spoilt_by(error)
                if not (spoilt or isinstance(error, KafkaError)):
                    raise
                if spoilt:
                    self._careful_until = self._clock.monotonic() + _CAREFUL_S
                    self._place(self._assigned)
                else:
                    await asyncio.sleep(_AFTER_ERROR_S)
                continue
            if not batch:
                continue
            at = self._clock.monotonic()
            self._handling = True
            try:
                for partition, records in batch.items():
                    self._positions[partition] = records[-1].offset + 1
                await handle(batch, at)
                await asyncio.sleep(self._pause_s)
            finally:
                self._handling = False
                self._handled_at = self._clock.monotonic()

    async def _next(self) -> Batch:
        """Return the next records; one by one for a while after some that could not be unpacked."""
        if self._clock.monotonic() >= self._careful_until:
            return await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_MOST_RECORDS)
        batch = await self._careful.read({one: self._positions[one] for one in self._assigned})
        if any(type(records[-1]) is Spoilt for records in batch.values()):
            self._careful_until = self._clock.monotonic() + _CAREFUL_S
        if not batch:
            await asyncio.sleep(_CAREFUL_PAUSE_S)
        return batch

    def withheld(self) -> dict[Partition, int]:
        """Return the ends of logs of which records are held back behind a transaction that is open."""
        found: dict[Partition, int] = {}
        for partition in self._assigned:
            end, stable = self._consumer.highwater(partition), self._consumer.last_stable_offset(partition)
            if end is not None and stable is not None and 0 <= stable < end:
                found[partition] = end
        return found

    def _refuse(self, topic: str) -> None:
        refused = {partition for partition in self._assigned if partition.topic == topic}
        for partition in refused:
            self.refused[partition] = f"this account may not read {topic}"
        self._place(self._assigned - refused)

    def note_answers(self) -> None:
        """Take down which partitions had a fetch answered since the last call; call it a few times a second."""
        now = self._clock.monotonic()
        for partition in self._assigned:
            stamp = self._consumer.last_poll_timestamp(partition)
            if stamp is not None and stamp != self._polled[partition]:
                self._polled[partition] = stamp
                self._answered[partition] = now

    def went_on(self, at: float) -> None:
        """Say that this process stood still until ``at`` (monotonic): nobody asked meanwhile, nobody owes an answer."""
        self._went_on_at = at

    def seen_answer(self, partition: Partition) -> bool:
        """Tell whether a fetch of this partition was answered since it was assigned."""
        return self._polled.get(partition) is not None

    def answered_at(self, partition: Partition, now: float) -> float:
        """Return when a fetch of this partition was last answered (monotonic), or ``now`` where none ever was."""
        return self._answered.get(partition, now)

    def unanswered(self, seconds: float) -> dict[Partition, float]:
        """Return partitions without an answered fetch for so long, and until when they were answered (monotonic).

        Nobody asks while a batch is handed over, or before all of an answer was: then the brokers owe nothing,
        and only a partition is unanswered whose siblings have been answered for so long without it.
        """
        if not self._assigned:
            return {}
        asked = {partition: max(self._answered[partition], self._went_on_at) for partition in self._assigned}
        newest = max(asked.values())
        waited = 0.0 if self._handling else self._clock.monotonic() - max(newest, self._handled_at)
        until = newest if waited <= seconds else self._clock.monotonic()
        return {
            partition: self._answered[partition] for partition in self._assigned if until - asked[partition] > seconds
        }

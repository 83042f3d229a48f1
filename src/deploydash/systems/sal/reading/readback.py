"""What is read back and in which order: last states, last beats, then what a person may look at later.

One job at a time on one consumer; the most urgent first, so that a log that has to be read far back holds up
nothing that decides what the grid shows.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import IntEnum
from functools import partial

from aiokafka.errors import KafkaError

from deploydash.core.fleet.observations import Observation, StatesReadBack
from deploydash.core.model import CscId
from deploydash.systems.sal.reading.beatlog import BeatLog, read_last_minute, refine
from deploydash.systems.sal.reading.client import Partition
from deploydash.systems.sal.reading.decode import HEARTBEAT
from deploydash.systems.sal.reading.tails import Reading, Tail, read_round
from deploydash.systems.sal.reading.topics import Event
from deploydash.systems.sal.reading.unread import STATE_EVENTS

_LOG_MESSAGES = 50
_RETRY_S = 1.0
_NOBODY: frozenset[CscId] = frozenset()

_Job = Callable[[Mapping[Partition, Event], Mapping[Partition, int]], Awaitable[None]]


class Urgency(IntEnum):
    """What comes first."""

    STATES = 0
    BEATS = 1
    BURIED_STATES = 2
    DETAILS = 3
    LOGS = 4
    OLD_BEATS = 5
    AGAIN = 6


class ReadBack:
    """Reads back the topics it is given, until cancelled.

    ``reference_utc`` waits for the append time of a live record, or gives our own clock's if none comes;
    ``beating`` holds the indices of each component that have been heard live, and grows.
    """

    def __init__(
        self,
        reading: Reading,
        reference_utc: Callable[[], Awaitable[float]],
        beating: Mapping[str, AbstractSet[int]],
    ) -> None:
        self._reading = reading
        self._reference_utc = reference_utc
        self._beating = beating
        self._jobs: list[tuple[int, int, Callable[[], Awaitable[None]]]] = []
        self._numbers = itertools.count()
        self._came = asyncio.Event()
        self._state_tails: Counter[str] = Counter()
        self._lived: dict[CscId, float] = {}

    def add(self, events: Mapping[Partition, Event], ends: Mapping[Partition, int]) -> None:
        """Read these partitions back from their ends."""
        here = {partition: event for partition, event in events.items() if partition in ends}
        states = {p: e for p, e in here.items() if e.name in STATE_EVENTS or e.name == "errorCode"}
        beats = {p: e for p, e in here.items() if e.name == HEARTBEAT}
        logs = {p: e for p, e in here.items() if e.name == "logMessage"}
        details = {p: e for p, e in here.items() if not (p in states or p in beats or p in logs)}
        self._state_tails.update(event.component for event in states.values() if event.name in STATE_EVENTS)
        if states:
            self._push(Urgency.STATES, partial(self._attempt, self._first_states, states, ends))
        if beats:
            self._push(Urgency.BEATS, partial(self._attempt, self._first_beats, beats, ends))
        if details:
            self._push(Urgency.DETAILS, partial(self._attempt, self._details, details, ends))
        if logs:
            self._push(Urgency.LOGS, partial(self._attempt, self._log_messages, logs, ends))

    async def run(self) -> None:
        """Do one job after the other. One that fails for want of a broker is done again."""
        while True:
            if not self._jobs:
                self._reading.reader.rest()
                self._came.clear()
                await self._came.wait()
            urgency, _, job = heapq.heappop(self._jobs)
            try:
                await job()
            except KafkaError:
                self._push(max(Urgency(urgency), Urgency.BURIED_STATES), job)
                await asyncio.sleep(_RETRY_S)

    def _push(self, urgency: Urgency, job: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._jobs, (urgency, next(self._numbers), job))
        self._came.set()

    async def _attempt(self, job: _Job, events: Mapping[Partition, Event], ends: Mapping[Partition, int]) -> None:
        """Do a job for several partitions; if one of them cannot be reached, later for each alone."""
        try:
            await job(events, ends)
        except KafkaError:
            for partition, event in events.items():
                self._again(partial(self._attempt, job, {partition: event}, ends))

    def _again(self, job: Callable[[], Awaitable[None]]) -> None:
        """Do later what could not be read: its schema was unknown, a leader missing, or we may not read it."""

        async def later() -> None:
            await asyncio.sleep(_RETRY_S)
            await job()

        self._push(Urgency.AGAIN, later)

    async def _tails(self, events: Mapping[Partition, Event], ends: Mapping[Partition, int]) -> list[Tail]:
        begins = await self._reading.reader.begins(list(events))
        expected = self._reading.expected
        return [
            Tail.of(partition, event, expected.get(event.component, _NOBODY), begins[partition], ends[partition])
            for partition, event in events.items()
        ]

    async def _first_states(self, events: Mapping[Partition, Event], ends: Mapping[Partition, int]) -> None:
        await self._states(await self._tails(events, ends))

    async def _states(self, tails: list[Tail]) -> None:
        """Read one more window, and go on later with the tails that need it."""
        unread = await read_round(self._reading, tails)
        done = [tail for tail in tails if tail.done]
        left = [tail for tail in tails if not (tail.done or tail in unread)]
        for tail in done:
            for csc, utc in tail.told_utc.items():
                self._lived[csc] = max(utc, self._lived.get(csc, utc))
        await self._conclude(done)
        if left:
            self._push(Urgency.BURIED_STATES, partial(self._states, left))
        if unread:
            self._again(partial(self._states, unread))

    async def _conclude(self, tails: Iterable[Tail]) -> None:
        """Tell of the components whose last state topic was read."""
        read: list[Observation] = []
        for tail in tails:
            component = tail.event.component
            if tail.event.name in STATE_EVENTS:
                self._state_tails[component] -= 1
                if self._state_tails[component] == 0:
                    read.append(StatesReadBack(component, self._reading.clock.monotonic()))
        if read:
            await self._reading.put(read)

    async def _first_beats(self, events: Mapping[Partition, Event], ends: Mapping[Partition, int]) -> None:
        begins = await self._reading.reader.begins(list(events))
        logs = [
            BeatLog(partition, event.component, min(begins[partition], ends[partition]), ends[partition])
            for partition, event in events.items()
        ]
        await self._beats(logs)

    async def _beats(self, logs: list[BeatLog]) -> None:
        unread = await read_last_minute(self._reading, logs, await self._reference_utc())
        partitions = Counter(log.component for log in logs)
        for log in logs:
            if log not in unread and partitions[log.component] == 1:
                self._push(Urgency.OLD_BEATS, partial(self._old_beats, log))
        if unread:
            self._again(partial(self._beats, unread))

    async def _old_beats(self, log: BeatLog) -> None:
        expected = self._reading.expected.get(log.component, _NOBODY)
        beating = self._beating.get(log.component, frozenset())
        missing = [csc for csc in expected - log.newest.keys() if csc.index not in beating]
        if missing:
            await refine(self._reading, log, missing, self._lived)

    async def _details(self, events: Mapping[Partition, Event], ends: Mapping[Partition, int]) -> None:
        await self._once(await self._tails(events, ends), keep_all=False)

    async def _log_messages(self, events: Mapping[Partition, Event], ends: Mapping[Partition, int]) -> None:
        tails = await self._tails(events, ends)
        for tail in tails:
            tail.window = _LOG_MESSAGES
        await self._once(tails, keep_all=True)

    async def _once(self, tails: list[Tail], *, keep_all: bool) -> None:
        """Read one window of each: nothing that is decided rests on it."""
        unread = await read_round(self._reading, tails, keep_all=keep_all)
        if unread:
            self._again(partial(self._once, unread, keep_all=keep_all))

"""What live records become: decoded, measured, put into the inbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatFoundInLog,
    BeatsUnreadable,
    FeedMeasured,
    LoggedBeat,
    Observation,
    RecordsUndecodable,
)
from deploydash.core.model import CscId
from deploydash.core.ports import Clock, Inbox
from deploydash.systems.sal.reading.beatlog import LATELY
from deploydash.systems.sal.reading.client import Partition
from deploydash.systems.sal.reading.decode import Decoder, Undecoded, appended_utc
from deploydash.systems.sal.reading.health import Health
from deploydash.systems.sal.reading.live import Batch
from deploydash.systems.sal.reading.measure import Meter
from deploydash.systems.sal.reading.schemas import Held, Schemas, WaitingRoom
from deploydash.systems.sal.reading.second_look import SecondLook
from deploydash.systems.sal.reading.topics import Event
from deploydash.systems.sal.reading.unread import WITHHELD, Lasting, waits_for

_FIRST_BEAT_S = 0.3
_MOST_AT_ONCE = 1_000
"""Observations in a batch, which is folded in one turn of the loop: ten thousand states read back would be a
standstill of ours."""


class Intake:
    """The way of live records from the consumers to the inbox.

    ``end_of`` tells the end of a partition's log as of its last answered fetch.
    """

    def __init__(
        self,
        schemas: Schemas,
        clock: Clock,
        inbox: Inbox,
        health: Health,
        end_of: Callable[[Partition], int | None],
    ) -> None:
        self._clock = clock
        self._inbox = inbox
        self._health = health
        self._end_of = end_of
        self._undecoded = Undecoded()
        self.room = WaitingRoom(schemas, self._release, self._lost)
        self.again = SecondLook(schemas, self._release)
        self.decoder = Decoder(schemas, self.room, self.again, self._undecoded)
        self.events: dict[Partition, Event] = {}
        self.beating: dict[str, set[int]] = {}
        """Of each component the indices that were heard live."""
        self._meter = Meter(clock.monotonic())
        self._logged_below: dict[Partition, int] = {}
        self._appended: float | None = None
        self._first_append = asyncio.Event()
        self._lasting = Lasting()
        self._withheld: dict[Partition, int] = {}
        self._told_waiting: dict[str, tuple[int, str]] = {}

    async def put(self, observations: list[Observation]) -> None:
        """Put a batch into the inbox, with the counts of what cannot be read, unless there is nothing to tell."""
        counts = [*self._undecoded.take(self._clock.monotonic()), *self._waiting()]
        every = [*observations, *counts]
        for start in range(0, len(every), _MOST_AT_ONCE):
            if start:
                await asyncio.sleep(0)
            await self._inbox.put(every[start : start + _MOST_AT_ONCE])

    async def beats(self, batch: Batch, at: float) -> None:
        """Take in live heartbeats."""
        told: list[Observation] = []
        for partition, records in batch.items():
            event = self.events[partition]
            if self._health.is_stopped(event.component) and not self.room.holds(partition):
                told += self._health.resume(event.component, at)
                self._logged_below[partition] = self._end_of(partition) or 0
            decoded = self.decoder.live(partition, event, records, at)
            if partition in self._logged_below:
                decoded = self._as_logged(partition, records[-1].offset, decoded)
            told += decoded
            heard = [beat.csc.index for beat in decoded if type(beat) is BeatArrived]
            self.beating.setdefault(event.component, set()).update(heard)
        self._note(batch, at)
        await self.put(told)

    async def events_told(self, batch: Batch, at: float) -> None:
        """Take in other live events."""
        told: list[Observation] = []
        for partition, records in batch.items():
            told += self.decoder.live(partition, self.events[partition], records, at)
        self._note(batch, at)
        await self.put(told)

    async def reference_utc(self) -> float:
        """Return the append time of the newest live record, or our own UTC clock if none comes soon."""
        try:
            async with asyncio.timeout(_FIRST_BEAT_S):
                await self._first_append.wait()
        except TimeoutError:
            pass
        return self._clock.utc() if self._appended is None else self._appended

    def measured(self, at: float) -> FeedMeasured:
        """Return rate, lag and skew since the last call."""
        return self._meter.take(at)

    def withheld(self, beats: Mapping[Partition, int], states: Mapping[Partition, int], at: float) -> list[Observation]:
        """Return what it means that records are held back, of logs with these ends: somebody beats, states change."""
        lasting = self._lasting.of({**beats, **states}, at)
        ends = {partition: end for partition, end in lasting.items() if partition in beats}
        grown = [partition for partition, end in ends.items() if end > self._withheld.get(partition, -1)]
        self._withheld = ends
        told: list[Observation] = [
            BeatsUnreadable(self.events[partition].component, None, WITHHELD, at, None) for partition in grown
        ]
        held = {partition: end for partition, end in lasting.items() if partition in states}
        for partition in self.decoder.withhold(held):
            told += self.decoder.hidden(partition, self.events[partition], at)
        return told

    def _waiting(self) -> list[Observation]:
        """Return how many records wait for a schema, of each topic where that changed."""
        waiting = {one.topic: (count, waits_for(number)) for one, (count, number) in self.room.waiting().items()}
        if waiting == self._told_waiting:
            return []
        at = self._clock.monotonic()
        before, self._told_waiting = self._told_waiting, waiting
        changed = {topic for topic, _ in waiting.items() ^ before.items()}
        return [RecordsUndecodable(topic, *waiting.get(topic, (0, "")), at, waiting=True) for topic in sorted(changed)]

    def _as_logged(self, partition: Partition, last: int, beats: list[Observation]) -> list[Observation]:
        """Return beats that were appended while no fetch was answered as what they are: log, no proof of life.

        Beats behind the end that the log had at the first answer are live again.
        """
        if last + 1 >= self._logged_below[partition]:
            del self._logged_below[partition]
        newest: dict[CscId, BeatFoundInLog] = {}
        for beat in beats:
            if isinstance(beat, BeatArrived):
                lately = newest[beat.csc].lately if beat.csc in newest else ()
                here = LoggedBeat(beat.process, beat.sent_tai, beat.appended_utc)
                newest[beat.csc] = BeatFoundInLog(
                    beat.csc, beat.process, beat.at, beat.appended_utc, (*lately[1 - LATELY :], here)
                )
        unread = [replace(beat, live=False) for beat in beats if isinstance(beat, BeatsUnreadable)]
        return [*newest.values(), *unread]

    def _note(self, batch: Batch, at: float) -> None:
        now_utc = self._clock.utc()
        for records in batch.values():
            appended = appended_utc(records[-1])
            self._meter.note(len(records), None if appended is None else now_utc - appended, at)
            if appended is not None:
                self._appended = appended
                self._first_append.set()

    async def _release(self, held: list[Held]) -> None:
        if held:
            await self.put(self.decoder.released(held, self.events[held[0].partition]))

    def _lost(self, held: Held, why: str) -> None:
        self.decoder.give_up(held, why)

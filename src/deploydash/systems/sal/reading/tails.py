"""The last states, read back from the end of each event topic, never from its beginning.

A window at the end is read first; where an index of the component was not told in it (a busy index hides its
siblings, garbage buries what was told) the window grows until all were, or the log begins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from deploydash.core.fleet.event_order import overtaken
from deploydash.core.fleet.observations import Observation, StateTold, SubstateTold
from deploydash.core.model import CscId
from deploydash.core.ports import Clock
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.reading.client import Partition, Record
from deploydash.systems.sal.reading.decode import Decoder, SchemaMissing, appended_utc
from deploydash.systems.sal.reading.schemas import Held, WaitingRoom
from deploydash.systems.sal.reading.spans import Span, SpanReader
from deploydash.systems.sal.reading.topics import Event

_FIRST_WINDOW = 64
_WINDOW_PER_CSC = 8
_GROWTH = 8

Put = Callable[[list[Observation]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What every reading back needs."""

    reader: SpanReader
    decoder: Decoder
    room: WaitingRoom
    clock: Clock
    put: Put
    expected: Mapping[str, frozenset[CscId]]


@dataclass(slots=True, eq=False)
class Tail:
    """The end of one event topic as far as it was read: from ``start`` to ``end``.

    ``told_utc`` holds the append time of each CSC's newest event: it lived then.
    """

    partition: Partition
    event: Event
    wanted: frozenset[CscId]
    begin: int
    end: int
    start: int
    window: int
    told: set[CscId] = field(default_factory=set)
    told_utc: dict[CscId, float] = field(default_factory=dict)

    @classmethod
    def of(cls, partition: Partition, event: Event, wanted: frozenset[CscId], begin: int, end: int) -> Tail:
        """Return a tail of which nothing was read yet."""
        window = max(_FIRST_WINDOW, _WINDOW_PER_CSC * len(wanted))
        return cls(partition, event, wanted, min(begin, end), end, end, window)

    @property
    def done(self) -> bool:
        """Whether reading further back can tell nothing that is waited for."""
        return self.start <= self.begin or (self.start < self.end and self.wanted <= self.told)

    def span(self) -> Span:
        """Return what to read next, and grow the window for the time after."""
        return Span(max(self.begin, self.end - self.window), self.start)


@dataclass(slots=True)
class _Found:
    """What one span told so far. Refusals count only once the span was read whole, for it may be read again."""

    newest: dict[CscId, tuple[Observation, float | None]] = field(default_factory=dict)
    every: list[Observation] = field(default_factory=list)
    refused: list[tuple[Held, int | None, str]] = field(default_factory=list)
    waits: bool = False


async def read_round(reading: Reading, tails: Iterable[Tail], *, keep_all: bool = False) -> list[Tail]:
    """Read one window of each tail, put what it tells, and return the tails that could not be read.

    Normally only the newest event of each CSC is put; ``keep_all`` puts every one.

    Raises:
        KafkaError: no broker answers.
    """
    by_partition = {tail.partition: tail for tail in tails}
    spans = {partition: tail.span() for partition, tail in by_partition.items()}
    found = {partition: _Found() for partition in spans}

    async def take(partition: Partition, records: list[Record]) -> None:
        await _take(reading, by_partition[partition], records, found[partition], keep_all=keep_all)

    whole = await reading.reader.read(spans, take)
    unread: list[Tail] = []
    told: list[Observation] = []
    for partition, tail in by_partition.items():
        what = found[partition]
        if partition not in whole or what.waits:
            unread.append(tail)
            continue
        for held, index, reason in what.refused:
            reading.decoder.refuse(held, index, reason)
        for csc, (observation, utc) in what.newest.items():
            if csc not in tail.told:
                tail.told.add(csc)
                told.append(observation)
                if utc is not None:
                    tail.told_utc[csc] = utc
        told += what.every
        told += reading.decoder.hidden(partition, tail.event, reading.clock.monotonic(), read_back=True)
        tail.start = spans[partition].start
        tail.window *= _GROWTH
    if told:
        await reading.put(told)
    return unread


async def _take(reading: Reading, tail: Tail, records: list[Record], found: _Found, *, keep_all: bool) -> None:
    partition, event = tail.partition, tail.event
    at = reading.clock.monotonic()
    if ids := reading.decoder.schema_ids(records):
        await reading.room.ensure((schema_id, partition) for schema_id in ids)
    for record in records:
        try:
            observation = reading.decoder.logged(partition, event, record, at)
        except Undecodable as error:
            found.refused.append((Held(partition, record, at, live=False), error.index, str(error)))
            continue
        except SchemaMissing:
            found.waits = True
            continue
        csc = getattr(observation, "csc", None)
        if observation is None or csc is None:
            continue
        if keep_all:
            found.every.append(observation)
        elif not _overtaken(observation, found.newest.get(csc)):
            found.newest[csc] = (observation, appended_utc(record))


def _overtaken(new: Observation, held: tuple[Observation, float | None] | None) -> bool:
    """Tell whether a state was written before the one that stands before it in the log."""
    if held is None or not isinstance(new, StateTold | SubstateTold):
        return False
    before = held[0]
    return isinstance(before, StateTold | SubstateTold) and overtaken(
        new.process, new.sent_utc, before.process, before.sent_utc
    )

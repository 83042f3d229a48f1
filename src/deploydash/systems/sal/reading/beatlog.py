"""The heartbeat logs, read back: the last minute of append time first, then when a silent CSC's last beat was.

By time, not by count: a topic carries all indices of a component, so a dead one's last beat may lie hundreds of
thousands of records back.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from deploydash.core.fleet.observations import (
    BeatFoundInLog,
    BeatsReadBack,
    BeatsUnreadable,
    LoggedBeat,
    Observation,
    Process,
)
from deploydash.core.model import CscId
from deploydash.systems.registry.framing import Undecodable
from deploydash.systems.sal.reading.client import Partition, Record
from deploydash.systems.sal.reading.decode import SchemaMissing, appended_utc
from deploydash.systems.sal.reading.spans import Span
from deploydash.systems.sal.reading.tails import Reading
from deploydash.systems.sal.wire.beats import Beat

MINUTE_S = 60.0
_TAIL_PER_CSC = 20
_LEAST_TAIL = 100
_MOST_IN_MINUTES = 60_000
_LEAST_OF_A_MINUTE = 1_000
"""Records of all logs together, each having its CSCs' share, and of one log in any case: a thousand CSCs have their
whole minute. Of more the last seconds are read, which costs a start no more, and the rest in the background."""
_WHOLE = 20_000
_BACK_S = (600.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0)
_EXACT_S = 3.0
_BEATS_A_SAMPLE = 5
_MOST_REFINED = 50
LATELY = 64
"""Beats of a CSC that are kept of its last minute, those within a run left out: of two processes that beat once a
second the last half minute, and of one whose turn comes seldom the whole."""


@dataclass(slots=True, eq=False)
class BeatLog:
    """One component's heartbeat partition, and the newest beat of each CSC found in it."""

    partition: Partition
    component: str
    begin: int
    end: int
    newest: dict[CscId, BeatFoundInLog] = field(default_factory=dict)
    append_time: bool = True
    since_utc: float = 0.0
    complete: bool = False
    reaches_s: float = 0.0


@dataclass(slots=True)
class _Stretch:
    at: float = 0.0
    last: dict[int, tuple[CscId, float | None]] = field(default_factory=dict)
    lately: dict[int, deque[LoggedBeat]] = field(default_factory=dict)
    first_utc: float | None = None
    last_utc: float | None = None
    refused: list[str] = field(default_factory=list)
    refused_utc: float | None = None
    append_time: bool = True
    waits: bool = False

    def take(self, beat: Beat, utc: float | None) -> None:
        """Make a beat the newest of its CSC; of a run of rising numbers only the first and the last are kept."""
        csc, origin, number, sent_tai = beat
        lately = self.lately.get(csc.index)
        if lately is None:
            lately = self.lately[csc.index] = deque(maxlen=LATELY)
        elif len(lately) > 1 and lately[-1].process == (origin, number - 1) and _rises(lately[-2], lately[-1]):
            lately.pop()
        lately.append(LoggedBeat(Process(origin, number), sent_tai, utc))
        self.last[csc.index] = (csc, utc)

    def newest(self) -> dict[CscId, BeatFoundInLog]:
        """Return the newest beat of each CSC."""
        found = {}
        for index, (csc, utc) in self.last.items():
            lately = tuple(self.lately[index])
            found[csc] = BeatFoundInLog(csc, lately[-1].process, self.at, utc, lately)
        return found

    def spanned_s(self) -> float:
        """Return how many seconds lie between the first and the last record, at least, whatever clocks were set.

        Without append times by what one process counted and stamped: it beats no oftener than it says.
        """
        if self.first_utc is not None and self.last_utc is not None:
            return max(0.0, self.last_utc - self.first_utc)
        spans = [0.0]
        for lately in self.lately.values():
            first: dict[int, LoggedBeat] = {}
            for one in lately:
                begin = first.setdefault(one.process.origin, one)
                beats = one.process.seq_num - begin.process.seq_num
                spans.append(min(one.sent_tai - begin.sent_tai, beats) if begin.sent_tai else 0.0)
        return max(spans)


def _rises(one: LoggedBeat, other: LoggedBeat) -> bool:
    return one.process.origin == other.process.origin and one.process.seq_num < other.process.seq_num


async def read_last_minute(reading: Reading, logs: Iterable[BeatLog], reference_utc: float) -> list[BeatLog]:
    """Read the minute before ``reference_utc`` of each log, put what it tells; return the logs not read.

    A log without a record in that minute (or a broker that cannot search by time) is read by count from its
    end: that tells how it is stamped, and the last beats of a component that died as a whole.

    Raises:
        KafkaError: no broker answers.
    """
    by_partition = {log.partition: log for log in logs}
    since = reference_utc - MINUTE_S
    offsets = await reading.reader.since(list(by_partition), since)
    spans: dict[Partition, Span] = {}
    everybody = max(1, sum(map(len, reading.expected.values())))
    for partition, log in by_partition.items():
        expected = len(reading.expected.get(log.component, ()))
        tail = max(_LEAST_TAIL, _TAIL_PER_CSC * expected)
        most = max(_LEAST_OF_A_MINUTE, _MOST_IN_MINUTES * expected // everybody)
        start = max(min(offsets.get(partition, log.end), log.end - tail), log.end - most, log.begin)
        spans[partition] = Span(start, log.end)
    found = await _read(reading, by_partition, spans)
    unread = {log.component for partition, log in by_partition.items() if partition not in found}
    told: list[Observation] = []
    read: dict[str, list[BeatLog]] = {}
    for partition, stretch in found.items():
        log = by_partition[partition]
        if log.component in unread:
            continue
        for reason in stretch.refused:
            reading.decoder.count(partition, reason)
        if stretch.refused:
            why, at, utc = stretch.refused[-1], reading.clock.monotonic(), stretch.refused_utc
            told.append(BeatsUnreadable(log.component, None, why, at, utc, live=False))
        log.newest = stretch.newest()
        log.append_time = stretch.append_time
        cut = spans[partition].start > offsets.get(partition, log.end)
        log.complete = spans[partition].start <= log.begin
        log.since_utc = since
        if stretch.first_utc is not None and (cut or (log.complete and log.begin > 0)):
            log.since_utc = max(since, stretch.first_utc)  # what was before it is not read, or was deleted
        log.reaches_s = _reach(log, stretch)
        told += log.newest.values()
        read.setdefault(log.component, []).append(log)
    told += [_read_back(reading, same) for same in read.values()]
    if told:
        await reading.put(told)
    return [log for log in by_partition.values() if log.component in unread]


def _read_back(reading: Reading, logs: list[BeatLog]) -> BeatsReadBack:
    """Return what is known of all partitions of one component; ts_salobj makes one, others may make more."""
    return BeatsReadBack(
        logs[0].component,
        reading.clock.monotonic(),
        max(log.since_utc for log in logs),
        append_time=all(log.append_time for log in logs),
        complete=all(log.complete for log in logs),
        reaches_s=min(log.reaches_s for log in logs),
    )


def _reach(log: BeatLog, stretch: _Stretch) -> float:
    """Return how many seconds before its end a log was read, at least; what was deleted of it nobody knows."""
    if log.complete and log.begin == 0:
        return math.inf
    quiet = 0.0 if stretch.first_utc is None else max(0.0, stretch.first_utc - log.since_utc)
    return quiet + stretch.spanned_s()


async def refine(reading: Reading, log: BeatLog, missing: Iterable[CscId], lived_utc: Mapping[CscId, float]) -> None:
    """Find the last beats of CSCs that had none in the part of the log that was read, and put them.

    A short log is read whole. In a long one the end of a CSC's last life is searched for by halving: it lived
    when its newest event was appended (``lived_utc``), and a process tells its state when it starts, so it has
    beaten from then on until it fell silent for good. Without such an event the log is sampled at growing ages,
    which may miss a life shorter than their distance.

    Raises:
        KafkaError: no broker answers.
    """
    if log.complete or not log.append_time:
        return
    if log.end - log.begin <= _WHOLE:
        found = await _read(reading, {log.partition: log}, {log.partition: Span(log.begin, log.end)})
        if (stretch := found.get(log.partition)) is not None:
            log.complete = True
            log.newest = {**stretch.newest(), **log.newest}
            await reading.put([*log.newest.values(), _read_back(reading, [log])])
        return
    search = _Search(reading, log)
    for csc in sorted(missing)[:_MOST_REFINED]:
        beat = await search.last_beat(csc, lived_utc.get(csc))
        if beat is not None:
            log.newest[csc] = beat
            await reading.put([beat])


class _Search:
    """Looks for last beats in one long log stamped with append times."""

    def __init__(self, reading: Reading, log: BeatLog) -> None:
        self._reading = reading
        self._log = log
        beating = max(len(log.newest), len(reading.expected.get(log.component, ())), 1)
        self._sample_size = _BEATS_A_SAMPLE * beating + 20

    async def last_beat(self, csc: CscId, lived_utc: float | None) -> BeatFoundInLog | None:
        """Return the last beat of a CSC that has none in the last minute, or None where none was met."""
        dead = self._log.since_utc
        beat: BeatFoundInLog | None = None
        if lived_utc is not None and lived_utc < dead:
            beat = await self._sample(csc, lived_utc)
        for age in _BACK_S:
            if beat is not None:
                break
            moment = self._log.since_utc + MINUTE_S - age
            beat = await self._sample(csc, moment)
            if beat is None:
                dead = moment
        while beat is not None and beat.appended_utc is not None and dead - beat.appended_utc > _EXACT_S:
            middle = (dead + beat.appended_utc) / 2
            later = await self._sample(csc, middle)
            if later is None:
                dead = middle
            else:
                beat = later
        return beat

    async def _sample(self, csc: CscId, utc: float) -> BeatFoundInLog | None:
        """Return the newest beat of the CSC among the records that follow a moment."""
        partition = self._log.partition
        offset = (await self._reading.reader.since([partition], utc)).get(partition)
        if offset is None:
            return None
        span = Span(max(offset, self._log.begin), min(offset + self._sample_size, self._log.end))
        found = await _read(self._reading, {partition: self._log}, {partition: span})
        stretch = found.get(partition)
        return None if stretch is None else stretch.newest().get(csc)


async def _read(
    reading: Reading, logs: Mapping[Partition, BeatLog], spans: Mapping[Partition, Span]
) -> dict[Partition, _Stretch]:
    """Return the newest beats of the spans that could be read whole."""
    found = {partition: _Stretch() for partition in spans}

    async def take(partition: Partition, records: list[Record]) -> None:
        await _take(reading, logs[partition], records, found[partition])

    whole = await reading.reader.read(spans, take)
    return {partition: stretch for partition, stretch in found.items() if partition in whole and not stretch.waits}


async def _take(reading: Reading, log: BeatLog, records: list[Record], found: _Stretch) -> None:
    found.at = reading.clock.monotonic()
    if ids := reading.decoder.schema_ids(records):
        await reading.room.ensure((schema_id, log.partition) for schema_id in ids)
    if found.first_utc is None:
        found.first_utc = appended_utc(records[0])
    found.last_utc = appended_utc(records[-1])
    for record in records:
        utc = appended_utc(record)
        found.append_time = found.append_time and utc is not None
        try:
            beat = await _beat(reading, log, record)
        except Undecodable as error:
            found.refused.append(str(error))
            found.refused_utc = utc
        except SchemaMissing:
            found.waits = True
        else:
            found.take(beat, utc)


async def _beat(reading: Reading, log: BeatLog, record: Record) -> Beat:
    """Return a heartbeat, read by the registry's schema where that is another by now than the one we had."""
    try:
        return reading.decoder.beat(log.partition, log.component, record)
    except Undecodable:
        if not await reading.decoder.has_another(record):
            raise
    return reading.decoder.beat(log.partition, log.component, record)

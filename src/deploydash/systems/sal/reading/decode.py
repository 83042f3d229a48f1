"""Kafka records of the watched events as observations: live ones, the hot path, and ones read back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatsRead,
    BeatsUnreadable,
    LogTold,
    Observation,
    Process,
    RecordsUndecodable,
)
from deploydash.core.model import CscId
from deploydash.errors import FeedError
from deploydash.systems.registry.avro import WriterSchema
from deploydash.systems.registry.framing import Undecodable, unframe
from deploydash.systems.sal.reading.client import Partition, Record
from deploydash.systems.sal.reading.schemas import Held, Schemas, WaitingRoom
from deploydash.systems.sal.reading.second_look import Refused, SecondLook
from deploydash.systems.sal.reading.spoilt import Spoilt
from deploydash.systems.sal.reading.topics import Event
from deploydash.systems.sal.reading.unread import UnreadStates, waits_for
from deploydash.systems.sal.wire.beats import Beat, BeatReader
from deploydash.systems.sal.wire.events import observation

HEARTBEAT = "heartbeat"
_LOG_APPEND_TIME = 1
_HEADER = 5


class SchemaMissing(Exception):
    """A record's schema is not in memory and was not refused yet."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(schema_id)
        self.schema_id = schema_id


def appended_utc(record: Record) -> float | None:
    """Return the broker's append time, or None where the topic carries the producer's (CreateTime)."""
    return record.timestamp / 1000 if record.timestamp_type == _LOG_APPEND_TIME else None


class Undecoded:
    """Counts what could not be read, by topic, until somebody reports it."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._examples: dict[str, str] = {}

    def add(self, partition: Partition, reason: str) -> None:
        """Count one record."""
        topic = partition.topic
        self._counts[topic] = self._counts.get(topic, 0) + 1
        self._examples.setdefault(topic, reason)

    def take(self, at: float) -> list[Observation]:
        """Return the counts since the last call."""
        if not self._counts:
            return []
        counts, self._counts = self._counts, {}
        examples, self._examples = self._examples, {}
        return [RecordsUndecodable(topic, count, examples[topic], at) for topic, count in counts.items()]


class Decoder:
    """Reads records by their writers' schemas; nothing in a record is fatal."""

    def __init__(self, schemas: Schemas, room: WaitingRoom, again: SecondLook, undecoded: Undecoded) -> None:
        self._schemas = schemas
        self._room = room
        self._again = again
        self._undecoded = undecoded
        self._unread = UnreadStates(room, again)
        self._readers: dict[str, BeatReader] = {}
        self._passed: dict[Partition, dict[CscId, int]] = {}

    def live(self, partition: Partition, event: Event, records: Sequence[Record], at: float) -> list[Observation]:
        """Return what records received at ``at`` (monotonic) tell; those without a schema are held."""
        if event.name == HEARTBEAT:
            return list(self._beats(partition, event.component, records, at))
        told = [told for record in records for told in self._event(Held(partition, record, at), event)]
        return told + self.hidden(partition, event, at)

    def released(self, held: Sequence[Held], event: Event) -> list[Observation]:
        """Return what records of one partition tell that had to wait, without those that newer ones have overtaken."""
        partition, at = held[0].partition, held[-1].at
        told: list[Observation] = []
        if event.name != HEARTBEAT:
            told += [what for one in held for what in self._event(one, event, overtakes=False)]
            return told + self.hidden(partition, event, at)
        overtaken = self._passed.get(partition, {})
        for one in held:
            for what in self.live(partition, event, [one.record], one.at):
                csc: CscId | None = getattr(what, "csc", None)
                if csc is None or overtaken.get(csc, -1) <= one.record.offset:
                    told.append(what)
        if not self._room.holds(partition):
            told.append(BeatsRead(event.component, at))
            self._passed.pop(partition, None)
        return told

    def logged(self, partition: Partition, event: Event, record: Record, at: float) -> Observation | None:
        """Return what a record tells that was read back.

        Raises:
            SchemaMissing: ask for the schema first.
            Undecodable: it tells nothing.
        """
        told = self._read(Held(partition, record, at, live=False), event)
        csc: CscId | None = getattr(told, "csc", None)
        if csc is not None:
            passed = self._passed.setdefault(partition, {})
            passed[csc] = max(record.offset, passed.get(csc, -1))
        return told

    def beat(self, partition: Partition, component: str, record: Record) -> Beat:
        """Return the heartbeat of a record that was read back.

        Raises:
            SchemaMissing: ask for the schema first.
            Undecodable: it tells nothing.
        """
        schema, payload = self._schema_of(partition, record)
        return self._reader(component).read(schema, payload)

    async def has_another(self, record: Record) -> bool:
        """Ask whether the registry has another schema by now than the one that a record does not fit."""
        schema_id = _schema_id(record)
        misfit = None if schema_id is None else self._schemas.known(schema_id)
        if misfit is None:
            return False
        try:
            return await self._schemas.instead(misfit) is not None
        except (FeedError, Undecodable):
            return False

    def schema_ids(self, records: Iterable[Record]) -> set[int]:
        """Return the ids of the schemas that are not in memory."""
        unknown: set[int] = set()
        heads = {bytes(record.value[:_HEADER]) for record in records if record.value}
        for head in heads:
            try:
                schema_id, _ = unframe(head)
            except Undecodable:
                continue
            if self._schemas.known(schema_id) is None:
                unknown.add(schema_id)
        return unknown

    def count(self, partition: Partition, reason: str) -> None:
        """Count a record that could not be read."""
        self._undecoded.add(partition, reason)

    def refuse(self, held: Held, index: int | None, reason: str) -> None:
        """Count a record of an event that could not be read; it may hide the state that was told before it."""
        self._undecoded.add(held.partition, reason)
        schema_id = _schema_id(held.record)
        if schema_id is None:
            self._unread.refuse(held.partition, held.record.offset, index, reason)
        else:
            self._again.keep(Refused(held, schema_id, index, reason, self._schemas.known(schema_id)))

    def give_up(self, held: Held, reason: str) -> None:
        """Count a record for which there was no room to wait; it may hide any state that was told before it."""
        self._undecoded.add(held.partition, reason)
        self._unread.refuse(held.partition, held.record.offset, None, reason)

    def withhold(self, ends: Mapping[Partition, int]) -> set[Partition]:
        """Note of which logs records are held back, and their ends; return of which that is news."""
        return self._unread.withhold(ends)

    def hidden(self, partition: Partition, event: Event, at: float, *, read_back: bool = False) -> list[Observation]:
        """Return what became unreadable, or readable, of a topic of states."""
        return [*self._unread.take(partition, event, at, read_back=read_back)]

    def _beats(
        self, partition: Partition, component: str, records: Sequence[Record], at: float
    ) -> Iterator[BeatArrived | BeatsUnreadable]:
        """Yield one observation for each run of beats of one process whose numbers rise by one.

        As core.beats.merge_runs, without making an observation of each beat first. Runs are kept by index: in
        one topic nothing else tells CSCs apart.
        """
        read = self._reader(component).read
        runs: dict[int, tuple[Beat, int, Record]] = {}
        unread: dict[int | None, BeatsUnreadable] = {}
        head: bytes | None = None
        schema: WriterSchema | None = None
        for record in records:
            value = record.value
            try:
                if schema is None or head is None or value is None or not value.startswith(head):
                    schema, payload = self._schema_of(partition, record)
                    head = None if value is None else value[:_HEADER]
                else:
                    payload = value[_HEADER:]
                beat = read(schema, payload)
            except Undecodable as error:
                self._doubt(record)
                self._undecoded.add(partition, str(error))
                unread[error.index] = BeatsUnreadable(component, error.index, str(error), at, appended_utc(record))
                continue
            except SchemaMissing as missing:
                self._room.hold(missing.schema_id, Held(partition, record, at))
                why = waits_for(missing.schema_id)
                unread[None] = BeatsUnreadable(component, None, why, at, appended_utc(record), waits=True)
                continue
            index = beat.csc.index
            run = runs.get(index)
            if run is None:
                runs[index] = (beat, 1, record)
            elif beat.origin == run[0].origin and beat.seq_num == run[0].seq_num + 1:
                runs[index] = (beat, run[1] + 1, record)
            else:
                yield _arrived(run, at)
                runs[index] = (beat, 1, record)
        for run in runs.values():
            if self._room.holds(partition):
                self._passed.setdefault(partition, {})[run[0].csc] = run[2].offset
            yield _arrived(run, at)
        yield from unread.values()

    def _event(self, held: Held, event: Event, *, overtakes: bool = True) -> Iterator[Observation]:
        """Yield what a record tells, or keep it; one that waited does not overtake what was read meanwhile."""
        try:
            told = self._read(held, event)
        except Undecodable as error:
            self.refuse(held, error.index, str(error))
            return
        except SchemaMissing as missing:
            self._room.hold(missing.schema_id, held)
            return
        csc: CscId | None = getattr(told, "csc", None)
        if csc is not None and not isinstance(told, LogTold):
            passed = self._passed.setdefault(held.partition, {})
            if not overtakes and held.record.offset < passed.get(csc, -1):
                return
            passed[csc] = held.record.offset
        if told is not None:
            yield told

    def _read(self, held: Held, event: Event) -> Observation | None:
        record = held.record
        schema, payload = self._schema_of(held.partition, record)
        return observation(
            event.component,
            event.sal_name,
            schema.decode(payload),
            at=held.at,
            appended_utc=appended_utc(record),
            live=held.live,
            order=record.offset,
        )

    def _doubt(self, record: Record) -> None:
        """Have the registry asked once more for the schema of a heartbeat that does not fit it; the next one may."""
        schema_id = _schema_id(record)
        if schema_id is not None and self._schemas.known(schema_id) is not None:
            self._again.doubt(schema_id)

    def _schema_of(self, partition: Partition, record: Record) -> tuple[WriterSchema, bytes]:
        if type(record) is Spoilt:
            raise Undecodable(record.why)
        schema_id, payload = unframe(record.value)
        schema = self._schemas.known(schema_id)
        if schema is None:
            reason = self._room.refusal(schema_id, partition)
            if reason is None:
                raise SchemaMissing(schema_id)
            raise Undecodable(reason)
        return schema, payload

    def _reader(self, component: str) -> BeatReader:
        reader = self._readers.get(component)
        if reader is None:
            reader = self._readers[component] = BeatReader(component)
        return reader


def _schema_id(record: Record) -> int | None:
    """Return the schema id of a record's frame, or None where it has none."""
    try:
        return unframe(record.value)[0]
    except Undecodable:
        return None


def _arrived(run: tuple[Beat, int, Record], at: float) -> BeatArrived:
    beat, count, record = run
    process = Process(beat.origin, beat.seq_num)
    return BeatArrived(beat.csc, process, at, appended_utc(record), beat.sent_tai, count)

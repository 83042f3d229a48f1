"""Last states and last beats out of real logs: holes, transactions, busy indices and garbage on top."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from deploydash.core.fleet.observations import (
    BeatFoundInLog,
    BeatsReadBack,
    ConfigurationTold,
    ErrorTold,
    EventShown,
    LogTold,
    RecordsUndecodable,
    SimulationModeTold,
    StatesReadBack,
    StateTold,
    VersionsTold,
)
from deploydash.core.model import CameraSubstate, CscId, SummaryState
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import ids, plain_settings, watching
from tests.servers.kafka_segments import write_history
from tests.servers.kafka_topics import Record
from tests.servers.registry import SchemaRegistry
from tests.servers.waiting import wait_until

pytestmark = pytest.mark.server

S = SummaryState
ESS = ids("ESS:1", "ESS:2", "ESS:3")


@pytest.fixture
def writer(kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str) -> SalWriter:
    return SalWriter(kafka.topics, schema_registry, subname)


def state_record(writer: SalWriter, csc: CscId, state: SummaryState) -> Record:
    return writer.record(csc, "summaryState", {"summaryState": int(state)})


def malformed(topic: str, good: bytes, count: int) -> Iterator[Record]:
    """Yield garbage of every kind: null, short, foreign, unknown ids, truncated, trailing, impossible values."""
    chance = random.Random(7)
    key = b"garbage"
    for number in range(count):
        kinds: list[bytes | None] = [
            b"",
            b"\0\0",
            b"not framed at all",
            struct.pack(">bI", 0, 2_000_000_000 + number % 5) + b"unknown id",
            good[: chance.randrange(5, len(good) - 1)],
            good + b"\0",
            good[:5] + chance.randbytes(40),
            None,
        ]
        yield topic, key, kinds[number % len(kinds)]


async def test_an_event_that_steps_show_is_read_back_and_followed_live(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    (mtm2,) = ids("MTM2")
    writer.tell_states({mtm2: S.ENABLED})
    writer.write(mtm2, "closedLoopControlMode", {"mode": 3})
    writer.write(ESS[0], "closedLoopControlMode", {"mode": 4})
    async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, [mtm2]) as watch:
        await watch.until(lambda: watch.told.of(EventShown), 15, "the event is read back")
        await watch.until(lambda: watch.told.of(StatesReadBack), 15, "the states are read back")
        writer.write(mtm2, "closedLoopControlMode", {"mode": 4})
        await watch.until(lambda: len(watch.told.of(EventShown)) > 1, 15, "the event that came live")
        told = [(str(each.csc), each.fact.value, each.fact.ok, each.live) for each in watch.told.of(EventShown)]
        assert told == [("MTM2", "3", False, False), ("MTM2", "4", True, True)]


async def test_a_busy_index_does_not_hide_its_siblings(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    writer.tell_states({ESS[0]: S.FAULT, ESS[1]: S.STANDBY})
    busy = [state_record(writer, ESS[2], S.ENABLED if number % 2 else S.DISABLED) for number in range(6_000)]
    kafka.topics.produce(busy)
    async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, ESS) as watch:
        await watch.until(lambda: watch.told.of(StatesReadBack), 15, "the states are read back")
        assert watch.reported() == {ESS[0]: S.FAULT, ESS[1]: S.STANDBY, ESS[2]: S.ENABLED}


async def test_a_state_that_the_broker_took_after_the_one_that_followed_it_is_not_the_last(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    before, after = (state_record(writer, ESS[0], state) for state in (S.STANDBY, S.ENABLED))
    kafka.topics.produce([after, before])
    async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, ESS[:1]) as watch:
        await watch.until(lambda: watch.reported()[ESS[0]], 15, "a state is read back")
        assert watch.reported() == {ESS[0]: S.ENABLED}


async def test_holes_of_compaction_are_read_over(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    config = {"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01"}
    writer.prepare(ESS, ["summaryState"], config=config)
    topic = writer.topic(ESS[0], "summaryState")
    records = [state_record(writer, csc, S(1 + number % 5)) for number in range(1_000) for csc in ESS]
    kafka.topics.produce(records)
    rolled = 0

    def compacted() -> bool:
        nonlocal rolled
        kafka.topics.produce([state_record(writer, csc, S.STANDBY) for csc in ESS])
        rolled += len(ESS)
        return len(kafka.topics.read(topic)) < 100

    wait_until(compacted, 30, "the log is compacted", step=0.5)
    async with watching(
        plain_settings(kafka.bootstrap, subname), schema_registry.url, [*ESS, CscId("ESS", 99)]
    ) as watch:
        await watch.until(lambda: watch.told.of(StatesReadBack), 15, "the states are read back")
        assert {csc: state for csc, state in watch.reported().items() if csc in ESS} == dict.fromkeys(ESS, S.STANDBY)


async def test_markers_of_transactions_take_offsets_and_aborted_states_were_never_told(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    writer.prepare(ESS, ["summaryState"])
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": subname}, logger=kafka.topics.silent)
    producer.init_transactions(20)
    for csc, state, commit in ((ESS[0], S.STANDBY, True), (ESS[1], S.DISABLED, True), (ESS[0], S.FAULT, False)):
        producer.begin_transaction()
        topic, key, value = state_record(writer, csc, state)
        producer.produce(topic, key=key, value=value)
        producer.flush(20)
        producer.commit_transaction(20) if commit else producer.abort_transaction(20)
    topic = writer.topic(ESS[0], "summaryState")
    wait_until(lambda: kafka.topics.ends([topic])[topic] == 6, 10, "three records and three markers")
    async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, ESS[:2]) as watch:
        await watch.until(lambda: watch.told.of(StatesReadBack), 15, "the states are read back")
        assert watch.reported() == {ESS[0]: S.STANDBY, ESS[1]: S.DISABLED}


async def test_an_empty_log_is_read_at_once(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    writer.prepare(ESS)
    async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, ESS) as watch:
        await watch.until(lambda: watch.told.of(StatesReadBack), 5, "the states are read back")
        await watch.until(lambda: watch.told.of(BeatsReadBack), 5, "the beats are read back")
        [read] = watch.told.of(BeatsReadBack)
        assert read.complete
        assert not watch.told.of(StateTold)


async def test_everything_that_was_told_last_is_found(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    camera = CscId("MTCamera")
    writer.prepare([camera], ["summaryState", "offlineDetailedState", "heartbeat"])
    for csc in (*ESS, camera):
        writer.tell_error(csc, 17, "broken")
        writer.tell_error(csc, 0, "")
        writer.tell_versions(csc, "1.2", "24.1")
        writer.tell_simulation_mode(csc, 1)
        writer.tell_configuration(csc, "a.yaml,b.yaml", "v7")
        writer.tell_overrides(csc, "day.yaml,night.yaml")
        writer.tell_log(csc, 30, "careful")
        writer.tell_log(csc, 40, "too late")
    writer.tell_state(camera, S.OFFLINE)
    writer.tell_substate(camera, CameraSubstate.PUBLISH_ONLY)
    writer.tell_substate(camera, CameraSubstate.AVAILABLE)
    everybody = [*ESS, camera]
    settings = plain_settings(kafka.bootstrap, subname)
    async with watching(settings, schema_registry.url, everybody, cameras=[camera]) as watch:
        await watch.until(lambda: len(watch.told.of(LogTold)) == 2 * len(everybody), 15, "every log message")
        assert {told.csc: told.code for told in watch.told.of(ErrorTold)} == dict.fromkeys(everybody, 0)
        assert {told.csc: told.csc_version for told in watch.told.of(VersionsTold)} == dict.fromkeys(everybody, "1.2")
        assert {told.csc: told.mode for told in watch.told.of(SimulationModeTold)} == dict.fromkeys(everybody, 1)
        assert {told.csc: told.version for told in watch.told.of(ConfigurationTold)} == dict.fromkeys(everybody, "v7")
        assert watch.view("MTCamera").substate is CameraSubstate.AVAILABLE
        assert watch.view("ESS:1").overrides == ("day.yaml", "night.yaml")


async def test_a_last_state_buried_under_garbage_is_not_known_to_be_the_last(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    told = dict(zip(ESS, [S.STANDBY, S.FAULT, S.DISABLED], strict=True))
    writer.tell_states(told)
    topic, _, good = state_record(writer, ESS[0], S.ENABLED)
    kafka.topics.produce(malformed(topic, good or b"", 20_000))
    async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, ESS) as watch:
        await watch.until(lambda: watch.told.of(StatesReadBack), 20, "the states are read back")
        assert {told.csc: told.state for told in watch.told.of(StateTold)} == told
        assert watch.reported() == dict.fromkeys(ESS)
        assert {view.state_unread for view in watch.snapshot().cscs} == {"null value"}
        writer.tell_states(told)
        await watch.until(lambda: watch.reported() == told, 10, "they are told again")


async def final_grid(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, garbage: int
) -> list[tuple[object, ...]]:
    """Return the grid after states were told below, among and above three heaps of garbage, all of it counted.

    What lies below garbage is told once more above it: nothing else could be known to be the last state.
    """
    writer = SalWriter(kafka.topics, schema_registry, subname)
    beater = Beater(writer, ESS)
    writer.prepare(ESS, ["summaryState", "heartbeat"])
    for csc in ESS:
        writer.tell_state(csc, S.DISABLED, origin=beater.origin(csc))
    topics = [writer.topic(ESS[0], event) for event in ("summaryState", "heartbeat")]
    good = state_record(writer, ESS[0], S.ENABLED)[2] or b""
    kafka.topics.produce(malformed(topics[0], good, garbage))
    with beater:
        async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, ESS) as watch:
            await watch.until_decided(60)
            for topic in topics:
                kafka.topics.produce(malformed(topic, good, garbage))
            writer.tell_state(ESS[0], S.DISABLED, origin=beater.origin(ESS[0]))
            writer.tell_state(ESS[1], S.FAULT, origin=beater.origin(ESS[1]))
            writer.tell_state(ESS[2], S.ENABLED, origin=beater.origin(ESS[2]))
            await watch.until(lambda: watch.view("ESS:3").reported is S.ENABLED, 60, "the live states")

            def counted() -> int:
                return sum(report.count for report in watch.told.of(RecordsUndecodable) if not report.waiting)

            await watch.until(lambda: counted() >= 3 * garbage, 60, "all garbage is counted")
            assert counted() == 3 * garbage

            def shown() -> int:
                return sum(topic.records for topic in watch.snapshot().undecodable)

            await watch.until(lambda: shown() == 3 * garbage, 60, "nothing waits for a schema any more")
            return [(v.csc, v.reported, v.effective, v.liveness, v.verdict) for v in watch.snapshot().cscs]


async def test_200000_malformed_records_change_nothing_and_all_are_counted(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    clean = await final_grid(kafka, schema_registry, subname, 0)
    assert [row[1] for row in clean] == [S.DISABLED, S.FAULT, S.ENABLED]
    assert await final_grid(kafka, schema_registry, f"{subname}x", 70_000) == clean


async def test_the_last_beat_of_a_dead_index_is_found_by_time_in_a_busy_log(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, writer: SalWriter
) -> None:
    """Its siblings have beaten 60,000 times since: an hour of a topic of 17 indices."""
    writer.prepare(ESS, ["heartbeat", "summaryState"])
    topic = writer.topic(ESS[0], "heartbeat")
    writer.beat(ESS[0], seq=41)
    before = kafka.topics.ends([topic])[topic]
    kafka.topics.produce(
        writer.record(ESS[1], "heartbeat", {"heartbeat": False}, seq=number) for number in range(1, 60_001)
    )
    assert kafka.topics.ends([topic])[topic] - before == 60_000
    with Beater(writer, ESS[1:]):
        async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, ESS) as watch:
            await watch.until(
                lambda: any(found.csc == ESS[0] for found in watch.told.of(BeatFoundInLog)), 20, "the last beat"
            )
            [found] = [found for found in watch.told.of(BeatFoundInLog) if found.csc == ESS[0]]
            assert found.process.seq_num == 41


async def test_the_end_of_each_life_is_found_hours_back_to_the_second(
    own_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    """Eight hours of three indices: one died 2 h ago, one 5 h ago after it had been away, one beats on."""
    writer = SalWriter(own_kafka.topics, schema_registry, subname)
    writer.prepare(ESS, ["heartbeat", "summaryState"])
    now = time.time()
    lives = {ESS[0]: [(28_800, 7_200)], ESS[1]: [(28_800, 25_000), (19_000, 18_000)], ESS[2]: [(28_800, 10)]}
    own_kafka.stop()

    def beats() -> Iterator[tuple[float, bytes, bytes]]:
        for age in range(28_800, 0, -1):
            for csc, spans in lives.items():
                if any(begin >= age > end for begin, end in spans):
                    _, key, value = writer.record(csc, "heartbeat", {"heartbeat": False}, seq=28_801 - age)
                    yield now - age, key or b"", value or b""

    def states() -> Iterator[tuple[float, bytes, bytes]]:
        for csc, age in ((ESS[0], 28_800), (ESS[1], 28_800), (ESS[2], 28_800), (ESS[1], 19_001)):
            _, key, value = state_record(writer, csc, S.STANDBY)
            yield now - age, key or b"", value or b""

    write_history(own_kafka, writer.topic(ESS[0], "heartbeat"), beats())
    write_history(own_kafka, writer.topic(ESS[0], "summaryState"), states())
    own_kafka.restart()
    with Beater(writer, ESS[2:]):
        async with watching(plain_settings(own_kafka.bootstrap, subname), schema_registry.url, ESS) as watch:
            await watch.until_decided()
            await watch.until(lambda: {f.csc for f in watch.told.of(BeatFoundInLog)} == set(ESS), 20, "all last beats")
            ages = {f.csc: round(now - (f.appended_utc or 0.0)) for f in watch.told.of(BeatFoundInLog)}
            assert {csc: age for csc, age in ages.items() if csc != ESS[2]} == {ESS[0]: 7_201, ESS[1]: 18_001}

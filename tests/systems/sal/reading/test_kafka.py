"""The Kafka feed on real brokers: a complete and truthful grid, and nothing left behind on the broker."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import confluent_kafka.admin
import pytest

from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatsReadBack,
    FeedMeasured,
    TopicsListed,
)
from deploydash.core.model import Effective, FeedName, FeedState, Liveness, SummaryState
from deploydash.errors import FeedError
from deploydash.systems.sal.feed import probe
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import ids, plain_settings, sasl_settings, watching
from tests.servers.registry import SchemaRegistry

pytestmark = pytest.mark.server

_api: Any = confluent_kafka.admin

S = SummaryState
FLEET = ids("ESS:1", "ESS:2", "ESS:104", "Watcher", "ATDome", "MTHexapod:1", "MTHexapod:2")


@pytest.fixture(params=["kafka", "kafka_41"])
def any_kafka(request: pytest.FixtureRequest) -> KafkaServer:
    server: KafkaServer = request.getfixturevalue(request.param)
    return server


async def test_the_roster_is_complete_and_right(
    any_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(any_kafka.topics, schema_registry, subname)
    writer.prepare(FLEET)
    states = dict(zip(FLEET, [S.STANDBY, S.ENABLED, S.FAULT, S.DISABLED, S.OFFLINE, S.STANDBY, S.ENABLED], strict=True))
    beater = Beater(writer, FLEET)
    for csc, state in states.items():
        writer.tell_state(csc, state, origin=beater.origin(csc))
    beater.kill(FLEET[-1])
    with beater:
        async with watching(plain_settings(any_kafka.bootstrap, subname), schema_registry.url, FLEET) as watch:
            snapshot = await watch.until_decided()
            assert watch.reported() == states
            liveness = {view.csc: view.liveness for view in snapshot.cscs}
            assert {csc for csc, how in liveness.items() if how is Liveness.BEATING} == set(FLEET[:-1])
            assert liveness[FLEET[-1]] in {Liveness.UNSEEN, Liveness.SILENT}
            assert watch.view(str(FLEET[-1])).effective is Effective.LOST
            await watch.until(lambda: watch.kafka_state() is FeedState.UP, 5, "the feed is up")
            assert watch.kafka_detail() == f"{any_kafka.bootstrap} (LSST_KAFKA_BROKER_ADDR)"


async def test_a_killed_csc_is_late_then_lost_and_its_sibling_beats(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    with Beater(writer, FLEET[:2]) as beater:
        for csc in FLEET[:2]:
            writer.tell_state(csc, S.ENABLED, origin=beater.origin(csc))
        async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, FLEET[:2]) as watch:
            await watch.until(lambda: watch.view("ESS:1").effective is Effective.ENABLED, 10, "it is seen")
            beater.kill(FLEET[0])
            await watch.until(lambda: watch.view("ESS:1").liveness is Liveness.LATE, 8, "it is late")
            await watch.until(lambda: watch.view("ESS:1").effective is Effective.LOST, 8, "it is lost")
            assert watch.view("ESS:2").liveness is Liveness.BEATING


@pytest.fixture
def auto_creating_kafka(own_kafka: KafkaServer) -> KafkaServer:
    """A broker that creates any topic that somebody asks for by name."""
    config = own_kafka.folder / "server.properties"
    text = config.read_text()
    assert "auto.create.topics.enable=false" in text
    config.write_text(text.replace("auto.create.topics.enable=false", "auto.create.topics.enable=true"))
    own_kafka.restart()
    return own_kafka


async def test_it_leaves_nothing_on_the_broker_and_brings_no_deleted_topic_back(
    auto_creating_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    topics = auto_creating_kafka.topics
    writer = SalWriter(topics, schema_registry, subname)
    writer.prepare(FLEET)
    for csc in FLEET:
        writer.tell_state(csc, S.STANDBY)
    before = topics.names()
    ends = topics.ends(before)
    subjects = schema_registry.subjects()
    gone = [writer.topic(csc, event) for csc in ids("ATDome") for event in ("heartbeat", "summaryState", "logMessage")]
    expected = [*FLEET, *ids("ATCamera", "Test:7")]
    async with watching(plain_settings(auto_creating_kafka.bootstrap, subname), schema_registry.url, expected) as watch:
        await watch.until(lambda: watch.kafka_state() is FeedState.UP, 15, "the feed is up")
        await asyncio.to_thread(topics.delete, gone)
        await watch.until(lambda: "ATDome" not in watch.told.of(TopicsListed)[-1].components, 15, "the topic is gone")
        listed = len(watch.told.of(FeedMeasured))
        await watch.until(lambda: len(watch.told.of(FeedMeasured)) > listed + 4, 10, "metadata were asked again")
    assert topics.names() == before - set(gone)
    assert topics.ends(before - set(gone)) == {name: end for name, end in ends.items() if name not in gone}
    assert schema_registry.subjects() == subjects
    assert not topics.admin.list_consumer_groups().result().valid


async def test_a_component_that_appears_later_appears(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    with Beater(writer, FLEET[:1]) as beater:
        async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, FLEET[:2]) as watch:
            await watch.until(lambda: watch.view("ESS:1").liveness is Liveness.BEATING, 10, "the first one beats")
            for csc in ids("Watcher", "Test:9"):
                beater.start_csc(csc)
                writer.tell_state(csc, S.STANDBY, origin=beater.origin(csc))
            await watch.until(
                lambda: set(ids("Watcher", "Test:9")) <= set(watch.snapshot().summary.unexpected), 15, "new"
            )
            await watch.until(lambda: watch.view("Watcher").reported is S.STANDBY, 15, "its state is read")
            assert watch.view("ESS:1").liveness is Liveness.BEATING


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_batches_are_read(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, codec: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    cscs = ids(*(f"ESS:{index}" for index in range(1, 60)))

    def told(state: SummaryState) -> None:
        records = [writer.record(csc, "summaryState", {"summaryState": int(state)}) for csc in cscs]
        kafka.topics.produce(records, compression_type=codec, linger_ms=200)

    told(S.STANDBY)
    async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, cscs) as watch:
        await watch.until(lambda: set(watch.reported().values()) == {S.STANDBY}, 15, "read back")
        told(S.DISABLED)
        await watch.until(lambda: set(watch.reported().values()) == {S.DISABLED}, 10, "live")


async def test_an_account_that_may_only_read_sees_all_over_tls(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    with Beater(writer, FLEET) as beater:
        for csc in FLEET:
            writer.tell_state(csc, S.DISABLED, origin=beater.origin(csc))
        async with watching(sasl_settings(kafka, subname), schema_registry.url, FLEET) as watch:
            await watch.until_decided()
            assert set(watch.reported().values()) == {S.DISABLED}
            assert {view.liveness for view in watch.snapshot().cscs} == {Liveness.BEATING}


async def test_topics_that_may_be_seen_but_not_read_are_named(
    kafka: KafkaServer, schema_registry: SchemaRegistry
) -> None:
    """The account nobody gets DESCRIBE alone here; a prefix of its own keeps it from other tests."""
    subname = "onlyseen"
    SalWriter(kafka.topics, schema_registry, subname).prepare(ids("ESS:1"), ["heartbeat", "summaryState"])
    only_describe = _api.AclBinding(
        _api.ResourceType.TOPIC,
        f"lsst.{subname}",
        _api.ResourcePatternType.PREFIXED,
        "User:nobody",
        "*",
        _api.AclOperation.DESCRIBE,
        _api.AclPermissionType.ALLOW,
    )
    admin = kafka.topics.admin
    for future in admin.create_acls([only_describe]).values():
        future.result(20)
    settings = sasl_settings(kafka, subname, user="nobody")
    async with watching(settings, schema_registry.url, FLEET[:1]) as watch:
        await watch.until(lambda: "may not read any" in watch.kafka_detail(), 15, "the missing right is named")
        assert watch.kafka_state() is FeedState.DOWN
    with pytest.raises(FeedError, match=rf"may not read lsst.{subname}.ESS.logevent_heartbeat .*ask for READ"):
        await probe(settings)


async def test_with_the_registry_stopped_the_cache_is_enough(
    kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str, tmp_path: Path
) -> None:
    writer = SalWriter(kafka.topics, own_schema_registry, subname)
    settings = plain_settings(kafka.bootstrap, subname)
    with Beater(writer, FLEET) as beater:
        for csc in FLEET:
            writer.tell_state(csc, S.STANDBY, origin=beater.origin(csc))
        async with watching(settings, own_schema_registry.url, FLEET, cache=tmp_path) as watch:
            await watch.until_decided()
        own_schema_registry.stop()
        async with watching(settings, own_schema_registry.url, FLEET, cache=tmp_path) as watch:
            await watch.until_decided()
            assert set(watch.reported().values()) == {S.STANDBY}
            await watch.until(lambda: watch.kafka_state() is FeedState.UP, 5, "the feed is up")

            def told() -> FeedState:
                return next(view.state for view in watch.snapshot().feeds if view.feed is FeedName.SCHEMA_REGISTRY)

            await watch.until(lambda: told() is FeedState.DEGRADED, 15, "the registry was asked and did not answer")


async def test_a_state_told_while_the_registry_is_away_is_not_lost(
    kafka: KafkaServer, own_schema_registry: SchemaRegistry, subname: str
) -> None:
    """Frozen, the registry answers nothing; no schema is cached. Meanwhile nobody is silent."""
    writer = SalWriter(kafka.topics, own_schema_registry, subname)
    with Beater(writer, FLEET[:2]) as beater:
        writer.tell_state(FLEET[0], S.STANDBY, origin=beater.origin(FLEET[0]))
        own_schema_registry.freeze()
        try:
            settings = plain_settings(kafka.bootstrap, subname)
            async with watching(settings, own_schema_registry.url, FLEET[:2]) as watch:
                await watch.until(
                    lambda: watch.view("ESS:1").liveness is Liveness.UNREADABLE, 15, "they cannot be read"
                )
                assert "schema" in watch.view("ESS:1").reason.text
                schema = writer.record(FLEET[1], "summaryState", {"summaryState": 3}, origin=beater.origin(FLEET[1]))
                kafka.topics.produce([schema])
                own_schema_registry.thaw()
                await watch.until(lambda: watch.reported() == {FLEET[0]: S.STANDBY, FLEET[1]: S.FAULT}, 20, "all told")
                await watch.until(lambda: watch.view("ESS:2").liveness is Liveness.BEATING, 10, "beats are read")
        finally:
            own_schema_registry.thaw()


async def test_with_the_producers_time_a_log_proves_no_silence(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka.topics, schema_registry, subname)
    writer.prepare(FLEET[:2], ["heartbeat", "summaryState"], config={"message.timestamp.type": "CreateTime"})
    writer.beat(FLEET[1])
    with Beater(writer, FLEET[:1]):
        async with watching(plain_settings(kafka.bootstrap, subname), schema_registry.url, FLEET[:2]) as watch:
            await watch.until(lambda: watch.told.of(BeatsReadBack), 10, "read back")
            assert not watch.told.of(BeatsReadBack)[0].append_time
            await watch.until(lambda: watch.told.of(BeatArrived), 10, "a live beat")
            assert watch.told.of(BeatArrived)[0].appended_utc is None
            assert watch.view("ESS:2").liveness is Liveness.UNSEEN
            assert "listening" in watch.view("ESS:2").reason.text

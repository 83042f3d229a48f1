"""Brokers that stop, die, hang, lose partitions and come back: the feed says so and no CSC is blamed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from deploydash.core.fleet.observations import BeatArrived, FeedChanged, FetchesResumed, FetchesStopped
from deploydash.core.model import Effective, FeedState, Liveness, SummaryState
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.kafka_scenes import Watching, ids, plain_settings, watching
from tests.servers.registry import SchemaRegistry

pytestmark = pytest.mark.server

FLEET = ids("ESS:1", "ESS:2", "Watcher")


def liveness(watch: Watching) -> set[Liveness]:
    return {view.liveness for view in watch.snapshot().cscs}


async def outage(watch: Watching, begin: Callable[[], None], end: Callable[[], None]) -> None:
    """Take the broker away and bring it back: feed down before any CSC is late, and all beat again after."""
    seen: list[set[Liveness]] = []
    watch.session.subscribe(lambda _: seen.append(liveness(watch)))
    await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 20, "all beat")
    seen.clear()
    await asyncio.to_thread(begin)
    await watch.until(lambda: watch.kafka_state() is FeedState.DOWN, 6, "the feed is down")
    await watch.until(lambda: liveness(watch) == {Liveness.FEED_DOWN}, 2, "nobody is blamed")
    assert Liveness.LATE not in set().union(*seen)
    await asyncio.to_thread(end)
    await watch.until(lambda: watch.kafka_state() is FeedState.UP, 30, "the feed is up again")
    await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 20, "all beat again")
    assert set().union(*seen) <= {Liveness.BEATING, Liveness.FEED_DOWN}


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_broker_that_ends_and_comes_back_is_feed_down_not_a_dead_fleet(
    own_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, how: str
) -> None:
    writer = SalWriter(own_kafka.topics, schema_registry, subname)
    writer.prepare(FLEET)
    with Beater(writer, FLEET) as beater:
        async with watching(plain_settings(own_kafka.bootstrap, subname), schema_registry.url, FLEET) as watch:
            await outage(watch, getattr(own_kafka, how), own_kafka.restart)
            downs = [change.detail for change in watch.told.of(FeedChanged) if change.state is FeedState.DOWN]
            assert all(detail.startswith(own_kafka.bootstrap) for detail in downs)
            assert any("connection refused" in detail for detail in downs)
            writer.tell_state(FLEET[0], SummaryState.STANDBY, origin=beater.origin(FLEET[0]))
            await watch.until(lambda: watch.view("ESS:1").reported is SummaryState.STANDBY, 10, "a state told after")


async def test_a_broker_that_hangs_is_feed_down(
    own_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(own_kafka.topics, schema_registry, subname)
    writer.prepare(FLEET)
    with Beater(writer, FLEET):
        async with watching(plain_settings(own_kafka.bootstrap, subname), schema_registry.url, FLEET) as watch:
            await outage(watch, own_kafka.freeze, own_kafka.thaw)


async def test_a_csc_that_dies_while_the_broker_hangs_is_silent_once_it_answers(
    own_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(own_kafka.topics, schema_registry, subname)
    writer.prepare(FLEET)
    with Beater(writer, FLEET) as beater:
        async with watching(plain_settings(own_kafka.bootstrap, subname), schema_registry.url, FLEET) as watch:
            await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 20, "all beat")
            own_kafka.freeze()
            beater.kill(FLEET[0])
            await watch.until(lambda: watch.told.of(FetchesStopped), 6, "fetches stopped")
            heard = len([beat for beat in watch.told.of(BeatArrived) if beat.csc == FLEET[0]])
            own_kafka.thaw()
            await watch.until(lambda: watch.view("ESS:2").liveness is Liveness.BEATING, 30, "its sibling beats")
            assert len([beat for beat in watch.told.of(BeatArrived) if beat.csc == FLEET[0]]) == heard
            await watch.until(lambda: watch.view("ESS:1").liveness is Liveness.SILENT, 15, "the dead one is silent")


async def test_a_partition_without_a_leader_is_feed_down_for_its_component_alone(
    kafka_cluster: KafkaCluster, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka_cluster.topics, schema_registry, subname)
    events = ["heartbeat", "summaryState"]
    writer.prepare(FLEET[:2], events, brokers=[2])
    writer.prepare(FLEET[2:], events, brokers=[1])
    with Beater(writer, FLEET):
        async with watching(plain_settings(kafka_cluster.bootstrap, subname), schema_registry.url, FLEET) as watch:
            await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 20, "all beat")
            await asyncio.to_thread(kafka_cluster.kill, 2)
            await watch.until(lambda: watch.view("ESS:1").liveness is Liveness.FEED_DOWN, 8, "ESS is cut off")
            assert watch.view("Watcher").liveness is Liveness.BEATING
            await watch.until(lambda: watch.kafka_state() is FeedState.DEGRADED, 5, "the feed is degraded")
            assert "ESS" in watch.kafka_detail()
            await asyncio.to_thread(kafka_cluster.revive, 2)
            await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 30, "all beat again")
            assert frozenset({"Watcher"}) not in [stop.components for stop in watch.told.of(FetchesStopped)]
            assert any("ESS" in resume.components for resume in watch.told.of(FetchesResumed)[1:])


async def test_a_partition_without_a_leader_from_the_start_holds_nobody_else_up(
    kafka_cluster: KafkaCluster, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka_cluster.topics, schema_registry, subname)
    events = ["heartbeat", "summaryState"]
    writer.prepare(FLEET[:2], events, brokers=[2])
    writer.prepare(FLEET[2:], events, brokers=[1])
    with Beater(writer, FLEET) as beater:
        for csc in FLEET:
            writer.tell_state(csc, SummaryState.STANDBY, origin=beater.origin(csc))
        await asyncio.to_thread(kafka_cluster.kill, 2)
        async with watching(plain_settings(kafka_cluster.bootstrap, subname), schema_registry.url, FLEET) as watch:
            await watch.until(lambda: watch.view("Watcher").effective is Effective.STANDBY, 8, "the Watcher is right")
            await watch.until(lambda: watch.view("ESS:1").liveness is Liveness.FEED_DOWN, 8, "ESS is cut off")
            assert "has no leader" in watch.told.of(FetchesStopped)[0].why
            await asyncio.to_thread(kafka_cluster.revive, 2)
            await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 30, "all beat")
            await watch.until(lambda: watch.view("ESS:2").reported is SummaryState.STANDBY, 20, "its state is read")


async def test_a_leader_that_moves_costs_no_state(
    kafka_cluster: KafkaCluster, schema_registry: SchemaRegistry, subname: str
) -> None:
    writer = SalWriter(kafka_cluster.topics, schema_registry, subname)
    writer.prepare(FLEET, ["heartbeat", "summaryState"], brokers=[3, 1])
    with Beater(writer, FLEET) as beater:
        async with watching(plain_settings(kafka_cluster.bootstrap, subname), schema_registry.url, FLEET) as watch:
            await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 20, "all beat")
            await asyncio.to_thread(kafka_cluster.kill, 3)
            writer.tell_state(FLEET[0], SummaryState.DISABLED, origin=beater.origin(FLEET[0]))
            await watch.until(lambda: watch.view("ESS:1").reported is SummaryState.DISABLED, 20, "the state")
            await watch.until(lambda: liveness(watch) == {Liveness.BEATING}, 20, "all beat")
            await asyncio.to_thread(kafka_cluster.revive, 3)

"""Brokers that name themselves by an address that cannot be reached: said with that address within seconds."""

from __future__ import annotations

import asyncio
import re

import pytest

from deploydash.core.fleet.snapshot import FeedView
from deploydash.core.model import FeedName, FeedState, Liveness
from deploydash.errors import FeedError
from deploydash.systems.sal.feed import probe
from deploydash.systems.sal.reading.errors import examine
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.kafka_scenes import Watching, ids, sasl_settings, watching
from tests.servers.process import free_port
from tests.servers.registry import SchemaRegistry

pytestmark = pytest.mark.server

NOBODY = "no-such-broker.invalid:9092"


def advertise(kafka: KafkaServer, address: str) -> None:
    """Have a broker that is down name another address for its TLS listener when it starts."""
    config = kafka.folder / "server.properties"
    text = config.read_text()
    config.write_text(re.sub(r"(advertised.listeners=.*SASL_SSL://)[^,\n]+", rf"\g<1>{address}", text))
    assert f"SASL_SSL://{address}" in config.read_text()


def shown(watch: Watching) -> FeedView:
    """Return how the Kafka feed is shown, which is told by its supervisor once it has ended."""
    return next(feed for feed in watch.snapshot().feeds if feed.feed is FeedName.KAFKA)


@pytest.mark.parametrize("why", ["no such host", "connection refused"])
async def test_the_one_broker_is_named_with_the_reason(
    own_kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str, why: str
) -> None:
    address = NOBODY if why == "no such host" else f"127.0.0.1:{free_port()}"
    advertise(own_kafka, address)
    own_kafka.restart()
    SalWriter(own_kafka.topics, schema_registry, subname).prepare(ids("ESS:1"))
    settings = sasl_settings(own_kafka, subname)
    words = f"answers, but names a broker that cannot be reached from here: {address}: {why}"
    with pytest.raises(FeedError, match=words) as refused:
        await probe(settings)
    assert "advertised.listeners" in refused.value.hint
    async with watching(settings, schema_registry.url, ids("ESS:1")) as watch:
        await watch.until(lambda: words in shown(watch).detail, 5, "the feed names it")
        assert shown(watch).state is FeedState.DOWN


async def test_one_of_three_brokers_is_named_and_the_others_are_read(
    kafka_cluster: KafkaCluster, schema_registry: SchemaRegistry, subname: str
) -> None:
    fleet = ids("ESS:1", "Watcher")
    broker = kafka_cluster._brokers[2]
    before = (broker.folder / "server.properties").read_text()
    await asyncio.to_thread(kafka_cluster.kill, 2)
    advertise(broker, NOBODY)
    await asyncio.to_thread(kafka_cluster.revive, 2)
    writer = SalWriter(kafka_cluster.topics, schema_registry, subname)
    kafka_cluster.topics.allow_reading("dash", prefix=f"lsst.{subname}")
    events = ["heartbeat", "summaryState"]
    writer.prepare(fleet[:1], events, brokers=[2])
    writer.prepare(fleet[1:], events, brokers=[1])
    settings = sasl_settings(kafka_cluster._brokers[1], subname)
    try:
        found = await examine(settings)
        assert (found.refusal, found.unreachable) == (None, (f"{NOBODY}: no such host",))
        with pytest.raises(FeedError, match=NOBODY):
            await probe(settings)
        with Beater(writer, fleet):
            async with watching(settings, schema_registry.url, fleet) as watch:
                await watch.until(lambda: watch.view("Watcher").liveness is Liveness.BEATING, 20, "the others are read")
                await watch.until(lambda: f"{NOBODY}: no such host" in watch.kafka_detail(), 10, "the feed names it")
                assert watch.kafka_state() is FeedState.DEGRADED
                assert watch.view("ESS:1").liveness in {Liveness.FEED_DOWN, Liveness.UNSEEN}
    finally:
        await asyncio.to_thread(kafka_cluster.kill, 2)
        (broker.folder / "server.properties").write_text(before)
        await asyncio.to_thread(kafka_cluster.revive, 2)

"""The Kafka feed on real brokers: a complete and truthful grid, and nothing left behind on the broker."""

from __future__ import annotations

import pytest
from tests.servers.beater import Beater
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import ids, plain_settings, watching
from tests.servers.registry import SchemaRegistry

from deploydash.core.model import Effective, FeedState, Liveness, SummaryState

pytestmark = pytest.mark.server

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

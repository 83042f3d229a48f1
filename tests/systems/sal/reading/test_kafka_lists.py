"""The list of all topics on a real broker: told once, and anew when something about it changed."""

from __future__ import annotations

import pytest
from aiokafka.errors import RequestTimedOutError

from deploydash.systems.sal.reading.metadata import ListingClient, create_no_topics
from tests.servers.kafka import KafkaServer

pytestmark = pytest.mark.server


async def test_the_list_is_told_once_and_again_only_when_it_differs(kafka: KafkaServer, subname: str) -> None:
    create_no_topics()
    first, second = f"lsst.{subname}.ESS.logevent_heartbeat", f"lsst.{subname}.EAS.logevent_heartbeat"
    kafka.topics.create([first])
    client = ListingClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        told = await client.list_anew()
        assert told is not None
        assert first in told.topics()
        assert told.partitions_for_topic(first) == {0}
        assert await client.list_anew() is None
        kafka.topics.create([second])
        again = await client.list_anew()
        assert again is not None
        assert {first, second} <= again.topics()
        assert await client.list_anew() is None
    finally:
        await client.close()


async def test_an_answer_that_its_asker_did_not_live_to_see_is_told_the_next_one(
    kafka: KafkaServer, subname: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_no_topics()
    topic = f"lsst.{subname}.ESS.logevent_heartbeat"
    kafka.topics.create([topic])
    client = ListingClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    send = client.send

    async def too_late(*request: object) -> None:
        await send(*request)
        raise RequestTimedOutError

    try:
        with monkeypatch.context() as patched:
            patched.setattr(client, "send", too_late)
            with pytest.raises(RequestTimedOutError):
                await client.list_anew()
        told = await client.list_anew()
        assert told is not None
        assert topic in told.topics()
    finally:
        await client.close()

"""What a client meets while a fault of the registry, the EFD or the broker is on, and that the fake counts it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import confluent_kafka
import confluent_kafka.admin
import httpx2
import pytest
import yaml

from deploydash.demo import site
from deploydash.demo.fakes.broker import Broker
from deploydash.demo.fakes.efd import Efd
from deploydash.demo.fakes.registry import Registry
from deploydash.demo.wire import Raw
from deploydash.demo.world import World
from tests.demo.harness import SITE
from tests.servers.waiting import patient, wait_until

SUBJECT = "/subjects/lsst.sal.Watcher.logevent_heartbeat-value/versions/latest"


@pytest.fixture
def world(tmp_path: Path) -> World:
    where = tmp_path / "hill.yaml"
    where.write_text(yaml.safe_dump(SITE), "utf-8")
    return World(site.read(where, speed=1.0), 1, 1.0)


async def test_a_registry_fails_in_each_way_by_name_and_counts_even_what_it_fails(world: World) -> None:
    fake = Registry(world)
    world.announce(["Watcher"])
    url = (await fake.start())["schema_registry"]["url"]
    async with httpx2.AsyncClient(base_url=url, timeout=patient(20)) as client:
        latest = (await client.get(SUBJECT)).json()
        by_id = f"/schemas/ids/{latest['id']}"
        assert (await client.get(by_id)).json() == {"schema": latest["schema"]}
        assert fake.asked == {"version": 1, "schema": 1}

        fake.faults.switch_on("down")
        assert (await client.get("/subjects")).status_code == 503
        fake.faults.switch_off("down")
        fake.faults.switch_on("failing")
        failed = await client.get("/subjects")
        assert (failed.status_code, failed.json()["error_code"]) == (500, 50001)
        fake.faults.switch_off("failing")
        fake.faults.switch_on("empty")
        assert (await client.get("/subjects")).json() == []
        assert (await client.get(by_id)).json()["error_code"] == 40403
        assert (await client.get(SUBJECT)).json()["error_code"] == 40401
        fake.faults.switch_off("empty")
        fake.faults.switch_on("unknown-ids")
        assert (await client.get(by_id)).json()["error_code"] == 40403
        assert (await client.get(SUBJECT)).json() == latest
        fake.faults.switch_off("unknown-ids")
        fake.faults.switch_on("stalled", {"seconds": 0.01})
        assert (await client.get(by_id)).json() == {"schema": latest["schema"]}
        assert (await client.get("/no-such-path")).status_code == 404
        assert fake.asked == {"version": 3, "schema": 4, "subjects": 3, "other": 1}
    await fake.stop()


async def test_a_registry_tells_and_takes_a_compatibility_level_as_the_recorded_products_do(world: World) -> None:
    fake = Registry(world)
    url = (await fake.start())["schema_registry"]["url"]
    level = {"compatibility": "NONE"}
    async with httpx2.AsyncClient(base_url=url, timeout=patient(20)) as client:
        assert (await client.get("/config")).json() == {"compatibilityLevel": "FULL_TRANSITIVE"}
        fake.faults.switch_on("unset")
        unset = await client.get("/config")
        assert (unset.status_code, unset.json()["error_code"]) == (404, 40408)
        assert (await client.put("/config", json=level)).json() == level
        assert (await client.get("/config")).json() == {"compatibilityLevel": "NONE"}
        assert (await client.delete("/config")).json() == {"compatibility": "BACKWARD"}
        assert (await client.get("/config")).json()["error_code"] == 40408
        fake.faults.switch_off("unset")
        fake.faults.switch_on("read-only")
        assert (await client.get("/mode")).json() == {"mode": "READONLY"}
        assert (await client.put("/config", json=level)).json()["error_code"] == 42205
        fake.faults.switch_off("read-only")
        fake.faults.switch_on("silent", {"seconds": 3600.0})
        asking = asyncio.create_task(client.put("/config", json=level))
        await asyncio.to_thread(wait_until, lambda: fake.asked["set_config"] == 3, 10, "the request")
        assert (await client.get("/config")).json() == {"compatibilityLevel": "NONE"}
        await fake.stop()
        with pytest.raises(httpx2.TransportError):
            await asking


async def test_a_stalled_answer_stays_away_until_the_client_gives_up_and_holds_up_no_stop(world: World) -> None:
    fake = Registry(world)
    url = (await fake.start())["schema_registry"]["url"]
    fake.faults.switch_on("stalled", {"seconds": 3600.0})
    async with httpx2.AsyncClient(timeout=patient(60)) as client:
        asking = asyncio.create_task(client.get(f"{url}/subjects"))
        await asyncio.to_thread(wait_until, lambda: fake.asked["subjects"], 10, "the request")
        await fake.stop()
        with pytest.raises(httpx2.TransportError):
            await asking


async def test_an_efd_fails_in_each_way_by_name(world: World) -> None:
    fake = Efd(world)
    section = (await fake.start())["efd"]
    assert section["database"] == "efd"
    query = "/query?db=efd&q=SELECT%20x%20FROM%20y"
    async with httpx2.AsyncClient(base_url=section["url"], timeout=patient(20)) as client:
        assert (await client.get(query)).json() == {"results": [{"statement_id": 0}]}
        fake.faults.switch_on("unauthorized")
        refused = await client.get(query)
        assert (refused.status_code, refused.json()) == (401, {"error": "authorization failed"})
        assert (await client.get("/ping")).status_code == 204
        fake.faults.switch_on("down")
        assert [(await client.get(path)).status_code for path in (query, "/ping", "/health")] == [503, 503, 503]
        fake.faults.switch_off("down")
        fake.faults.switch_off("unauthorized")
        fake.faults.switch_on("stalled", {"seconds": 0.01})
        assert (await client.get(query)).status_code == 200
    assert fake.asked == {"query": 4, "ping": 2, "health": 1}
    await fake.stop()


async def test_a_broker_goes_down_stalls_and_comes_back_with_what_it_had(world: World) -> None:
    fake = Broker(world)
    section = (await fake.start())["kafka"]
    assert section["topic_subname"] == "sal"
    world.announce(["Watcher"])
    client = confluent_kafka.admin.AdminClient(
        {"bootstrap.servers": section["bootstrap"], "log_level": 0, "reconnect.backoff.max.ms": 100}
    )

    def answers(within: float) -> Callable[[], bool]:
        def ask() -> bool:
            try:
                return "lsst.sal.Watcher.ackcmd" in client.list_topics(timeout=within).topics
            except confluent_kafka.KafkaException:
                return False

        return ask

    assert answers(patient(10))()
    for fault, values in (("down", {}), ("stalled", {"seconds": 3600.0})):
        fake.faults.switch_on(fault, values)
        wait_until(lambda: not answers(0.2)(), 10, f"a broker that is {fault}")
        fake.faults.switch_off(fault)
        wait_until(answers(patient(2)), 30, "a broker that is back")
    await fake.stop()


async def test_a_broker_counts_commands_once_each_whatever_topics_come_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = Broker(world)
    bootstrap = (await fake.start())["kafka"]["bootstrap"]
    world.announce(["Watcher"])
    producer = confluent_kafka.Producer({"bootstrap.servers": bootstrap, "log_level": 0})

    came: list[bytes | None] = []
    monkeypatch.setattr(world, "deliver", lambda *record: came.append(record[1]))

    def sent_and_came(component: str, value: bytes) -> None:
        producer.produce(f"lsst.sal.{component}.command_start", value=value, partition=0)
        assert producer.flush(patient(10)) == 0

        def turn() -> bool:
            world.turn(0.0)
            return value in came

        wait_until(turn, 10, "the command")

    sent_and_came("Watcher", b"first")
    world.announce(["Watcher", "ATDome"])
    sent_and_came("ATDome", b"second")
    sent_and_came("Watcher", b"third")
    assert came == [b"first", b"second", b"third"]
    assert fake.asked == {"command_start": 3}
    await fake.stop()


async def test_what_the_world_writes_goes_to_the_broker_and_its_events_to_the_efd(world: World) -> None:
    broker, efd = Broker(world), Efd(world)
    bootstrap = (await broker.start())["kafka"]["bootstrap"]
    topic = "lsst.sal.Watcher.logevent_heartbeat"
    world.announce(["Watcher"])
    [watcher] = [csc for csc in world.site.cscs if csc.name == "Watcher"]
    process = world.process(watcher)
    world.write(process.event("logevent_heartbeat", 1.0, heartbeat=False))
    world.write([Raw(topic, b"demo", b"garbage", 1.0)])
    world.open()
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "log_level": 0})
    consumer.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
    values: list[bytes | str | None] = []

    def read() -> bool:
        values.extend(message.value() for message in consumer.consume(10, 0.1))
        return len(values) == 2

    wait_until(read, 10, "both records")
    consumer.close()
    await broker.stop()
    assert values[1] == b"garbage"
    [point] = efd.points(topic)
    assert point.fields["private_efdStamp"] == 1.0

"""Each real server proves itself: it starts, answers, comes back, and refuses whom it must."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from tests.servers.influx import PASSWORDS as INFLUX_PASSWORDS
from tests.servers.influx import InfluxServer, telegraf_line
from tests.servers.kafka import PASSWORDS, KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.registry import SchemaRegistry
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient

pytestmark = pytest.mark.server


def _sasl(server: KafkaServer, user: str, password: str, ca_file: Any = None) -> tuple[AdminClient, list[KafkaError]]:
    errors: list[KafkaError] = []
    settings: dict[str, Any] = {
        "bootstrap.servers": server.sasl_bootstrap,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": password,
        "ssl.ca.location": str(ca_file or server.ca_file),
        "error_cb": errors.append,
    }
    return AdminClient(settings, logger=server.topics.silent), errors


@pytest.mark.parametrize("which", ["kafka", "kafka_41"])
def test_a_record_comes_back_as_it_was_written(which: str, request: pytest.FixtureRequest, subname: str) -> None:
    server: KafkaServer = request.getfixturevalue(which)
    topic = f"lsst.{subname}.ESS.logevent_summaryState"
    server.topics.create([topic])
    server.topics.produce([(topic, b"key", b"value"), (topic, b"", b"other")])
    assert server.topics.read(topic) == [(b"key", b"value"), (b"", b"other")]
    assert server.topics.ends([topic]) == {topic: 2}


@pytest.mark.parametrize("which", ["kafka", "kafka_41"])
def test_the_dashboards_account_sees_the_observatorys_topics_only(
    which: str, request: pytest.FixtureRequest, subname: str
) -> None:
    server: KafkaServer = request.getfixturevalue(which)
    server.topics.create([f"lsst.{subname}.ESS.logevent_heartbeat", f"other.{subname}"])
    client, _ = _sasl(server, "dash", PASSWORDS["dash"])
    seen = set(client.list_topics(timeout=patient(10)).topics)
    assert f"lsst.{subname}.ESS.logevent_heartbeat" in seen
    assert f"other.{subname}" not in seen
    client, _ = _sasl(server, "nobody", PASSWORDS["nobody"])
    assert f"lsst.{subname}.ESS.logevent_heartbeat" not in client.list_topics(timeout=patient(10)).topics


def test_a_wrong_password_and_a_wrong_authority_are_refused(kafka: KafkaServer) -> None:
    client, errors = _sasl(kafka, "dash", "wrong")
    with pytest.raises(KafkaException):
        client.list_topics(timeout=1)
    client.poll(5)
    assert KafkaError._AUTHENTICATION in {error.code() for error in errors}
    client, errors = _sasl(kafka, "dash", PASSWORDS["dash"], kafka.wrong_ca_file)
    with pytest.raises(KafkaException):
        client.list_topics(timeout=1)
    client.poll(5)
    assert KafkaError._SSL in {error.code() for error in errors}


def test_a_broker_keeps_its_records_when_stopped_or_killed(own_kafka: KafkaServer) -> None:
    topic = "lsst.sal.Watcher.logevent_heartbeat"
    own_kafka.topics.create([topic])
    own_kafka.topics.produce([(topic, b"a", b"1")])
    own_kafka.stop()
    assert not own_kafka.running
    own_kafka.restart()
    own_kafka.topics.produce([(topic, b"a", b"2")])
    own_kafka.kill()
    own_kafka.restart()
    assert own_kafka.topics.read(topic) == [(b"a", b"1"), (b"a", b"2")]


def test_a_registry_gives_back_the_schema_it_was_given(schema_registry: SchemaRegistry) -> None:
    text = '{"type":"record","name":"round_trip","fields":[{"name":"a","type":"int"}]}'
    number = schema_registry.register("round-trip-value", text)
    answer = httpx2.get(f"{schema_registry.url}/schemas/ids/{number}", timeout=patient(10)).raise_for_status()
    assert answer.json()["schema"] == text
    assert "round-trip-value" in schema_registry.subjects()
    assert httpx2.get(f"{schema_registry.url}/schemas/ids/999999", timeout=patient(10)).json()["error_code"] == 40403


def test_a_registry_can_stop_and_come_back_on_its_address(own_schema_registry: SchemaRegistry) -> None:
    text = '{"type":"record","name":"again","fields":[]}'
    first = own_schema_registry.register("again-value", text)
    own_schema_registry.stop()
    with pytest.raises(httpx2.ConnectError):
        own_schema_registry.subjects()
    own_schema_registry.restart()
    assert own_schema_registry.subjects() == set()
    assert own_schema_registry.register("again-value", text) == first


def test_a_partition_is_leaderless_or_led_by_another_when_its_broker_dies(kafka_cluster: KafkaCluster) -> None:
    kafka_cluster.topics.create(["lsst.sal.Alone.logevent_heartbeat"], brokers=[2])
    kafka_cluster.topics.create(["lsst.sal.Pair.logevent_heartbeat"], brokers=[2, 3])
    kafka_cluster.topics.create(["lsst.sal.Other.logevent_heartbeat"], brokers=[1])
    kafka_cluster.kill(2)
    assert kafka_cluster.leader("lsst.sal.Alone.logevent_heartbeat") == -1
    assert kafka_cluster.leader("lsst.sal.Pair.logevent_heartbeat") == 3
    kafka_cluster.topics.produce([("lsst.sal.Other.logevent_heartbeat", b"k", b"v")])
    kafka_cluster.revive(2)
    assert kafka_cluster.leader("lsst.sal.Alone.logevent_heartbeat") == 2


def test_influx_keeps_what_telegraf_writes_and_refuses_strangers(own_influx: InfluxServer) -> None:
    topic = "lsst.sal.ESS.logevent_summaryState"
    fields = {"salIndex": 104, "private_efdStamp": 1.75e9, "private_identity": 'a "quoted" name', "summaryState": 2}
    own_influx.write([telegraf_line(topic, fields)])
    own_influx.restart()
    answer = own_influx.query(f'SELECT * FROM "{topic}" WHERE salIndex = 104', user="reader")
    assert answer == {
        "results": [
            {
                "statement_id": 0,
                "series": [
                    {
                        "name": topic,
                        "columns": ["time", "private_efdStamp", "private_identity", "salIndex", "summaryState"],
                        "values": [["2025-06-15T15:06:40Z", 1.75e9, 'a "quoted" name', 104, 2]],
                    }
                ],
            }
        ]
    }
    wrong = httpx2.get(
        f"{own_influx.url}/query", params={"q": "SHOW DATABASES"}, auth=("reader", "wrong"), timeout=patient(10)
    )
    assert wrong.status_code == httpx2.codes.UNAUTHORIZED
    reader = ("reader", INFLUX_PASSWORDS["reader"])
    refused = httpx2.post(
        f"{own_influx.url}/write", params={"db": "efd"}, content="a b=1", auth=reader, timeout=patient(10)
    )
    assert refused.status_code == httpx2.codes.FORBIDDEN


def test_a_terminal_is_driven_by_keys_and_read_back(tmux: Tmux) -> None:
    tmux.start(["sh", "-c", "stty size; read line; stty size; echo said $line; exit 3"], columns=91, rows=27)
    tmux.wait_for("27 91")
    assert tmux.size() == (91, 27)
    tmux.resize(70, 20)
    tmux.type_text("hello there")
    tmux.send_keys("Enter")
    screen = tmux.wait_for("said hello there")
    assert "20 70" in screen
    assert tmux.wait_exit() == 3


def test_a_program_that_dies_of_a_signal_says_so(tmux: Tmux) -> None:
    tmux.start(["sh", "-c", "kill -TERM $$"])
    assert tmux.wait_exit() == 143

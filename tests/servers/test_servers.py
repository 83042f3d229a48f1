"""Each real server proves itself: it starts, answers, comes back, and refuses whom it must."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from tests.servers.kafka import PASSWORDS, KafkaServer
from tests.servers.registry import SchemaRegistry

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
    seen = set(client.list_topics(timeout=10).topics)
    assert f"lsst.{subname}.ESS.logevent_heartbeat" in seen
    assert f"other.{subname}" not in seen
    client, _ = _sasl(server, "nobody", PASSWORDS["nobody"])
    assert not client.list_topics(timeout=10).topics


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
    answer = httpx.get(f"{schema_registry.url}/schemas/ids/{number}", timeout=10).raise_for_status()
    assert answer.json()["schema"] == text
    assert "round-trip-value" in schema_registry.subjects()
    assert httpx.get(f"{schema_registry.url}/schemas/ids/999999", timeout=10).json()["error_code"] == 40403

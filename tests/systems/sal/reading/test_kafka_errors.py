"""Why a Kafka cannot be used: each cause on a real broker, in its own words."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from deploydash.core.model import FeedState
from deploydash.errors import FeedError
from deploydash.systems.sal.feed import probe
from deploydash.systems.sal.reading.errors import diagnose
from tests.servers.fleet import SalWriter
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_scenes import SOURCE, ids, plain_settings, sasl_settings, watching
from tests.servers.process import free_port
from tests.servers.registry import SchemaRegistry

pytestmark = pytest.mark.server


async def refusal(settings: object) -> FeedError:
    error = await diagnose(settings)  # type: ignore[arg-type]
    assert error is not None
    assert error.system == "kafka"
    assert error.hint
    return error


async def test_a_kafka_that_takes_us_is_no_error(kafka: KafkaServer, subname: str) -> None:
    assert await diagnose(sasl_settings(kafka, subname)) is None
    assert await diagnose(plain_settings(kafka.bootstrap, subname)) is None


async def test_a_wrong_password_and_a_wrong_user_are_refused_log_ins(kafka: KafkaServer, subname: str) -> None:
    for settings in (
        sasl_settings(kafka, subname, password="wrong"),
        sasl_settings(kafka, subname, user="stranger", password="any"),
    ):
        error = await refusal(settings)
        assert error.message.startswith(f"{kafka.sasl_bootstrap} ({SOURCE}): the broker refuses user ")
        assert repr(settings.username) in error.message
        assert "LSST_KAFKA_SECURITY_PASSWORD" in error.hint
        assert "wrong'" not in str(error)


async def test_a_wrong_authority_is_an_untrusted_certificate(kafka: KafkaServer, subname: str) -> None:
    error = await refusal(sasl_settings(kafka, subname, ca_file=kafka.wrong_ca_file))
    assert "certificate is not trusted" in error.message


async def test_the_machines_own_authorities_do_not_trust_a_sites_certificate(kafka: KafkaServer, subname: str) -> None:
    error = await refusal(sasl_settings(kafka, subname, ca_file=None))
    assert "certificate is not trusted" in error.message


async def test_a_missing_authority_file_is_named(kafka: KafkaServer, subname: str, tmp_path: Path) -> None:
    error = await refusal(sasl_settings(kafka, subname, ca_file=tmp_path / "none.pem"))
    assert str(tmp_path / "none.pem") in error.message
    assert "No such file" in error.message


async def test_a_file_that_is_no_certificate_is_named(kafka: KafkaServer, subname: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    error = await refusal(sasl_settings(kafka, subname, ca_file=tmp_path / "ca.pem"))
    assert "cannot be used" in error.message


async def test_a_mechanism_that_the_broker_does_not_take_is_named(kafka: KafkaServer, subname: str) -> None:
    error = await refusal(sasl_settings(kafka, subname, mechanism="SCRAM-SHA-256"))
    assert "does not take the mechanism SCRAM-SHA-256" in error.message


async def test_a_mechanism_that_nobody_knows_is_named(kafka: KafkaServer, subname: str) -> None:
    with pytest.raises(FeedError, match="does not take the mechanism SCRAM-SHA-1024"):
        await probe(sasl_settings(kafka, subname, mechanism="SCRAM-SHA-1024"))


async def test_tls_to_a_plain_port_is_told(kafka: KafkaServer, subname: str) -> None:
    error = await refusal(sasl_settings(kafka, subname, security_protocol="SSL"))
    assert "wants SASL" in error.hint
    settings = plain_settings(kafka.bootstrap, subname)
    mixed = type(settings)(settings.bootstrap, "SSL", "", subname, SOURCE, ca_file=kafka.ca_file)
    error = await refusal(mixed)
    assert "does not speak TLS" in error.hint


async def test_plain_to_a_tls_port_is_told(kafka: KafkaServer, subname: str) -> None:
    error = await refusal(sasl_settings(kafka, subname, security_protocol="SASL_PLAINTEXT"))
    assert "speaks TLS and we do not" in error.hint


async def test_a_log_in_where_none_is_taken_is_told(kafka: KafkaServer, subname: str) -> None:
    settings = sasl_settings(kafka, subname, security_protocol="SASL_PLAINTEXT")
    there = type(settings)(
        kafka.bootstrap, "SASL_PLAINTEXT", "SCRAM-SHA-512", subname, SOURCE, username="dash", password="x"
    )
    error = await refusal(there)
    assert "takes no log-in" in error.message


async def test_a_port_that_nobody_listens_on_is_refused(subname: str) -> None:
    error = await refusal(plain_settings(f"127.0.0.1:{free_port()}", subname))
    assert "connection refused" in error.message


async def test_a_host_that_dns_does_not_know_is_told(subname: str) -> None:
    error = await refusal(plain_settings("kafka.invalid:9092", subname))
    assert "no such host" in error.message


async def test_a_port_that_never_answers_is_told(subname: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = await refusal(plain_settings(f"127.0.0.1:{silent.getsockname()[1]}", subname))
        assert "no answer within" in error.message


async def test_something_that_is_no_kafka_is_told(subname: str) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await refusal(plain_settings(f"127.0.0.1:{port}", subname))
        assert "something else than Kafka" in error.hint


async def test_one_of_two_addresses_is_enough(kafka: KafkaServer, subname: str) -> None:
    assert await diagnose(plain_settings(f"127.0.0.1:{free_port()},{kafka.bootstrap}", subname)) is None


async def test_a_probe_tells_what_the_account_sees(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    SalWriter(kafka.topics, schema_registry, subname).prepare(ids("ESS:1", "Watcher"), ["heartbeat", "summaryState"])
    answer = await probe(sasl_settings(kafka, subname))
    assert answer == (f"{kafka.sasl_bootstrap} ({SOURCE}) answers: heartbeats of 2 components under lsst.{subname}.*")


async def test_missing_authorization_is_told_apart_from_a_refused_log_in(
    kafka: KafkaServer, schema_registry: SchemaRegistry, subname: str
) -> None:
    SalWriter(kafka.topics, schema_registry, subname).prepare(ids("ESS:1"), ["heartbeat"])
    with pytest.raises(FeedError, match=r"shows no heartbeat topic .* lacks DESCRIBE"):
        await probe(sasl_settings(kafka, subname, user="nobody"))
    cscs = ids("ESS:1")
    async with watching(sasl_settings(kafka, subname, user="nobody"), schema_registry.url, cscs) as watch:
        await watch.until(lambda: watch.kafka_state() is FeedState.DEGRADED, 10, "no topic is seen")
        assert "ask for DESCRIBE and READ" in watch.kafka_detail()


async def test_nothing_of_aiokafka_reaches_the_screen(subname: str, capfd: pytest.CaptureFixture[str]) -> None:
    await refusal(plain_settings(f"127.0.0.1:{free_port()}", subname))
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == ""

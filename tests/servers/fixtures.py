"""The real servers as fixtures: shared ones live for the session, ``own_`` ones belong to one test, free to stop them.

A server that cannot be had skips its tests with the reason; where ``CI=true`` that is a failure.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.servers.cache import UnavailableError, tool
from tests.servers.influx import InfluxServer, influxd
from tests.servers.inmanta import Orchestrator, inmanta_install
from tests.servers.kafka import KafkaServer
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.kafka_install import kafka_install
from tests.servers.registry import SchemaRegistry, registry_install
from tests.servers.tmux import Tmux

Had = TypeVar("Had")
_missing: dict[str, str] = {}


def have(what: str, get: Callable[[], Had]) -> Had:
    """Return what ``get`` provides; else skip by name with the reason, or fail in CI. It is tried once a session."""
    if what not in _missing:
        try:
            return get()
        except UnavailableError as error:
            _missing[what] = str(error)
    reason = f"{what} cannot be had: {_missing[what]}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _kafka(version: str, folder: Path) -> Iterator[KafkaServer]:
    server = KafkaServer(have(f"Kafka {version}", lambda: kafka_install(version)), folder)
    try:
        server.start()
        yield server
    finally:
        server.close()


def _registry(folder: Path) -> Iterator[SchemaRegistry]:
    server = SchemaRegistry(have("schema registry", registry_install), folder)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """Kafka 3.9.1, shared: use topics under ``subname`` and never stop it."""
    yield from _kafka("3.9.1", tmp_path_factory.mktemp("kafka-3.9.1"))


@pytest.fixture(scope="session")
def kafka_41(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """Kafka 4.1.0, shared, as ``kafka``."""
    yield from _kafka("4.1.0", tmp_path_factory.mktemp("kafka-4.1.0"))


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    """A Kafka 3.9.1 of this test alone, which may stop, kill, freeze and restart it."""
    yield from _kafka("3.9.1", tmp_path / "kafka")


@pytest.fixture
def subname() -> str:
    """A topic subname of this test alone; the account ``dash`` may read its topics."""
    return f"sal{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def schema_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchemaRegistry]:
    """A schema registry, shared: never stop it."""
    yield from _registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def own_schema_registry(tmp_path: Path) -> Iterator[SchemaRegistry]:
    """A schema registry of this test alone, which may stop it."""
    yield from _registry(tmp_path / "registry")


@pytest.fixture
def kafka_cluster(tmp_path: Path) -> Iterator[KafkaCluster]:
    """Three Kafka nodes of this test alone; it may kill nodes 2 and 3."""
    cluster = KafkaCluster(have("Kafka 3.9.1", lambda: kafka_install("3.9.1")), tmp_path / "cluster")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()


def _influx(folder: Path) -> Iterator[InfluxServer]:
    server = InfluxServer(have("InfluxDB", influxd), folder)
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """An InfluxDB with authentication, shared: use measurements under ``subname`` and never stop it."""
    yield from _influx(tmp_path_factory.mktemp("influx"))


@pytest.fixture
def own_influx(tmp_path: Path) -> Iterator[InfluxServer]:
    """An InfluxDB of this test alone, which may stop and freeze it."""
    yield from _influx(tmp_path / "influx")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal to run one program in."""
    have("tmux", lambda: tool("tmux"))
    with Tmux(tmp_path / "tmux") as terminal:
        yield terminal


@pytest.fixture(scope="session")
def orchestrator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestrator]:
    """A real orchestrator with its database; each test makes an environment of its own."""
    server = Orchestrator(have("orchestrator", inmanta_install), tmp_path_factory.mktemp("orchestrator"))
    try:
        server.start()
        yield server
    finally:
        server.close()

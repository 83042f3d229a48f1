"""Fixtures for every test; the real servers' own are in tests/servers/fixtures.py."""

from __future__ import annotations

from tests.servers.fixtures import (
    influx,
    kafka,
    kafka_41,
    kafka_cluster,
    own_influx,
    own_kafka,
    own_schema_registry,
    schema_registry,
    subname,
    tmux,
)

__all__ = [
    "influx",
    "kafka",
    "kafka_41",
    "kafka_cluster",
    "own_influx",
    "own_kafka",
    "own_schema_registry",
    "schema_registry",
    "subname",
    "tmux",
]

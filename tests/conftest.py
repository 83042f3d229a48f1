"""Fixtures for every test; the real servers' own are in tests/servers/fixtures.py."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.servers.fixtures import (
    influx,
    kafka,
    kafka_41,
    kafka_cluster,
    orchestrator,
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
    "orchestrator",
    "own_influx",
    "own_kafka",
    "own_schema_registry",
    "schema_registry",
    "subname",
    "tmux",
]

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
"""A slow machine makes an example slow, not wrong: what hangs meets the limit of the whole test."""

"""Fixtures for every test; the real servers' own are in tests/servers/fixtures.py."""

from __future__ import annotations

from tests.servers.fixtures import (
    kafka,
    kafka_41,
    own_kafka,
    own_schema_registry,
    schema_registry,
    subname,
)

__all__ = ["kafka", "kafka_41", "own_kafka", "own_schema_registry", "schema_registry", "subname"]

"""CSCs that live and cannot be read: their records carry a schema id that no registry knows."""

from __future__ import annotations

import struct
from typing import Any

from tests.servers.fleet import SalWriter
from tests.servers.kafka_topics import Record

UNKNOWN_ID = 999_999
UNKNOWN = f"schema {UNKNOWN_ID} is unknown to the registry"


def with_schema(record: Record, schema_id: int = UNKNOWN_ID) -> Record:
    """Return a good record under another schema id."""
    topic, key, value = record
    return topic, key, struct.pack(">bI", 0, schema_id) + (value or b"")[5:]


class UnreadableWriter(SalWriter):
    """Writes what a SalWriter writes, under a schema id that nobody knows."""

    def record(self, *arguments: Any, **how: Any) -> Record:
        """Return a record that cannot be read."""
        return with_schema(super().record(*arguments, **how))

"""Records as aiokafka hands them over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Entry:
    """One record, stamped by the broker."""

    offset: int
    value: bytes | None
    timestamp: int = 1_790_000_000_000
    timestamp_type: int = 1

"""Records that the broker sends and aiokafka cannot unpack: stepped over one by one, so that they hold up nobody.

A batch with a wrong checksum, an unknown codec or broken compression makes ``getmany`` raise. aiokafka then has lost
what it had taken of other partitions in the same call, does not say whose batch it was, and meets it again each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    KafkaError,
    RecordTooLargeError,
    UnsupportedCodecError,
)

from deploydash.systems.sal.reading.client import Consumer, Partition, Record

_AT_ONCE = 500
_KINDS = {
    UnsupportedCodecError: "compressed in a way that is not known here",
    CorruptRecordException: "a corrupt batch",
    RecordTooLargeError: "too large a record",
}


@dataclass(frozen=True, slots=True)
class Spoilt:
    """Stands for one or more records that cannot be unpacked; ``offset`` is the last of them."""

    offset: int
    why: str
    value: None = None
    timestamp: int = 0
    timestamp_type: int = 0


def spoilt_by(error: Exception) -> str:
    """Return why a batch cannot be unpacked, or nothing where an error is about something else than records."""
    for kind, words in _KINDS.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, KafkaError | ConsumerStoppedError):
        return ""
    return "a batch that cannot be unpacked"


class Careful:
    """Reads record by record, one partition at a time; the steps over what cannot be unpacked grow."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._steps: dict[Partition, int] = {}

    async def read(self, positions: Mapping[Partition, int]) -> dict[Partition, list[Record]]:
        """Return what has arrived, from positions that were sought before.

        Raises:
            KafkaError: something is wrong that is not about records.
        """
        found: dict[Partition, list[Record]] = {}
        for partition, position in positions.items():
            records = await self._one(partition, position)
            if records:
                found[partition] = records
        return found

    async def _one(self, partition: Partition, position: int) -> list[Record]:
        records: list[Record] = []
        while len(records) < _AT_ONCE:
            try:
                batch = await self._consumer.getmany(partition, timeout_ms=0, max_records=1)
            except Exception as error:
                if not (why := spoilt_by(error)):
                    raise
                return [*records, self._step_over(partition, position, why)]
            if not batch:
                return records
            records += batch[partition]
            position = records[-1].offset + 1
            self._steps.pop(partition, None)
        return records

    def _step_over(self, partition: Partition, position: int, why: str) -> Record:
        step = self._steps.get(partition, 1)
        self._steps[partition] = 2 * step
        # Never beyond the end of the log: that would have it read from its beginning again.
        after = max(position + 1, min(position + step, self._consumer.highwater(partition) or 0))
        self._consumer.seek(partition, after)
        return Spoilt(after - 1, why)

"""A batch that cannot be unpacked among good ones: it alone is stepped over, and nothing beside it is lost."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from aiokafka.errors import CorruptRecordException, KafkaTimeoutError, UnsupportedCodecError

from deploydash.systems.sal.reading.client import Partition, Record, partition
from deploydash.systems.sal.reading.spoilt import Careful, Spoilt, spoilt_by

ONE, TWO = partition("lsst.sal.ESS.logevent_summaryState", 0), partition("lsst.sal.GIS.logevent_summaryState", 0)


@dataclass
class Good:
    """A record that can be unpacked."""

    offset: int
    value: bytes | None = b"good"
    timestamp: int = 0
    timestamp_type: int = 1


class Log:
    """A consumer over logs of which some offsets cannot be unpacked, as aiokafka's behaves."""

    def __init__(self, ends: dict[Partition, int], spoilt: Iterable[tuple[Partition, int]], error: Exception) -> None:
        self.ends = ends
        self.spoilt = set(spoilt)
        self.error = error
        self.positions = dict.fromkeys(ends, 0)

    async def getmany(self, *partitions: Partition, timeout_ms: int, max_records: int) -> dict[Partition, list[Record]]:
        assert (timeout_ms, max_records) == (0, 1)
        [one] = partitions
        place = self.positions[one]
        if place >= self.ends[one]:
            return {}
        if (one, place) in self.spoilt:
            raise self.error
        self.positions[one] = place + 1
        return {one: [Good(place)]}

    def seek(self, one: Partition, offset: int) -> None:
        self.positions[one] = offset

    def highwater(self, one: Partition) -> int:
        return self.ends[one]


def read_all(log: Log) -> dict[Partition, list[Record]]:
    """Read until nothing comes any more; return every record in the order it came."""
    careful = Careful(log)  # type: ignore[arg-type]
    found: dict[Partition, list[Record]] = {}
    while batch := asyncio.run(careful.read(dict(log.positions))):
        for one, records in batch.items():
            found.setdefault(one, []).extend(records)
    return found


def test_what_stands_before_behind_and_beside_a_spoilt_record_is_read() -> None:
    log = Log({ONE: 5, TWO: 3}, [(ONE, 2)], CorruptRecordException("Invalid CRC"))
    found = read_all(log)
    assert [(record.offset, type(record) is Spoilt) for record in found[ONE]] == [
        (0, False),
        (1, False),
        (2, True),
        (3, False),
        (4, False),
    ]
    assert [record.offset for record in found[TWO]] == [0, 1, 2]


def test_a_long_spoilt_stretch_is_left_in_growing_steps_and_never_past_the_end() -> None:
    log = Log({ONE: 1000}, [(ONE, place) for place in range(1000)], zlib.error("incorrect header check"))
    found = read_all(log)
    assert len(found[ONE]) <= 12
    assert found[ONE][-1].offset == 999
    assert log.positions[ONE] == 1000


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (CorruptRecordException("Invalid CRC"), "a corrupt batch"),
        (UnsupportedCodecError("zstd"), "compressed in a way that is not known here"),
        (zlib.error("incorrect header check"), "a batch that cannot be unpacked"),
        (KafkaTimeoutError(), ""),
    ],
    ids=str,
)
def test_what_spoilt_a_batch_is_said_and_troubles_of_the_connection_are_none(error: Exception, why: str) -> None:
    assert spoilt_by(error) == why

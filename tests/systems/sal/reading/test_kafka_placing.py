"""A heartbeat log whose end was not told in time is asked for again soon: its silence counts from its first answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import pytest

from deploydash.session.clock import SystemClock
from deploydash.systems.sal.reading.client import Partition, partition
from deploydash.systems.sal.reading.connection import Connection
from deploydash.systems.sal.reading.live import LiveReader
from deploydash.systems.sal.reading.topics import Event, Listing
from deploydash.systems.settings import KafkaSettings
from tests.support.collected import Collected

LOGS = {partition(f"lsst.sal.{name}.logevent_heartbeat", 0): Event(name, "heartbeat") for name in ("ESS", "Watcher")}


class Placing:
    """A reader that is told the ends of so many logs only."""

    def __init__(self, placed: int) -> None:
        self.assigned: frozenset[Partition] = frozenset()
        self.refused: dict[Partition, str] = {}
        self._placed = placed

    async def assign(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        ends = dict.fromkeys(list(partitions)[: self._placed], 7)
        self.assigned = frozenset(ends)
        return ends


@pytest.mark.parametrize(("placed", "again"), [(0, True), (1, True), (2, False)])
async def test_topics_are_listed_again_soon_while_a_log_could_not_be_placed(placed: int, again: bool) -> None:
    schemas: Any = None
    settings = KafkaSettings("127.0.0.1:9", "PLAINTEXT", "", "sal", "test")
    connection = Connection(settings, schemas, frozenset(), SystemClock(), Collected())
    connection._listing = Listing(LOGS, {})
    try:
        await connection._assign(cast("LiveReader", Placing(placed)), lambda name: name == "heartbeat")
        assert connection._look_again.is_set() is again
    finally:
        await connection.close()

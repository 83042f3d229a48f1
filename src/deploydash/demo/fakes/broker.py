"""Kafka: carries what the world writes and brings it the commands that arrive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from deploydash.demo.bus import Bus
from deploydash.demo.fake import Fault, Faults, Kind, Section
from deploydash.demo.mock_cluster import MockCluster
from deploydash.demo.wire import COMMAND_NAMES, Emit, Raw, TopicSchema
from deploydash.demo.world import World

FAULTS: Mapping[str, Fault] = {
    "down": Fault("connections are cut and refused; it comes back on its port with every record"),
    "stalled": Fault("every answer takes so many seconds longer", {"seconds": 7.0}),
}
_FLUSH_S = 10.0


class Cluster(Protocol):
    """The cluster under the fake. ``bootstrap`` is its address."""

    bootstrap: str

    def create_topics(self, topics: Iterable[str]) -> None:
        """Make topics of one partition."""

    def set_up(self, up: bool) -> None:
        """Let it go down or come back."""

    def set_delay(self, seconds: float) -> None:
        """Let every answer take so many seconds longer."""

    def close(self) -> None:
        """End it, if it is ours."""


class Broker:
    """One Kafka. What is counted are the command records that arrived, by SAL name (``command_start``).

    Raises:
        RuntimeError: librdkafka cannot make a cluster.
    """

    def __init__(self, world: World, cluster: Cluster | None = None) -> None:
        self._world = world
        self._cluster = cluster or MockCluster()
        self._bus: Bus | None = None
        self.faults = Faults(FAULTS, self._switched)
        self.asked: Counter[str] = Counter()
        world.on_topics.append(self._make)
        world.on_records.append(self._write)
        world.on_opened.append(lambda: self.bus.flush(_FLUSH_S))
        world.on_turn.append(self._listen)

    @property
    def bus(self) -> Bus:
        """The world's way to Kafka. Raises RuntimeError before `start`."""
        if self._bus is None:
            raise RuntimeError("the broker is not started")
        return self._bus

    async def start(self) -> Section:
        """Connect the world; the section ``kafka``."""
        self._bus = Bus(self._cluster.bootstrap)
        return {
            "kafka": {
                "bootstrap": self._cluster.bootstrap,
                "hosts": ["127.0.0.1"],
                "security_protocol": "PLAINTEXT",
                "topic_subname": self._world.site.subname,
            }
        }

    async def stop(self) -> None:
        """Leave; what is not yet written is dropped."""
        if self._bus is not None:
            self._bus.close()
        self._cluster.close()

    def _switched(self, fault: str) -> None:
        values = self.faults[fault]
        if fault == "down":
            self._cluster.set_up(values is None)
        else:
            self._cluster.set_delay(0.0 if values is None else float(values["seconds"]))

    def _make(self, topics: Mapping[str, TopicSchema]) -> None:
        self._cluster.create_topics(topics)
        self.bus.read(topic for topic, schema in topics.items() if schema.sal_name in COMMAND_NAMES)

    def _write(self, records: list[Emit | Raw]) -> None:
        encode = self._world.codec.encode
        self.bus.write(record if isinstance(record, Raw) else encode(record) for record in records)

    def _listen(self, now: float) -> None:
        for topic, value in self.bus.commands():
            self.asked[self._world.codec.split(topic)[1]] += 1
            self._world.deliver(topic, value, now)


KIND = Kind("broker", FAULTS, COMMAND_NAMES, Broker)

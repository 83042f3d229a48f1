"""Which topics of the watched events there are, from the brokers' own list.

Only topics that exist and have a leader may ever be assigned: aiokafka refreshes its metadata in a busy loop
for any other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from deploydash.systems.sal.reading.client import MetadataClient, Partition, new_metadata_client, partition
from deploydash.systems.settings import KafkaSettings
from deploydash.systems.topics import SHOWN_EVENTS, WATCHED_EVENTS, shown_event, split_topic

_WATCHED = frozenset(f"logevent_{event}" for event in WATCHED_EVENTS)
_SHOWN = frozenset(f"logevent_{each.event}" for each in SHOWN_EVENTS)
_LEAST_PAUSE_S = 3.0
_PAUSE_PER_COST = 60.0
"""A list of the summit's thousands of topics takes tenths of a second to decode: spend at most 1/60 on it."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a topic carries: an event (``summaryState``) of one component, all its indices."""

    component: str
    name: str

    @property
    def sal_name(self) -> str:
        """The event's name as SAL writes it, such as ``logevent_summaryState``."""
        return f"logevent_{self.name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The watched partitions that have a leader, and those that have none at the moment."""

    led: Mapping[Partition, Event]
    leaderless: Mapping[Partition, Event]

    def components(self, event: str) -> frozenset[str]:
        """Return the components that have this event's topic."""
        every = (*self.led.values(), *self.leaderless.values())
        return frozenset(found.component for found in every if found.name == event)


class Catalogue:
    """Asks for the list of all topics; never for one by name, which could create it.

    (librdkafka's mock broker, the demo's, creates any topic it is asked for by name.)
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._client: MetadataClient | None = None
        self._listing = Listing({}, {})
        self.pause_s = _LEAST_PAUSE_S
        """How long to wait until the list may be asked for again."""

    async def connect(self) -> None:
        """Connect.

        Raises:
            FeedError: the settings cannot be used.
            KafkaError: no broker can be reached, or none takes us.
        """
        self._client = new_metadata_client(self._settings)
        await self._client.bootstrap()

    async def list(self) -> Listing:
        """Return what there is now.

        Raises:
            KafkaError: no broker answers.
        """
        if self._client is None:
            raise RuntimeError("the catalogue was not connected")
        metadata = await self._client.list_anew()
        if metadata is None:
            return self._listing
        started = time.thread_time()
        led: dict[Partition, Event] = {}
        leaderless: dict[Partition, Event] = {}
        topics = metadata.topics()
        for topic in topics:
            parts = split_topic(topic, self._settings.topic_subname)
            if parts is None or not _is_read(*parts):
                continue
            event = Event(parts[0], parts[1].removeprefix("logevent_"))
            for number in metadata.partitions_for_topic(topic) or ():
                one = partition(topic, number)
                has_leader = metadata.leader_for_partition(one) not in (None, -1)
                (led if has_leader else leaderless)[one] = event
        cost = time.thread_time() - started + _DECODING_S * len(topics)
        self.pause_s = max(_LEAST_PAUSE_S, _PAUSE_PER_COST * cost)
        self._listing = Listing(led, leaderless)
        return self._listing

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.close()


def _is_read(component: str, sal_name: str) -> bool:
    if sal_name in _WATCHED:
        return True
    return sal_name in _SHOWN and shown_event(component, sal_name.removeprefix("logevent_")) is not None


_DECODING_S = 15e-6
"""Measured: aiokafka takes 90 ms of this process's time for 6,000 topics."""

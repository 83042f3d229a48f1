"""What of the state topics cannot be read: for each index, or for any, the newest record of that kind."""

from __future__ import annotations

from deploydash.core.observations import StatesUnreadable, Unreadable
from deploydash.feeds.kafka_client import Partition
from deploydash.feeds.kafka_schemas import WaitingRoom
from deploydash.feeds.kafka_topics import Event

STATE_EVENTS = frozenset({"summaryState", "offlineDetailedState"})


def waits_for(schema_id: int) -> str:
    """Return why a record cannot be read whose schema was not told yet."""
    return f"schema {schema_id} is still asked for at the registry"


class UnreadStates:
    """Remembers the newest unreadable records of each state topic, and tells them where they changed.

    Places are offsets: a state topic has one partition (ts_xml ``topic_info.py``).
    """

    def __init__(self, room: WaitingRoom) -> None:
        self._room = room
        self._refused: dict[Partition, dict[int | None, Unreadable]] = {}
        self._told: dict[Partition, tuple[Unreadable, ...]] = {}

    def refuse(self, partition: Partition, offset: int, index: int | None, why: str) -> None:
        """Note a record that cannot be read, and whose it is if that can be told."""
        newest = self._refused.setdefault(partition, {})
        held = newest.get(index)
        if held is None or held.order < offset:
            newest[index] = Unreadable(index, offset, why)

    def take(self, partition: Partition, event: Event, at: float, *, read_back: bool = False) -> list[StatesUnreadable]:
        """Return what is to be told of a topic: what changed, and all that is known once it was read back."""
        if event.name not in STATE_EVENTS:
            return []
        newest = list(self._refused.get(partition, {}).values())
        waiting = self._room.newest(partition)
        if waiting is not None:
            schema_id, offset = waiting
            newest.append(Unreadable(None, offset, waits_for(schema_id), waits=True))
        now = tuple(newest)
        if now == self._told.get(partition, None if read_back else ()):
            return []
        self._told[partition] = now
        return [StatesUnreadable(event.component, event.name, now, at)]

"""What of the state topics cannot be read: for each index, or for any, the newest record of that kind."""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.core.fleet.observations import StatesUnreadable, Unreadable
from deploydash.systems.sal.reading.client import Partition
from deploydash.systems.sal.reading.schemas import WaitingRoom
from deploydash.systems.sal.reading.second_look import SecondLook, note
from deploydash.systems.sal.reading.topics import Event

STATE_EVENTS = frozenset({"summaryState", "offlineDetailedState"})


def waits_for(schema_id: int) -> str:
    """Return why a record cannot be read whose schema was not told yet."""
    return f"schema {schema_id} is still asked for at the registry"


_LASTS_S = 0.5
WITHHELD = "an open transaction holds the newest records back"
"""Why records cannot be read that no reader gets before a transaction ends, as ts_salobj's readers do not."""


class UnreadStates:
    """Remembers the newest unreadable records of each state topic, and tells them where they changed.

    Places are offsets: a state topic has one partition (ts_xml ``topic_info.py``).
    """

    def __init__(self, room: WaitingRoom, again: SecondLook) -> None:
        self._room = room
        self._again = again
        self._withheld: dict[Partition, int] = {}
        self._refused: dict[Partition, dict[int | None, Unreadable]] = {}
        self._told: dict[Partition, tuple[Unreadable, ...]] = {}

    def refuse(self, partition: Partition, offset: int, index: int | None, why: str) -> None:
        """Note a record that never will be read, and whose it is if that can be told."""
        note(self._refused.setdefault(partition, {}), Unreadable(index, offset, why))

    def withhold(self, ends: Mapping[Partition, int]) -> set[Partition]:
        """Note of which logs records are held back, and their ends; return of which that is news."""
        changed = {partition for partition, _ in ends.items() ^ self._withheld.items()}
        self._withheld = dict(ends)
        return changed

    def take(self, partition: Partition, event: Event, at: float, *, read_back: bool = False) -> list[StatesUnreadable]:
        """Return what is to be told of a topic: what changed, and all that is known once it was read back."""
        if event.name not in STATE_EVENTS:
            return []
        refused = dict(self._refused.get(partition, {}))
        for one in self._again.newest(partition).values():
            note(refused, one)
        newest = list(refused.values())
        if (end := self._withheld.get(partition)) is not None:
            newest.append(Unreadable(None, end, WITHHELD, waits=True))
        waiting = self._room.newest(partition)
        if waiting is not None:
            schema_id, offset = waiting
            newest.append(Unreadable(None, offset, waits_for(schema_id), waits=True))
        now = tuple(newest)
        if now == self._told.get(partition, None if read_back else ()):
            return []
        self._told[partition] = now
        return [StatesUnreadable(event.component, event.name, now, at)]


class Lasting:
    """Tells the transactions that hold records back from those that end at once."""

    def __init__(self) -> None:
        self._since: dict[Partition, float] = {}

    def of(self, ends: Mapping[Partition, int], at: float) -> dict[Partition, int]:
        """Return of which logs records have been held back for a while, and the ends of these logs."""
        self._since = {partition: self._since.get(partition, at) for partition in ends}
        return {partition: end for partition, end in ends.items() if at - self._since[partition] >= _LASTS_S}

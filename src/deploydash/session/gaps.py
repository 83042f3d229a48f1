"""Which CSCs the EFD has to be asked for: those whose last state Kafka no longer holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from deploydash.core.fleet.observations import Observation, StatesReadBack, TopicsListed
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId


@dataclass(slots=True)
class KafkaGaps:
    """Remembers what Kafka has been read for, and names each CSC it has no state of exactly once."""

    read: set[str] = field(default_factory=set)
    listed: frozenset[str] | None = None
    asked: set[CscId] = field(default_factory=set)
    changed: bool = False

    def note(self, observation: Observation) -> None:
        """Take in what says how far Kafka was read."""
        if isinstance(observation, StatesReadBack) and observation.component not in self.read:
            self.read.add(observation.component)
            self.changed = True
        elif isinstance(observation, TopicsListed) and self.listed != observation.components:
            self.listed = observation.components
            self.changed = True

    def take(self, views: Iterable[CscView]) -> frozenset[CscId]:
        """Return the expected CSCs to ask for now; empty where nothing new was read."""
        if not self.changed:
            return frozenset()
        self.changed = False
        missing = frozenset(
            view.csc
            for view in views
            if view.expected and view.reported is None and view.csc not in self.asked and self._unheld(view.csc.name)
        )
        self.asked |= missing
        return missing

    def _unheld(self, component: str) -> bool:
        return component in self.read or (self.listed is not None and component not in self.listed)

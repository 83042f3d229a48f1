"""When what is unknown after a resume is looked at: once the fleet is decided, and what could not be told once more."""

from __future__ import annotations

from typing import Protocol

from deploydash.core.ports import Clock

PROBE_AFTER_S = 20.0
"""After a resume, so long is waited for every CSC to be decided before what is unknown is looked at."""

AGAIN_S = 10.0
"""So often it is looked once more at what could not be told: a host, or Kafka, may be back by then."""


class Prober(Protocol):
    """Looks outside what became of what is unknown."""

    def probe(self, *, again: bool = False) -> bool:
        """Begin to look; ``again``: at what could not be told before. Say whether anything is left of that."""
        ...


class Probing:
    """Has what is unknown looked at after a resume, until somebody can tell, or the lead decided."""

    def __init__(self, prober: Prober, clock: Clock) -> None:
        self._prober = prober
        self._clock = clock
        self._due: float | None = None
        self._first = True

    def resumed(self) -> None:
        """Take note that the run was resumed: whatever was under way is unknown."""
        self._due, self._first = self._clock.monotonic() + PROBE_AFTER_S, True

    def tend(self, *, decided: bool) -> None:
        """Look if that is due; ``decided``: every CSC of the fleet is."""
        now = self._clock.monotonic()
        if self._due is None or (now < self._due and not (decided and self._first)):
            return
        left = self._prober.probe(again=not self._first)
        self._due = now + AGAIN_S if left or self._first else None
        self._first = False

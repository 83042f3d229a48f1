"""A clock that stands still until told."""

from __future__ import annotations

START_UTC = 1_795_208_652.0
"""2026-11-20T21:04:12Z, when the manual clock's monotonic time is 0."""


class ManualClock:
    """Both clocks of a process, moved by hand together."""

    def __init__(self, monotonic: float = 0.0, utc: float | None = None) -> None:
        self._monotonic = monotonic
        self._utc = START_UTC + monotonic if utc is None else utc

    def monotonic(self) -> float:
        return self._monotonic

    def utc(self) -> float:
        return self._utc

    def advance(self, seconds: float) -> None:
        self._monotonic += seconds
        self._utc += seconds

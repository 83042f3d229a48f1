"""Rate, lag and clock skew of what arrives live."""

from __future__ import annotations

from collections import deque

from deploydash.core.fleet.observations import FeedMeasured
from deploydash.core.model import FeedName

_WINDOW_S = 30.0


class Meter:
    """Measures from append times; a topic with the producer's times counts for the rate alone.

    Our clock minus the broker's is taken to be the least delay seen in the last half minute: a delay cannot be
    negative, and among many records some are fetched at once. So it is coarse by a fetch, some 10 ms.
    """

    def __init__(self, at: float) -> None:
        self._since = at
        self._records = 0
        self._least: deque[tuple[float, float]] = deque()
        self._last: float | None = None

    def note(self, records: int, delay_s: float | None, at: float) -> None:
        """Take in a batch; ``delay_s`` is our UTC clock at receipt minus the last record's append time."""
        self._records += records
        if delay_s is None:
            return
        self._last = delay_s
        while self._least and self._least[-1][1] >= delay_s:
            self._least.pop()
        self._least.append((at, delay_s))
        while self._least[0][0] < at - _WINDOW_S:
            self._least.popleft()

    def take(self, at: float) -> FeedMeasured:
        """Return what was measured since the last call."""
        seconds = max(at - self._since, 1e-3)
        rate, self._records, self._since = self._records / seconds, 0, at
        while self._least and self._least[0][0] < at - _WINDOW_S:
            self._least.popleft()
        skew = self._least[0][1] if self._least else None
        lag = None if skew is None or self._last is None else max(0.0, self._last - skew)
        self._last = None
        return FeedMeasured(FeedName.KAFKA, at, rate, lag, skew)

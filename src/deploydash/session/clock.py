"""The clocks of this machine."""

from __future__ import annotations

import time


class SystemClock:
    """Monotonic for ages and limits, UTC for what a person reads."""

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def utc(self) -> float:
        """Return UTC unix seconds."""
        return time.time()

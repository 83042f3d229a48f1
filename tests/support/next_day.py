"""The command line as it goes a day later: its clock is 25 hours ahead of the world's."""

from __future__ import annotations

import time

from deploydash.cli import main
from deploydash.session.clock import SystemClock

LATER_S = 25 * 3600.0


def _utc(_: SystemClock) -> float:
    return time.time() + LATER_S


if __name__ == "__main__":
    SystemClock.utc = _utc  # type: ignore[method-assign, assignment]
    main()

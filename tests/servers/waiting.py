"""Waiting for a condition with a deadline: tests never sleep for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable

_STEP = 0.02


def wait_until(condition: Callable[[], object], seconds: float, what: str, *, step: float = _STEP) -> None:
    """Return once ``condition`` holds.

    Raises:
        AssertionError: it did not hold within ``seconds``; ``what`` says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(step)

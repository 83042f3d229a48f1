"""Waiting for a condition with a limit: tests never sleep for a fixed time.

A limit is written for a quiet machine and stretched by ``PATIENCE`` where it is used: a slow machine makes a test
slow, and only what never comes makes it red. Where real time is the subject, the test's name says so and it looks
at the clock itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

PATIENCE = 8.0
"""How many times longer than on a quiet machine anything may take: 15 runnable processes on two cores."""

_STEP = 0.02


def patient(seconds: float) -> float:
    """Return a limit in seconds that a loaded machine keeps, too."""
    return seconds * PATIENCE


def within(seconds: float) -> asyncio.Timeout:
    """Return ``asyncio.timeout`` for a limit that a quiet machine keeps."""
    return asyncio.timeout(patient(seconds))


def wait_until(condition: Callable[[], object], seconds: float, what: str, *, step: float = _STEP) -> None:
    """Return once ``condition`` holds.

    Raises:
        AssertionError: it did not hold within ``seconds`` of a quiet machine; ``what`` says what was waited for.
    """
    limit = patient(seconds)
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit:g} s in vain: {what}")
        time.sleep(step)

"""Notices when this process stands still, for whatever reason, before anything is concluded from what came late.

A standstill is a time in which the event loop took nothing in: the process was stopped or swapped out, the machine
slept, or work of our own held the loop. Nothing of the world follows from it, so no time-out of ours runs meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import selectors
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")

log = logging.getLogger(__name__)

LEAST_S = 0.5
"""A loop that took nothing in for longer stood still."""

REST_S = 0.25
"""The loop never sleeps longer at a time, so that whatever is longer is a standstill."""

_KEPT = 64
_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Found:
    """A standstill: ``lasted_s`` seconds up to ``until`` (monotonic) in which nothing was taken in since ``since``."""

    since: float
    until: float
    lasted_s: float
    where: str


def _slept() -> float:
    """Return the seconds for which the machine slept since it was started; 0.0 where that is not told (Linux does)."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Standstills:
    """What was found, until somebody takes it. ``lost_s`` are the seconds that no time-out counts."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, slept: Callable[[], float] = _slept) -> None:
        self._monotonic = monotonic
        self._slept = slept
        self._asleep = slept()
        self._found: deque[Found] = deque(maxlen=_KEPT)
        self.alive_at = monotonic()
        self.held_up = (0.0, "")
        """Since when the loop has been held up, and where, as a witness saw it meanwhile."""
        self.lost_s = 0.0

    def time(self) -> float:
        """Return monotonic seconds less those in which we stood still; it never falls."""
        return self._look() - self.lost_s

    def take(self) -> tuple[Found, ...]:
        """Look, and return what was found since the last call."""
        self._look()
        if not self._found:
            return ()
        found = tuple(self._found)
        self._found.clear()
        return found

    def alive(self, rested: float = 0.0) -> None:
        """Note that the loop goes on, after it meant to sleep for at most ``rested`` seconds."""
        now = self._look(rested)
        asleep = self._slept()
        if asleep - self._asleep > LEAST_S:
            self._note(now, now - self.alive_at + asleep - self._asleep)
        self._asleep = asleep
        self.alive_at = now

    def _look(self, rested: float = 0.0) -> float:
        now = self._monotonic()
        if now - self.alive_at > LEAST_S + rested:
            self.lost_s += now - self.alive_at - LEAST_S - rested
            self._note(now, now - self.alive_at)
            self.alive_at = now
        return now

    def _note(self, now: float, seconds: float) -> None:
        since, where = self.held_up
        self._found.append(Found(self.alive_at, now, seconds, where if since == self.alive_at else ""))


class _Watched(selectors.DefaultSelector):
    """Looks at the time before and after each sleep of the loop."""

    def __init__(self, standstills: Standstills) -> None:
        super().__init__()
        self._standstills = standstills

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        rest = REST_S if timeout is None else min(max(timeout, 0.0), REST_S)
        self._standstills.alive()
        ready = super().select(rest)
        self._standstills.alive(rest)
        return ready


class PatientLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while the process does: what was late because of us is no time-out.

    An answer that came meanwhile is read before any time-out that waited for it is over.
    """

    def __init__(self) -> None:
        self.standstills = Standstills()
        super().__init__(_Watched(self.standstills))

    def time(self) -> float:
        """Return monotonic seconds less those in which we stood still."""
        return self.standstills.time()


def of_this_loop() -> Standstills | None:
    """Return what the running loop notices, or None where it is no patient one."""
    loop = asyncio.get_running_loop()
    return loop.standstills if isinstance(loop, PatientLoop) else None


@contextmanager
def witnessed(standstills: Standstills) -> Iterator[None]:
    """Have a thread look what this one does whenever it holds up its loop, and write that to the log at once."""
    ended = threading.Event()
    looked_at = threading.get_ident()
    witness = threading.Thread(
        target=_witness, args=(standstills, looked_at, ended), name="witness of standstills", daemon=True
    )
    witness.start()
    try:
        yield
    finally:
        ended.set()


def _witness(standstills: Standstills, looked_at: int, ended: threading.Event) -> None:
    woke = time.monotonic()
    told = 0.0
    while not ended.wait(REST_S):
        slept, woke = time.monotonic() - woke, time.monotonic()
        since = standstills.alive_at
        # A witness that slept too long itself stood still with the whole process: nothing held the loop up.
        if since == told or slept > REST_S + LEAST_S or woke - since <= REST_S + LEAST_S:
            continue
        told = since
        frame = sys._current_frames().get(looked_at)  # noqa: SLF001 - documented, and the only way
        if frame is not None:
            place, whole = _places(frame)
            standstills.held_up = (since, place)
            log.warning("nothing was taken in for %.1f s; held up in %s", woke - since, whole)


def _places(frame: FrameType) -> tuple[str, str]:
    """Return the innermost place that is ours, and the innermost place at all with ours behind it."""
    top, ours = _place(frame), ""
    walked: FrameType | None = frame
    while walked is not None and not ours:
        if _PACKAGE in Path(walked.f_code.co_filename).parents and "standstill" not in walked.f_code.co_filename:
            ours = _place(walked)
        walked = walked.f_back
    if not ours or ours == top:
        return top, top
    return ours, f"{top}, called by {ours}"


def _place(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename)
    name = path.relative_to(_PACKAGE) if _PACKAGE in path.parents else Path(*path.parts[-2:])
    return f"{name} line {frame.f_lineno} ({frame.f_code.co_name})"


def run_patiently(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a patient loop, as ``asyncio.run``, with a witness beside it."""
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, PatientLoop)  # noqa: S101 - the factory makes no other
        with witnessed(loop.standstills):
            return runner.run(work)

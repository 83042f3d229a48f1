"""An event loop whose time leaps: nobody waits for a timer, and every order of events is exact."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from tests.support.clock import START_UTC

Result = TypeVar("Result")


class _Leap(selectors.DefaultSelector):
    """Where the loop would sleep until a timer is due, its time leaps there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "every task waits for something that never comes"
        self.now += max(0.0, timeout)
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """Its ``time()`` begins at 0."""

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        return self._leap.now


class LoopClock:
    """Both clocks, as the running loop's time has them."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def utc(self) -> float:
        return START_UTC + self.monotonic()


def leaping(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` on a leaping loop; a task that is left over fails the test."""

    async def checked() -> Result:
        result = await work
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"unfinished: {left}"
        return result

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(checked())

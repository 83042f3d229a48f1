"""What was learned of a host and is not asked again at once: a card reads anew every two seconds what it would do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar, cast

from deploydash.core.ports import Clock

Answer = TypeVar("Answer")


class Memory:
    """Keeps answers for so many monotonic seconds. What a request is approved by is never among them."""

    def __init__(self, clock: Clock, keep_s: float) -> None:
        self._clock = clock
        self._keep_s = keep_s
        self._known: dict[Hashable, tuple[float, object]] = {}

    async def ask(self, key: Hashable, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what is known, else what the question brings; what it raises is not kept."""
        now = self._clock.monotonic()
        at, answer = self._known.get(key, (now - self._keep_s - 1, None))
        if now - at <= self._keep_s:
            return cast("Answer", answer)
        found = await question()
        self._known[key] = (self._clock.monotonic(), found)
        return found

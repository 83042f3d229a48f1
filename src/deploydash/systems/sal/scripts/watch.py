"""What is told of scripts while one is looked for or followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from deploydash.core.model import CscId
from deploydash.systems.sal.scripts.told import Followed, ScriptFact, ScriptsListed, follow


class Reader(Protocol):
    """What is used of a ScriptReader."""

    caught_up: asyncio.Event
    undecodable: int
    example: str


Reading = Callable[[Callable[[ScriptFact], None]], AbstractAsyncContextManager[Reader]]
"""Opens a reader that hands over facts until its block ends."""


class Watch:
    """Every fact so far, so that a script is followed from its first word although its number is learnt later."""

    def __init__(self) -> None:
        self._facts: list[ScriptFact] = []
        self._news = asyncio.Event()
        self.listed: dict[CscId, ScriptsListed] = {}
        self.seen: Followed | None = None

    def take(self, fact: ScriptFact) -> None:
        """Take in a fact."""
        if isinstance(fact, ScriptsListed):
            self.listed[fact.queue] = fact
        if self.seen is None:
            self._facts.append(fact)
        else:
            self.seen = follow(self.seen, fact)
        self._news.set()

    def follow(self, queue: CscId, number: int) -> Followed:
        """Follow the script that the command of this number added, from the first fact on."""
        seen = Followed(queue, number)
        for fact in self._facts:
            seen = follow(seen, fact)
        self._facts.clear()
        self.seen = seen
        return seen

    def is_not(self, before: Followed) -> bool:
        """Say whether anything was told since."""
        return self.seen != before

    async def until(self, when: Callable[[], bool], limit_s: float) -> bool:
        """Wait until something is so; False after ``limit_s``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while not when():
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                return when()
        return True

"""An inbox that keeps what a feed puts into it, and a way to run a feed for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from deploydash.core.fleet.observations import FeedChanged, Observation
from deploydash.core.ports import Feed
from tests.servers.waiting import patient, within

Kind = TypeVar("Kind")


class Collected:
    """Everything a feed told, in order."""

    def __init__(self) -> None:
        self.batches: list[tuple[Observation, ...]] = []
        self._news = asyncio.Event()

    async def put(self, observations: Sequence[Observation]) -> None:
        """Keep one batch (core.ports.Inbox)."""
        assert observations, "an empty batch tells nothing"
        self.batches.append(tuple(observations))
        self._news.set()

    def of(self, kind: type[Kind]) -> list[Kind]:
        """Return the observations of one kind."""
        return [observation for batch in self.batches for observation in batch if isinstance(observation, kind)]

    def health(self) -> FeedChanged:
        """Return the last change of health."""
        return self.of(FeedChanged)[-1]

    async def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        """Return once something was told and ``condition`` holds.

        Raises:
            AssertionError: it did not within ``seconds``; the message holds what was told last.
        """
        try:
            async with within(seconds):
                while not (self.batches and condition()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"not told within {patient(seconds):g} s; last told: {self.batches[-3:]}") from None


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[Collected]:
    """Run a feed, give what it tells, and cancel it at the end; an error of the feed is raised."""
    inbox = Collected()
    task = asyncio.create_task(feed.run(inbox))
    try:
        yield inbox
    finally:
        ended = task.done()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert not ended, "the feed ended by itself"

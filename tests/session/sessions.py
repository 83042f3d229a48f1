"""A session over feeds that do as a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import CscId, FeedName
from deploydash.core.ports import Feed, Inbox
from deploydash.session.session import MakeLater, Session
from tests.support.builders import roster
from tests.support.leaping import LoopClock

CSCS = ("ATDome", "ESS:1", "ESS:2", "Watcher")
Work = Callable[[Inbox, int], Awaitable[None]]
"""What a feed does when it is started for the n-th time, counted from 1."""


async def for_ever(_: Inbox, __: int) -> None:
    """Wait, as a feed that has nothing to tell."""
    await asyncio.Event().wait()


class ToldFeed:
    """A feed that remembers when it was started and that it was closed."""

    def __init__(self, work: Work, name: FeedName = FeedName.KAFKA) -> None:
        self.name = name
        self.started: list[float] = []
        self.open = 0
        self._work = work

    async def run(self, inbox: Inbox) -> None:
        self.started.append(asyncio.get_running_loop().time())
        self.open += 1
        try:
            await self._work(inbox, len(self.started))
        finally:
            self.open -= 1


class Watched:
    """A running session and every snapshot it published, with the loop's time of each."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.published: list[tuple[float, Snapshot]] = []
        self.unsubscribe = session.subscribe(self._keep)

    def _keep(self, snapshot: Snapshot) -> None:
        self.published.append((asyncio.get_running_loop().time(), snapshot))

    @property
    def last(self) -> Snapshot:
        return self.published[-1][1]


@asynccontextmanager
async def running(
    *feeds: Feed,
    fleet: Fleet | None = None,
    ask_efd: Callable[[frozenset[CscId]], None] | None = None,
    later: MakeLater | None = None,
) -> AsyncIterator[Watched]:
    """Run a session until the block ends; then it is cancelled and must have ended."""
    clock = LoopClock()
    session = Session(fleet or Fleet(roster(*CSCS), clock.monotonic()), feeds, clock, ask_efd, later)
    watched = Watched(session)
    task = asyncio.create_task(session.run())
    try:
        yield watched
        assert not task.done(), "the session ended by itself"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

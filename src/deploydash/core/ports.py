"""The shapes at the border of a session: a clock, feeds, an inbox and readers of snapshots. Types only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from deploydash.core.fleet.observations import Observation
from deploydash.core.model import FeedName
from deploydash.core.published import Published


class Clock(Protocol):
    """Both clocks of this process."""

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        ...

    def utc(self) -> float:
        """Return UTC unix seconds."""
        ...


class Inbox(Protocol):
    """Where feeds put what they saw. Bounded: ``put`` waits while the session is busy."""

    async def put(self, observations: Sequence[Observation]) -> None:
        """Hand over one batch, in order; the session takes it as one item."""
        ...


class Feed(Protocol):
    """A source of observations that runs until cancelled.

    It reports its own health as FeedChanged. If ``run`` raises, the session tells the operator and starts
    it again with back-off.
    """

    @property
    def name(self) -> FeedName | str:
        """What the feed is called in the header."""
        ...

    async def run(self, inbox: Inbox) -> None:
        """Read until cancelled."""
        ...


Subscriber = Callable[[Published], None]
"""Called on the session's event loop with each new snapshot; must return at once."""

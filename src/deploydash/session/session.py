"""The one writer of state: takes one item at a time from one inbox, folds it, publishes snapshots."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from deploydash.core.fleet.commands import Command
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import BeatArrived, Observation, StoodStill
from deploydash.core.fleet.records import Record
from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import CscId
from deploydash.core.ports import Clock, Feed, Subscriber
from deploydash.core.published import Published, published
from deploydash.session.gaps import KafkaGaps
from deploydash.session.standstill import Standstills, of_this_loop
from deploydash.session.supervise import supervise

log = logging.getLogger(__name__)

TICK_S = 0.25
"""Silence is noticed on ticks (DESIGN decision 2)."""

FRAME_S = 0.016
"""Snapshots of what is new are published at most once a frame."""

INBOX_LIMIT = 64
"""Batches that may wait; then the feeds wait, and Kafka's own log is the buffer."""

LATER_S = 10.0
"""So long what is read beside Kafka waits for the fleet to be decided: its libraries take a processor as they load."""

MakeLater = Callable[[], Awaitable[Sequence[Feed]]]

Item = Sequence[Observation] | Observation | Command | Exception | None
"""A batch of a feed, an observation of our own, an order of the operator, a fault of ours, or a tick."""


class Session:
    """Runs feeds and folds what they see, with or without a screen.

    ``ask_efd`` is called with the CSCs whose last state Kafka no longer holds, each once. ``attach``, if set,
    adds to each snapshot what stands beside the fleet: the run. ``recorded``, if set, is given every record.
    ``later`` makes more feeds once all CSCs are decided or ``LATER_S`` are over.
    """

    def __init__(
        self,
        fleet: Fleet,
        feeds: Sequence[Feed],
        clock: Clock,
        ask_efd: Callable[[frozenset[CscId]], None] | None = None,
        later: MakeLater | None = None,
    ) -> None:
        self.clock = clock
        self._later = later
        self._decided = asyncio.Event()
        self._fleet = fleet
        self._feeds = feeds
        self._ask_efd = ask_efd
        self.attach: Callable[[Snapshot], Published] | None = None
        self.recorded: Callable[[Sequence[Record]], None] | None = None
        self._gaps = KafkaGaps()
        self._standstills: Standstills | None = None
        self._items: asyncio.Queue[Item] = asyncio.Queue()
        self._room = asyncio.Semaphore(INBOX_LIMIT)
        self._subscribers: list[Subscriber] = []
        self._publish_at: asyncio.TimerHandle | None = None
        self._published_at = 0.0
        self._news = False
        """Whether the item at hand made a record. A batch that made none (mostly it is beats) waits for the next tick,
        and a tick without one begins no frame: a state that comes right behind would wait for its end."""

    async def put(self, observations: Sequence[Observation]) -> None:
        """Take one batch of a feed; waits while too many are unread (core.ports.Inbox)."""
        await self._room.acquire()
        self._items.put_nowait(observations)

    def tell(self, observation: Observation) -> None:
        """Take one observation that arose in this process; never waits."""
        self._items.put_nowait(observation)

    def order(self, command: Command) -> None:
        """Take an operator's order; never waits."""
        self._items.put_nowait(command)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every new snapshot from now on; the returned function ends that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    def snapshot(self) -> Snapshot:
        """Return everything known now."""
        self._note_standstills()
        return self._fleet.snapshot(self.clock.monotonic(), self.clock.utc())

    async def run(self) -> None:
        """Run until cancelled. Feeds are restarted; an error of the fold or of a snapshot is raised."""
        self._standstills = of_this_loop()
        try:
            async with asyncio.TaskGroup() as group:
                for feed in self._feeds:
                    group.create_task(supervise(feed, self, self.clock), name=f"feed {feed.name}")
                group.create_task(self._tick(), name="tick")
                if self._later is not None:
                    group.create_task(self._begin_later(group, self._later), name="later feeds")
                await self._fold()
        finally:
            if self._publish_at is not None:
                self._publish_at.cancel()

    async def _begin_later(self, group: asyncio.TaskGroup, make: MakeLater) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LATER_S):
                await self._decided.wait()
        for feed in await make():
            group.create_task(supervise(feed, self, self.clock), name=f"feed {feed.name}")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._items.put_nowait(None)

    async def _fold(self) -> None:
        while True:
            item = await self._items.get()
            self._news = False
            self._take(item)
            if self._news or not (item is None or isinstance(item, Sequence)):
                self._publish_soon()
            elif item is None and self._publish_at is None:
                self._publish()

    def _take(self, item: Item) -> None:
        self._note_standstills()
        now = self.clock.monotonic()
        fleet = self._fleet
        if isinstance(item, Exception):
            raise item
        if item is None:
            self._apply(fleet.tick(now))
        elif isinstance(item, Sequence):
            self._room.release()
            for observation in item:
                records = fleet.observe(observation, now)
                if records:
                    self._apply(records)
                elif type(observation) is BeatArrived:
                    continue
                self._gaps.note(observation)
            self._fill_gaps()
        elif isinstance(item, Command):
            fleet.order(item)
        else:
            self._apply(fleet.observe(item, now))

    def _note_standstills(self) -> None:
        """Take in that we stood still before anything else: what is judged next must not be judged by its age."""
        if self._standstills is None:
            return
        for found in self._standstills.take():
            stood = StoodStill(found.since, found.lasted_s, found.where, found.until)
            self._apply(self._fleet.observe(stood, found.until))

    def _apply(self, records: tuple[Record, ...]) -> None:
        for record in records:
            self._fleet.apply(record)
        if records:
            self._news = True
            if self.recorded is not None:
                self.recorded(records)

    def _fill_gaps(self) -> None:
        if self._ask_efd is not None and self._gaps.changed:
            missing = self._gaps.take(self.snapshot().cscs)
            if missing:
                self._ask_efd(missing)

    def _publish_soon(self) -> None:
        if self._publish_at is None:
            wait = max(0.0, self._published_at + FRAME_S - self.clock.monotonic())
            self._publish_at = asyncio.get_running_loop().call_later(wait, self._publish_frame)

    def _publish_frame(self) -> None:
        self._publish_at = None
        self._published_at = self.clock.monotonic()
        self._publish()

    def _publish(self) -> None:
        try:
            seen = self.snapshot()
            if seen.decided:
                self._decided.set()
            snapshot = (self.attach or published)(seen)
        except Exception as error:  # noqa: BLE001 - raised by the fold, so that run() ends with it
            self._items.put_nowait(error)
            return
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(snapshot)
            except Exception:
                # One reader's fault must not keep the others from seeing what is.
                log.exception("a reader of snapshots failed")

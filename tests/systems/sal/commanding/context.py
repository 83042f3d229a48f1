"""Items worked on over a live grid: each by a context of its own, and every request kept in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import (
    CscId,
    CscSpec,
    FeedName,
    Limits,
    Phase,
    Roster,
    SummaryState,
    Target,
    TargetKind,
)
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.ports import Action, End
from deploydash.core.run.records import Outcome
from deploydash.session.clock import SystemClock
from deploydash.session.session import Session
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.feed import KafkaFeed
from deploydash.systems.settings import RegistrySettings
from tests.servers.kafka_scenes import plain_settings
from tests.servers.waiting import within
from tests.support.item_context import Answered, Intended, RecordingContext

OFFLINE = Target(SummaryState.OFFLINE)
QUICK = Limits(late=1.0, silent=2.0)


def items_of(targets: Iterable[tuple[str, str]], overrides: Mapping[str, str] | None = None) -> tuple[Item, ...]:
    """Return items that bring CSCs to targets: pairs of a CSC and its target."""
    given = overrides or {}
    return tuple(
        transition(CscId.parse(csc), Target.parse(target), override=given.get(csc, "")) for csc, target in targets
    )


class LiveContext(RecordingContext):
    """Sees what a session shows; refuses every request while its run is held."""

    def __init__(self, run: LiveRun) -> None:
        super().__init__(slots=run.slots)
        self._run = run

    async def intend(
        self, text: str, key: str = "", *, begins: bool = False, owes: Debt | None = None, asks_only: bool = False
    ) -> str | None:
        if self._run.held:
            return "the run is held by lead@console"
        return await super().intend(text, key, begins=begins, owes=owes, asks_only=asks_only)

    def view(self, csc: CscId) -> CscView | None:
        return self._run.view(csc)

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        return await self._run.seen(csc, when, limit_s)


class LiveRun:
    """Works on items side by side as approved, at most so many at once, before a session's snapshots."""

    def __init__(self, session: Session, items: Sequence[Item], at_once: int = 8) -> None:
        self.items = items
        self.slots = asyncio.Semaphore(at_once)
        self.held = False
        self.ended: dict[str, End] = {}
        self.contexts = {str(item.id): LiveContext(self) for item in items}
        self._session = session
        self._news = asyncio.Event()
        session.subscribe(self._new)

    def _new(self, _: Snapshot) -> None:
        self._news.set()

    def hold(self) -> None:
        """Hold the run, as its lead does."""
        self.held = True

    async def work(self, action: Action) -> None:
        """Carry out every item as its card shows it now."""
        plan = await action.describe(self.items, self.view)
        approved = dict(plan.approved)

        async def one(item: Item) -> None:
            self.ended[str(item.id)] = await action.run(item, approved[item.id], self.contexts[str(item.id)])

        async with asyncio.TaskGroup() as group:
            for item in self.items:
                group.create_task(one(item))

    def view(self, csc: CscId) -> CscView | None:
        """Return what the session shows of a CSC now."""
        return next((view for view in self._session.snapshot().cscs if view.csc == csc), None)

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        """Wait until a CSC is seen as asked; False at the limit."""
        time = asyncio.get_running_loop().time
        until = time() + limit_s
        while True:
            self._news.clear()
            view = self.view(csc)
            if view is not None and when(view):
                return True
            left = until - time()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(min(left, 0.25)):
                    await self._news.wait()
            except TimeoutError:
                continue

    def ends(self) -> dict[str, tuple[Outcome, str]]:
        """Return how every CSC ended."""
        return {csc: (end.outcome, end.why) for csc, end in self.ended.items()}

    def outcomes(self) -> dict[str, Outcome]:
        """Return the bare outcomes."""
        return {csc: end.outcome for csc, end in self.ended.items()}

    def intents(self, csc: str) -> list[Intended]:
        """Return the requests that were intended for one CSC, in order."""
        return [one for one in self.contexts[csc].told if isinstance(one, Intended)]

    def intended(self, csc: str) -> list[str]:
        """Return the commands that were intended for one CSC, in order."""
        return [one.text.partition(".command_")[2].split()[0] for one in self.intents(csc)]

    def answered(self) -> list[Answered]:
        """Return every answer of every CSC."""
        return [one for context in self.contexts.values() for one in context.told if isinstance(one, Answered)]


@asynccontextmanager
async def live_session(
    bootstrap: str, registry_url: str, subname: str, cscs: Iterable[CscId], *, limits: Limits = QUICK
) -> AsyncIterator[Session]:
    """Watch a fleet over its Kafka, decided, until the block ends; silence is soon a fact."""
    clock = SystemClock()
    cameras = {"ATCamera", "CCCamera", "MTCamera"}
    standby = Target(SummaryState.STANDBY)
    specs = tuple(
        CscSpec(csc, "All", standby, standby, OFFLINE, camera=csc.name in cameras, limits=limits) for csc in cscs
    )
    roster = Roster("test", rehearsal=True, cscs=specs, groups=("All",))
    schemas = SchemaStore(RegistrySettings(registry_url, "site file"), None, timeout=2.0)
    feed = KafkaFeed(plain_settings(bootstrap, subname), schemas, frozenset(spec.csc for spec in specs), clock)
    session = Session(Fleet(roster, clock.monotonic(), Phase(TargetKind.SHUTDOWN)), (feed,), clock)
    task = asyncio.create_task(session.run())
    try:
        decided = asyncio.Event()
        unsubscribe = session.subscribe(lambda snapshot: decided.set() if snapshot.decided and _up(snapshot) else None)
        async with within(20):
            await decided.wait()
        unsubscribe()
        yield session
        assert not task.done(), "the session ended by itself"
    finally:
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        await schemas.aclose()
        assert isinstance(outcome, asyncio.CancelledError), outcome


def _up(snapshot: Snapshot) -> bool:
    return any(feed.feed is FeedName.KAFKA and feed.state.value == "up" for feed in snapshot.feeds)

"""A run's desk over a live grid: the run's own rules decide, and every record is kept in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
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
from deploydash.core.procedure.runbook import (
    CscItem,
    Lane,
    Runbook,
    RunPhase,
    Step,
    StepId,
    StepKind,
    System,
    Tier,
    csc_items,
)
from deploydash.core.run.decide import may_intend
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import (
    ItemEnded,
    ItemProgressed,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunHeld,
    RunOpened,
    RunRecord,
    StepApproved,
)
from deploydash.core.run.state import RunState, fold
from deploydash.session.clock import SystemClock
from deploydash.session.session import Session
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.feed import KafkaFeed
from deploydash.systems.settings import RegistrySettings
from tests.servers.kafka_scenes import plain_settings
from tests.servers.waiting import within

OFFLINE = Target(SummaryState.OFFLINE)
QUICK = Limits(late=1.0, silent=2.0)
STEP = StepId("bring")


def step_of(
    targets: Iterable[tuple[str, str]],
    *,
    at_once: int = 8,
    waves: dict[str, int] | None = None,
    overrides: dict[str, str] | None = None,
) -> Step:
    """Return a step of CSC commands: pairs of a CSC and its target."""
    items = tuple(
        CscItem(CscId.parse(csc), Target.parse(target), (waves or {}).get(csc, 0), (overrides or {}).get(csc, ""))
        for csc, target in targets
    )
    return Step(STEP, "bring", StepKind.CSC, System.SAL, Tier.MODERATE, Lane.MAIN, "each there", items, at_once=at_once)


def _runbook(step: Step) -> Runbook:
    phase = RunPhase("only", "only", Phase(TargetKind.SHUTDOWN), (step,))
    return Runbook("test", "test", "test", True, step.cscs, (), (), (), (phase,))


class LiveContext:
    """An ItemContext with a real run's state behind it and a session's snapshots before it."""

    def __init__(self, session: Session, step: Step) -> None:
        self.records: list[RunRecord] = [
            RunOpened("test", "test", "test", "c1", "lead@console", rehearsal=True),
            StepApproved(step.id, "lead@console", 1),
            ItemsDispatched(step.id, csc_items(step.cscs), "lead@console"),
        ]
        self._session = session
        self._runbook = _runbook(step)
        self._news = asyncio.Event()
        session.subscribe(self._new)

    def _new(self, _: Snapshot) -> None:
        self._news.set()

    @property
    def state(self) -> RunState:
        return fold(self._runbook, [(time.time(), record) for record in self.records])

    def hold(self) -> None:
        """Hold the run, as its lead does."""
        self.records.append(RunHeld("lead@console"))

    async def intend(self, record: RequestIntended) -> str | None:
        refusal = may_intend(record, self.state, FleetView.of(self._session.snapshot()))
        if refusal is None:
            self.records.append(record)
        return refusal

    async def tell(self, record: RequestAnswered | ItemProgressed | ItemEnded) -> None:
        self.records.append(record)

    def view(self, csc: CscId) -> CscView | None:
        return next((view for view in self._session.snapshot().cscs if view.csc == csc), None)

    async def seen(self, csc: CscId, when: Callable[[CscView], bool], limit_s: float) -> bool:
        until = time.monotonic() + limit_s
        while True:
            self._news.clear()
            view = self.view(csc)
            if view is not None and when(view):
                return True
            left = until - time.monotonic()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(min(left, 0.25)):
                    await self._news.wait()
            except TimeoutError:
                continue

    def ends(self) -> dict[str, tuple[Outcome, str]]:
        """Return how every CSC ended; each may end once only."""
        ended = [record for record in self.records if isinstance(record, ItemEnded)]
        assert len({record.item for record in ended}) == len(ended), f"one ended twice: {ended}"
        return {str(record.item): (record.outcome, record.why) for record in ended}

    def outcomes(self) -> dict[str, Outcome]:
        """Return the bare outcomes."""
        return {csc: outcome for csc, (outcome, _) in self.ends().items()}

    def intended(self, csc: str) -> list[str]:
        """Return the commands that were intended for one CSC, in order."""
        wanted = CscId.parse(csc)
        return [
            record.command for record in self.records if isinstance(record, RequestIntended) and record.to == wanted
        ]

    def answered(self) -> list[RequestAnswered]:
        """Return every answer, in order."""
        return [record for record in self.records if isinstance(record, RequestAnswered)]


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

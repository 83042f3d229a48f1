"""A fleet on a real Kafka and the feed that watches it, folded into the core's Fleet: tests ask for the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import CscId, CscSpec, FeedName, FeedState, Roster, SummaryState, Target
from deploydash.core.ports import Inbox
from deploydash.session.clock import SystemClock
from deploydash.session.session import Session
from deploydash.systems.registry.feed import RegistryFeed
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.feed import KafkaFeed
from deploydash.systems.settings import KafkaSettings, RegistrySettings
from tests.servers.kafka import PASSWORDS, KafkaServer
from tests.servers.waiting import patient, within
from tests.support.collected import Collected

SOURCE = "LSST_KAFKA_BROKER_ADDR"


def ids(*names: str) -> list[CscId]:
    """Return CSCs by their names."""
    return [CscId.parse(name) for name in names]


def plain_settings(bootstrap: str, subname: str) -> KafkaSettings:
    """Return settings for the listener that takes everybody."""
    return KafkaSettings(bootstrap, "PLAINTEXT", "", subname, SOURCE)


def sasl_settings(kafka: KafkaServer, subname: str, user: str = "dash", **other: object) -> KafkaSettings:
    """Return settings for the TLS listener, by default for the account that may only read."""
    arguments = {
        "security_protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-512",
        "username": user,
        "password": PASSWORDS.get(user, ""),
        "ca_file": kafka.ca_file,
    } | other
    return KafkaSettings(bootstrap=kafka.sasl_bootstrap, topic_subname=subname, source=SOURCE, **arguments)  # type: ignore[arg-type]


def roster_of(cscs: Iterable[CscId], cameras: Iterable[CscId] = ()) -> Roster:
    """Return a roster of one group whose CSCs should all be in STANDBY."""
    standby = Target(SummaryState.STANDBY)
    specs = tuple(CscSpec(csc, "All", standby, standby, standby, camera=csc in set(cameras)) for csc in cscs)
    return Roster("test", rehearsal=False, cscs=specs, groups=("All",))


class _Tapped:
    """The feed, with a copy of what it tells."""

    name = FeedName.KAFKA

    def __init__(self, feed: KafkaFeed, told: Collected) -> None:
        self._feed = feed
        self._told = told

    async def run(self, inbox: Inbox) -> None:
        told = self._told

        class Both:
            async def put(self, observations: object) -> None:
                await told.put(observations)  # type: ignore[arg-type]
                await inbox.put(observations)  # type: ignore[arg-type]

        await self._feed.run(Both())


class Watching:
    """A running session over one Kafka feed: what it shows and what it was told."""

    def __init__(self, session: Session, told: Collected) -> None:
        self.session = session
        self.told = told

    def snapshot(self) -> Snapshot:
        """Return the grid as it is now."""
        return self.session.snapshot()

    def view(self, name: str) -> CscView:
        """Return one CSC as it is now."""
        csc = CscId.parse(name)
        return next(view for view in self.snapshot().cscs if view.csc == csc)

    def reported(self) -> dict[CscId, SummaryState | None]:
        """Return every CSC's reported state."""
        return {view.csc: view.reported for view in self.snapshot().cscs}

    def kafka_state(self) -> FeedState:
        """Return the state of the Kafka feed as last told."""
        told = [change for change in self.told.of(FeedChanged) if change.feed is FeedName.KAFKA]
        return told[-1].state if told else FeedState.OFF

    def kafka_detail(self) -> str:
        """Return the sentence about the Kafka feed as last told."""
        told = [change for change in self.told.of(FeedChanged) if change.feed is FeedName.KAFKA]
        return told[-1].detail if told else ""

    async def until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Return once the condition holds.

        Raises:
            AssertionError: it did not in time; the message has the grid as it was.
        """
        try:
            async with within(seconds):
                while not condition():  # noqa: ASYNC110  a condition may rest on anything that was told
                    await asyncio.sleep(0.02)
        except TimeoutError:
            shown = "\n".join(f"{v.csc} {v.liveness} {v.reported} {v.reason}" for v in self.snapshot().cscs[:20])
            raise AssertionError(
                f"waited {patient(seconds):g} s in vain: {what}\n{self.kafka_state()} {self.kafka_detail()}\n{shown}"
            ) from None

    async def until_decided(self, seconds: float = 20.0) -> Snapshot:
        """Return the first snapshot in which every state is read and every liveness decided."""
        await self.until(lambda: self.snapshot().decided, seconds, "the grid is decided")
        return self.snapshot()


@asynccontextmanager
async def watching(
    settings: KafkaSettings,
    registry_url: str,
    cscs: Iterable[CscId],
    *,
    cache: Path | None = None,
    cameras: Iterable[CscId] = (),
) -> AsyncIterator[Watching]:
    """Watch a fleet over its Kafka until the block ends; whatever the session raises is raised here."""
    clock = SystemClock()
    roster = roster_of(cscs, cameras)
    schemas = SchemaStore(RegistrySettings(registry_url, "site file"), cache, timeout=2.0)
    told = Collected()
    feed = KafkaFeed(settings, schemas, frozenset(spec.csc for spec in roster.cscs), clock)
    session = Session(Fleet(roster, clock.monotonic()), (_Tapped(feed, told), RegistryFeed(schemas, clock)), clock)
    task = asyncio.create_task(session.run())
    try:
        yield Watching(session, told)
        assert not task.done(), "the session ended by itself"
    finally:
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        await schemas.aclose()
        assert isinstance(outcome, asyncio.CancelledError), outcome

"""A session that only reads: the whole of ``watch``, ``status``, ``wait`` and ``check``. Loads nothing that can act.

The first frame needs the roster and no feed. What reads Kafka is loaded when its feed starts, beside the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deploydash.config.connect import connections
from deploydash.config.load import Site
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.model import FeedName, FeedState, Phase
from deploydash.core.ports import Clock, Feed, Inbox
from deploydash.loading import loaded
from deploydash.session.clock import SystemClock
from deploydash.session.session import MakeLater, Session
from deploydash.systems.efd.feed import EfdFeed
from deploydash.systems.settings import Connections

if TYPE_CHECKING:
    from deploydash.systems.registry.store import SchemaStore


MakeFeed = Callable[[Clock], Feed]
"""Makes the feed of another system."""


class ReadOnly:
    """A site's session and what it is wired to.

    ``cache`` is the folder of schemas that outlive the process; None keeps none.
    """

    def __init__(
        self,
        site: Site,
        outside: Connections,
        fleet: Fleet,
        clock: Clock,
        cache: Path | None,
        feeds: Sequence[MakeFeed] = (),
        later: Callable[[], Sequence[MakeFeed]] | None = None,
    ) -> None:
        self.site = site
        self.connections = outside
        self._clock = clock
        self._cache = cache
        more = [make(clock) for make in feeds]
        if site.kafka is None:
            self.session = Session(fleet, (NoKafka(clock), *more), clock)
            return
        efd = EfdFeed(outside.efd, clock, subname=outside.kafka.topic_subname)
        kafka = _Late(FeedName.KAFKA, self._kafka, "deploydash.systems.sal.feed", "deploydash.systems.registry.store")
        registry = _Late(FeedName.SCHEMA_REGISTRY, self._registry, "deploydash.systems.registry.feed")
        self.session = Session(fleet, (kafka, efd, registry, *more), clock, efd.request, self._made(later))

    def _made(self, later: Callable[[], Sequence[MakeFeed]] | None) -> MakeLater | None:
        if later is None:
            return None

        async def make_all() -> list[Feed]:
            return [make(self._clock) for make in await asyncio.to_thread(later)]

        return make_all

    @cached_property
    def schemas(self) -> SchemaStore:
        """The writers' schemas of the site, one store for all who read its Kafka."""
        from deploydash.systems.registry.store import SchemaStore  # noqa: PLC0415 - as the first lines say

        return SchemaStore(self.connections.registry, self._cache)

    async def aclose(self) -> None:
        """Close what outlives the session's feeds."""
        if "schemas" in vars(self):
            await self.schemas.aclose()

    def _kafka(self) -> Feed:
        from deploydash.systems.sal.feed import KafkaFeed  # noqa: PLC0415 - as the first lines say

        expected = frozenset(spec.csc for spec in self.site.roster.cscs)
        return KafkaFeed(self.connections.kafka, self.schemas, expected, self._clock)

    def _registry(self) -> Feed:
        from deploydash.systems.registry.feed import RegistryFeed  # noqa: PLC0415 - as the first lines say

        return RegistryFeed(self.schemas, self._clock)


class NoKafka:
    """Says of a site without CSCs that it has no Kafka, no registry and no EFD."""

    name = FeedName.KAFKA

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self, inbox: Inbox) -> None:
        """Say it once."""
        at = self._clock.monotonic()
        await inbox.put([FeedChanged(feed, FeedState.OFF, "none at this site", at) for feed in FeedName])
        await asyncio.Event().wait()


class _Late:
    """A feed that is made when it starts, after its modules were loaded."""

    def __init__(self, name: FeedName, make: Callable[[], Feed], *modules: str) -> None:
        self.name = name
        self._make = make
        self._modules = modules
        self._feed: Feed | None = None

    async def run(self, inbox: Inbox) -> None:
        """Read until cancelled."""
        if self._feed is None:
            for module in self._modules:
                await asyncio.to_thread(loaded, module)
            self._feed = self._make()
        await self._feed.run(inbox)


def read_only(
    site: Site,
    environ: Mapping[str, str],
    cache: Path,
    phase: Phase,
    started_at: float | None = None,
    feeds: Sequence[MakeFeed] = (),
    later: Callable[[], Sequence[MakeFeed]] | None = None,
) -> ReadOnly:
    """Wire a site's feeds to a session that compares with ``phase``. Contacts nobody yet.

    Beats that the broker took since ``started_at`` (monotonic seconds, None for now) count as heard. ``feeds``: of
    other systems. ``later``: called in a thread for those that begin once the fleet is known.

    Raises:
        ConfigurationError: the environment and the site file do not go together.
    """
    clock = SystemClock()
    outside = connections(site, environ)
    fleet = Fleet(site.roster, clock.monotonic() if started_at is None else started_at, phase)
    # A rehearsal has new ports and ids each time: caching them would fill the disk and could mix worlds.
    return ReadOnly(site, outside, fleet, clock, None if site.rehearsal else cache / "schemas", feeds, later)

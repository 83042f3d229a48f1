"""A session that only reads: the whole of ``watch``, ``status``, ``wait`` and ``check``. Loads nothing that can act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploydash.config.connect import connections
from deploydash.config.load import Site
from deploydash.config.settings import Connections
from deploydash.core.fleet import Fleet
from deploydash.core.model import Phase
from deploydash.feeds.efd import EfdFeed
from deploydash.feeds.kafka import KafkaFeed
from deploydash.feeds.registry import SchemaStore
from deploydash.session.clock import SystemClock
from deploydash.session.session import Session


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """A site's session and what it was wired to."""

    site: Site
    connections: Connections
    session: Session
    schemas: SchemaStore

    async def aclose(self) -> None:
        """Close what outlives the session's feeds."""
        await self.schemas.aclose()


def read_only(
    site: Site, environ: Mapping[str, str], cache: Path, phase: Phase, started_at: float | None = None
) -> ReadOnly:
    """Wire a site's feeds to a session that compares with ``phase``. Contacts nobody yet.

    Beats that the broker took since ``started_at`` (monotonic seconds, None for now) count as heard.

    Raises:
        ConfigurationError: the environment and the site file do not go together.
    """
    clock = SystemClock()
    outside = connections(site, environ)
    # A rehearsal has new ports and ids each time: caching them would fill the disk and could mix worlds.
    schemas = SchemaStore(outside.registry, None if site.rehearsal else cache / "schemas")
    expected = frozenset(spec.csc for spec in site.roster.cscs)
    kafka = KafkaFeed(outside.kafka, schemas, expected, clock)
    efd = EfdFeed(outside.efd, clock, subname=outside.kafka.topic_subname)
    fleet = Fleet(site.roster, clock.monotonic() if started_at is None else started_at, phase)
    return ReadOnly(site, outside, Session(fleet, (kafka, efd), clock, efd.request), schemas)

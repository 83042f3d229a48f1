"""Whether everything that a run would reach is of its site, looked at again and again while the run is open.

What a site file names is held against what the files of the other sites name; where a system is really led to, by a
kubeconfig, a configuration of SSH or a variable, it says itself. Each answer is a fact that shuts every gate.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deploydash.config.load import Site
from deploydash.core.fleet.facts import FUSE, Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged, Observation
from deploydash.core.model import FeedState
from deploydash.core.ports import Clock, Feed, Inbox
from deploydash.core.procedure.names import SystemName
from deploydash.errors import UserError
from deploydash.systems.address import bootstrap_hosts, is_loopback, url_host
from deploydash.systems.section import SiteSection
from deploydash.systems.table import Table
from deploydash.wiring.tables import place

log = logging.getLogger(__name__)

EVERY_S = 10.0
LIMIT_S = 8.0

NAME = "site"
"""What this feed is called in the header."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something that a site file names and that is another site's. ``system``: whose section names it."""

    system: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a site's file says is the site's: names with where they stand, and domains that its hosts are in."""

    site: str
    names: Mapping[str, tuple[str, str]]
    domains: frozenset[str]


def claims(site: Site) -> Claims:
    """Return what a site's file names, by the name in small letters: the system and the key that name it."""
    names: dict[str, tuple[str, str]] = {}
    for system, key, name in (*_feeds(site), *_sections(site.sections)):
        if not is_loopback(name):
            names.setdefault(name.lower(), (system, key))
    domains = {section.host_domain().lower() for section in site.sections.values()} - {""}
    return Claims(site.roster.site, names, frozenset(domains))


def _feeds(site: Site) -> Iterator[tuple[str, str, str]]:
    kafka = site.kafka
    for host in (*bootstrap_hosts(kafka.bootstrap), *kafka.hosts) if kafka is not None else ():
        yield "kafka", "kafka", host
    if site.schema_registry is not None:
        yield "schema_registry", "schema_registry.url", url_host(site.schema_registry.url)
    if site.efd is not None:
        yield "efd", "efd.url", url_host(site.efd.url)


def _sections(sections: Mapping[SystemName, SiteSection]) -> Iterator[tuple[str, str, str]]:
    for system, section in sections.items():
        for path, name in (*section.names(), *section.hosts()):
            yield system, ".".join(map(str, ("systems", system, *path))), name


def strangers(ours: Claims, others: Iterable[Claims]) -> Iterator[Stranger]:
    """Yield what of ours another site's file says is its own."""
    for theirs in others:
        if theirs.site == ours.site:
            continue
        common = {domain for domain in ours.domains & theirs.domains if domain not in ours.names}
        for name, (system, key) in ours.names.items():
            if any(_in(name, domain) for domain in common):
                continue
            inside = any(_in(name, domain) for domain in theirs.domains - common)
            if name in theirs.names or inside:
                yield Stranger(system, f"{key} is {name}, which is of {theirs.site}")


def _in(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")


Ask = Callable[[], Awaitable[Sequence[str]]]
"""Says where a system is led to that is not of this site; a sentence for each."""


class SiteFuse:
    """A feed of facts: for each system of a site whether all that it would reach is of the site."""

    name = NAME

    def __init__(self, site: str, named: Sequence[Stranger], asks: Mapping[str, Ask], clock: Clock) -> None:
        self._site = site
        self._named = named
        self._asks = asks
        self._clock = clock

    async def run(self, inbox: Inbox) -> None:
        """Look until cancelled."""
        while True:
            await inbox.put(await self.look())
            await asyncio.sleep(EVERY_S)

    async def look(self) -> list[Observation]:
        """Return how every system stands now; of one that cannot tell nothing is said anew."""
        told = await asyncio.gather(*(self._led(system, ask) for system, ask in self._asks.items()))
        led = dict(zip(self._asks, told, strict=True))
        systems = dict.fromkeys((*(each.system for each in self._named), *self._asks))
        utc, at = self._clock.utc(), self._clock.monotonic()
        facts: list[Fact] = []
        for system in systems:
            wrong = [each.sentence for each in self._named if each.system == system]
            elsewhere = led.get(system, ())
            if elsewhere is None and not wrong:
                continue
            wrong += elsewhere or ()
            sentence = "; ".join(wrong) if wrong else f"all that {system} reaches is of {self._site}"
            facts.append(Fact(NAME, f"{FUSE}{system}", "", not wrong, system, sentence, utc))
        foreign = [fact.value for fact in facts if not fact.ok]
        state = FeedState.DEGRADED if foreign else FeedState.UP
        detail = f"not of {self._site}: {', '.join(foreign)}" if foreign else f"everything is of {self._site}"
        return [FeedChanged(NAME, state, detail, at), *(FactRead(fact, at) for fact in facts)]

    async def _led(self, system: str, ask: Ask) -> Sequence[str] | None:
        try:
            async with asyncio.timeout(LIMIT_S):
                return await ask()
        except (UserError, TimeoutError):
            return None  # it does not answer: its own feed or check says so
        except Exception:
            log.exception("where %s is led to cannot be told", system)
            return None


def fuse_of(site: Site, others: Iterable[Site], table: Table) -> Callable[[Clock], Feed]:
    """Return what makes the fuse of a site; ``others``: the other sites that are known here."""
    named = tuple(strangers(claims(site), map(claims, others)))
    asks: dict[str, Ask] = {
        name: partial(reading.fuse, place(site, name))
        for name, reading in table.items()
        if reading.fuse is not None and name in site.sections
    }
    return lambda clock: SiteFuse(site.roster.site, named, asks, clock)

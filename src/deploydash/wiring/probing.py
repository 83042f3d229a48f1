"""Every system that a run would touch, asked once and only read: ``deploydash check``, and the same inside of a run.

All are asked at the same time, each within its own limit, so that one that never answers hides none of the others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from deploydash.config.load import Site
from deploydash.core.model import FeedName
from deploydash.core.procedure.names import SystemName
from deploydash.errors import UserError
from deploydash.systems.efd import check as efd
from deploydash.systems.registry import check as registry
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal import check as sal
from deploydash.systems.settings import Connections
from deploydash.systems.table import Finding, Table
from deploydash.wiring.tables import place

log = logging.getLogger(__name__)

LIMIT_S = 11.0
"""So long each may take for everything; more than one host may, so that a silent one hides no other. With the start of
the process the whole takes less than 15 s."""

Ask = Callable[[], Awaitable[Sequence[Finding]]]

NO_WORDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Probe:
    """A system, and what asks it once."""

    system: str
    ask: Ask


@dataclass(frozen=True, slots=True)
class Probed:
    """What a system answered, and how long that took (seconds)."""

    system: str
    findings: tuple[Finding, ...]
    took_s: float

    @property
    def red(self) -> tuple[Finding, ...]:
        """What is wrong with it."""
        return tuple(finding for finding in self.findings if finding.level == "red")


def feed_probes(outside: Connections, schemas: SchemaStore, scripts: sal.Wanted) -> tuple[Probe, ...]:
    """Return what asks Kafka, the registry, the EFD, and the queues for ``scripts``."""
    kafka = outside.kafka
    efd_asked = partial(efd.check, outside.efd, kafka.topic_subname, LIMIT_S - 1)
    probes = [
        Probe(FeedName.KAFKA.value, partial(sal.kafka, kafka)),
        Probe(FeedName.SCHEMA_REGISTRY.value, partial(_registry, schemas, outside)),
        Probe(FeedName.EFD.value, efd_asked),
    ]
    if scripts:
        probes.append(Probe(sal.SCRIPTS, partial(sal.scripts, kafka, schemas, scripts)))
    return tuple(probes)


def system_probes(
    site: Site, table: Table, touched: AbstractSet[str] | None = None, words: Mapping[str, str] = NO_WORDS
) -> tuple[Probe, ...]:
    """Return what asks each system that a site has a section for; ``touched``: these alone, None for all.

    ``words``: what is filled in of a run, such as its branch.
    """
    return tuple(
        Probe(name, partial(reading.check, place(site, name, words)))
        for name, reading in table.items()
        if reading.check is not None and name in site.sections and (touched is None or name in touched)
    )


def fuse_probes(site: Site, table: Table) -> tuple[Probe, ...]:
    """Return what asks each system whether it would be led to another site: then a run would arm nothing."""
    return tuple(
        Probe(name, partial(_led, name, partial(reading.fuse, place(site, name))))
        for name, reading in table.items()
        if reading.fuse is not None and name in site.sections
    )


async def _led(name: SystemName, ask: Callable[[], Awaitable[Sequence[str]]]) -> tuple[Finding, ...]:
    try:
        return tuple(Finding("red", name, f"not of this site: {sentence}", NOTHING_ARMS) for sentence in await ask())
    except UserError:
        return ()  # it does not answer: its own check says so


NOTHING_ARMS = "put it right before the run: nothing can be armed until then"


async def _registry(schemas: SchemaStore, outside: Connections) -> tuple[Finding, ...]:
    answers = Finding("ok", FeedName.SCHEMA_REGISTRY.value, await schemas.probe())
    return (answers, *await registry.check(outside.registry, rehearsal=outside.kafka.rehearsal))


async def ask_all(
    probes: Iterable[Probe], limit_s: float = LIMIT_S, told: Callable[[Probed], None] = lambda _: None
) -> tuple[Probed, ...]:
    """Ask all at once and return their answers in the order of the probes; ``told`` hears each as it comes."""

    async def one(probe: Probe) -> Probed:
        answer = await ask(probe, limit_s)
        told(answer)
        return answer

    return tuple(await asyncio.gather(*map(one, probes)))


async def ask(probe: Probe, limit_s: float = LIMIT_S) -> Probed:
    """Ask one system; whatever it does instead of answering is a red finding."""
    began = time.monotonic()
    name = probe.system
    try:
        async with asyncio.timeout(limit_s):
            findings = tuple(await probe.ask())
    except UserError as error:
        findings = (Finding.refused(name, error),)
    except TimeoutError:
        do = "see that it runs and is reached from here: VPN, firewall, tunnel; then check again"
        findings = (Finding("red", name, f"did not answer within {limit_s:.0f} s", do),)
    except Exception as error:  # a system whose check is broken must not hide the other findings
        log.exception("the check of %s failed", name)
        why = f"its check failed: {type(error).__name__}: {error}"
        findings = (Finding("red", name, why, "the log has the details: report it as a fault of deploydash"),)
    return Probed(name, findings, time.monotonic() - began)

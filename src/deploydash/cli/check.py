"""``check``: the configuration, then read-only probes of what the site's feeds need."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial

from deploydash.cli.exits import Exit
from deploydash.cli.headless import until
from deploydash.cli.owners import known_owners
from deploydash.cli.places import places
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site, shipped_sites
from deploydash.cli.status import is_answered
from deploydash.cli.tables import tables
from deploydash.config.load import Site
from deploydash.config.runbook import runbook_problems
from deploydash.core.fleet.snapshot import FeedView, Snapshot
from deploydash.core.model import FeedName, FeedState, Liveness, Phase, Source
from deploydash.core.procedure.names import SystemName
from deploydash.errors import ConfigurationError, UserError
from deploydash.systems.sal.reading.probe import probe as probe_kafka
from deploydash.systems.settings import Connections
from deploydash.systems.table import Finding, Table
from deploydash.wiring.read_only import ReadOnly, read_only
from deploydash.wiring.tables import place

LIMIT_S = 15.0


def run(reference: str, *, as_json: bool) -> Exit:
    """Print every finding; answer 1 when one of them is red."""
    table = tables().reading
    site = open_site(reference, table=table)
    reader = read_only(site, os.environ, places().cache, Phase())
    findings = [*configuration(site, reader.connections, table), *run_to_the_end(_asked(reader, table))]
    red = [finding for finding in findings if finding.level == "red"]
    if as_json:
        document = {"format": "deploydash.check/1", "site": site.roster.site, "red": len(red)}
        print(json.dumps({**document, "findings": [asdict(finding) for finding in findings]}, indent=1))
    else:
        marks = {"ok": "ok  ", "warning": "warn", "red": "RED "}
        for finding in findings:
            print(f"{marks[finding.level]}  {finding.subject:<16} {finding.sentence}")
    return Exit.NO if red else Exit.YES


def configuration(site: Site, outside: Connections, table: Table) -> list[Finding]:
    """Return what is found in the site file and the environment; unusable ones were refused before."""
    findings = [Finding("ok", "site file", f"{site.path}: {len(site.roster.cscs)} CSCs")]
    findings += [Finding("warning", "site file", str(problem)) for problem in site.warnings]
    findings += runbooks(site, table)
    findings += owners(site)
    for subject, settings in (("kafka", outside.kafka), ("schema_registry", outside.registry)):
        address = getattr(settings, "bootstrap", "") or getattr(settings, "url", "")
        if settings.foreign:
            sentence = f"{address} ({settings.source}) is not one of the site's addresses; run would refuse it"
            findings.append(Finding("red", subject, sentence))
    return findings


def runbooks(site: Site, table: Table) -> list[Finding]:
    """Return what is wrong with the runbooks that ship for this site, or that nothing is."""
    if site.systems is None:
        return [Finding("warning", "runbooks", "the site file says nothing of systems: no runbook can be used here")]
    problems = runbook_problems(shipped_sites(), site, systems=table)
    return [Finding("red", "runbooks", str(problem)) for problem in problems] or [
        Finding("ok", "runbooks", "every step, name and script configuration fits this site")
    ]


def owners(site: Site) -> list[Finding]:
    """Return what is wrong with this user's own file of owners, or how many CSCs have one; nothing without a file."""
    try:
        known = known_owners(site)
    except ConfigurationError as error:
        return [Finding("red", "owners", str(problem)) for problem in error.problems]
    return (
        [Finding("ok", "owners", f"of {len(known)} of {len(site.roster.cscs)} CSCs the owner is known")]
        if known
        else []
    )


async def _asked(reader: ReadOnly, table: Table) -> list[Finding]:
    found, others = await asyncio.gather(probes(reader), checks(reader.site, table))
    return [*found, *others]


async def checks(site: Site, table: Table) -> list[Finding]:
    """Return what each system of the table that the site has a section for finds of itself; they are asked at once."""
    asked = [
        _check(name, partial(reading.check, place(site, name)))
        for name, reading in table.items()
        if reading.check is not None and name in site.sections
    ]
    return [finding for found in await asyncio.gather(*asked) for finding in found]


async def _check(name: SystemName, check: Callable[[], Awaitable[tuple[Finding, ...]]]) -> tuple[Finding, ...]:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await check()
    except UserError as error:
        return (Finding("red", name, str(error)),)
    except TimeoutError:
        return (Finding("red", name, f"did not answer within {LIMIT_S:.0f} s"),)
    except Exception as error:  # noqa: BLE001 - a system whose check is broken must not hide the other findings
        return (Finding("red", name, f"its check failed: {type(error).__name__}: {error}"),)


async def probes(reader: ReadOnly) -> list[Finding]:
    """Ask Kafka and the registry once, then read one snapshot and reconcile it with the roster."""
    kafka = await _probe("kafka", probe_kafka(reader.connections.kafka))
    registry = await _probe("schema_registry", reader.schemas.probe())
    has_efd = bool(reader.connections.efd.url)
    answers = kafka.level != "red"

    def is_settled(snapshot: Snapshot) -> bool:
        answered = not has_efd or _feed(snapshot, FeedName.EFD).state in {FeedState.UP, FeedState.DOWN}
        return answered and (not answers or is_answered(snapshot))

    snapshot = await until(reader, is_settled, LIMIT_S)
    findings = [kafka, registry, efd(snapshot)]
    return [*findings, *reading(snapshot), *reconciliation(snapshot)] if answers else findings


def _feed(snapshot: Snapshot, name: FeedName) -> FeedView:
    return next(feed for feed in snapshot.feeds if feed.feed is name)


def efd(snapshot: Snapshot) -> Finding:
    """Return what the session's own EFD feed found."""
    feed = _feed(snapshot, FeedName.EFD)
    if feed.state is FeedState.OFF:
        return Finding("warning", "efd", "not configured: nothing completes what Kafka no longer holds")
    return Finding("ok" if feed.state is FeedState.UP else "red", "efd", feed.detail)


def reading(snapshot: Snapshot) -> list[Finding]:
    """Return what keeps the grid from being read although Kafka answers."""
    feed = _feed(snapshot, FeedName.KAFKA)
    if feed.state is FeedState.DOWN:
        return [Finding("red", "kafka", feed.detail)]
    if feed.state is FeedState.DEGRADED:
        return [Finding("warning", "kafka", feed.detail)]
    if not snapshot.decided:
        return [Finding("warning", "kafka", f"after {LIMIT_S:.0f} s not every CSC's liveness is decided")]
    return []


async def _probe(subject: str, probe: Awaitable[str]) -> Finding:
    try:
        return Finding("ok", subject, await probe)
    except UserError as error:
        return Finding("red", subject, str(error))


def reconciliation(snapshot: Snapshot) -> list[Finding]:
    """Return who is expected and was never seen, and who was seen and is not expected."""
    findings: list[Finding] = []
    never = [view for view in snapshot.cscs if view.expected and view.source is Source.NONE]
    never = [view for view in never if view.liveness not in {Liveness.BEATING, Liveness.LATE, Liveness.UNREADABLE}]
    if never:
        names = ", ".join(str(view.csc) for view in never)
        findings.append(Finding("warning", "roster", f"{len(never)} expected and never seen: {names}"))
    if snapshot.summary.unexpected:
        names = ", ".join(str(csc) for csc in snapshot.summary.unexpected)
        findings.append(Finding("warning", "roster", f"seen and not expected: {names}"))
    findings += [
        Finding("warning", "records", f"{entry.records} undecodable in {entry.topic}: {entry.example}")
        for entry in snapshot.undecodable
    ]
    if not findings:
        findings.append(Finding("ok", "roster", "every expected CSC was seen, and nobody else"))
    return findings

"""``check``: the configuration, then read-only probes of everything that a run would touch."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from difflib import get_close_matches

from deploydash.cli.check_words import check_document, check_lines, verdict
from deploydash.cli.exits import Exit
from deploydash.cli.headless import until
from deploydash.cli.owners import known_owners, known_speakers
from deploydash.cli.places import places
from deploydash.cli.plan import open_runbook
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site, other_sites, shipped_sites
from deploydash.cli.status import is_answered
from deploydash.cli.tables import tables
from deploydash.config.load import Site
from deploydash.config.practices import find_practices, load_practices
from deploydash.config.runbook import load_runbook, runbook_problems
from deploydash.core.fleet.snapshot import FeedView, Snapshot
from deploydash.core.model import FeedName, FeedState, Liveness, Phase, Source
from deploydash.core.owners import Speakers
from deploydash.core.procedure.names import PERSON, SystemName
from deploydash.core.procedure.runbook import Runbook
from deploydash.errors import ConfigurationError
from deploydash.systems.practices.settings import PRACTICES, PracticesSettings
from deploydash.systems.registry.store import SchemaStore
from deploydash.systems.sal.check import Wanted, wanted_of
from deploydash.systems.settings import Connections
from deploydash.systems.table import Finding, Table
from deploydash.wiring.fuse import claims, strangers
from deploydash.wiring.practised import unknown_services
from deploydash.wiring.probing import (
    LIMIT_S,
    NOTHING_ARMS,
    Probed,
    ask_all,
    feed_probes,
    fuse_probes,
    system_probes,
)
from deploydash.wiring.read_only import ReadOnly, read_only

SITE, ADDRESSES, ROSTER = "site", "environment", "roster"
"""The groups of findings that are no system's."""


def run(reference: str, runbook: str | None = None, *, branch: str = "", as_json: bool) -> Exit:
    """Print every finding, grouped by system; answer 1 when one of them is red.

    ``runbook``: by name or path; what it does not touch is not asked. ``branch``: that of the cycle, whose pull request
    and branches are looked at, too.

    Raises:
        ConfigurationError: the site file cannot be used, or the runbook is none of this site.
    """
    began = time.monotonic()
    table = tables().reading
    site = open_site(reference, table=table)
    told = tell if sys.stderr.isatty() and not as_json else lambda _: None
    answers = (of_site(site, table, runbook), *run_to_the_end(asked(site, table, told, runbook, branch)))
    answers = tuple(answer for answer in answers if answer.findings)
    took_s = time.monotonic() - began
    if as_json:
        print(json.dumps(check_document(site.roster.site, answers, took_s), indent=1))
    else:
        print("\n".join(check_lines(answers, took_s)))
    return Exit.NO if any(answer.red for answer in answers) else Exit.YES


def tell(answer: Probed) -> None:
    """Say on standard error that a system has answered."""
    print(f"{answer.system}: {verdict(answer)}, {answer.took_s:.1f} s", file=sys.stderr, flush=True)


def of_site(site: Site, table: Table, runbook: str | None) -> Probed:
    """Return what is found without asking anybody: in the site file, the runbooks and this user's own files."""
    findings = [Finding("ok", "site file", f"{site.path}: {len(site.roster.cscs)} CSCs")]
    findings += [Finding("warning", "site file", str(problem)) for problem in site.warnings]
    findings += runbooks(site, table) if runbook is None else []
    others = map(claims, other_sites(site, places(), table))
    findings += [Finding("red", each.system, each.sentence, NOTHING_ARMS) for each in strangers(claims(site), others)]
    return Probed(SITE, (*findings, *practices(site), *owners(site)), 0.0)


def foreign(outside: Connections) -> Iterator[Finding]:
    """Yield the addresses that are none of the site's own."""
    for subject, settings in (("kafka", outside.kafka), ("schema_registry", outside.registry)):
        address = getattr(settings, "bootstrap", "") or getattr(settings, "url", "")
        if settings.foreign:
            sentence = f"{address} ({settings.source}) is not one of the site's addresses; run would refuse it"
            yield Finding("red", subject, sentence, f"unset {settings.source}, or name the host in the site file")


def runbooks(site: Site, table: Table) -> list[Finding]:
    """Return what is wrong with the runbooks that ship for this site, or that nothing is."""
    if site.systems is None:
        return [Finding("warning", "runbooks", "the site file says nothing of systems: no runbook can be used here")]
    problems = runbook_problems(shipped_sites(), site, systems=table)
    return [Finding("red", "runbooks", str(problem)) for problem in problems] or [
        Finding("ok", "runbooks", "every step, name and script configuration fits this site")
    ]


def practices(site: Site) -> list[Finding]:
    """Return what is wrong with the practices of a site; nothing where it names none."""
    settings = site.sections.get(PRACTICES)
    if not isinstance(settings, PracticesSettings):
        return []
    path = find_practices(site.path)
    try:
        file = load_practices(path)
    except ConfigurationError as error:
        return [Finding("red", "practices", str(problem)) for problem in error.problems]
    wrong = [Finding("red", "practices", each, f"see {path.name}") for each in unknown_services(site, file)]
    words = f"{settings.environment}: how {', '.join(settings.applications)} are deployed is written"
    return wrong or [Finding("ok", "practices", words)]


def owners(site: Site) -> list[Finding]:
    """Return what is wrong with this user's own file of owners, or how many CSCs have one; nothing without a file."""
    try:
        known, speakers = known_owners(site), known_speakers()
    except ConfigurationError as error:
        return [Finding("red", "owners", str(problem)) for problem in error.problems]
    found = [Finding("ok", "owners", f"of {len(known)} of {len(site.roster.cscs)} CSCs the owner is known")]
    return [*(found if known else ()), *_speakers(site, speakers)]


def _speakers(site: Site, speakers: Speakers) -> Iterator[Finding]:
    """Yield of how many of those who are asked for a go the name is known, and which of the file is nearly one."""
    person = site.sections.get(PERSON)
    rows = person.loops(site.roster, None).get("owners", ()) if person is not None else ()
    asked = [str(row["owner"]) for row in rows]
    if not asked or not speakers:
        return
    named = [owner for owner in asked if owner in speakers]
    yield Finding("ok", "owners", f"of {len(named)} of {len(asked)} who say go the name is known")
    for name in speakers:
        near = get_close_matches(name, [owner for owner in asked if owner not in speakers], 1)
        if name not in asked and near:
            yield Finding("warning", "owners", f"{name!r} is asked for nothing here: did you mean {near[0]!r}?")


async def asked(
    site: Site, table: Table, told: Callable[[Probed], None], runbook: str | None = None, branch: str = ""
) -> tuple[Probed, ...]:
    """Ask everything that a run would touch; ``told`` hears each answer as it comes."""
    books = [book] if (book := None if runbook is None else _book(runbook, site, table)) else _shipped(site, table)
    touched = None if runbook is None else {name for each in books for name in touched_by(each)}
    wanted = wanted_of(item for each in books for step in each.steps() for item in step.items)
    systems = ask_all(system_probes(site, table, touched, {"branch": branch} if branch else {}), told=told)
    feeds, others, led = await asyncio.gather(_feeds(site, wanted, told), systems, ask_all(fuse_probes(site, table)))
    elsewhere = {answer.system: answer.findings for answer in led if answer.red}
    told_too = [replace(each, findings=(*elsewhere.pop(each.system, ()), *each.findings)) for each in others]
    return (*feeds, *told_too, *(Probed(system, findings, 0.0) for system, findings in elsewhere.items()))


def touched_by(book: Runbook) -> frozenset[SystemName]:
    """Return the systems of a runbook's steps, of their items and of the other ways for these."""
    steps = list(book.steps())
    named = {step.system for step in steps} | {item.system for step in steps for item in step.items}
    return frozenset(named | {way.system for step in steps for way in step.fallbacks})


def _book(runbook: str, site: Site, table: Table) -> Runbook:
    return open_runbook(runbook, site, None, places(), table)


def _shipped(site: Site, table: Table) -> list[Runbook]:
    """Return the runbooks that ship for a site, but for those that cannot be used: of these it is told elsewhere."""
    found: list[Runbook] = []
    for path in sorted((shipped_sites() / "runbooks").glob("*.yaml")) if site.systems is not None else ():
        with suppress(ConfigurationError):
            found.append(load_runbook(path, site, shipped_sites() / "scripts", systems=table))
    return found


async def _feeds(site: Site, wanted: Wanted, told: Callable[[Probed], None]) -> tuple[Probed, ...]:
    """Ask Kafka, the registry, the EFD and the queues, and read one snapshot to hold against the roster."""
    if site.kafka is None:
        return ()
    try:
        reader = read_only(site, os.environ, places().cache, Phase())
    except ConfigurationError as error:
        return tuple(_unusable(error))
    outside = reader.connections
    schemas = SchemaStore(outside.registry, None)
    try:
        looking = asyncio.create_task(_look(reader, told))
        answers = await ask_all(feed_probes(outside, schemas, wanted), told=told)
        roster = await looking
    finally:
        await schemas.aclose()
    elsewhere = Probed(ADDRESSES, tuple(foreign(outside)), 0.0)
    is_read = not any(answer.red for answer in answers if answer.system == FeedName.KAFKA)
    return (elsewhere, *answers, *([roster] if is_read else []))


def _unusable(error: ConfigurationError) -> Iterator[Probed]:
    """Yield what keeps Kafka, the registry and the EFD from being asked: a credential that lacks, most of all."""
    findings = tuple(
        Finding("red", problem.key or "environment", problem.message, problem.hint) for problem in error.problems
    )
    yield Probed(ADDRESSES, findings, 0.0)


async def _look(reader: ReadOnly, told: Callable[[Probed], None]) -> Probed:
    began = time.monotonic()
    snapshot = await until(reader, is_answered, LIMIT_S)
    answer = Probed(ROSTER, (*reading(snapshot), *reconciliation(snapshot)), time.monotonic() - began)
    told(answer)
    return answer


def _feed(snapshot: Snapshot, name: FeedName) -> FeedView:
    return next(feed for feed in snapshot.feeds if feed.feed is name)


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

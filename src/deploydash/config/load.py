"""A site file to a site, or every problem of it at once.

What runbooks touch beside Kafka is half of a site file, and its shape half of what reading one costs: it is loaded
only for those who ask for it with a table of systems.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from deploydash.config import checks
from deploydash.config.sections import Sections, own_sections, without
from deploydash.config.shape import empty_values, shape_problems
from deploydash.config.site import (
    WITH_CSCS,
    CscEntry,
    DemoSection,
    EfdSection,
    KafkaSection,
    LimitsSection,
    RegistrySection,
    SiteFile,
)
from deploydash.config.yaml_lines import Document, read_yaml
from deploydash.core.model import CscId, CscSpec, Limits, Roster, SummaryState, Target
from deploydash.errors import ConfigurationError, Problem
from deploydash.stored import open_file

if TYPE_CHECKING:
    from deploydash.config.systems import Systems
    from deploydash.core.procedure.names import SystemName
    from deploydash.systems.section import SiteSection
    from deploydash.systems.table import Table

Shape = TypeVar("Shape", bound=SiteFile)

MAX_BYTES = 4_000_000
"""A site file is some 10 kB, one of 10,000 CSCs 1 MB; what is larger was named by mistake."""


@dataclass(frozen=True, slots=True)
class Site:
    """A usable site file. ``warnings`` are for the eye and forbid nothing.

    ``systems`` is what runbooks touch beside Kafka and the sections of systems, or None where the file says nothing of
    it or nobody asked.
    ``kafka`` and ``schema_registry`` are None for a site without CSCs, whose roster is empty.
    ``stopped`` holds the start-up targets of CSCs that were stopped, where these differ from those that were kept
    running. ``sections`` holds the settings of the systems of the table, of those that the file has a section for.
    """

    path: Path
    roster: Roster
    kafka: KafkaSection | None
    schema_registry: RegistrySection | None
    efd: EfdSection | None
    demo: DemoSection | None
    warnings: tuple[Problem, ...] = ()
    systems: Systems | None = None
    stopped: Mapping[CscId, Target] = field(default_factory=dict)
    sections: Mapping[SystemName, SiteSection] = field(default_factory=dict)

    def others(self, name: SystemName) -> dict[SystemName, SiteSection]:
        """Return the sections of all systems but one."""
        return {other: section for other, section in self.sections.items() if other != name}

    @property
    def rehearsal(self) -> bool:
        """Whether this is a rehearsal on the demo observatory: loopback only, the environment ignored."""
        return self.roster.rehearsal


def load_site(path: Path, table: Table | None = None) -> Site:
    """Read a site file; without a ``table`` what runbooks touch beside Kafka is left unread, good or bad.

    ``table``: the systems that may have a section of their own below ``systems:``.

    Raises:
        ConfigurationError: it cannot be read or used; all its problems are named.
    """
    return parse_site(read_text(path), path, table)


def read_text(path: Path) -> str:
    """Return a configuration file's text.

    Raises:
        ConfigurationError: there is no such file, it may not be read, or it holds no UTF-8 text.
    """
    try:
        with open_file(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        hint = "give a site's name, or the path of a YAML file; deploydash sites lists what is known"
        raise ConfigurationError((Problem(str(path), 0, "", f"cannot be read: {reason}", hint),)) from None
    if len(raw) > MAX_BYTES:
        raise ConfigurationError((Problem(str(path), 0, "", f"is larger than {MAX_BYTES} bytes", "no site file is"),))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError((Problem(str(path), line, "", "is not UTF-8 text", "save it as UTF-8"),)) from None


def parse_site(text: str, path: Path, table: Table | None = None) -> Site:
    """Return the site that a text describes; ``path`` is where it was read, for its problems.

    Raises:
        ConfigurationError: it cannot be used; all its problems are named.
    """
    file = str(path)
    document = read_yaml(text, file)
    if not document.problems and not isinstance(document.data, dict):
        message = "the file is empty" if document.data is None else "a site file must be a mapping"
        document.problems.append(Problem(file, 0, "", message, "begin with site: and the site's name"))
    if not isinstance(document.data, dict):
        raise ConfigurationError(tuple(document.problems))
    empty = empty_values(document, file)
    own = Sections() if table is None else own_sections(document, file, table)
    site, wrong = _shaped(document, file, None if table is None else own)
    entries = _entries(document) if site is None else dict(enumerate(site.cscs or ()))
    draft = checks.Draft(file, document, document.data, entries, _limits(document.data.get("limits")))
    roster = None if site is None else _roster(site, draft.limits)
    if roster is not None and table is not None:
        wrong += _contradictions(own, roster, table, document, file)
    named = {problem.key for problem in empty}
    problems = [*document.problems, *empty, *checks.errors(draft)]
    wrong = [*wrong, *own.problems]
    problems += (problem for problem in wrong if problem.key not in named)
    if problems or site is None or roster is None:
        raise ConfigurationError(tuple(sorted(problems, key=lambda problem: problem.line)))
    return Site(
        path=path,
        roster=roster,
        kafka=site.kafka,
        schema_registry=site.schema_registry,
        efd=site.efd,
        demo=site.demo,
        warnings=tuple(checks.warnings(draft, site, roster.cscs, path.stem)),
        systems=None if table is None else site.systems,
        stopped={row.csc: row.startup.stopped for row in site.cscs or () if row.startup.kept != row.startup.stopped},
        sections=own.settings,
    )


def _roster(site: SiteFile, limits: Limits) -> Roster:
    specs = tuple(_spec(entry, limits) for entry in site.cscs or ())
    return Roster(site.site, site.rehearsal, specs, site.groups or (), site.time_zone, site.cluster)


def _shaped(document: Document, file: str, own: Sections | None) -> tuple[SiteFile | None, list[Problem]]:
    """Return what a document says, or None, and what is wrong with it; ``own`` is None for those who ask for none."""
    data = _without_cscs(document.data)
    if own is None:
        return _as(SiteFile, document, file, data)
    from deploydash.config.systems import WholeSiteFile  # noqa: PLC0415 - for those who ask

    return _as(WholeSiteFile, document, file, without(data, own), own.names)


def _without_cscs(data: dict[str, Any]) -> dict[str, Any]:
    """Return a site file's content, where it is one of a site without CSCs with what this has none of as empty."""
    systems = data.get("systems")
    if not isinstance(systems, dict) or any(key in data for key in WITH_CSCS):
        return data
    return {**data, **dict.fromkeys(WITH_CSCS), "systems": {"docs": None, **systems}}


def _contradictions(own: Sections, roster: Roster, table: Table, document: Document, file: str) -> Iterator[Problem]:
    from deploydash.config.systems_checks import systems_errors  # noqa: PLC0415 - for those who ask

    yield from systems_errors(own.settings, roster, table, document, file)


def _as(
    model: type[Shape], document: Document, file: str, data: object, sections: Iterable[str] = ()
) -> tuple[Shape | None, list[Problem]]:
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, shape_problems(model, error, document, file, also={("systems",): tuple(sections)})


def _entries(document: Document) -> dict[int, CscEntry]:
    """Return the lines of a bad roster that are good in themselves; what is wrong with others is reported elsewhere."""
    found: dict[int, CscEntry] = {}
    rows = document.data.get("cscs")
    for at, row in enumerate(rows if isinstance(rows, list) else ()):
        try:
            found[at] = CscEntry.model_validate(row)
        except ValidationError:
            continue
    return found


def _limits(raw: object) -> Limits:
    try:
        section = LimitsSection.model_validate(raw if raw is not None else {})
    except ValidationError:
        return Limits()
    return Limits(section.late or Limits().late, section.silent or Limits().silent)


def _spec(entry: CscEntry, limits: Limits) -> CscSpec:
    """Return a line of the roster with what it leaves out; outside a run a protected CSC was kept running."""
    startup = entry.startup.kept
    return CscSpec(
        csc=entry.csc,
        group=entry.group,
        startup=startup,
        end=entry.end or startup,
        shutdown=entry.shutdown or Target(SummaryState.OFFLINE),
        protected=entry.protected,
        camera=entry.camera,
        limits=checks.merged(entry, limits),
        override=entry.override,
    )

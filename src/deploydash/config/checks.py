"""What the parts of a site file have to do with each other: errors that forbid its use, and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from deploydash.config.site import CscEntry, SiteFile
from deploydash.config.yaml_lines import Document, Path, key_text
from deploydash.core.model import CscId, CscSpec, Limits, SummaryState, Target
from deploydash.errors import Problem
from deploydash.systems.address import bootstrap_hosts, is_loopback, url_host

CAMERAS = frozenset({"ATCamera", "CCCamera", "MTCamera"})
"""The components with ``command_enterControl`` and ``logevent_offlineDetailedState`` (ts_xml SALSubsystems.xml)."""

_ADDRESSES = (
    ("kafka", "bootstrap"),
    ("kafka", "hosts"),
    ("schema_registry", "url"),
    ("efd", "url"),
    ("efd", "credential_service"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A site file as far as it could be understood: checks go on where other parts are broken.

    ``entries`` holds the roster's good lines by their position; ``data`` the plain values.
    """

    file: str
    document: Document
    data: Mapping[str, Any]
    entries: Mapping[int, CscEntry]
    limits: Limits

    def problem(self, path: Path, message: str, hint: str = "") -> Problem:
        """Return a problem at a place of the file."""
        return Problem(self.file, self.document.line(path), key_text(path), message, hint)


def errors(draft: Draft) -> Iterator[Problem]:
    """Yield every contradiction of a draft."""
    yield from _groups(draft)
    yield from _twice(draft)
    for at, entry in draft.entries.items():
        yield from _targets(draft, ("cscs", at), entry)
        yield from _limits(draft, ("cscs", at, "limits"), merged(entry, draft.limits))
    yield from _limits(draft, ("limits",), draft.limits)
    yield from _rehearsal(draft)


def merged(entry: CscEntry, site: Limits) -> Limits:
    """Return the limits of one CSC: its own, else the site's."""
    return Limits(entry.limits.late or site.late, entry.limits.silent or site.silent)


def _groups(draft: Draft) -> Iterator[Problem]:
    groups = draft.data.get("groups")
    if not isinstance(groups, list):
        return
    names = [name for name in groups if isinstance(name, str)]
    for at, name in enumerate(groups):
        if name in groups[:at]:
            yield draft.problem(("groups", at), f"group {name!r} stands twice", "keep one of them")
    rows = dict(_rows(draft))
    said = {at: row["group"] for at, row in rows.items() if isinstance(row.get("group"), str)}
    used = set(said.values())
    for at, name in enumerate(names):
        if rows and name not in used and name not in names[:at]:
            yield draft.problem(("groups",), f"no CSC is in group {name!r}", "remove it")
    for at, group in said.items():
        if group and group not in names:  # an empty one is reported as such
            near = get_close_matches(group, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"groups are {', '.join(names)}; add it, or use one of them"
            yield draft.problem(("cscs", at, "group"), f"unknown group {group!r}", hint)


def _rows(draft: Draft) -> Iterator[tuple[int, dict[Any, Any]]]:
    """Yield the roster's lines as they stand, the bad ones too, with their positions."""
    raw = draft.data.get("cscs")
    yield from ((at, row) for at, row in enumerate(raw if isinstance(raw, list) else ()) if isinstance(row, dict))


def _twice(draft: Draft) -> Iterator[Problem]:
    first: dict[CscId, int] = {}
    for at, row in _rows(draft):
        name = row.get("csc")
        try:
            csc = CscId.parse(name) if isinstance(name, str) else None
        except ValueError:
            csc = None
        if csc is None:
            continue  # reported as such
        if csc in first:
            line = draft.document.line(("cscs", first[csc]))
            message = f"{csc} stands twice; the first is in line {line}"
            yield draft.problem(("cscs", at, "csc"), message, "keep one of them")
        first.setdefault(csc, at)


def _targets(draft: Draft, path: Path, entry: CscEntry) -> Iterator[Problem]:
    down = SummaryState.OFFLINE
    wanted = {
        "startup": (entry.startup.kept, entry.startup.stopped),
        "end": (entry.end,),
        "shutdown": (entry.shutdown,),
    }
    for key, targets in wanted.items():
        if not entry.camera and any(target and target.substate for target in targets):
            message = f"{entry.csc} has no {_substate(targets)}: only cameras have sub-states"
            yield draft.problem((*path, key), message, "use OFFLINE, or add camera: true")
    if entry.protected and (entry.shutdown is None or entry.shutdown.state is down):
        message = f"{entry.csc} is protected, but nothing says in which state it is kept"
        yield draft.problem((*path, "protected"), message, "add for example shutdown: DISABLED")
    if not entry.protected and entry.shutdown and entry.shutdown.state is not down:
        message = f"{entry.csc} would stay {entry.shutdown} in a shutdown, which only protected CSCs may"
        yield draft.problem((*path, "shutdown"), message, "add protected: true, or leave shutdown away")
    if not entry.protected and entry.startup.kept != entry.startup.stopped:
        message = f"{entry.csc} has two start-up targets, which only protected CSCs may"
        yield draft.problem((*path, "startup"), message, "add protected: true, or write one target")


def _substate(targets: tuple[Target | None, ...]) -> str:
    return next(target.substate.name for target in targets if target and target.substate)


def _limits(draft: Draft, path: Path, limits: Limits) -> Iterator[Problem]:
    if limits.late >= limits.silent and (path == ("limits",) or path in draft.document.lines):
        message = f"late after {limits.late:g} s must come before silent after {limits.silent:g} s"
        yield draft.problem(path, message, "make late smaller than silent")


def _rehearsal(draft: Draft) -> Iterator[Problem]:
    """A rehearsal must not be able to reach an observatory (CLI.md)."""
    data = draft.data
    if data.get("rehearsal") is not True:
        if "demo" in data:
            yield draft.problem(("demo",), "only a rehearsal has demo settings", "remove demo, or add rehearsal: true")
        return
    for path, text in _addresses(data):
        try:
            hosts = bootstrap_hosts(text) if path[-1] == "bootstrap" else (text,)
            hosts = (url_host(text),) if path[-1] in {"url", "credential_service"} else hosts
        except ValueError:
            continue  # the shape of the address is reported already
        for host in hosts:
            if not is_loopback(host):
                message = f"a rehearsal may only reach this machine, and {host} is another"
                yield draft.problem(path, message, "use 127.0.0.1, ::1 or localhost, or rehearsal: false")
    kafka = data.get("kafka")
    protocol = kafka.get("security_protocol") if isinstance(kafka, dict) else None
    if isinstance(protocol, str) and protocol.startswith("SASL"):
        message = f"a rehearsal reads no credentials, so it cannot use {protocol}"
        yield draft.problem(("kafka", "security_protocol"), message, "use PLAINTEXT or SSL")


def _addresses(data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    for section, key in _ADDRESSES:
        inside = data.get(section)
        value = inside.get(key) if isinstance(inside, dict) else None
        if isinstance(value, str):
            yield (section, key), value
        elif isinstance(value, list):
            yield from (((section, key, at), item) for at, item in enumerate(value) if isinstance(item, str))


def warnings(draft: Draft, site: SiteFile, specs: tuple[CscSpec, ...], stem: str) -> Iterator[Problem]:
    """Yield what is odd about a usable site file; ``stem`` is the file's name without its ending."""
    if stem != site.site and not site.rehearsal:
        message = f"the file is called {stem}, the site {site.site}"
        yield draft.problem(("site",), message, "deploydash finds a site by the name of its file")
    for at, spec in enumerate(specs):
        if (spec.csc.name in CAMERAS) != spec.camera:
            message = f"{spec.csc} {'is no' if spec.camera else 'is a'} camera"
            yield draft.problem(("cscs", at), message, f"cameras are {', '.join(sorted(CAMERAS))}")
        if spec.protected and spec.startup != spec.shutdown:
            message = f"{spec.csc} is kept {spec.shutdown} in a shutdown but starts up {spec.startup}"
            yield draft.problem(("cscs", at), message, "a protected CSC keeps its state: make kept and shutdown equal")
    yield from _published(draft, site, specs)


def _published(draft: Draft, site: SiteFile, specs: tuple[CscSpec, ...]) -> Iterator[Problem]:
    """Compare the published list of what is ENABLED at the end with the roster, both ways."""
    if not site.published_end:
        return
    path: Path = ("published_end",)
    roster = {spec.csc for spec in specs}
    every = {entry.removesuffix(":*") for entry in site.published_end if entry.endswith(":*")}
    listed = {CscId.parse(entry) for entry in site.published_end if not entry.endswith(":*")}
    double = [str(csc) for csc, count in Counter(site.published_end).items() if count > 1]
    if double:
        yield draft.problem(path, f"listed twice: {', '.join(double)}", "keep one of each")
    lacking = [str(csc) for csc in sorted(listed - roster)] + sorted(
        f"{name}:*" for name in every - {csc.name for csc in roster}
    )
    if lacking:
        yield draft.problem(path, f"published, but not in the roster: {', '.join(lacking)}", "they are not expected")
    siblings = {csc.name for csc in listed}
    forgotten = [str(csc) for csc in sorted(roster - listed) if csc.name in siblings and csc.name not in every]
    if forgotten:
        message = f"in the roster, but not published as their siblings are: {', '.join(forgotten)}"
        yield draft.problem(path, message, "they keep their start-up state at the end")
    enabled = Target(SummaryState.ENABLED)
    for at, spec in enumerate(specs):
        is_listed = spec.csc in listed or spec.csc.name in every
        if is_listed and spec.end != enabled:
            yield draft.problem(("cscs", at), f"{spec.csc} is published as ENABLED at the end, not {spec.end}")
        if not is_listed and spec.end == enabled != spec.startup:
            yield draft.problem(("cscs", at), f"{spec.csc} ends ENABLED, but is not in published_end")

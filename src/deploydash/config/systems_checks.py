"""What the sections of systems have to do with the rest of a site file, and with the site's network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from deploydash.config.yaml_lines import Document, Path, key_text
from deploydash.core.model import CscId, Roster
from deploydash.core.procedure.names import SystemName
from deploydash.errors import Problem
from deploydash.systems.address import is_loopback
from deploydash.systems.section import SiteSection
from deploydash.systems.table import Table


def systems_errors(
    sections: Mapping[SystemName, SiteSection], roster: Roster, table: Table, document: Document, file: str
) -> Iterator[Problem]:
    """Yield every contradiction: CSCs that the roster lacks, hosts of elsewhere, what a section finds itself."""
    known = {spec.csc for spec in roster.cscs}
    for name, section in sections.items():
        wrong = [*_strangers(section, known), *section.contradictions(roster)]
        if not roster.rehearsal:
            wrong += _foreign_hosts(section)
        elif table[name].reaches_out:
            wrong += _real_hosts(section)
        for place, message, hint in wrong:
            path = ("systems", name, *place)
            yield Problem(file, document.line(path), key_text(path), message, hint)


def _strangers(section: SiteSection, known: set[CscId]) -> Iterator[tuple[Path, str, str]]:
    for place, text in section.named_cscs():
        csc = CscId.parse(text)
        if csc not in known:
            near = get_close_matches(text, [str(other) for other in known], 1)
            hint = f"did you mean {near[0]}?" if near else "add it to cscs"
            yield place, f"{csc} is not in the roster", hint


def _foreign_hosts(section: SiteSection) -> Iterator[tuple[Path, str, str]]:
    """Yield hosts outside the site's domain, so that no command of one site can reach another."""
    domain = section.host_domain()
    for place, host in section.hosts():
        if domain and not host.endswith(f".{domain}"):
            yield place, f"{host} is not a host of this site", f"hosts here end in .{domain}"


def _real_hosts(section: SiteSection) -> Iterator[tuple[Path, str, str]]:
    """Yield hosts that a rehearsal must not reach."""
    for place, host in section.hosts():
        if not is_loopback(host):
            yield place, f"{host} is not this machine", "a rehearsal reaches loopback addresses only"

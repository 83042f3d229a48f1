"""``sites``: which sites are known and where each file was found; and how commands open one."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from deploydash.cells import cells, padded
from deploydash.cli.exits import Exit
from deploydash.cli.places import Places, places
from deploydash.config.find import find_site, list_sites
from deploydash.config.load import Site, load_site
from deploydash.errors import ConfigurationError, UserError

if TYPE_CHECKING:
    from deploydash.systems.table import Table


def shipped_sites() -> Path:
    """Return the folder of the sites that come with the package (top level of a checkout, else in the wheel)."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "sites"
    return inside if inside.is_dir() else package.parents[1] / "sites"


def open_site(reference: str, where: Places | None = None, *, table: Table | None = None) -> Site:
    """Find and load a site by path or name; without a ``table`` for those who touch nothing but its feeds.

    ``table``: the systems that may have a section of their own in it.

    Raises:
        ConfigurationError: it cannot be found or used; every problem is named.
    """
    at = where or places()
    path = find_site(reference, cwd=at.cwd, user_dir=at.user_config, shipped_dir=shipped_sites())
    return load_site(path, table)


def other_sites(site: Site, where: Places, table: Table) -> tuple[Site, ...]:
    """Return every other site that is known here and can be read, each by its name once; rehearsals are none."""
    found: dict[str, Site] = {}
    for known in list_sites(cwd=where.cwd, user_dir=where.user_config, shipped_dir=shipped_sites()):
        with suppress(ConfigurationError):
            other = load_site(known.path, table)
            if not other.rehearsal and other.roster.site != site.roster.site:
                found.setdefault(other.roster.site, other)
    return tuple(found.values())


def open_site_of_cscs(reference: str, where: Places | None = None) -> Site:
    """Find and load a site whose CSCs are looked at.

    Raises:
        ConfigurationError: it cannot be found or used.
        UserError: it has no CSCs.
    """
    site = open_site(reference, where)
    if site.kafka is None:
        raise UserError(
            f"{site.roster.site} has no Kafka and no CSCs to look at",
            hint=f"deploydash check {reference}; deploydash run {reference} RUNBOOK",
        )
    return site


def run(*, as_json: bool) -> Exit:
    """Print the known sites."""
    at = places()
    found = list_sites(cwd=at.cwd, user_dir=at.user_config, shipped_dir=shipped_sites())
    if as_json:
        rows = [{"site": entry.name, "path": str(entry.path), "shadowed": entry.shadowed} for entry in found]
        print(json.dumps(rows, indent=2))
        return Exit.YES
    width = max((cells(entry.name) for entry in found), default=0)
    for entry in found:
        print(f"{padded(entry.name, width)}  {entry.path}{'  (hidden by the one above)' if entry.shadowed else ''}")
    return Exit.YES

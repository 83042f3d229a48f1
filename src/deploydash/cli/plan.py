"""``plan``: every step of a runbook at a site, with its targets and exact commands; contacts nobody."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from deploydash.cli.exits import Exit
from deploydash.cli.places import Places, places
from deploydash.cli.sites import open_site, shipped_sites
from deploydash.cli.tables import composer_at, tables
from deploydash.config.load import Site
from deploydash.config.pattern import parse_pattern
from deploydash.config.runbook import find_runbook, load_runbook
from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import Runbook
from deploydash.plan import plan_json, plan_text
from deploydash.systems.table import Table


def run(site: str, runbook: str, only: str | None, *, as_json: bool) -> Exit:
    """Print the plan."""
    at = places()
    table = tables().reading
    where = open_site(site, at, table=table)
    plan = open_runbook(runbook, where, named(only, where), at, table)
    lines = composer_at(where).lines
    if as_json:
        print(json.dumps(plan_json(plan, lines), indent=1))
    else:
        print(plan_text(plan, shutil.get_terminal_size((120, 40)).columns, lines), end="")
    return Exit.YES


def runbook_path(reference: str, at: Places) -> Path:
    """Return the file of a runbook given by name or path.

    Raises:
        ConfigurationError: there is none.
    """
    return find_runbook(reference, cwd=at.cwd, user_dir=at.user_config, shipped_dir=shipped_sites())


def open_runbook(
    reference: str, site: Site, only: frozenset[CscId] | None, at: Places, systems: Table | None = None
) -> Runbook:
    """Find and load a runbook as it is true at a site; ``systems`` left out: those of this process.

    Raises:
        ConfigurationError: it cannot be found or used; every problem is named.
    """
    table = tables().reading if systems is None else systems
    return load_runbook(runbook_path(reference, at), site, shipped_sites() / "scripts", only, systems=table)


def named(only: str | None, site: Site) -> frozenset[CscId] | None:
    """Return the CSCs that a PATTERN names, or None where none was given.

    A name that the roster lacks stays in, so that the runbook can refuse it with the nearest one.
    """
    if only is None:
        return None
    fits = parse_pattern(only)
    explicit = {CscId.parse(part) for part in only.split(",") if not part.strip().endswith("*")}
    return frozenset(spec.csc for spec in site.roster.cscs if fits(spec.csc)) | explicit

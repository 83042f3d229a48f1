"""The committed sites and runbooks, and the golden plans: ``python -m tests.support.runbooks`` writes them anew."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from deploydash.cli.tables import composer_at
from deploydash.config.load import Site, load_site
from deploydash.config.runbook import load_runbook
from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.views.run_view import Lines
from deploydash.plan import plan_text
from deploydash.wiring.tables import READING

SITES = Path(__file__).parents[2] / "sites"
SCRIPTS = SITES / "scripts"
PLANS = Path(__file__).parents[1] / "data" / "runbooks" / "plans"
GOLDEN = (
    ("summit", "full-cycle", ()),
    ("summit", "recovery", ()),
    ("tucson-teststand", "incremental", ("ESS:104", "MTHexapod:1", "MTHexapod:2")),
    ("tucson-teststand", "recovery", ()),
)
"""Site, runbook and the CSCs it is about where these are named."""
WIDTH = 120


@cache
def site(name: str) -> Site:
    return load_site(SITES / f"{name}.yaml", READING)


@cache
def runbook(site_name: str, name: str, *only: str) -> Runbook:
    named = frozenset(map(CscId.parse, only)) or None
    return load_runbook(SITES / "runbooks" / f"{name}.yaml", site(site_name), SCRIPTS, named, systems=READING)


def lines(site_name: str) -> Lines:
    """Return what says the exact lines of an item at a site."""
    return composer_at(site(site_name)).lines


def golden(site_name: str, name: str) -> Path:
    return PLANS / f"{site_name}-{name}.txt"


if __name__ == "__main__":
    for site_name, name, only in GOLDEN:
        golden(site_name, name).write_text(plan_text(runbook(site_name, name, *only), WIDTH, lines(site_name)), "utf-8")

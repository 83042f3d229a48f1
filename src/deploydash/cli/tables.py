"""The tables of systems that this process goes by; a main of one's own may have longer ones."""

from __future__ import annotations

from contextvars import ContextVar

from deploydash.cli.sites import shipped_sites
from deploydash.config.load import Site
from deploydash.config.runbook_scripts import load_catalogue
from deploydash.config.script_check import ScriptCheck
from deploydash.core.procedure.names import SAL
from deploydash.systems.sal.steps import SalSteps
from deploydash.wiring.tables import TableComposer, Tables, steps_of

_TABLES: ContextVar[Tables] = ContextVar("tables", default=Tables())  # noqa: B039 - it is frozen


def tables() -> Tables:
    """Return the tables of this process."""
    return _TABLES.get()


def use(longer: Tables) -> None:
    """Go by these tables from now on."""
    _TABLES.set(longer)


def composer_at(site: Site) -> TableComposer:
    """Return what makes items at a site of what the lead types, and says their exact requests."""
    check = ScriptCheck(site.roster, load_catalogue(shipped_sites() / "scripts"))
    subname = site.kafka.topic_subname if site.kafka is not None else ""
    table = tables().reading
    lacking = {name for name, reading in table.items() if reading.settings is not None and name not in site.sections}
    if site.kafka is None:
        lacking.add(SAL)
    return TableComposer(steps_of(table, SalSteps(site.roster, subname, check)), lacking)

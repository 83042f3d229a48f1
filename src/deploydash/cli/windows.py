"""``windows``: when the next maintenance windows of a site are; contacts nobody."""

from __future__ import annotations

from datetime import UTC, datetime

from deploydash.cli.exits import Exit
from deploydash.cli.sites import open_site
from deploydash.cli.tables import tables
from deploydash.config.practices import find_practices, load_practices
from deploydash.errors import UserError
from deploydash.session.clock import SystemClock
from deploydash.systems.practices.facts import Wanted, windows_text
from deploydash.systems.practices.settings import PRACTICES, PracticesSettings
from deploydash.wiring.practised import unknown_services, wanted


def run(reference: str) -> Exit:
    """Print the next windows of each application of a site.

    Raises:
        UserError: the site names no practices, or a service that is not among them.
    """
    site = open_site(reference, table=tables().reading)
    settings = site.sections.get(PRACTICES)
    if not isinstance(settings, PracticesSettings):
        hint = "add systems.practices with its environment and the service of each application"
        raise UserError(f"{site.roster.site} says nothing of its practices", hint=hint)
    practices = load_practices(find_practices(site.path))
    if wrong := list(unknown_services(site, practices)):
        raise UserError("; ".join(wrong))
    now = datetime.fromtimestamp(SystemClock().utc(), UTC)
    print(f"{site.roster.site} is {settings.environment}; windows are no downtime")
    asked = wanted(settings, practices)
    nothing = Wanted(f"no {settings.environment} environment")
    rows = [(name, (each or nothing).said, (each or nothing).rule) for name, each in asked.items()]
    print("\n".join(windows_text(rows, now, site.roster.time_zone)))
    print("A cycle whose date was announced and confirmed has its own window, from an hour before its start.")
    return Exit.YES

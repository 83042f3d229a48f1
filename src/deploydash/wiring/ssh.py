"""What acts on hosts over SSH, made of a site's section."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploydash.core.run.ports import Action
from deploydash.errors import UserError
from deploydash.systems.ssh.act import SshAction
from deploydash.systems.ssh.hosts import Hosts
from deploydash.systems.ssh.memory import Memory
from deploydash.systems.ssh.settings import SshSettings
from deploydash.systems.ssh.steps import SSH
from deploydash.systems.ssh.where import Places
from deploydash.systems.ssh.writes import Tools
from deploydash.wiring.acting import Means

REMEMBERED_S = 20.0
"""So long it is not asked again who may do what on a host, and where a branch is at its remote."""


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make what acts on the hosts of a site; a host is connected to when its work begins."""
    settings, rehearsal = means.site.sections.get(SSH), means.site.rehearsal
    if settings is None:
        places = Places("invalid", rehearsal=rehearsal)  # no host is in this domain: nothing is reached
    elif isinstance(settings, SshSettings):
        places = settings.places(rehearsal=rehearsal)
    else:
        raise UserError("the section ssh of this site is none of this system")
    hosts = Hosts(places)
    try:
        yield SshAction(Tools(hosts, means.clock, Memory(means.clock, REMEMBERED_S)))
    finally:
        await hosts.aclose()

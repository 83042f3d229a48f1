"""Whether the configuration of SSH leads every host of a site to a host of the site; nobody is connected to."""

from __future__ import annotations

import asyncio

from deploydash.loading import loaded
from deploydash.systems.ssh.settings import SshSettings
from deploydash.systems.ssh.where import ForeignHostError, Login
from deploydash.systems.table import Place


async def fuse(place: Place) -> tuple[str, ...]:
    """Return each host that is led elsewhere, directly or through a jump host.

    Raises:
        FeedError: the configuration of SSH cannot be used.
    """
    settings = place.settings
    assert isinstance(settings, SshSettings)  # noqa: S101 - the table gives each system its own section
    if place.roster.rehearsal and not settings.at:
        return ()
    connect = await asyncio.to_thread(
        loaded, "deploydash.systems.ssh.connect"
    )  # it loads asyncssh, which takes its time
    places = settings.places(rehearsal=place.roster.rehearsal)
    told: dict[str, None] = {}
    for host in dict.fromkeys(settings.every_host()):
        try:
            await connect.way_to(Login.parse(host), places)
        except ForeignHostError as error:
            told[str(error)] = None
    return tuple(told)

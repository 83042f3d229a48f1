"""``watch``: the live grid alone."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import cast

from deploydash.cli import began
from deploydash.cli.beside import side_by_side
from deploydash.cli.exits import Exit
from deploydash.cli.places import Places, places
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site, open_site_of_cscs
from deploydash.cli.terminal import need_terminal
from deploydash.config.pattern import parse_target
from deploydash.core.ports import Clock, Inbox
from deploydash.errors import ConfigurationError, FeedError
from deploydash.loading import loaded
from deploydash.ui.app import DeploydashApp
from deploydash.wiring.read_only import MakeFeed, ReadOnly, read_only


def run(reference: str, target: str, *, theme: str | None) -> Exit:
    """Open the grid and answer when its user has left it."""
    at = places()
    site = open_site_of_cscs(reference, at)
    phase = parse_target(target)
    need_terminal("watch", f"deploydash status {reference}")
    reader = read_only(site, os.environ, at.cache, phase, began.AT, later=partial(others, reference, at))
    return run_to_the_end(show(reader, theme))


class Unusable:
    """What stands in the header for systems whose sections of the site file cannot be used."""

    name = "systems"

    def __init__(self, error: ConfigurationError, hint: str, _clock: Clock) -> None:
        self._error, self._hint = error, hint

    async def run(self, _inbox: Inbox) -> None:
        """Fail.

        Raises:
            FeedError: always; says the first problem.
        """
        raise FeedError(self.name, str(self._error.problems[0]), hint=self._hint)


def others(reference: str, at: Places) -> tuple[MakeFeed, ...]:
    """Return what makes the feeds of the systems beside Kafka; loads their libraries, which no first frame waits for.

    Of sections that cannot be used one feed says so, which is down: the fleet is watched all the same.
    """
    tables = loaded("deploydash.cli.tables").tables().reading
    try:
        whole = open_site(reference, at, table=tables)
    except ConfigurationError as error:
        return (partial(Unusable, error, f"deploydash check {reference} names every problem"),)
    return cast("tuple[MakeFeed, ...]", loaded("deploydash.wiring.tables").feeds_of(tables, whole))


async def show(reader: ReadOnly, theme: str | None) -> Exit:
    """Run session and screen side by side until the screen is left.

    Raises:
        ExceptionGroup: the session failed, the screen failed, or both; none hides the other.
    """
    speed = reader.site.demo.speed if reader.site.demo is not None else None
    app = DeploydashApp(reader.session, theme=theme, speed=speed)
    try:
        return await side_by_side(app, _read(reader, app))
    finally:
        with contextlib.suppress(Exception):
            await reader.aclose()


async def _read(reader: ReadOnly, app: DeploydashApp) -> None:
    """Read once the first frame is drawn: its user sees at once that something has begun."""
    await app.drawn.wait()
    await reader.session.run()

"""``watch``: the live grid alone."""

from __future__ import annotations

import contextlib
import os

from deploydash.cli import began
from deploydash.cli.beside import side_by_side
from deploydash.cli.exits import Exit
from deploydash.cli.places import places
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site_of_cscs
from deploydash.cli.terminal import need_terminal
from deploydash.config.pattern import parse_target
from deploydash.ui.app import DeploydashApp
from deploydash.wiring.read_only import ReadOnly, read_only


def run(reference: str, target: str, *, theme: str | None) -> Exit:
    """Open the grid and answer when its user has left it."""
    at = places()
    site = open_site_of_cscs(reference, at)
    phase = parse_target(target)
    need_terminal("watch", f"deploydash status {reference}")
    return run_to_the_end(show(read_only(site, os.environ, at.cache, phase, began.AT), theme))


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

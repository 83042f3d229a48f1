"""``watch``: the live grid alone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from deploydash.cli.exits import Exit
from deploydash.cli.places import log_to_file, places
from deploydash.cli.sites import open_site
from deploydash.config.pattern import parse_target
from deploydash.errors import UserError
from deploydash.ui.app import DeploydashApp
from deploydash.wiring.read_only import ReadOnly, read_only


def run(reference: str, target: str, *, theme: str | None) -> Exit:
    """Open the grid and answer when its user has left it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("watch needs a terminal", hint=f"without one use: deploydash status {reference}")
    at = places()
    site = open_site(reference, at)
    reader = read_only(site, os.environ, at.cache, parse_target(target))
    log_to_file(at.state)
    return asyncio.run(show(reader, theme))


async def show(reader: ReadOnly, theme: str | None) -> Exit:
    """Run session and screen side by side until the screen is left; a fault of either is raised."""
    session = reader.session
    app = DeploydashApp(session, theme=theme)
    running = asyncio.create_task(session.run(), name="session")
    showing = asyncio.create_task(app.run_async(), name="screen")
    try:
        await asyncio.wait({running, showing}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            app.exit()
            await showing
            running.result()
        showing.result()
        return Exit.YES if not app.return_code else Exit(app.return_code)
    finally:
        for task in (running, showing):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await reader.aclose()

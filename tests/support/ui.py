"""A screen under test: run on snapshots, pressed, and read back as text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.events import Key
from textual.pilot import Pilot

from deploydash.core.published import Published
from deploydash.ui.app import DeploydashApp
from tests.servers.waiting import patient
from tests.support.snapshots import FakeSource


class Screen:
    """One running app with its source and its pilot."""

    def __init__(self, app: DeploydashApp, source: FakeSource, pilot: Pilot[Any]) -> None:
        self.app = app
        self.source = source
        self.pilot = pilot

    def lines(self) -> list[str]:
        """Return what stands on the screen now."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    def text(self) -> str:
        """Return the screen as one text."""
        return "\n".join(self.lines()) + "\n"

    async def press(self, *keys: str) -> None:
        """Press keys and wait until they had their effect."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type letters."""
        await self.press(*("space" if letter == " " else letter for letter in text))

    def burst(self, *keys: str) -> None:
        """Hand over keys as a terminal does when they are typed faster than anything is done with them."""
        for key in keys:
            character = " " if key == "space" else key if len(key) == 1 else None
            self.app.post_message(Key(key, character))

    async def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait for a condition."""
        end = time.monotonic() + patient(seconds)
        while not holds():
            assert time.monotonic() < end, f"it did not come to hold; the screen is\n{self.text()}"
            await asyncio.sleep(0.01)

    async def sees(self, words: str) -> None:
        """Wait until the words stand on the screen."""
        await self.until(lambda: words in self.text())


@asynccontextmanager
async def running(
    snapshot: Published | None,
    *,
    width: int = 120,
    height: int = 40,
    theme: str | None = None,
    speed: float | None = None,
) -> AsyncIterator[Screen]:
    """Run the app on a snapshot in a terminal of this size, drawn and at rest."""
    source = FakeSource(snapshot)
    app = DeploydashApp(source, theme=theme, speed=speed)
    async with app.run_test(size=(width, height)) as pilot:
        screen = Screen(app, source, pilot)
        await pilot.pause()
        if snapshot is not None:
            await screen.sees(snapshot.roster.site.upper())
        await pilot.pause(0.05)
        yield screen

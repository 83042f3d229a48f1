"""One sentence that a screen says when it has opened."""

from __future__ import annotations

import asyncio

from deploydash.ui.run_app import DeploydashRunApp

SETTLED_S = 0.2
"""Seconds that the screen is left to settle before it says anything."""


async def greet(app: DeploydashRunApp, sentence: str) -> None:
    """Say a sentence once the screen shows the run; nothing where there is none to say."""
    if not sentence:
        return
    while app.snapshot is None or not app.screen.is_mounted:  # noqa: ASYNC110 - Textual offers no event for it
        await asyncio.sleep(SETTLED_S)
    await asyncio.sleep(SETTLED_S)
    app.call_later(app.refused, sentence)

"""Keys and pastes one after the other, so that what is typed ahead reaches what the key before it opened.

Textual hands each key on when it arrives, to the screen that is in front then; what a key does goes round through two
queues and comes later. Letters typed behind a key that opens a dialog would act as keys of the screen below it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App, ScreenStackError
from textual.events import Event
from textual.message import Message

LONGEST_S = 1.0
"""What takes no key for so long is gone; that is no reason to stop all others."""


class Taken(Message, bubble=True):
    """Follows a key through the same queues: where it arrives, the key has done what it does."""

    def __init__(self, done: asyncio.Event) -> None:
        super().__init__()
        self.done = done


class InOrder:
    """Hands keys and pastes to an app, the next one when the one before has done what it does."""

    def __init__(self, app: App[Any], hand_on: Callable[[Event], Awaitable[None]]) -> None:
        self._app = app
        self._hand_on = hand_on
        self._typed: asyncio.Queue[Event] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def put(self, event: Event) -> None:
        """Take a key or a paste; never waits."""
        self._typed.put_nowait(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="keys in order")

    def close(self) -> None:
        """Take no more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            while not self._typed.empty():
                await self._one(self._typed.get_nowait())
        except ScreenStackError:  # the app has ended, and with it every screen
            return

    async def _one(self, event: Event) -> None:
        target = self._app.focused or self._app.screen
        await self._hand_on(event)
        done = asyncio.Event()
        if target.post_message(Taken(done)):
            await _within(done)
        await _within(self._app.screen._mounted_event)  # noqa: SLF001 - Textual has no public name for it


async def _within(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LONGEST_S):
            await event.wait()
    except TimeoutError:
        pass

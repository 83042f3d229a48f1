"""Tells how far a long command has come, beside the command itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from deploydash.core.run.ports import ItemContext
from deploydash.systems.ssh.writes import Tools


class Ticker:
    """Reports what ``told`` returns while the block runs: a line, how many are done, of how many."""

    def __init__(self, tools: Tools, context: ItemContext, told: Callable[[], tuple[str, int, int]]) -> None:
        self._every_s = tools.poll_s
        self._context = context
        self._told = told
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._tell(), name="how far it has come")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            line, done, of = self._told()
            await self._context.progress("at work", line, done=max(0, done), of=max(0, of))

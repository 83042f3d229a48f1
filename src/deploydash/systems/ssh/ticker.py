"""Tells what a command says and how far it has come, beside the command itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from deploydash.core.run.ports import ItemContext

LONGEST = 200
"""Characters of a line that reaches the journal."""

Count = Callable[[str], tuple[int, int]]
"""Takes a line of output and returns how much is done, of how much."""


class Ticker:
    """Shows each line as it comes, and reports the last one and the count while the block runs.

    ``name``: what is done, before the line.
    """

    def __init__(self, every_s: float, context: ItemContext, name: str, count: Count | None) -> None:
        self._every_s = every_s
        self._context = context
        self._name = name
        self._count = count
        self._line = ""
        self._done = (0, 0)
        self._task: asyncio.Task[None] | None = None

    def show(self, line: str) -> None:
        """Take a line of output."""
        self._context.output(line)
        self._line = line.strip()
        if self._count is not None:
            self._done = self._count(line)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._tell(), name="how far it has come")
        return self

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
            line = f"{self._name}: {self._line}" if self._line else self._name
            await self._context.progress("at work", line[:LONGEST], done=self._done[0], of=self._done[1])

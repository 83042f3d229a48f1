"""A command line that connects as soon as Kafka lets it: a run is opened and resumed while Kafka is down, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from deploydash.core.model import CscId
from deploydash.errors import FeedError
from deploydash.systems.sal.commanding.acks import Answer
from deploydash.systems.sal.commanding.kafka_commands import CommandChannel, Order
from deploydash.systems.sal.wire.commands import Sender

AGAIN_S = 5.0
"""Seconds until a connection that was refused is tried again."""


class ReadyChannel:
    """Offers what a CommandChannel offers; the first command waits for the connection or says why there is none.

    ``make`` gives a new line for each attempt, for one that failed to open cannot be opened again.
    """

    def __init__(self, make: Callable[[], CommandChannel], sender: Sender) -> None:
        self.sender = sender
        self._make = make
        self._line: CommandChannel | None = None
        self._opening = asyncio.Lock()

    async def keep_open(self) -> None:
        """Connect, so that others' commands are heard, too; try again until it succeeds, then end."""
        while True:
            try:
                await self._opened()
            except FeedError:
                await asyncio.sleep(AGAIN_S)
            else:
                return

    async def prepare(self, csc: CscId, command: str, values: Mapping[str, Any] | None = None) -> Order:
        """Check a command and give it its number (CommandChannel.prepare).

        Raises:
            FeedError: there is no connection, or the command cannot be sent; nothing was.
        """
        line = await self._opened()
        return await line.prepare(csc, command, values)

    async def send(self, order: Order, limit_s: float) -> Answer:
        """Send a prepared command once and return its final acknowledgement (CommandChannel.send)."""
        line = await self._opened()
        return await line.send(order, limit_s)

    async def close(self) -> None:
        """Close the connection if there is one."""
        if self._line is not None:
            await self._line.close()

    async def _opened(self) -> CommandChannel:
        async with self._opening:
            if self._line is None:
                line = self._make()
                await line.open()
                self._line = line
            return self._line

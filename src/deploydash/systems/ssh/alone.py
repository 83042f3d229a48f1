"""Follows a command that a host runs by itself: through lost connections, to its end, its output as it comes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from deploydash.core.run.ports import ItemContext
from deploydash.errors import FeedError
from deploydash.systems.ssh import client
from deploydash.systems.ssh.answers import Alone, without_secrets
from deploydash.systems.ssh.ticker import LONGEST
from deploydash.systems.ssh.where import Login
from deploydash.systems.ssh.writes import LOST_S, SETTLED_S, Tools


async def follow(
    tools: Tools, login: Login, name: str, before: str, context: ItemContext, *, title: str, done: int, of: int
) -> Alone | None:
    """Return how it ended, with its last line; None where it is not begun after ``SETTLED_S``. Nothing is sent.

    ``before``: what told its last start when this one was approved. ``title``, ``done``, ``of``: for its progress.

    Raises:
        FeedError: its host was out of reach for ``LOST_S``; whether it goes on there is not known.
    """
    began, seen_at, said, lost = tools.clock.monotonic(), tools.clock.monotonic(), _Said(), False
    while True:
        try:
            found = await tools.hosts.read(login, lambda host: client.alone(host, name, said.bytes))
        except FeedError as error:
            if tools.clock.monotonic() - seen_at > LOST_S:
                raise
            line = f"{title}: {error}; it may go on there, and is looked at again"
            await context.progress("out of reach", line[:LONGEST], done=done, of=of)
            await asyncio.sleep(tools.poll_s)
            continue
        seen_at = tools.clock.monotonic()
        if found.began and found.began != before:
            for line in said.take(found.said, whole=not found.runs and not found.said):
                context.output(line)
            if not found.runs and not found.said and (found.status is not None or lost):
                return replace(found, said=said.last)
            lost = not found.runs and found.status is None  # it may be about to begin: it is looked at once more
            last = f": {said.last}" if said.last else ""
            await context.progress("at work", f"{title}{last}"[:LONGEST], done=done, of=of)
        elif seen_at - began > SETTLED_S:
            return None
        await asyncio.sleep(0 if found.said and found.status is not None else tools.poll_s)


class _Said:
    """What it said, line by line. ``bytes``: how much of it was read; ``last``: the last line."""

    def __init__(self) -> None:
        self.bytes = 0
        self.last = ""
        self._rest = ""

    def take(self, piece: str, *, whole: bool) -> list[str]:
        """Take what came since; return the lines that are complete, all where it is ``whole``."""
        self.bytes += len(piece.encode("utf-8", "surrogateescape"))
        *lines, self._rest = (self._rest + piece).replace("\r", "\n").split("\n")
        if whole or len(self._rest) > 4_000:
            lines, self._rest = [*lines, self._rest], ""
        shown = [without_secrets(line.rstrip()) for line in lines if line.strip()]
        self.last = shown[-1].strip() if shown else self.last
        return shown

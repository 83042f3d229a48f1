"""How the schema registry fares, told at once when it changes and never older than it may be."""

from __future__ import annotations

import asyncio

from deploydash.core.fleet.observations import FeedChanged
from deploydash.core.model import FeedName, FeedState
from deploydash.core.ports import Clock, Inbox
from deploydash.systems.registry.store import SchemaStore, SchemaUnavailable

FIRST_S = 1.0
"""Whoever needs a schema asks sooner than this; then there is no need to ask for the health alone."""

EVERY_S = 4.0
"""After so long without a question of anybody's one is asked; with its limit of 5 s no health is older than 10 s."""

AGAIN_S = 2.0
"""How soon a registry that does not answer is asked again."""


class RegistryFeed:
    """Tells the registry's health while a session runs, from the answers to everybody's questions.

    Steps of commands depend on it, and so does each record of a new schema. Nothing is asked while others ask.
    """

    name = FeedName.SCHEMA_REGISTRY

    def __init__(self, schemas: SchemaStore, clock: Clock) -> None:
        self._schemas = schemas
        self._clock = clock
        self._heard = asyncio.Event()

    async def run(self, inbox: Inbox) -> None:
        """Tell until cancelled."""
        self._schemas.registry.watch = self._heard.set
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell(inbox))
            group.create_task(self._ask())

    async def _tell(self, inbox: Inbox) -> None:
        told: tuple[FeedState, str] | None = None
        while True:
            health = self._schemas.health
            if health != told:
                told = health
                await inbox.put([FeedChanged(self.name, *health, self._clock.monotonic())])
            self._heard.clear()
            await self._heard.wait()

    async def _ask(self) -> None:
        """Ask where nobody else did for a while."""
        await asyncio.sleep(FIRST_S)
        while True:
            registry = self._schemas.registry
            pause = AGAIN_S if registry.trouble else EVERY_S
            due = registry.heard_at + pause - self._clock.monotonic()
            if due > 0:
                await asyncio.sleep(due)
                continue
            try:
                await self._schemas.probe()
            except SchemaUnavailable:
                await asyncio.sleep(AGAIN_S)

"""What changes the compatibility of a site's schema registry, made of the means of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploydash.core.run.ports import Action
from deploydash.systems.registry.act import RegistryAction
from deploydash.systems.registry.compatibility import Compatibility
from deploydash.wiring.acting import Means


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site; the registry is asked when a step of its own is looked at."""
    registry = Compatibility(means.connections.registry, rehearsal=means.site.rehearsal)
    try:
        yield RegistryAction(registry, means.clock)
    finally:
        await registry.aclose()

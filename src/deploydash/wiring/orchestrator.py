"""What works on a site's orchestrator, made of the means of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploydash.core.run.ports import Action
from deploydash.systems.orchestrator.act import OrchestratorAction
from deploydash.systems.orchestrator.client import OrchestratorClient
from deploydash.systems.orchestrator.settings import ORCHESTRATOR, OrchestratorSettings
from deploydash.wiring.acting import Means


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site."""
    settings = means.site.sections[ORCHESTRATOR]
    assert isinstance(settings, OrchestratorSettings)  # noqa: S101 - it was read by this model
    made = OrchestratorAction(OrchestratorClient(settings), settings, means.clock, means.state)
    try:
        yield made
    finally:
        await made.aclose()

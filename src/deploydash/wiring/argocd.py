"""What syncs applications of a site's Argo CD, made of the means of a run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploydash.core.run.ports import Action
from deploydash.systems.argocd.act import ArgocdAction, opened
from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.login import ARGOCD
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.wiring.acting import Means


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site."""
    settings = means.site.sections[ARGOCD]
    assert isinstance(settings, ArgocdSettings)  # noqa: S101 - it was read by this model
    run = means.state().opened
    reason = means.state().runbook.title
    infos = {"reason": f"{reason} {run.cycle}" if run else reason, "run": run.run if run else ""}
    async with opened(ArgocdAction(ArgoClient(settings.endpoint), settings, means.clock, infos)) as made:
        yield made

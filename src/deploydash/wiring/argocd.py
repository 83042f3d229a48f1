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

    def infos() -> dict[str, str]:
        state = means.state()  # the run is opened after its actions are made
        run, reason = state.opened, state.runbook.title
        return {"reason": f"{reason} {run.cycle}", "run": run.run} if run is not None else {"reason": reason}

    async with opened(ArgocdAction(ArgoClient(settings.endpoint), settings, means.clock, infos)) as made:
        yield made

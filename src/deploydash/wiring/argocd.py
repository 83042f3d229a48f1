"""What syncs applications of a site's Argo CD, made of the means of a run.

While it is open it tells of each step that asks for it whether its applications stand at the commit that was merged.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from deploydash.core.fleet.observations import FactRead
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.procedure.runbook import Step
from deploydash.core.run.placeholders import as_it_stands, placeholders_of
from deploydash.core.run.ports import Action
from deploydash.core.run.state import RunState, StepStatus
from deploydash.errors import UserError
from deploydash.systems.argocd.act import ArgocdAction, opened
from deploydash.systems.argocd.client import LIST_FIELDS, ArgoClient
from deploydash.systems.argocd.login import ARGOCD
from deploydash.systems.argocd.objects import Application
from deploydash.systems.argocd.pending import fact_of, known, pending_fact
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.argocd.steps import SyncSpec, read_spec
from deploydash.wiring.acting import Means

EVERY_S = 5.0

_OPEN = frozenset({StepStatus.PENDING, StepStatus.UNDER_WAY, StepStatus.ASKING})


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site."""
    settings = means.site.sections[ARGOCD]
    assert isinstance(settings, ArgocdSettings)  # noqa: S101 - it was read by this model

    def infos() -> dict[str, str]:
        state = means.state()  # the run is opened after its actions are made
        run, reason = state.opened, state.runbook.title
        return {"reason": f"{reason} {run.cycle}", "run": run.run} if run is not None else {"reason": reason}

    telling = asyncio.create_task(_tell(means, settings), name="merged commit in Argo CD")
    try:
        async with opened(ArgocdAction(ArgoClient(settings.endpoint), settings, means.clock, infos)) as made:
            yield made
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell(means: Means, settings: ArgocdSettings) -> None:
    """Tell how the applications stand as long as some gate asks for it; what cannot be read grows old instead."""
    client = ArgoClient(settings.endpoint)
    try:
        while True:
            asked = dict(_asked(means.state()))
            apps: dict[str, Application] = {}
            try:
                if any(map(known, asked.values())):
                    apps = await _read(client, settings)
            except UserError:
                asked = {}
            at, utc = means.clock.monotonic(), means.clock.utc()
            for step, specs in asked.items():
                means.tell(FactRead(fact_of(step, specs, apps, utc), at))
            await asyncio.sleep(EVERY_S)
    finally:
        await client.aclose()


async def _read(client: ArgoClient, settings: ArgocdSettings) -> dict[str, Application]:
    projects = tuple(dict.fromkeys(map(settings.project, settings.applications)))
    found, _ = await client.applications(projects, only=LIST_FIELDS)
    return {app.name: app for app in found}


def _asked(state: RunState) -> Iterator[tuple[StepId, tuple[SyncSpec, ...]]]:
    """Yield the steps that are not settled and ask for the fact, with what they sync as it stands now."""
    steps = [step for step in state.runbook.steps() if _asks(step) and state.status(step) in _OPEN]
    words = placeholders_of(state) if steps else {}
    for step in steps:
        items = [as_it_stands(step.id, item, state, words) for item in step.items if item.system == ARGOCD]
        yield step.id, tuple(read_spec(item.spec) for item in items)


def _asks(step: Step) -> bool:
    name = pending_fact(step.id)
    return any(isinstance(each, FactHolds) and each.fact == name for each in step.preconditions)

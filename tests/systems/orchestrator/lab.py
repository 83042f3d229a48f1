"""Work on one environment of a real orchestrator, with a run that remembers what it owes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId
from deploydash.core.procedure.names import StepId, numbered
from deploydash.core.procedure.runbook import Debt, Runbook
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End
from deploydash.core.run.state import RunState
from deploydash.session.clock import SystemClock
from deploydash.systems.orchestrator.act import OrchestratorAction
from deploydash.systems.orchestrator.client import OrchestratorClient
from deploydash.systems.orchestrator.settings import OrchestratorSettings
from deploydash.systems.orchestrator.specs import Do, Spec, made
from tests.servers.inmanta import LabEnvironment
from tests.servers.waiting import within
from tests.support.item_context import Intended, RecordingContext

BOOK = Runbook("night", "a night", "lab", True, (), (), (), (), ())


class Answering(RecordingContext):
    """Answers every question alike."""

    async def ask(self, question: str, answers: Any, about: str = "") -> str:
        self.answers = {question: self.always}
        return await super().ask(question, answers, about)

    always: str = "as expected"


@dataclass
class Lab:
    """One environment with what works on it. ``state``: the run, with the debts of what was done."""

    environment: LabEnvironment
    settings: OrchestratorSettings
    action: OrchestratorAction = field(init=False)
    state: RunState = field(default_factory=lambda: RunState(BOOK))
    context: Answering = field(default_factory=Answering)

    async def plan(self, spec: Spec) -> ItemPlan:
        """Return what would be sent for a piece of work."""
        return (await self.action.describe([made(numbered(0), spec)], nobody)).items[0]

    async def do(self, spec: Spec, answer: str = "as expected") -> End:
        """Look at a piece of work, then do it as it was seen."""
        plan, item = await self.plan(spec), made(numbered(0), spec)
        self.context = Answering()
        self.context.always = answer
        end = await self.action.run(item, plan.approved, self.context)
        owed = {
            one.owes.id: (StepId("x"), one.owes) for one in self.context.told if isinstance(one, Intended) and one.owes
        }
        paid = {**self.state.paid, **self.context.debts_paid}
        self.state = replace(self.state, incurred={**owed, **self.state.incurred}, paid=paid)
        return end

    async def set(self, name: str, value: object) -> End:
        """Set a setting that is put back later."""
        return await self.do(Spec(Do.SET, setting=name, value=json.dumps(value), back=("restore",)))

    async def made(self, spec: Spec) -> int:
        """Do a compile and return the version that it made."""
        end = await self.do(spec)
        values = dict(end.values)
        assert "version" in values, end.why
        return int(values["version"])

    async def dry_run(self, version: int) -> str:
        """Do a dry run and return its name."""
        end = await self.do(Spec(Do.DRY_RUN, version=str(version)))
        values = dict(end.values)
        assert "dryrun" in values, end.why
        return values["dryrun"]

    @property
    def debts(self) -> dict[str, Debt]:
        """What is owed."""
        return {name: debt for name, (_, debt) in self.state.incurred.items() if name not in self.state.paid}


def nobody(csc: CscId) -> CscView | None:
    """See nothing of any CSC."""
    del csc
    return None


@asynccontextmanager
async def working(environment: LabEnvironment) -> AsyncIterator[Lab]:
    """Work on an environment until the block ends."""
    settings = OrchestratorSettings(
        url=environment.server.url, environment=environment.id, agents=("tel1", "tel2"), branch="production"
    )
    lab = Lab(environment, settings)
    client = OrchestratorClient(settings, {})
    lab.action = OrchestratorAction(client, settings, SystemClock(), lambda: lab.state, poll_s=0.1)
    try:
        async with within(60):
            yield lab
    finally:
        await lab.action.aclose()

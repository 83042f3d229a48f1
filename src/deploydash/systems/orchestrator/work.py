"""What every kind of work on an orchestrator shares: its means, and the shape of one kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, RunState
from deploydash.systems.http import HttpError
from deploydash.systems.orchestrator.client import OrchestratorClient, OrchestratorError
from deploydash.systems.orchestrator.settings import OrchestratorSettings
from deploydash.systems.orchestrator.specs import Spec

POLL_S = 0.5
"""How often what goes on is asked for."""

HALTED = "the environment is halted: resume it first (A), for nothing is deployed in it"


@dataclass(frozen=True, slots=True)
class Tools:
    """What work is done with. ``state``: the run as it stands."""

    client: OrchestratorClient
    settings: OrchestratorSettings
    clock: Clock
    state: Callable[[], RunState]
    poll_s: float = POLL_S

    def found(self, found: Found, sentence: str) -> Finding:
        """Return what a look found, as read now."""
        return Finding(found, sentence, self.clock.utc())


class Work(Protocol):
    """One kind of work."""

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return what would be sent now."""
        ...

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Do it, in a slot."""
        ...

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Follow what goes on."""
        ...

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Look what became of it."""
        ...


async def sent(context: ItemContext, request: Awaitable[str | None], words: str = "accepted") -> End | None:
    """Send a request whose intent is on disk, and journal its answer: None where it was taken, else how it ended."""
    try:
        warning = await request
    except HttpError as error:
        await context.answered(False if error.unsent else None, str(error))
        return End(Outcome.FAILED if error.unsent else Outcome.UNKNOWN, str(error))
    except OrchestratorError as error:
        await context.answered(None if error.unsure else False, str(error))
        return End(Outcome.UNKNOWN if error.unsure else Outcome.FAILED, str(error))
    await context.answered(True, warning or words)
    return None


def failed(why: str) -> End:
    """Return that it failed."""
    return End(Outcome.FAILED, why)


def reached(why: str, version: int | None = None, dry_run: str = "") -> End:
    """Return that it was reached, with what it made known under each name by which steps of a runbook fill it in."""
    values = {} if version is None else {"version": str(version), "recompiled": str(version)}
    if dry_run:
        values = {"dryrun": dry_run, "dryrun-before": dry_run}
    return End(Outcome.REACHED, why, tuple(values.items()))

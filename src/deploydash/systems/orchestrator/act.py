"""Work on an orchestrator carried out as approved (``core.run.ports.Action``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import End, Finding, ItemContext, Look
from deploydash.core.run.state import ItemProgress, RunState
from deploydash.core.words import counted
from deploydash.systems.acting import HoldsNothing, NoControls
from deploydash.systems.orchestrator.client import OrchestratorClient
from deploydash.systems.orchestrator.compiles import Compiles
from deploydash.systems.orchestrator.deploys import Agents, Versions
from deploydash.systems.orchestrator.dry_runs import Comparisons, DryRuns
from deploydash.systems.orchestrator.release import Release
from deploydash.systems.orchestrator.settings import OrchestratorSettings
from deploydash.systems.orchestrator.specs import Do, read_spec
from deploydash.systems.orchestrator.stopping import Stopping
from deploydash.systems.orchestrator.values import Values
from deploydash.systems.orchestrator.work import POLL_S, Tools, Work


class OrchestratorAction(HoldsNothing, NoControls):
    """Does the work of one environment. ``state``: returns the run, whose debts hold what was read before."""

    def __init__(
        self,
        client: OrchestratorClient,
        settings: OrchestratorSettings,
        clock: Clock,
        state: Callable[[], RunState],
        poll_s: float = POLL_S,
    ) -> None:
        self._client = client
        self._clock = clock
        tools = Tools(client, settings, clock, state, poll_s)
        values, versions, agents = Values(tools), Versions(tools), Agents(tools)
        compiles, comparisons, stopping = Compiles(tools), Comparisons(tools), Stopping(tools)
        self._work: dict[Do, Work] = {
            **dict.fromkeys((Do.VERIFY, Do.SET, Do.RESTORE, Do.ENGAGE), values),
            **dict.fromkeys((Do.RECOMPILE, Do.UPDATE), compiles),
            **dict.fromkeys((Do.INSPECT, Do.RESOURCES, Do.DEPLOY, Do.DELETE), versions),
            Do.DRY_RUN: DryRuns(tools),
            **dict.fromkeys((Do.COMPARE, Do.SAME), comparisons),
            **dict.fromkeys((Do.REPAIR, Do.INCREMENTAL), agents),
            **dict.fromkeys((Do.HALT, Do.RESUME), stopping),
            **dict.fromkeys((Do.CHECK_PROJECT, Do.FREEZE, Do.MODULES, Do.COMMIT, Do.PUSH), Release(tools)),
        }

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return what would be sent now."""
        del look
        plans = await asyncio.gather(*(self._planned(item) for item in items))
        sends = sum(len(plan.lines) for plan in plans)
        words = f"{counted(sends, 'request')} to the orchestrator" if sends else "nothing is sent: it is looked at"
        return Plan(words, tuple(plans), self._clock.utc())

    async def _planned(self, item: Item) -> ItemPlan:
        spec = read_spec(item.spec)
        try:
            return await self._work[spec.do].plan(item, spec)
        except ValueError as error:
            return ItemPlan(item.id, (), str(error), blocked=True)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look what became of an item whose outcome is unknown."""
        del look
        spec = read_spec(item.spec)
        return await self._work[spec.do].probe(spec, history)

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Carry out an item."""
        spec = read_spec(item.spec)
        async with context.slot():
            return await self._work[spec.do].run(spec, approved, context)

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow what goes on to its end."""
        spec = read_spec(item.spec)
        async with context.slot():
            return await self._work[spec.do].follow(spec, history, context)

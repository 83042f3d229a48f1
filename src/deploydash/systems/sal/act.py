"""What is done through SAL: CSCs commanded, scripts added to their queues (``core.run.ports.Action``)."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer, End, Finding, ItemContext, Look
from deploydash.core.run.state import ItemProgress
from deploydash.core.words import counted
from deploydash.errors import UserError
from deploydash.systems.acting import HoldsNothing
from deploydash.systems.sal.commanding.csc import CscCommands
from deploydash.systems.sal.commanding.plan import sentence
from deploydash.systems.sal.commanding.specs import ScriptSpec, spec_of
from deploydash.systems.sal.scripts.scriptqueue import Scripts


class SalAction(HoldsNothing):
    """Carries out each item by what its spec asks for."""

    def __init__(self, cscs: CscCommands, scripts: Scripts, clock: Clock) -> None:
        self._cscs = cscs
        self._scripts = scripts
        self._clock = clock

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return the exact commands of every item, or why there are none."""
        cscs: list[ItemPlan] = []
        scripts: list[ItemPlan] = []
        plans: list[ItemPlan] = []
        for item in items:
            spec = spec_of(item)
            if isinstance(spec, ScriptSpec):
                plans.append(self._scripts.planned(item, spec, look(spec.queue)))
                scripts.append(plans[-1])
            else:
                plans.append(self._cscs.planned(item.id, spec, look(spec.csc)))
                cscs.append(plans[-1])
        told = [sentence(tuple(cscs))] if cscs else []
        if scripts:
            told.append(_of_scripts(scripts))
        return Plan("; ".join(told), tuple(plans), self._clock.utc())

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look for a CSC or a script whose outcome is unknown."""
        spec = spec_of(item)
        if isinstance(spec, ScriptSpec):
            return await self._scripts.probe(spec, history)
        return self._cscs.probe(spec, history, look(spec.csc))

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Carry out an item; nothing is sent that was not approved."""
        spec = spec_of(item)
        if isinstance(spec, ScriptSpec):
            return await self._scripts.run(spec, approved, context)
        return await self._cscs.run(spec, approved, context)

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow what goes on outside already; nothing is sent."""
        spec = spec_of(item)
        if isinstance(spec, ScriptSpec):
            return await self._scripts.follow(spec, history, context)
        return await self._cscs.follow(spec, context)

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return what the queue of a script can be told; a CSC on its way is told nothing else."""
        spec = spec_of(item)
        if isinstance(spec, ScriptSpec):
            return self._scripts.controls(spec, history, look(spec.queue))
        return ()

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Pause or resume the queue of a script, or stop the script.

        Raises:
            UserError: it was not done, or nobody knows; says why.
        """
        spec = spec_of(item)
        if not isinstance(spec, ScriptSpec):
            raise UserError(f"{item.label} takes no {name} on its way")
        await self._scripts.control(spec, name, history, context)


def _of_scripts(plans: Sequence[ItemPlan]) -> str:
    added = sum(bool(one.lines) for one in plans)
    told = f"{added} of {counted(len(plans), 'script')} {'is' if added == 1 else 'are'} added"
    return told + (f"; {len(plans) - added} cannot be added" if added < len(plans) else "")

"""Machines brought where they should be (``core.run.ports.Action``)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import Action, ControlOffer, End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import AnswerOffered, Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import FeedError, UserError
from deploydash.wiring.acting import Means
from tests.sample_system.client import Client, Machine
from tests.sample_system.settings import SampleSettings
from tests.sample_system.steps import SAMPLE

POLL_S = 0.1
ANSWERS = (AnswerOffered("wait", "leave it as it is"), AnswerOffered("go on", "start it warm"))


class SampleAction:
    """Starts machines; each leaves a level behind that has to be put back."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def open(self, items: Sequence[Item]) -> AbstractAsyncContextManager[None]:
        """Hold nothing."""
        del items
        return nullcontext()

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return what would be asked of each machine, with the level that was read."""
        del look
        plans = [await self._planned(item) for item in items]
        starting = sum(bool(plan.lines) for plan in plans)
        return Plan(f"{starting} of {len(plans)} machines are started", tuple(plans), self._clock.utc())

    async def _planned(self, item: Item) -> ItemPlan:
        spec = json.loads(item.spec)
        machines = [await self._client.machine(name) for name in spec["machine"].split(",")]
        if all(machine.state == "running" for machine in machines):
            return ItemPlan(item.id, (), "is running already")
        levels = [machine.level for machine in machines]
        line = f"POST /machines/{spec['machine']}/{spec['order']} (level {', '.join(levels)})"
        return ItemPlan(item.id, (line,), approved=json.dumps({"levels": levels}))

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look how a machine stands whose outcome is unknown."""
        del look
        try:
            machine = await self._client.machine(json.loads(item.spec)["machine"])
        except FeedError as error:
            return Finding(Found.CANNOT_TELL, str(error), self._clock.utc())
        ours = bool(history.key) and machine.key == history.key
        found = Found.NOT_DONE
        if machine.state == "running":
            found = Found.DONE
        elif machine.state in {"starting", "asks"} and ours:
            found = Found.UNDER_WAY
        return Finding(found, f"the machine is {machine.state}", self._clock.utc())

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Start a machine, or force several."""
        spec = json.loads(item.spec)
        name, order = spec["machine"], spec["order"]
        if order != "start":
            return await self._force(item, name, context)
        level = json.loads(approved)["levels"][0] if approved else ""
        owes = Debt(f"level/{name}", f"the level of {name}, which was {level}", (StepId("restore"),), restore=level)
        async with context.slot():
            key = f"{name}-{self._clock.utc():.6f}"
            why = await context.intend(f"POST /machines/{name}/{order}", key, begins=True, owes=owes)
            if why is not None:
                return End(Outcome.FAILED, why)
            try:
                await self._client.order(name, order, key=key)
            except FeedError as error:
                await context.answered(False, str(error))
                return End(Outcome.FAILED, str(error))
            await context.answered(True, "accepted")
            return await self._to_its_end(name, key, context)

    async def _force(self, item: Item, names: str, context: ItemContext) -> End:
        async with context.slot():
            for name in names.split(","):
                if why := await context.intend(f"POST /machines/{name}/force"):
                    return End(Outcome.FAILED, why)
                await self._client.order(name, "force")
                await context.answered(True, "accepted")
            states = [(await self._client.machine(name)).state for name in names.split(",")]
        outcome = Outcome.REACHED if set(states) == {"running"} else Outcome.FAILED
        return End(outcome, f"{item.label}: {', '.join(states)}", values=(("forced", names),))

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow a start that is under way already."""
        async with context.slot():
            return await self._to_its_end(json.loads(item.spec)["machine"], history.key, context)

    async def _to_its_end(self, name: str, key: str, context: ItemContext) -> End:
        asked = False
        while True:
            machine = await self._client.machine(name)
            if machine.key != key:
                return End(Outcome.UNKNOWN, "another start replaced ours")
            context.output(f"{name} {machine.state} {machine.done} of {machine.of}")
            await context.progress(
                machine.state, f"stage {machine.done}", done=machine.done, of=machine.of, known_as=key
            )
            if machine.state == "asks" and not asked:
                asked = True
                answer = await context.ask(f"{name} is warm. Start it?", ANSWERS)
                if why := await context.intend(f"POST /machines/{name}/answer {answer}"):
                    return End(Outcome.FAILED, why)
                await self._client.order(name, "answer", answer=answer)
                await context.answered(True, "accepted")
            if (end := _end(machine)) is not None:
                return end
            await asyncio.sleep(POLL_S)

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return that a machine under way can be stopped."""
        del look
        under_way = history.status is ItemStatus.UNDER_WAY and bool(history.key)
        return (ControlOffer("stop", f"stop {item.label}"),) if under_way else ()

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Stop a machine."""
        del history
        machine = json.loads(item.spec)["machine"]
        why = await context.intend(f"POST /machines/{machine}/{name}")
        if why is not None:
            raise UserError(why)
        await self._client.order(machine, name)


def _end(machine: Machine) -> End | None:
    if machine.state == "running":
        return End(Outcome.REACHED, "it runs", values=(("stages", str(machine.of)),), left=f"level {machine.level}")
    if machine.state in {"failed", "stopped"}:
        return End(Outcome.FAILED, f"it is {machine.state}")
    return None


@asynccontextmanager
async def action(means: Means) -> AsyncIterator[Action]:
    """Make the action of a site."""
    settings = means.site.sections[SAMPLE]
    assert isinstance(settings, SampleSettings)
    client = Client(settings.url)
    try:
        yield SampleAction(client, means.clock)
    finally:
        await client.aclose()

"""The emergency stop and what undoes it.

A halt answers when the agents are gone; others see it a moment later. One whose answer did not come is carried out, so
it is looked for. While halted a release is taken and nothing deployed, and where the deploy interval is 0 nothing goes
on by itself after a resume.
"""

from __future__ import annotations

import asyncio
import secrets

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.errors import FeedError
from deploydash.systems.orchestrator.objects import by_state, states_words
from deploydash.systems.orchestrator.specs import Do, Spec, lines
from deploydash.systems.orchestrator.work import Tools, failed, reached, sent
from deploydash.systems.orchestrator.writes import halt, resume

HALTED_DEBT = "orchestrator/halted-"
"""What the names of the debts of emergency stops begin with."""

LOOKS = 120
"""So many looks a halt without an answer is looked for."""


class Stopping:
    """Halts and resumes the environment."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return the request, none where the environment stands so already."""
        environment = await self._tools.client.environment()
        if environment.halted is (spec.do is Do.HALT):
            return ItemPlan(
                item.id, (), f"{environment.name} is {'halted' if environment.halted else 'running'} already"
            )
        return ItemPlan(item.id, lines(spec), environment.name)

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Halt at once, without a look before; or resume."""
        del approved
        return await (self._halt(spec, context) if spec.do is Do.HALT else self._resume(spec, context))

    async def _halt(self, spec: Spec, context: ItemContext) -> End:
        debt = Debt(f"{HALTED_DEBT}{secrets.token_hex(3)}", "the orchestrator's environment to be resumed", ())
        # It only stops, so that it also goes while the run is held.
        if why := await context.intend(lines(spec)[0], owes=debt, asks_only=True):
            return failed(why)
        end = await sent(context, halt(self._tools.client))
        if end is not None and end.outcome is not Outcome.UNKNOWN:
            return end
        for _ in range(LOOKS):
            try:
                if (await self._tools.client.environment()).halted:
                    left = states_words(by_state(await self._tools.client.resources()))
                    return reached(f"halted: no agent runs; {left}")
            except FeedError as error:
                await context.progress("looked for", str(error))
            await asyncio.sleep(self._tools.poll_s)
        return end or failed("the halt was taken, but the environment is not shown as halted")

    async def _resume(self, spec: Spec, context: ItemContext) -> End:
        client = self._tools.client
        if (await client.environment()).halted:
            if why := await context.intend(lines(spec)[0]):
                return failed(why)
            if (end := await sent(context, resume(client))) is not None:
                return end
        for _ in range(LOOKS):
            if not (await client.environment()).halted:
                break
            await asyncio.sleep(self._tools.poll_s)
        else:
            return failed("the resume was taken, but the environment is shown as halted")
        for _, debt in self._tools.state().debts():
            if debt.id.startswith(HALTED_DEBT):
                await context.paid(debt.id, "resumed by this run")
        known = await client.settings()
        interval = known.get("autostart_agent_deploy_interval")
        found = states_words(by_state(await client.resources()))
        still = interval is not None and str(interval.value) == "0"
        more = (
            "; the deploy interval is 0: nothing goes on by itself, deploy on the agents (A) or retry" if still else ""
        )
        return reached(f"resumed: {found}{more}")

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Look once more."""
        del context
        finding = await self.probe(spec, history)
        return reached(finding.sentence) if finding.found is Found.DONE else failed(finding.sentence)

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Look whether the environment is halted."""
        del history
        halted = (await self._tools.client.environment()).halted
        done = halted is (spec.do is Do.HALT)
        words = f"the environment is {'halted' if halted else 'running'}"
        return self._tools.found(Found.DONE if done else Found.NOT_DONE, words)

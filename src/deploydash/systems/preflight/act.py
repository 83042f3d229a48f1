"""Systems asked once from inside of a run (``core.run.ports.Action``); what is red fails, and is waived by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.core.words import counted
from deploydash.systems import table
from deploydash.systems.acting import HoldsNothing, NoControls
from deploydash.systems.preflight.steps import PreflightSteps, system_of

Ask = Callable[[str], Awaitable[Sequence[table.Finding]]]
"""Asks the system of a name once, within a limit, and never raises: a refusal is a red finding."""

NOT_HERE = "nothing is changed by asking"


class PreflightAction(HoldsNothing, NoControls):
    """Asks each system, and says what it answered."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._steps = PreflightSteps()

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return whom it asks."""
        del look
        plans = tuple(ItemPlan(item.id, self._steps.lines(item)) for item in items)
        return Plan(f"{counted(len(plans), 'system')} asked, {NOT_HERE}", plans, self._clock.utc())

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Return that an answer which was not taken is to be asked for once more."""
        del history, look
        return Finding(Found.NOT_DONE, f"{item.label} was not asked to the end; retry asks again", self._clock.utc())

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Ask one system."""
        del approved
        async with context.slot():
            await context.progress("asking")
            findings = await self._ask(system_of(item))
        for finding in findings:
            context.output(f"{finding.level} {finding.subject}: {_whole(finding)}")
        return end_of(findings)

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Ask again: nothing goes on outside."""
        del history
        return await self.run(item, "", context)


def end_of(findings: Sequence[table.Finding]) -> End:
    """Return how asking a system ended: everything red is named with what to do, else what it answered."""
    red = [finding for finding in findings if finding.level == "red"]
    if red:
        return End(Outcome.FAILED, "; ".join(f"{finding.subject}: {_whole(finding)}" for finding in red))
    warnings = [finding for finding in findings if finding.level == "warning"]
    told = "; ".join(_whole(finding) for finding in warnings or findings[:1])
    more = f", {counted(len(warnings), 'warning')}: " if warnings else ": "
    return End(Outcome.REACHED, f"{len(findings)} looked at{more}{told}" if told else "nothing to look at")


def _whole(finding: table.Finding) -> str:
    return f"{finding.sentence} ({finding.do})" if finding.do and finding.level != "ok" else finding.sentence

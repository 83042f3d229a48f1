"""Dry runs, and what two of them say beside the difference of two versions."""

from __future__ import annotations

import asyncio

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.records import AnswerOffered
from deploydash.core.run.state import ItemProgress
from deploydash.core.words import and_list, counted, first_of
from deploydash.systems.orchestrator.judging import SHOWN, Compared, changes_words, compared, unlike, untold
from deploydash.systems.orchestrator.objects import Difference
from deploydash.systems.orchestrator.specs import Do, Spec, lines
from deploydash.systems.orchestrator.work import HALTED, Tools, failed, reached, sent
from deploydash.systems.orchestrator.writes import dry_run

LOOKS = 1200
"""So many looks a dry run may take: agents that hang are not waited for."""

NONE = "none"
"""What is written for a dry run that was left out."""

EXPECTED, NOT = "as expected", "not expected"
_ANSWERS = (
    AnswerOffered(NOT, "something of it is not: the deploy stays shut, the way back is open"),
    AnswerOffered(EXPECTED, "all of it is what this upgrade is to change"),
)


class DryRuns:
    """Begins dry runs and reads their reports."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return the request, blocked where it would tell nothing."""
        client = self._tools.client
        if (await client.environment()).halted:
            return ItemPlan(item.id, (), HALTED, blocked=True)
        if not spec.version.isdecimal():
            return ItemPlan(item.id, (), f"{spec.version} is not known yet", blocked=True)
        if not await client.resources_of(spec.number):
            return ItemPlan(item.id, (), f"version {spec.number} is not there, or has no resource", blocked=True)
        paused = [agent.name for agent in await client.agents() if agent.status == "paused"]
        if paused:
            return ItemPlan(item.id, (), f"{and_list(paused)} paused: nothing would be told of them", blocked=True)
        return ItemPlan(item.id, lines(spec))

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Begin a dry run and wait for its report."""
        del approved
        if why := await context.intend(lines(spec)[0]):
            return failed(why)
        names: list[str] = []

        async def request() -> str:
            names.append(await dry_run(self._tools.client, spec.number))
            return f"dry run {names[0]}"

        if (end := await sent(context, request())) is not None:
            return end
        for _ in range(LOOKS):
            todo, total, found = await self._tools.client.dry_run(spec.number, names[0])
            if not todo:
                return _told(found, f"{spec.number}/{names[0]}", context)
            await context.progress("looks", done=total - todo, of=total)
            await asyncio.sleep(self._tools.poll_s)
        return failed(f"after {LOOKS * self._tools.poll_s:.0f} s {todo} of {total} resources were not looked at")

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Say that it is to be done once more: it has no name that is known before its answer."""
        del spec, history, context
        return failed("a dry run is found by its answer alone; begin another one")

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Say that another one is to be begun: it changes nothing."""
        del history
        return self._tools.found(Found.NOT_DONE, f"a dry run of version {spec.version} changes nothing: begin another")


def _told(found: tuple[Difference, ...], name: str, context: ItemContext) -> End:
    for one in found:
        context.output(one.words())
    if silent := untold(found):
        count = sum(one.status == "agent_down" for one in found)
        why = f"{and_list(silent)} did not answer: nothing is known of {counted(count, 'resource')} (agent_down)"
        return failed(why)
    return reached(changes_words(found), dry_run=name)


class Comparisons:
    """Compares two dry runs, and the versions that they are of. Nothing is sent."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return in words what the comparison says."""
        if spec.do is Do.SAME:
            lines_ = await self._unlike(spec)
            words = first_of(lines_, SHOWN) if lines_ else "both dry runs are equal"
            return ItemPlan(item.id, (), words, blocked=bool(lines_))
        found = await self._compared(spec)
        return ItemPlan(item.id, (), _sentence(found), blocked=bool(found.unexpected or found.untold))

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Compare, and ask the lead about what the upgrade would change."""
        del approved
        if spec.do is Do.SAME:
            return await self._same(spec, context)
        found = await self._compared(spec)
        told = found.lines()
        for line in told:
            context.output(line)
        if found.untold:
            silent = and_list(untold(found.untold))
            return failed(f"{silent} did not answer: nothing is known of {len(found.untold)} resources")
        if found.unexpected:
            what = first_of([one.words() for one in found.unexpected], SHOWN)
            return failed(f"unexpected: {what}; neither in the dry run before nor in the model's changes")
        if not (found.own or found.removed):
            return reached(_sentence(found))
        question = f"{_sentence(found)}. Is all of it expected?"
        if await context.ask(question, _ANSWERS, "\n".join(told)) != EXPECTED:
            return failed(f"the lead did not expect it: {_sentence(found)}")
        return reached(f"as expected: {_sentence(found)}")

    async def _same(self, spec: Spec, context: ItemContext) -> End:
        told = await self._unlike(spec)
        for line in told:
            context.output(line)
        if told:
            words = first_of(told, SHOWN)
            return failed(f"not as before the upgrade: {words}; emergency stop (E), then ask for support")
        return reached("equal to the dry run before the upgrade")

    async def _compared(self, spec: Spec) -> Compared:
        client = self._tools.client
        active = await client.active()
        versions: tuple[Difference, ...] = ()
        if active is not None and active.number < spec.number:
            versions = await client.diff(active.number, spec.number)
        return compared(await self._report(spec.before), await self._report(spec.after), versions)

    async def _unlike(self, spec: Spec) -> tuple[str, ...]:
        before, after = await self._report(spec.before), await self._report(spec.after)
        silent = untold(after)
        return (*unlike(before, after), *(f"{agent} did not answer" for agent in silent))

    async def _report(self, name: str) -> tuple[Difference, ...]:
        if name == NONE:
            return ()
        version, _, run = name.partition("/")
        if not version.isdecimal():
            raise ValueError(f"{name} is no dry run: write version/id")
        return (await self._tools.client.dry_run(int(version), run))[2]

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Compare once more."""
        return await self.run(spec, history.approved, context)

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Say that it is to be compared once more."""
        del spec, history
        return self._tools.found(Found.NOT_DONE, "nothing was sent: compare once more")


def _sentence(found: Compared) -> str:
    parts = [
        (found.unexpected, "unexpected"),
        (found.untold, "not told"),
        (found.removed, "not in the model any more, left on the device"),
        (found.own, "changed by the upgrade"),
        (found.known, "as in the dry run before"),
    ]
    told = [f"{len(each)} {words}: {first_of([one.id for one in each], 3)}" for each, words in parts if each]
    return "; ".join(told) or "nothing would change"

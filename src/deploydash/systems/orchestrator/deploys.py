"""Versions deployed, inspected and deleted; agents triggered. ``active`` is no success: results and states are.

What goes on is followed by the moments at which resources were deployed last: a repair of what is deployed already
shows no other state in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.records import AnswerOffered
from deploydash.core.run.state import ItemProgress
from deploydash.core.words import and_list, counted, first_of
from deploydash.errors import UserError
from deploydash.systems.orchestrator.judging import SHOWN, WAITING, bad
from deploydash.systems.orchestrator.objects import Resource, Version, by_state, states_words
from deploydash.systems.orchestrator.specs import REPAIRS, Do, Spec, lines
from deploydash.systems.orchestrator.work import HALTED, Tools, failed, reached, sent
from deploydash.systems.orchestrator.writes import delete_version, promote, trigger

INCREMENTAL = REPAIRS[Do.INCREMENTAL]
_RIGHT = (
    AnswerOffered("not right", "something is missing or wrong: nothing is deployed"),
    AnswerOffered("right", "these are the resources of the first version"),
)


class Versions:
    """Deploys a version, looks at the active one, deletes a version."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return what would be sent for a version as it stands."""
        if spec.do is Do.INSPECT:
            good, words = await self._health()
            return ItemPlan(item.id, (), words if good else f"not healthy: {words}", blocked=not good)
        if not spec.version.isdecimal():
            return ItemPlan(item.id, (), f"{spec.version} is not known yet", blocked=True)
        version = await self._version(spec.number)
        if spec.do is Do.RESOURCES:
            names = await self._tools.client.resources_of(spec.number)
            return ItemPlan(item.id, (), f"{counted(len(names), 'resource')}: {first_of(names, SHOWN)}")
        if spec.do is Do.DELETE:
            if version is None:
                return ItemPlan(item.id, (), f"version {spec.number} is not there any more")
            active = version.status == "active"
            why = f"version {spec.number} is active: only a newer one takes its place" if active else version.status
            return ItemPlan(item.id, () if active else lines(spec), why, blocked=active)
        return await self._deploying(item, spec, version)

    async def _deploying(self, item: Item, spec: Spec, version: Version | None) -> ItemPlan:
        if version is None:
            return ItemPlan(item.id, (), f"version {spec.number} is not there: was it deleted?", blocked=True)
        if (await self._tools.client.environment()).halted:
            return ItemPlan(item.id, (), HALTED, blocked=True)
        if version.status == "candidate":
            return ItemPlan(item.id, lines(spec), f"{counted(version.total, 'resource')}")
        if version.status != "active":
            why = f"version {spec.number} is {version.status}: only one newer than the active can be deployed"
            return ItemPlan(item.id, (), why, blocked=True)
        waiting = await self._waiting()
        if not waiting:
            return ItemPlan(item.id, (), f"version {spec.number} is deployed already")
        return ItemPlan(item.id, (f"POST /api/v1/deploy {INCREMENTAL} on {', '.join(waiting)}",), "goes on")

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Deploy, inspect or delete."""
        del approved
        if spec.do is Do.INSPECT:
            good, words = await self._health()
            return reached(words) if good else failed(words)
        version = await self._version(spec.number)
        if spec.do is Do.RESOURCES:
            return await self._right(spec, context)
        if spec.do is Do.DELETE:
            return await self._delete(spec, version, context)
        if version is None:
            return failed(f"version {spec.number} is not there: was it deleted?")
        if (await self._tools.client.environment()).halted:
            return failed(HALTED)
        if version.status == "candidate":
            if why := await context.intend(lines(spec)[0], f"version {spec.number}", begins=True):
                return failed(why)
            if (end := await sent(context, promote(self._tools.client, spec.number))) is not None:
                return end
            return await self._to_its_end(spec.number, context)
        if version.status != "active":
            return failed(f"version {spec.number} is {version.status}")
        return await self._goes_on(context)

    async def _goes_on(self, context: ItemContext) -> End:
        """Deploy what of the active version is not deployed, as after a stop."""
        waiting = await self._waiting()
        return await triggered(self._tools, waiting, Do.INCREMENTAL, context) if waiting else reached("all is deployed")

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Follow a deploy to its end."""
        if spec.do is Do.DEPLOY:
            return await self._to_its_end(spec.number, context)
        return await self.run(spec, history.approved, context)

    async def _to_its_end(self, number: int, context: ItemContext) -> End:
        client = self._tools.client
        while True:
            now, found = await client.deploy(number), await client.resources()
            counts = states_words(by_state(found))
            if now.result == "success" and not bad(found):
                return reached(f"version {number} is deployed: {counts}")
            if now.result in {"success", "failed"} and not by_state(found).get("deploying"):
                return failed(await failure(self._tools, found, f"version {number}: {counts}"))
            if (await client.environment()).halted:
                return failed(f"halted in its middle: {counts}; resume it, then retry what is left")
            down = [agent.name for agent in await client.agents() if agent.status != "up"]
            line = f"{counts}; not up: {', '.join(down)}" if down else counts
            await context.progress(now.result, line, done=now.done, of=now.total)
            await asyncio.sleep(self._tools.poll_s)

    async def _right(self, spec: Spec, context: ItemContext) -> End:
        names = await self._tools.client.resources_of(spec.number)
        for name in names:
            context.output(name)
        words = f"version {spec.number} has {counted(len(names), 'resource')}: {first_of(names, SHOWN)}"
        if await context.ask(f"{words}. Are these right?", _RIGHT, "\n".join(names)) == "right":
            return reached(f"as expected: {words}")
        return failed(f"the lead found them wrong: {words}")

    async def _delete(self, spec: Spec, version: Version | None, context: ItemContext) -> End:
        if version is None:
            return reached(f"version {spec.number} is not there any more")
        if why := await context.intend(lines(spec)[0]):
            return failed(why)
        if (end := await sent(context, delete_version(self._tools.client, spec.number))) is not None:
            return end
        left = await self._version(spec.number)
        return failed(f"version {spec.number} is there still") if left else reached(f"version {spec.number} is deleted")

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Look where a version stands."""
        del history
        found = self._tools.found
        if spec.do in {Do.INSPECT, Do.RESOURCES}:
            return found(Found.NOT_DONE, "nothing was sent: look once more")
        version = await self._version(spec.number)
        if spec.do is Do.DELETE:
            return found(
                Found.DONE if version is None else Found.NOT_DONE,
                f"version {spec.number} {'gone' if version is None else 'there'}",
            )
        if version is None or version.status != "active":
            return found(Found.NOT_DONE, f"version {spec.number} was not released")
        return found(Found.UNDER_WAY, f"version {spec.number} is released")

    async def _version(self, number: int) -> Version | None:
        return next((each for each in await self._tools.client.versions() if each.number == number), None)

    async def _waiting(self) -> tuple[str, ...]:
        found = await self._tools.client.resources()
        return tuple(sorted({one.agent for one in found if one.status not in {"deployed", "orphaned"}}))

    async def _health(self) -> tuple[bool, str]:
        active = await self._tools.client.active()
        if active is None:
            return False, "no version was deployed yet"
        now, found = await self._tools.client.deploy(active.number), await self._tools.client.resources()
        counts = states_words(by_state(found))
        words = f"version {active.number} is active, its deploy {now.result}: {counts}"
        good = not bad(found) and not any(one.status in WAITING for one in found)
        return good, words if good else await failure(self._tools, found, words)


class Agents:
    """Has agents deploy: what differs, or all anew."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return the request for an agent, with how many resources it has."""
        client = self._tools.client
        if (await client.environment()).halted:
            return ItemPlan(item.id, (), HALTED, blocked=True)
        agent = next((one for one in await client.agents() if one.name == spec.agent), None)
        if agent is None or agent.status == "paused":
            why = f"no agent is called {spec.agent}" if agent is None else f"{spec.agent} is paused"
            return ItemPlan(item.id, (), why, blocked=True)
        counts = states_words(by_state(await client.resources(spec.agent)))
        return ItemPlan(item.id, lines(spec), f"is {agent.status}: {counts}")

    async def _wrong_before(self, spec: Spec) -> str:
        """Return which agent that goes before this one is not in order; one by one means that it is looked at first."""
        found = await _of(self._tools, spec.behind)
        wrong = bad(found)
        return f"not begun: {await failure(self._tools, found, wrong[0].agent)}" if wrong else ""

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Trigger an agent and wait until each of its resources was looked at."""
        del approved
        if why := await self._wrong_before(spec):
            return failed(why)
        return await triggered(self._tools, (spec.agent,), spec.do, context)

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Say how its resources stand now."""
        del history, context
        return await _ended(self._tools, (spec.agent,))

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Look how its resources stand: a repair leaves no other trace."""
        del history
        found = await self._tools.client.resources(spec.agent)
        counts = states_words(by_state(found))
        if any(one.status == "deploying" for one in found):
            return self._tools.found(Found.UNDER_WAY, f"{spec.agent} deploys: {counts}")
        return self._tools.found(Found.CANNOT_TELL, f"{spec.agent}: {counts}; a repeated repair does no harm")


async def triggered(tools: Tools, agents: Sequence[str], do: Do, context: ItemContext) -> End:
    """Trigger agents once and wait until every resource that this is about was deployed anew, however."""
    before = {one.id: one for one in await _of(tools, agents)}
    about = [name for name, one in before.items() if do is Do.REPAIR or one.status != "deployed"]
    moments = await _moments(tools, about)
    names = tuple(agents)
    if why := await context.intend(f"POST /api/v1/deploy {REPAIRS[do]} on {', '.join(names)}"):
        return failed(why)
    if (end := await sent(context, trigger(tools.client, names, REPAIRS[do]))) is not None:
        return end
    while True:
        found = await _of(tools, agents)
        now = await _moments(tools, about)
        moved = sum(now[name] != moments[name] for name in about)
        if moved == len(about) and not any(one.status == "deploying" for one in found):
            return await _ended(tools, agents)
        if (await tools.client.environment()).halted:
            return failed(f"halted in its middle: {states_words(by_state(found))}; resume it, then retry")
        await context.progress("deploys", states_words(by_state(found)), done=moved, of=len(about))
        await asyncio.sleep(tools.poll_s)


async def failure(tools: Tools, found: Sequence[Resource], words: str) -> str:
    """Return what went wrong: which resources, and what the log of the first says."""
    wrong = bad(found)
    if not wrong:
        return words
    first = next((one for one in wrong if one.status == "failed"), wrong[0])
    try:
        said = (await tools.client.problems(first.id)).strip().splitlines()
    except UserError:
        said = []
    told = f" ({said[0][:200]})" if said else ""
    return f"{words}; {first.id} {first.status}{told}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")


async def _ended(tools: Tools, agents: Sequence[str]) -> End:
    found = await _of(tools, agents)
    words = f"{and_list(agents)}: {states_words(by_state(found))}"
    good = not bad(found) and not any(one.status in WAITING for one in found)
    return reached(words) if good else failed(await failure(tools, found, words))


async def _of(tools: Tools, agents: Sequence[str]) -> list[Resource]:
    found = await asyncio.gather(*(tools.client.resources(agent) for agent in agents))
    return [one for each in found for one in each if one.status != "orphaned"]


async def _moments(tools: Tools, names: Sequence[str]) -> dict[str, str]:
    """Return when each of these resources was deployed last, as the server writes it."""
    found = await asyncio.gather(*(tools.client.last_deploy(name) for name in names))
    return dict(zip(names, found, strict=True))

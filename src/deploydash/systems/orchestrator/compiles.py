"""Compiles: asked for with a key of ours in their message, by which they are found again, and followed to their end."""

from __future__ import annotations

import asyncio
import secrets

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan
from deploydash.core.run.ports import End, Finding, Found, ItemContext
from deploydash.core.run.state import ItemProgress
from deploydash.systems.orchestrator.objects import Compile, SettingOf, by_state, states_words
from deploydash.systems.orchestrator.specs import Do, Spec, lines
from deploydash.systems.orchestrator.work import HALTED, Tools, failed, reached, sent
from deploydash.systems.orchestrator.writes import compile_model

APPEARS = 10
"""So many looks a compile may take to be listed after it was asked for."""

STILL_LOOKS = 4
"""So many looks a version is watched that must not deploy though it is released."""


class Compiles:
    """Recompiles, with or without an update of the project."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, item: Item, spec: Spec) -> ItemPlan:
        """Return the request, blocked where its version would deploy by itself."""
        client = self._tools.client
        if (await client.environment()).halted:
            return ItemPlan(item.id, (), HALTED, blocked=True)
        why = _unsafe(spec, await client.settings())
        return ItemPlan(item.id, () if why else lines(spec), why, blocked=bool(why))

    async def run(self, spec: Spec, approved: str, context: ItemContext) -> End:
        """Ask for a compile and follow it."""
        del approved
        if why := _unsafe(spec, await self._tools.client.settings()):
            return failed(why)
        opened = self._tools.state().opened
        key = secrets.token_hex(6)
        message = f"deploydash {opened.run if opened is not None else ''} {key}"
        line = f"{lines(spec)[0]}, message {message}"
        if (refused := await context.intend(line, key, begins=True)) is not None:
            return failed(refused)
        update = spec.do is Do.UPDATE
        warnings: list[str] = []

        async def request() -> str | None:
            warnings.append(await compile_model(self._tools.client, message, update=update))
            return warnings[0]

        if (end := await sent(context, request())) is not None:
            return end
        return failed(warnings[0]) if warnings[0] else await self._to_its_end(spec, key, context)

    async def follow(self, spec: Spec, history: ItemProgress, context: ItemContext) -> End:
        """Follow a compile to its end."""
        return await self._to_its_end(spec, history.key, context)

    async def _to_its_end(self, spec: Spec, key: str, context: ItemContext) -> End:
        looks = 0
        while True:
            one = await self._tools.client.compile_of(key)
            looks += 1
            if one is None and looks > APPEARS:
                return failed("the orchestrator lists no such compile: it was not taken")
            if one is not None and one.success is not None:
                return await self._judged(spec, one, context) if one.success else failed(_failure(one))
            await context.progress("compiles" if one is not None else "waits", one.stage if one is not None else "")
            await asyncio.sleep(self._tools.poll_s)

    async def _judged(self, spec: Spec, one: Compile, context: ItemContext) -> End:
        """Judge what a compile made: a version that nobody deploys."""
        if one.version is None:
            return failed("the compile ended and made no version")
        number = str(one.version)
        deploy = await self._tools.client.deploy(one.version)
        if spec.wants == "candidate":
            if deploy.released:
                return failed(f"version {number} was released at once: auto_deploy was on; stop it, or let it end")
            return reached(f"version {number}, {deploy.total} resources, not released", one.version)
        before = ""
        for _ in range(STILL_LOOKS):
            found = await self._tools.client.resources()
            states = by_state(found)
            now = states_words(states)
            if states.get("deploying") or (before and now != before):
                return failed(f"version {number} deploys by itself: {now}")
            before = now
            await context.progress("watched", f"version {number}: {now}")
            await asyncio.sleep(self._tools.poll_s)
        if not (await self._tools.client.deploy(one.version)).released:
            return failed(f"version {number} was not released: auto_deploy is off")
        return reached(f"version {number} is released and nothing deploys: {before}", one.version)

    async def probe(self, spec: Spec, history: ItemProgress) -> Finding:
        """Look for the compile by its key."""
        del spec
        if not history.key:
            return self._tools.found(Found.NOT_DONE, "no compile was asked for")
        one = await self._tools.client.compile_of(history.key)
        if one is None:
            return self._tools.found(Found.NOT_DONE, "the orchestrator lists no such compile")
        words = "goes on" if one.success is None else f"is over, version {one.version}"
        return self._tools.found(Found.UNDER_WAY, f"the compile {words}")


def _unsafe(spec: Spec, known: dict[str, SettingOf]) -> str:
    """Return why a compile must not be asked for; its version would deploy by itself, or there would be none."""

    def value(name: str) -> object:
        return known[name].value if name in known else None

    if value("server_compile") is False:
        return "server_compile is off: the orchestrator would compile nothing, and say nothing of it"
    if spec.wants == "candidate":
        return "auto_deploy is on: the new version would deploy at once" if value("auto_deploy") is True else ""
    if value("push_on_auto_deploy") is not False:
        return "push_on_auto_deploy is not off: the new version would deploy at once"
    running = [name for name in _INTERVALS if str(value(name)) != "0"]
    return f"{' and '.join(running)} not 0: agents would deploy by themselves" if running else ""


_INTERVALS = ("autostart_agent_deploy_interval", "autostart_agent_repair_interval")


def _failure(one: Compile) -> str:
    if not one.why:
        return f"the compile ended in {one.stage or 'its beginning'} and says nothing: was the server stopped?"
    return f"the compile failed in {one.stage}: {one.why}" if one.stage else f"the compile failed: {one.why}"

"""A service outside Kubernetes: stopped, started, or both; proved by its containers, its process or its unit."""

from __future__ import annotations

import json
from dataclasses import dataclass

from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.systems.ssh import client
from deploydash.systems.ssh.answers import Container, missing
from deploydash.systems.ssh.argv import Argv, quoted
from deploydash.systems.ssh.effects import seen
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.planned import Planned, Read
from deploydash.systems.ssh.requests import starting, stopping
from deploydash.systems.ssh.specs import Service, debt_of
from deploydash.systems.ssh.writes import (
    NotSent,
    Tools,
    ended,
    followed,
    look_at,
    send,
    settled,
    still_runs,
    sudo_refused,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a service stands. ``ids``: what tells this start of it from another; ``odd``: what runs and should not so."""

    up: bool
    down: bool
    sentence: str
    ids: tuple[str, ...] = ()
    odd: str = ""


async def standing(host: Host, spec: Service) -> Standing:
    """Return how a service stands on its host."""
    if spec.unit:
        unit = await client.unit(host, spec.unit)
        return Standing(unit.up, unit.down, f"{spec.unit} is {unit}", (unit.pid,) if unit.up else ())
    if spec.process:
        pids = await client.pids(host, spec.process)
        return Standing(bool(pids), not pids, f"{spec.process} {'runs' if pids else 'does not run'}", pids)
    found = await client.containers(host, spec.as_user, spec.containers)
    return of_containers(found, spec.containers, spec.cycle)


def of_containers(found: tuple[Container, ...], wanted: tuple[str, ...], cycle: str) -> Standing:
    """Return how containers stand that belong together; those of a cycle have images of its tag."""
    running = [one for one in found if one.running]
    lacking = (*missing(wanted, found), *(one.name for one in found if not one.running))
    other = [one for one in running if cycle and not one.tag.startswith(cycle)]
    if not running:
        sentence = f"no container {', '.join(wanted)} runs"
    else:
        sentence = ", ".join(f"{one.name} runs with {one.image}" for one in running)
        sentence += f"; not running: {', '.join(lacking)}" if lacking else ""
    odd = f"not the images of {cycle}: {', '.join(one.image for one in other)}" if other else ""
    return Standing(not lacking and not other, not running, sentence, tuple(one.id for one in running), odd)


class Services:
    """Stops and starts services."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, host: Host, spec: Service, look: Look) -> Planned:
        """Return what would be sent, after a look at the service and at who may do it."""
        del look
        now = await standing(host, spec)
        lines = self._commands(spec, now)
        if not lines:
            return Planned(why=f"nothing to do: {now.sentence}")
        if why := await self._why_not(host, spec, lines):
            return Planned(why=why, blocked=True)
        approved = json.dumps({"send": [quoted(line) for line in lines], **self._before(spec, now)})
        return Planned(tuple(quoted(line) for line in lines), now.odd or now.sentence, approved)

    def _before(self, spec: Service, now: Standing) -> dict[str, list[str]]:
        return {"before": list(now.ids)} if spec.do == "restart" else {}

    @staticmethod
    def _commands(spec: Service, now: Standing) -> tuple[Argv, ...]:
        if spec.do == "restart":
            return ((stopping(spec),) if not now.down else ()) + (starting(spec),)
        if spec.do == "stop":
            return () if now.down else (stopping(spec),)
        return () if now.up else (starting(spec),)

    async def _why_not(self, host: Host, spec: Service, lines: tuple[Argv, ...]) -> str:
        if spec.unit:
            for line in lines:
                if await self._tools.unit_way(host, line[-2], spec.unit) != "":
                    return f"you may not `sudo {quoted(line[2:])}` there without a password"
            return ""
        scripts = dict.fromkeys(words[0] for words in (spec.stop, spec.start) if words)
        for script in scripts:
            if why := await self._tools.why_not_runnable(host, script, spec.as_user):
                return why
        return ""

    async def look(self, host: Host, spec: Service, read: Read, look: Look) -> tuple[Found, str]:
        """Return how a service stands, and whether its script is at work still."""
        del look
        now = await standing(host, spec)
        new = spec.do != "restart" or not set(now.ids) & set(read.get("before", ()))
        done = now.down if spec.do == "stop" else (now.up and new)
        if done:
            return Found.DONE, now.sentence
        for words in (spec.stop, spec.start):
            if words and await still_runs(host, words):
                return Found.UNDER_WAY, f"{quoted(words)} is at work; {now.sentence}"
        old = "" if new else " as before"
        return Found.NOT_DONE, f"{now.sentence}{old}{f', {now.odd}' if now.odd else ''}"

    async def run(self, spec: Service, item: Item, approved: Read, context: ItemContext) -> End:
        """Stop, start or restart a service as it was approved."""
        async with context.slot(), self._tools.hosts.host(spec.host) as host:
            if spec.do == "restart":
                end = await self._restart(host, spec, approved, context)
            else:
                end = await self._one(host, spec, approved, context, stop=spec.do == "stop")
        return await self._seen(spec, item.effects, end, context)

    async def follow(self, spec: Service, item: Item, read: Read, context: ItemContext) -> End:
        """Wait for what goes on there already; nothing is sent."""

        async def look() -> Finding:
            return await look_at(self._tools, spec.host, lambda host: self.look(host, spec, read, context.view))

        return await self._seen(spec, item.effects, ended(await followed(look, self._tools, context), None), context)

    async def _restart(self, host: Host, spec: Service, may: Read, context: ItemContext) -> End:
        before = tuple(may.get("before", ()))
        now = await standing(host, spec)
        if set(now.ids) & set(before) or (now.ids and not before):
            end = await self._one(host, spec, may, context, stop=True)
            if end.outcome is not Outcome.REACHED:
                return end
        return await self._one(host, spec, may, context, stop=False)

    async def _one(self, host: Host, spec: Service, may: Read, context: ItemContext, *, stop: bool) -> End:
        """Send one of the two commands, if it is needed, and look what it did."""
        part = spec.model_copy(update={"do": "stop" if stop else "start"})

        async def look() -> Finding:
            return await look_at(self._tools, spec.host, lambda host: self.look(host, part, may, context.view))

        now = await look()
        if now.found is Found.DONE:
            return End(Outcome.REACHED, f"{now.sentence} already")
        argv = stopping(spec) if stop else starting(spec)
        if quoted(argv) not in may.get("send", ()):
            raise NotSent(f"{now.sentence}, which was not so when this was approved: retry shows what would be sent")
        owes = debt_of(spec, f"{spec.name} on {spec.host.host} to start")
        ran = await send(self._tools, host, argv, context, owes=owes if stop else None)
        if why := sudo_refused(host, argv, ran):
            if stop and (await look()).found is Found.NOT_DONE:
                await context.paid(spec.debt, "sudo refused, nothing was stopped")
            return End(Outcome.FAILED, why)
        return ended(await settled(look, self._tools, ran, context), ran)

    async def _seen(self, spec: Service, effects: tuple[CscEffect, ...], end: End, context: ItemContext) -> End:
        """Wait until its CSCs are seen where this brings them; what is started again pays what was owed."""
        if end.outcome is not Outcome.REACHED:
            return end
        if spec.do != "stop" and spec.debt:
            await context.paid(spec.debt, end.why)
        return await seen(effects, end, context)

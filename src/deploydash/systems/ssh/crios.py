"""A cRIO: its software built in place, installed, its service started."""

from __future__ import annotations

import json

from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh import client
from deploydash.systems.ssh.argv import Argv, quoted
from deploydash.systems.ssh.effects import seen
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.planned import Planned, Read
from deploydash.systems.ssh.requests import requests
from deploydash.systems.ssh.specs import Crio
from deploydash.systems.ssh.writes import NotSent, Tools, ended, followed, look_at, send, settled, still_runs


class Crios:
    """Builds and starts the software of cRIOs."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, host: Host, spec: Crio, look: Look) -> Planned:
        """Return what would be sent; a program that runs cannot be replaced."""
        del look
        if await client.pids(host, spec.binary):
            return Planned(why=f"{spec.binary} runs and cannot be replaced: stop its service first", blocked=True)
        if why := await self._tools.why_not_runnable(host, spec.start[0], ""):
            return Planned(why=why, blocked=True)
        lines = requests(spec)
        return Planned(lines, "generating takes about an hour", json.dumps({"send": list(lines)}))

    async def look(self, host: Host, spec: Crio, read: Read, look: Look) -> tuple[Found, str]:
        """Return whether what was built is installed and runs, or is being built."""
        del read, look
        for name, argv in self._stages(spec):
            if await self._builds(host, argv):
                return Found.UNDER_WAY, f"{name} is at work"
        installed = (await host.run(commands.crio_installed(spec.repository, spec.binary))).ok
        runs = bool(await client.pids(host, spec.binary))
        sentence = f"{spec.binary} {'runs' if runs else 'does not run'}"
        sentence += " and is the one that was built" if installed else " and is not the one that was built"
        return (Found.DONE if installed and runs else Found.NOT_DONE), sentence

    async def run(self, spec: Crio, item: Item, approved: Read, context: ItemContext) -> End:
        """Build, install and start as it was approved; each stage is a request of its own."""
        may = approved.get("send", ())
        stages = (*self._stages(spec), ("start", spec.start))
        async with context.slot(), self._tools.hosts.host(spec.host) as host:
            if await client.pids(host, spec.binary):
                raise NotSent(f"{spec.binary} runs and cannot be replaced: stop its service first")
            for at, (name, argv) in enumerate(stages):
                if quoted(argv) not in may:
                    raise NotSent("nothing of it was shown when this was approved: retry shows what would be sent")
                end = await self._stage(host, spec, name, argv, at, len(stages), context)
                if end is not None:
                    return end
            end = ended(await settled(lambda: self._standing(spec, context), self._tools, None, context), None)
        return await self._seen(spec, item.effects, end, context)

    async def follow(self, spec: Crio, item: Item, read: Read, context: ItemContext) -> End:
        """Wait for a stage that goes on there; what follows it is not begun."""
        del read
        finding = await followed(lambda: self._standing(spec, context), self._tools, context)
        return await self._seen(spec, item.effects, ended(finding, None), context)

    @staticmethod
    def _stages(spec: Crio) -> tuple[tuple[str, Argv], ...]:
        return commands.crio_stages(spec.interfaces, spec.repository, spec.binary)

    @staticmethod
    async def _builds(host: Host, argv: Argv) -> bool:
        """Say whether a stage is at work: by the words behind its script, which no other command has so."""
        return len(argv) > 3 and await still_runs(host, argv[3:])

    async def _standing(self, spec: Crio, context: ItemContext) -> Finding:
        return await look_at(self._tools, spec.host, lambda host: self.look(host, spec, {}, context.view))

    async def _stage(
        self, host: Host, spec: Crio, name: str, argv: Argv, at: int, of: int, context: ItemContext
    ) -> End | None:
        ran = await send(self._tools, host, argv, context, name=name, count=lambda _: (at, of))
        if ran.ok:
            return None
        if ran.unknown:
            why = f"{name}: {ran}; whether it goes on there, and how it ends, a look at {spec.host.host} tells"
            return End(Outcome.UNKNOWN, why)
        return End(Outcome.FAILED, f"{name}: {ran}")

    async def _seen(self, spec: Crio, effects: tuple[CscEffect, ...], end: End, context: ItemContext) -> End:
        if end.outcome is not Outcome.REACHED:
            return end
        if spec.debt:
            await context.paid(spec.debt, end.why)
        return await seen(effects, end, context)

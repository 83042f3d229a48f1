"""A cRIO: its software built in place, installed, its service started."""

from __future__ import annotations

import json

from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.errors import FeedError
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh import client
from deploydash.systems.ssh.alone import follow
from deploydash.systems.ssh.answers import Alone
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
        """Return what would be sent; a program that runs cannot be replaced, nor built twice at once."""
        del look
        if await client.pids(host, spec.binary):
            return Planned(why=f"{spec.binary} runs and cannot be replaced: stop its service first", blocked=True)
        if why := await self._tools.why_not_runnable(host, spec.start[0], ""):
            return Planned(why=why, blocked=True)
        alone = await self._alone(host, spec)
        if at_work := [stage for stage, found in alone.items() if found.runs]:
            return Planned(why=f"{at_work[0]} is at work there already: wait for its end", blocked=True)
        lines, before = requests(spec), {stage: found.began for stage, found in alone.items()}
        approved = json.dumps({"send": list(lines), "before": before})
        return Planned(lines, "generating takes about an hour, and goes on there if the connection is lost", approved)

    async def look(self, host: Host, spec: Crio, read: Read, look: Look) -> tuple[Found, str]:
        """Return whether what was built is installed and runs, or is being built."""
        del look
        for name, argv in commands.crio_stages(spec.interfaces, spec.repository, spec.binary):
            if await self._builds(host, argv):
                return Found.UNDER_WAY, f"{name} is at work"
        built, told = _since(read.get("before"), await self._alone(host, spec))
        installed = (await host.run(commands.crio_installed(spec.repository, spec.binary))).ok
        runs = bool(await client.pids(host, spec.binary))
        sentence = f"{spec.binary} {'runs' if runs else 'does not run'}"
        sentence += " and is the one that was built" if installed else " and is not the one that was built"
        return (Found.DONE if built and installed and runs else Found.NOT_DONE), f"{sentence}{told}"

    async def run(self, spec: Crio, item: Item, approved: Read, context: ItemContext) -> End:
        """Build, install and start as it was approved; each stage is a request of its own."""
        may = approved.get("send", ())
        stages = (*commands.crio_requests(spec.interfaces, spec.repository, spec.binary), ("start", spec.start))
        async with context.slot():
            async with self._tools.hosts.host(spec.host) as host:
                if await client.pids(host, spec.binary):
                    raise NotSent(f"{spec.binary} runs and cannot be replaced: stop its service first")
            for at, (name, argv) in enumerate(stages):
                if quoted(argv) not in may:
                    raise NotSent("nothing of it was shown when this was approved: retry shows what would be sent")
                before = approved.get("before", {}).get(name, "")
                end = await self._stage(spec, name, argv, before, (at, len(stages)), context)
                if end is not None:
                    return end
            standing = await settled(lambda: self._standing(spec, approved, context), self._tools, None, context)
        return await self._seen(spec, item.effects, ended(standing, None), context)

    async def follow(self, spec: Crio, item: Item, read: Read, context: ItemContext) -> End:
        """Wait for a stage that goes on there; what follows it is not begun."""
        finding = await followed(lambda: self._standing(spec, read, context), self._tools, context)
        return await self._seen(spec, item.effects, ended(finding, None), context)

    @staticmethod
    async def _alone(host: Host, spec: Crio) -> dict[str, Alone]:
        """Return how each of the long stages stands."""
        names = {stage: commands.alone_name(stage, spec.repository) for stage in commands.CRIO_LONG}
        return {stage: await client.alone(host, name) for stage, name in names.items()}

    @staticmethod
    async def _builds(host: Host, argv: Argv) -> bool:
        """Say whether a stage is at work: by the words behind its script, which no other command has so."""
        return len(argv) > 3 and await still_runs(host, argv[3:])

    async def _standing(self, spec: Crio, read: Read, context: ItemContext) -> Finding:
        return await look_at(self._tools, spec.host, lambda host: self.look(host, spec, read, context.view))

    async def _stage(
        self, spec: Crio, name: str, argv: Argv, before: str, count: tuple[int, int], context: ItemContext
    ) -> End | None:
        """Carry out one stage; return why the item ends with it, None where it goes on."""
        async with self._tools.hosts.host(spec.host) as host:
            ran = await send(self._tools, host, argv, context, name=name, count=lambda _: count)
        if name in commands.CRIO_LONG and (ran.ok or ran.unknown):
            end = await self._followed(spec, name, before, count, context)
            if end is None and ran.unknown:  # without an answer the next stage might not be sent
                await context.answered(True, f"no answer came, but {name} is seen to have ended well")
            return end
        if ran.ok:
            return None
        if ran.unknown:
            why = f"{name}: {ran}; whether it goes on there, and how it ends, a look at {spec.host.host} tells"
            return End(Outcome.UNKNOWN, why)
        return End(Outcome.FAILED, f"{name}: {ran}")

    async def _followed(
        self, spec: Crio, name: str, before: str, count: tuple[int, int], context: ItemContext
    ) -> End | None:
        """Follow a long stage to its end, whatever becomes of the connection."""
        alone, (done, of) = commands.alone_name(name, spec.repository), count
        try:
            found = await follow(self._tools, spec.host, alone, before, context, title=name, done=done, of=of)
        except FeedError as error:
            return End(Outcome.UNKNOWN, f"{name}: {error}; whether it goes on there is not known")
        if found is None:
            return End(Outcome.FAILED, f"{name}: the connection was lost before it was begun")
        if found.status == 0:
            return None
        said = f": {found.said}" if found.said else ""
        return End(Outcome.FAILED, f"{name}: {found.ended}{said}; all of it is in ~/.deploydash/{alone}/log there")

    async def _seen(self, spec: Crio, effects: tuple[CscEffect, ...], end: End, context: ItemContext) -> End:
        if end.outcome is not Outcome.REACHED:
            return end
        if spec.debt:
            await context.paid(spec.debt, end.why)
        return await seen(effects, end, context)


def _since(before: dict[str, str] | None, alone: dict[str, Alone]) -> tuple[bool, str]:
    """Return whether every long stage ended well since it was approved, and what is to be told of the last one begun.

    ``before``: what told their last starts then; None where nobody knows, so that nothing of them is held against it.
    """
    if before is None:
        return True, ""
    anew = {stage: found for stage, found in alone.items() if found.began and found.began != before.get(stage, "")}
    if not anew:
        return False, "; nothing of it was begun since it was approved"
    last = list(anew)[-1]
    built = len(anew) == len(alone) and all(found.status == 0 for found in anew.values())
    return built, f"; {last}: {anew[last].ended}"

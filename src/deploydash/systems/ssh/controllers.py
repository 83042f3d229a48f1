"""An ESS controller: stopped, its repository brought to the branch, started with the images of the cycle."""

from __future__ import annotations

import json
import re

from deploydash.core.procedure.items import Item
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.systems.ssh import client
from deploydash.systems.ssh.answers import Pulling
from deploydash.systems.ssh.argv import as_user, quoted
from deploydash.systems.ssh.checkouts import SCRIPT, Checkouts, Copy, shown_edits, unsendable, why_of
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.planned import Planned, Read
from deploydash.systems.ssh.ran import Ran
from deploydash.systems.ssh.requests import requests
from deploydash.systems.ssh.services import Standing, of_containers
from deploydash.systems.ssh.specs import Controller, debt_of
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

_CYCLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Controllers:
    """Updates controllers."""

    def __init__(self, tools: Tools, checkouts: Checkouts) -> None:
        self._tools = tools
        self._checkouts = checkouts

    async def plan(self, host: Host, spec: Controller, look: Look) -> Planned:
        """Return what would be sent, with the images that run now and every local edit that it would take away."""
        del look
        if why := unsendable(spec.branch) or ("" if _CYCLE.fullmatch(spec.cycle) else f"{spec.cycle!r} is no cycle"):
            return Planned(why=why, blocked=True)
        for script in dict.fromkeys((SCRIPT[0], *(words[0] for words in (*spec.stop, *spec.start)))):
            if why := await self._tools.why_not_runnable(host, script, spec.user):
                return Planned(why=why, blocked=True)
        copy, now = await self._read(host, spec)
        if not copy.wanted:
            return Planned(why=f"origin has no branch {spec.branch}: push it first", blocked=True)
        if copy.at(spec.branch) and now.up:
            return Planned(why=f"nothing to do: {now.sentence}; {copy.sentence}")
        lines = requests(spec)
        if copy.at(spec.branch):
            lines = tuple(line for line in lines if "./update_repo" not in line)
        approved = json.dumps({**copy.read, "before": list(now.ids)})
        return Planned((*lines, *shown_edits(copy)), f"{now.sentence}; {why_of(copy, spec)}", approved)

    async def look(self, host: Host, spec: Controller, read: Read, look: Look) -> tuple[Found, str]:
        """Return whether it runs anew with the images of the cycle, or is being brought there."""
        del look
        copy, now = await self._read(host, spec)
        if copy.at(spec.branch) and now.up and not set(now.ids) & set(read.get("before", ())):
            return Found.DONE, f"{now.sentence}; {copy.sentence}"
        for words in (*spec.stop, (*SCRIPT, spec.directory), *spec.start):
            if await still_runs(host, words):
                return Found.UNDER_WAY, f"{quoted(words)} is at work; {now.sentence}"
        odd = f"; {now.odd}" if now.odd else ""
        return Found.NOT_DONE, f"{now.sentence}{odd}; {copy.sentence}"

    async def run(self, spec: Controller, item: Item, approved: Read, context: ItemContext) -> End:
        """Update a controller as it was approved."""
        del item
        if (end := await self._checkouts.asked(spec, approved, context)) is not None:
            return end
        async with context.slot(), self._tools.hosts.host(spec.host) as host:
            copy, now = await self._read(host, spec)
            if copy.at(spec.branch) and now.up:
                return End(Outcome.REACHED, f"{now.sentence} already; {copy.sentence}")
            if "before" not in approved:
                raise NotSent(f"{now.sentence}, and nothing of it was approved: retry shows what would be sent")
            for words in spec.stop:
                if (end := await self._stop(host, spec, words, context)) is not None:
                    return end
            await context.progress("stopped", "its repository is being updated")
            update = await self._checkouts.update(host, spec, copy, context)
            if update.outcome is not Outcome.REACHED:
                return End(update.outcome, f"stopped; {update.why}", update.values, update.left)
            ran = None
            for words in spec.start:
                argv = as_user(spec.user, words)
                ran = await self._launch(host, spec, words, context)
                if why := sudo_refused(host, argv, ran):
                    return End(Outcome.FAILED, why)
                if ran.unknown:  # what follows it is not sent before it is seen what came of it
                    break
            started = await self._started(spec, approved, ran, context)
        if started.outcome is Outcome.REACHED and spec.debt:
            await context.paid(spec.debt, started.why)
        return End(started.outcome, started.why, update.values, update.left)

    async def follow(self, spec: Controller, item: Item, read: Read, context: ItemContext) -> End:
        """Wait for what goes on there already; nothing is sent."""
        del item

        async def look() -> Finding:
            return await look_at(self._tools, spec.host, lambda host: self.look(host, spec, read, context.view))

        finding = await followed(look, self._tools, context)
        if finding.found is Found.DONE and spec.debt:
            await context.paid(spec.debt, finding.sentence)
        return ended(finding, None)

    async def _read(self, host: Host, spec: Controller) -> tuple[Copy, Standing]:
        copy = await self._checkouts.read(host, spec)
        found = await client.containers(host, spec.user, spec.containers)
        return copy, of_containers(found, spec.containers, spec.cycle)

    async def _stop(self, host: Host, spec: Controller, words: tuple[str, ...], context: ItemContext) -> End | None:
        """Stop what one script stops; return the end of the item where that did not work."""
        last = words == spec.stop[-1]

        async def look(host: Host) -> tuple[Found, str]:
            found = await client.containers(host, spec.user, spec.containers)
            now = of_containers(found, spec.containers, "")
            if now.down:
                return Found.DONE, now.sentence
            if await still_runs(host, words):
                return Found.UNDER_WAY, now.sentence
            return (Found.NOT_DONE if last else Found.DONE), now.sentence

        async def standing() -> Finding:
            return await look_at(self._tools, spec.host, look)

        argv = as_user(spec.user, words)
        owes = debt_of(spec, f"the containers of {spec.host.host} to start")
        await context.progress("stopping", quoted(words))
        ran = await send(self._tools, host, argv, context, owes=owes)
        if why := sudo_refused(host, argv, ran):
            return End(Outcome.FAILED, why)
        end = ended(await settled(standing, self._tools, ran, context), ran)
        return None if end.outcome is Outcome.REACHED else end

    async def _launch(self, host: Host, spec: Controller, words: tuple[str, ...], context: ItemContext) -> Ran:
        """Launch it; the layers of its images are counted as they come, and their pull is waited for patiently."""
        argv = as_user(spec.user, words)
        name = quoted(words)
        return await send(self._tools, host, argv, context, limit_s=spec.patience_s, name=name, count=Pulling().saw)

    async def _started(self, spec: Controller, read: Read, ran: Ran | None, context: ItemContext) -> End:
        async def standing() -> Finding:
            return await look_at(self._tools, spec.host, lambda host: self.look(host, spec, read, context.view))

        return ended(await settled(standing, self._tools, ran, context), ran)

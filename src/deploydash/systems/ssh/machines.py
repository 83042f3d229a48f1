"""A machine that is rebooted; that it was is proved by the id of its start."""

from __future__ import annotations

import json

from deploydash.core.procedure.items import Item
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.systems.ssh import argv as commands
from deploydash.systems.ssh import client
from deploydash.systems.ssh.argv import quoted
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.planned import Planned, Read
from deploydash.systems.ssh.specs import Machine
from deploydash.systems.ssh.writes import NotSent, Tools, ended, look_at, send, sudo_refused, until

BOOT_S = 900.0
"""So long a machine may take to come back."""


class Machines:
    """Reboots machines."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def plan(self, host: Host, spec: Machine, look: Look) -> Planned:
        """Return what would be sent, with the id of the present start."""
        del look, spec
        boot = await client.boot_id(host)
        if not (await host.run(commands.reboot_right())).ok:
            return Planned(why="you may not `sudo systemctl reboot` there without a password", blocked=True)
        return Planned((quoted(commands.reboot()),), f"boot id {boot}", json.dumps({"boot": boot}))

    async def look(self, host: Host, spec: Machine, read: Read, look: Look) -> tuple[Found, str]:
        """Return whether it has started anew."""
        del look, spec
        boot, before = await client.boot_id(host), read.get("boot")
        if not before:
            return Found.CANNOT_TELL, f"its boot id is {boot}, and what it was before is not known"
        if boot == before:
            return Found.NOT_DONE, f"it has not started anew: its boot id is {boot} still"
        return Found.DONE, f"it started anew: its boot id was {before} and is {boot}"

    async def run(self, spec: Machine, item: Item, approved: Read, context: ItemContext) -> End:
        """Reboot a machine as it was approved, and wait until it answers again."""
        del item
        before = approved.get("boot")
        async with context.slot():
            async with self._tools.hosts.host(spec.host) as host:
                if not before or await client.boot_id(host) != before:
                    raise NotSent("it started anew since this was approved: retry shows its boot id")
                ran = await send(self._tools, host, commands.reboot(), context, limit_s=30)
                if why := sudo_refused(host, commands.reboot(), ran):
                    return End(Outcome.FAILED, why)
            return await self._back(spec, approved, context)

    async def follow(self, spec: Machine, item: Item, read: Read, context: ItemContext) -> End:
        """Wait until it answers again; nothing is sent."""
        del item
        return await self._back(spec, read, context)

    async def _back(self, spec: Machine, read: Read, context: ItemContext) -> End:
        await context.progress("rebooting", f"waiting until {spec.host.host} answers again")

        async def look() -> Finding:
            return await look_at(self._tools, spec.host, lambda host: self.look(host, spec, read, context.view))

        return ended(await until(look, self._tools, BOOT_S, context), None)

"""What is done on hosts (``core.run.ports.Action``): each kind of work by a module of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import ControlOffer, End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.core.words import counted
from deploydash.errors import FeedError, UserError
from deploydash.systems.ssh.bridges import Bridges
from deploydash.systems.ssh.checkouts import Checkouts
from deploydash.systems.ssh.controllers import Controllers
from deploydash.systems.ssh.crios import Crios
from deploydash.systems.ssh.hosts import Host
from deploydash.systems.ssh.machines import Machines
from deploydash.systems.ssh.planned import Planned, Read
from deploydash.systems.ssh.services import Services
from deploydash.systems.ssh.specs import Bridge, Checkout, Controller, Crio, Machine, Service, Spec, spec_of
from deploydash.systems.ssh.writes import NotSent, Tools

PLAN_S = 8.0
"""So long a host may take to be looked at for the card; one that hangs delays none of the others."""


class Worker(Protocol):
    """How one kind of work is done. ``read`` and ``approved``: what was read of the item when it was approved."""

    async def plan(self, host: Host, spec: Any, look: Look) -> Planned:
        """Return what would be sent now; changes nothing."""
        ...

    async def look(self, host: Host, spec: Any, read: Read, look: Look) -> tuple[Found, str]:
        """Return how what the item is about stands; changes nothing."""
        ...

    async def run(self, spec: Any, item: Item, approved: Read, context: ItemContext) -> End:
        """Do it as it was approved."""
        ...

    async def follow(self, spec: Any, item: Item, read: Read, context: ItemContext) -> End:
        """Follow what goes on there to its end; nothing is sent."""
        ...


class SshAction:
    """Carries out each item by what its spec asks for."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        checkouts = Checkouts(tools)
        self._workers: dict[type[Spec], Worker] = {
            Bridge: Bridges(tools),
            Service: Services(tools),
            Checkout: checkouts,
            Controller: Controllers(tools, checkouts),
            Crio: Crios(tools),
            Machine: Machines(tools),
        }

    def open(self, items: Sequence[Item]) -> AbstractAsyncContextManager[None]:
        """Keep one connection to each host while these are worked on; each is opened when its item begins."""
        return self._tools.hosts.holding(spec_of(item).host for item in items)

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return what would be sent to each host, as it stands; they are looked at side by side."""
        plans = await asyncio.gather(*(self._planned(item, look) for item in items))
        sending = sum(bool(plan.lines) for plan in plans)
        blocked = sum(plan.blocked for plan in plans)
        sentence = f"{sending} of {counted(len(plans), 'host')} would be sent something"
        return Plan(f"{sentence}, {blocked} cannot" if blocked else sentence, tuple(plans), self._tools.clock.utc())

    async def _planned(self, item: Item, look: Look) -> ItemPlan:
        spec = spec_of(item)
        worker = self._workers[type(spec)]
        try:
            async with asyncio.timeout(PLAN_S):
                planned = await self._tools.hosts.read(spec.host, lambda host: worker.plan(host, spec, look))
        except FeedError as error:
            planned = Planned(why=str(error), blocked=True)
        except TimeoutError:
            planned = Planned(why=f"{spec.host.host} could not be looked at within {PLAN_S:g} s", blocked=True)
        return planned.of(item.id, spec.host.host)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look on its host what became of an item."""
        spec = spec_of(item)
        worker = self._workers[type(spec)]
        read = _read(history.approved)
        found, sentence = await self._tools.hosts.read(spec.host, lambda host: worker.look(host, spec, read, look))
        if found is Found.NOT_DONE and not history.request:
            sentence = f"nothing had been sent; {sentence}"
        return Finding(found, sentence, self._tools.clock.utc())

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Carry out an item; nothing is sent that was not approved."""
        spec, hosts = spec_of(item), self._tools.hosts
        await context.progress("looking", f"connecting to {spec.host}")
        sent = hosts.sent[spec.host]
        try:
            return await self._workers[type(spec)].run(spec, item, _read(approved), context)
        except NotSent as error:
            return End(Outcome.FAILED, f"nothing further was sent: {error}")
        except FeedError as error:
            nothing = hosts.sent[spec.host] == sent
            return End(
                Outcome.FAILED if nothing else Outcome.UNKNOWN, f"nothing was sent: {error}" if nothing else str(error)
            )

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow to its end what goes on there; sends nothing that changes it."""
        spec = spec_of(item)
        return await self._workers[type(spec)].follow(spec, item, _read(history.approved), context)

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return none: what was sent to a host cannot be taken back."""
        del item, history, look
        return ()

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """Refuse: there is nothing to be told."""
        del history, context
        raise UserError(f"{name} is nothing that {item.label} can be told")


def _read(approved: str) -> Read:
    found = json.loads(approved) if approved else {}
    return found if isinstance(found, dict) else {}

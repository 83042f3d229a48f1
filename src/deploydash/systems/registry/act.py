"""The registry's compatibility changed as it was approved, read back, and put back (``core.run.ports.Action``).

What is read decides, whatever was answered: a product may refuse what it does, and answer nothing to what it did. A
request without an answer is never sent again by itself.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.errors import FeedError, UserError
from deploydash.systems.acting import HoldsNothing, NoControls
from deploydash.systems.http import HttpError
from deploydash.systems.registry.compatibility import NONE, Compatibility
from deploydash.systems.registry.steps import BEFORE, LevelWork, request, work_of
from deploydash.systems.registry.writes import LevelRefusedError, set_level

LOOKS = 4
"""So often it is read what became of a request without an answer, before it is the lead's to decide."""
PAUSE_S = 1.0

Sleep = Callable[[float], Awaitable[None]]


class RegistryAction(HoldsNothing, NoControls):
    """Sets the level of one registry."""

    def __init__(self, registry: Compatibility, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._registry = registry
        self._clock = clock
        self._sleep = sleep

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return the level that is set, and what would be sent.

        Raises:
            UserError: the registry is none of the site's, does not answer, or tells no level.
        """
        del look
        if why := self._registry.not_ours:
            raise UserError(why, hint="unset the LSST_* variables of another site")
        read_utc, level = self._clock.utc(), await self._registry.level()
        plans = tuple(self._planned(item, level) for item in items)
        return Plan(f"{self._registry.address} goes by {level}", plans, read_utc)

    def _planned(self, item: Item, level: str) -> ItemPlan:
        work = work_of(item.spec)
        if not work.known:
            why = f"what stood there before is not known: f fills in {BEFORE}; unset takes the level away"
            return ItemPlan(item.id, why=why if BEFORE in work.level else f"{work.level!r} is no level", blocked=True)
        approved = json.dumps({"read": level, "set": work.level})
        if level == work.level:
            return ItemPlan(item.id, why=f"it reads {level} already: nothing is sent", approved=approved)
        why = f"it reads {level}"
        if not work.paid_by and level != NONE:
            why += f", which this run did not set: somebody else changed it. {work.level} stood there before the run"
        return ItemPlan(item.id, (request(work.level, self._registry.address),), why, approved=approved)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Read whether the level is the one that was to be set."""
        del look
        wanted, before = _wanted(work_of(item.spec), history.approved), _approved(history.approved).get("read", "")
        try:
            level = await self._registry.level()
        except FeedError as error:
            return Finding(Found.CANNOT_TELL, str(error), self._clock.utc())
        found = Found.DONE if level == wanted else Found.NOT_DONE
        was = f", as before: {wanted} is not set" if level == before else f", not {wanted}"
        return Finding(found, f"it reads {level}{'' if level == wanted else was}", self._clock.utc())

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Set the level that was approved, once, and read it back.

        Raises:
            UserError: it cannot be read what became of it.
        """
        work, let_go = work_of(item.spec), _approved(approved)
        wanted = let_go.get("set", "")
        async with context.slot():
            try:
                level = await self._registry.level()
            except FeedError as error:
                return End(Outcome.FAILED, f"nothing was sent: {error}")
            if not wanted or wanted != work.level or level not in {wanted, let_go["read"]}:
                return End(Outcome.FAILED, f"nothing was sent: it reads {level}, and that was not approved")
            if level == wanted:
                return End(Outcome.REACHED, f"it read {level} already: nothing was sent", _told(work, level))
            if why := await context.intend(request(wanted, self._registry.address), owes=work.debt(level)):
                return End(Outcome.FAILED, why)
            return await self._sent(work, level, context)

    async def _sent(self, work: LevelWork, before: str, context: ItemContext) -> End:
        """Send the request that is on disk, and say what is read afterwards."""
        try:
            await set_level(self._registry, work.level)
        except LevelRefusedError as error:
            return await self._looked(work, before, str(error), context, lost=error.in_trouble)
        except HttpError as error:
            if error.unsent:
                await context.answered(False, str(error))
                return End(Outcome.FAILED, f"nothing was sent: {error}")
            return await self._looked(work, before, str(error), context, lost=True)
        return await self._looked(work, before, "", context, lost=False)

    async def _looked(self, work: LevelWork, before: str, trouble: str, context: ItemContext, *, lost: bool) -> End:
        """Read what a request came to; ``lost``: it may still be taken, so it is looked at more than once.

        Raises:
            UserError: it cannot be read.
        """
        level = ""
        for look in range(LOOKS if lost else 1):
            if look:
                await self._sleep(PAUSE_S)
            try:
                level = await self._registry.level()
            except FeedError as error:
                if lost and look + 1 < LOOKS:
                    continue
                await context.answered(None, trouble or "taken")
                raise UserError(f"{trouble or 'it was taken'}; it cannot be read back: {error}") from None
            if level == work.level:
                break
        if level == work.level:
            await context.answered(True, f"{trouble}; it is seen to be set" if trouble else "taken")
            return End(Outcome.REACHED, f"it reads {level}; before it read {before}", _told(work, before))
        if lost:
            await context.answered(None, trouble)
            return End(Outcome.UNKNOWN, f"{trouble}; it reads {level} still, and it may be taken late")
        await context.answered(False, trouble or f"taken, and it reads {level} all the same")
        return End(Outcome.FAILED, f"{trouble or 'it was taken'}; it reads {level}")

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Say what is read; a level that is set goes on nowhere."""
        del context
        wanted, level = _wanted(work_of(item.spec), history.approved), await self._registry.level()
        return End(Outcome.REACHED if level == wanted else Outcome.FAILED, f"it reads {level}")


def _approved(text: str) -> dict[str, str]:
    read = json.loads(text) if text else {}
    return {key: str(value) for key, value in read.items()} if isinstance(read, dict) else {}


def _wanted(work: LevelWork, approved: str) -> str:
    return _approved(approved).get("set") or work.level


def _told(work: LevelWork, before: str) -> tuple[tuple[str, str], ...]:
    """Return what a change makes known: the level that has to be put back."""
    return (("compatibility", before),) if work.paid_by else ()

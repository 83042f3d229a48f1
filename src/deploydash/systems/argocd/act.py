"""Applications of Argo CD synced as approved (``core.run.ports.Action``).

A sync is requested once. It carries a key of ours in its infos, by which it is found again: after an answer that did
not come, after a resume, among those of others. Nothing is ever forced or replaced: that runs a CSC twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import Plan
from deploydash.core.run.ports import ControlOffer, End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress, ItemStatus
from deploydash.errors import FeedError, UserError
from deploydash.systems.acting import HoldsNothing
from deploydash.systems.argocd.client import IN_PROGRESS, ArgoClient, ArgoError
from deploydash.systems.argocd.following import POLL_S, Follower
from deploydash.systems.argocd.login import LoginError
from deploydash.systems.argocd.objects import Application
from deploydash.systems.argocd.operation import Judged, Stands, judged, stands
from deploydash.systems.argocd.planning import Approved, Planner, wanted
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.argocd.steps import SyncSpec, read_spec, request_line
from deploydash.systems.argocd.writes import SyncRequest, sync, terminate
from deploydash.systems.http import HttpError

TERMINATE = "terminate"
WAITING = "waits for another sync"

NOT_BEGUN = "it was not begun yet, and Argo CD cannot terminate what has not begun"


class ArgocdAction(HoldsNothing):
    """Syncs applications. ``infos``: returns what stands in Argo CD beside a sync, such as the run and why."""

    def __init__(
        self,
        client: ArgoClient,
        settings: ArgocdSettings,
        clock: Clock,
        infos: Callable[[], Mapping[str, str]],
        poll_s: float = POLL_S,
    ) -> None:
        self._client = client
        self._planner = Planner(client, settings, clock)
        self._follower = Follower(client, clock, poll_s)
        self._clock = clock
        self._infos = infos
        self._poll_s = poll_s

    async def aclose(self) -> None:
        """Give up what is being read, and close the connections."""
        await self._planner.aclose()
        await self._client.aclose()

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return what syncs of these would do now."""
        return await self._planner.describe(items, look)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look in Argo CD what became of a sync."""
        del look
        spec = read_spec(item.spec)
        if not history.key:
            return Finding(Found.NOT_DONE, "no sync was requested", self._clock.utc())
        app = await self._client.application(spec.app, self._planner.project(spec))
        found, sentence = _found(app, spec, history)
        return Finding(found, sentence, self._clock.utc())

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Sync an application as it was approved."""
        spec, agreed = read_spec(item.spec), Approved.read(approved)
        project = self._planner.project(spec)
        async with context.slot():
            if agreed is None:
                return await self._nothing(spec, project, context)
            waited = await self._others(spec, project, context)
            if waited and (changed := await self._changed(spec, agreed, context)):
                return End(Outcome.FAILED, changed)
            request = SyncRequest(
                spec.app, project, agreed.revision, agreed.prune, secrets.token_hex(6), self._infos(), spec.only
            )
            end = await self._requested(spec, request, context)
            if end is not None:
                return end
            return await self._follower.to_its_end(spec, project, request.key, agreed, context)

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Follow a sync that goes on, or is over, in Argo CD."""
        spec = read_spec(item.spec)
        project = self._planner.project(spec)
        async with context.slot():
            return await self._follower.to_its_end(spec, project, history.key, Approved.read(history.approved), context)

    def controls(self, item: Item, history: ItemProgress, look: Look) -> tuple[ControlOffer, ...]:
        """Return that a sync under way, or the one it waits for, can be ended."""
        del look
        if history.status is not ItemStatus.UNDER_WAY:
            return ()
        if history.state == WAITING:
            return (ControlOffer(TERMINATE, f"terminate the sync that {item.label} waits for"),)
        if not history.key:
            return ()
        why_not = NOT_BEGUN if history.state == Stands.NOT_BEGUN.value else ""
        return (ControlOffer(TERMINATE, f"terminate the sync of {item.label}", why_not),)

    async def control(self, item: Item, name: str, history: ItemProgress, context: ItemContext) -> None:
        """End the sync that is under way; what it has applied stays."""
        del name, history
        spec = read_spec(item.spec)
        if why := await context.intend(f"DELETE /api/v1/applications/{spec.app}/operation"):
            raise UserError(why)
        try:
            await terminate(self._client, spec.app, self._planner.project(spec))
        except ArgoError as error:
            if "No operation is in progress" in error.message_told:
                raise UserError(f"the sync of {spec.app} is over, or {NOT_BEGUN}") from None
            raise

    async def _nothing(self, spec: SyncSpec, project: str, context: ItemContext) -> End:
        """End what nothing was approved of: because nothing differs, or because it was blocked."""
        planned = await self._planner.planned(spec, context.view, anew=True)  # a merge may have come since the card
        if planned.blocked:
            return End(Outcome.FAILED, f"not synced: {planned.blocked}")
        if planned.approved(spec).does or planned.app.sync != "Synced":
            return End(Outcome.FAILED, "not synced: what it would do was not approved; look at it and retry")
        words = f"nothing differs, Synced at {planned.app.revision[:8]}"
        found = await self._follower.after(spec, project, (), Judged(True, words), context)
        values = (("revision", planned.app.revision),)
        return End(Outcome.REACHED if found.good else Outcome.FAILED, found.why, values)

    async def _others(self, spec: SyncSpec, project: str, context: ItemContext) -> bool:
        """Wait for the end of a sync that somebody else began; say whether there was one."""
        waited = False
        while (other := (await self._client.application(spec.app, project)).under_way) is not None:
            waited = True
            line = f"{other.by}, {other.age(self._clock.utc())}: {other.message or other.phase}; it can be terminated"
            await context.progress(WAITING, line)
            await asyncio.sleep(2 * self._poll_s)
        return waited

    async def _changed(self, spec: SyncSpec, agreed: Approved, context: ItemContext) -> str:
        """Return what a sync would do now that was not approved, in words; empty where that is nothing."""
        planned = await self._planner.planned(spec, context.view)
        if planned.blocked:
            return f"not synced: {planned.blocked}"
        now = planned.approved(spec)
        more = [line for line in now.does if line not in agreed.does]
        if now.revision != agreed.revision or more:
            what = more[0] if more else f"revision {now.revision[:8]}"
            return f"not synced: what it would do has changed meanwhile: {what}; look at it and retry"
        return ""

    async def _requested(self, spec: SyncSpec, request: SyncRequest, context: ItemContext) -> End | None:
        """Request a sync once; return how it ended where it was not taken, None where it is to be followed."""
        line = request_line(spec, f"revision {request.revision[:8]}", prune=request.prune)
        if why := await context.intend(line, request.key, begins=True):
            return End(Outcome.FAILED, why)
        try:
            await sync(self._client, request)
        except LoginError as error:
            await context.answered(False, str(error))
            return End(Outcome.FAILED, f"not sent: {error}")
        except HttpError as error:
            if error.unsent:
                await context.answered(False, str(error))
                return End(Outcome.FAILED, f"not sent: {error}")
            await context.answered(None, str(error))
            return await self._appears(request, str(error), context)
        except ArgoError as error:
            if error.unsure:
                await context.answered(None, str(error))
                return await self._appears(request, str(error), context)
            await context.answered(False, str(error))
            again = "; somebody began a sync in this moment, retry when it is over" if IN_PROGRESS in str(error) else ""
            return End(Outcome.FAILED, f"{error}{again}")
        await context.answered(True, "requested")
        return None

    async def _appears(self, request: SyncRequest, why: str, context: ItemContext) -> End | None:
        """Look whether a sync without an answer was taken: None where it is to be followed. It is not sent again."""
        await context.progress("no answer", f"{why}; looking whether it was taken")
        for _ in range(20):
            try:
                app = await self._client.application(request.name, request.project)
            except FeedError as error:
                why = str(error)
            else:
                if stands(app, request.key) not in {Stands.NOWHERE, Stands.ANOTHER}:
                    return None
            await asyncio.sleep(2 * self._poll_s)
        return End(Outcome.UNKNOWN, f"{why}; Argo CD shows nothing of it")


def _found(app: Application, spec: SyncSpec, history: ItemProgress) -> tuple[Found, str]:
    where = stands(app, history.key)
    if where in {Stands.NOT_BEGUN, Stands.UNDER_WAY}:
        return Found.UNDER_WAY, f"the sync of {spec.app} is {where.value}"
    if where is Stands.OVER and app.last is not None:
        agreed = Approved.read(history.approved)
        found = judged(app.last, agreed.revision if agreed is not None else "", wanted(spec, agreed))
        if not found.good:
            return Found.NOT_DONE, found.why
        return Found.UNDER_WAY, f"{found.why}; what follows from it is looked at"
    newer = app.operation or app.last
    begun = history.began_utc
    if newer is not None and (newer.started is None or newer.started >= begun):
        return Found.CANNOT_TELL, f"a later sync {newer.by} hides whether ours was taken"
    return Found.NOT_DONE, "Argo CD shows nothing of it: it was not taken"


@asynccontextmanager
async def opened(action: ArgocdAction) -> AsyncIterator[ArgocdAction]:
    """Hold an action for a run."""
    try:
        yield action
    finally:
        await action.aclose()

"""A sync followed to its end, and what is looked at after it: read only, so that a resume can do it, too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from deploydash.core.model import CscId, Liveness
from deploydash.core.ports import Clock
from deploydash.core.run.ports import End, ItemContext
from deploydash.core.run.records import Outcome
from deploydash.core.words import listed
from deploydash.errors import FeedError
from deploydash.systems.argocd.client import LIST_FIELDS, ArgoClient
from deploydash.systems.argocd.objects import Application, Key, jobs_named
from deploydash.systems.argocd.operation import (
    Judged,
    Stands,
    done_of,
    judged,
    news,
    of_children,
    stands,
    told,
    without_pod,
)
from deploydash.systems.argocd.planning import Approved, wanted
from deploydash.systems.argocd.steps import SyncSpec

POLL_S = 0.5
"""How often an operation is looked at; a sync of a small application lasts as long."""

APPEARS_S = 15.0
"""So long an operation that was accepted may take to be seen: the server answers from a cache of its own."""

BEGINS_S = 30.0
"""An operation that nobody began for so long is one that the application controller does not see."""

AFTER_S = 60.0
"""So long pods and children may take after the end of a sync."""

FRESH_S = 5.0
"""So long the state of an application may lag behind the end of its sync."""


class Follower:
    """Follows the syncs of a run."""

    def __init__(self, client: ArgoClient, clock: Clock, poll_s: float = POLL_S) -> None:
        self._client = client
        self._clock = clock
        self._poll_s = poll_s

    async def to_its_end(
        self, spec: SyncSpec, project: str, ours: str, approved: Approved | None, context: ItemContext
    ) -> End:
        """Return how the operation of a key ended, after what must follow from it was seen.

        It is looked at for as long as it goes on: what cannot be asked for a while is asked again.
        """
        began, nowhere = self._clock.monotonic(), 0.0
        lines: Mapping[Key, str] = {}
        while True:
            try:
                app = await self._client.application(spec.app, project)
            except FeedError as error:
                await context.progress("cannot be read", f"{error}; it goes on in Argo CD and is asked again")
                await asyncio.sleep(4 * self._poll_s)
                continue
            where, now = stands(app, ours), self._clock.monotonic()
            if where is Stands.ANOTHER and app.operation is not None:
                return End(Outcome.UNKNOWN, f"a sync {app.operation.by} is in progress, and nothing tells of ours")
            if where is Stands.NOWHERE:
                nowhere = nowhere or now
                if now > nowhere + APPEARS_S:
                    return End(Outcome.UNKNOWN, "Argo CD shows nothing of this sync: look at the application's history")
                await context.progress(Stands.NOT_BEGUN.value)
            else:
                nowhere = 0.0
                lines = await self._tell(app, where, now - began, lines, context)
            if where is Stands.OVER:
                return await self._ended(app, spec, project, approved, context)
            await asyncio.sleep(self._poll_s)

    async def _tell(
        self,
        app: Application,
        where: Stands,
        since_s: float,
        lines: Mapping[Key, str],
        context: ItemContext,
    ) -> Mapping[Key, str]:
        last = app.last if where in {Stands.UNDER_WAY, Stands.OVER} else None
        state, line = told(last)
        if last is None and since_s > BEGINS_S:
            line = f"not begun for {int(since_s)} s: does the application controller run? It cannot be terminated"
        done, of = done_of(last) if last is not None else (0, 0)
        now, changed = news(lines, last.results if last is not None else ())
        for text in changed:
            context.output(text)
        await context.progress(state, line, done=done, of=of)
        return now

    async def _ended(
        self, app: Application, spec: SyncSpec, project: str, approved: Approved | None, context: ItemContext
    ) -> End:
        assert app.last is not None  # noqa: S101 - it is over
        revision = approved.revision if approved is not None else ""
        jobs = wanted(spec, approved)
        found = judged(app.last, revision, jobs)
        values = (("revision", app.last.revision),) if app.last.revision else ()
        if found.good:
            found = await self.after(spec, project, jobs, found, context)
        else:
            return End(Outcome.FAILED, found.why, values, found.left)
        if found.good:
            found = Judged(True, f"{found.why}; {await self._state(spec, project, app)}", found.left)
        return End(Outcome.REACHED if found.good else Outcome.FAILED, found.why, values, found.left)

    async def after(
        self, spec: SyncSpec, project: str, jobs: Sequence[Key], found: Judged, context: ItemContext
    ) -> Judged:
        """Return whether what must follow from a sync was seen: pods, the tag on children, heartbeats."""
        why = found.why

        async def pods() -> Judged:
            bare = without_pod(await self._client.tree(spec.app, project), jobs)
            return Judged(not bare, f"no pod of {jobs_named(bare)}" if bare else "every Job has a pod", found.left)

        async def children() -> Judged:
            known, _ = await self._client.applications(instance=spec.app, only=LIST_FIELDS)
            return of_children(known, spec.tag)

        for needed, look in ((bool(jobs), pods), (bool(spec.tag), children)):
            if needed:
                seen = await self._until(look, context)
                why = f"{why}; {seen.why}"
                if not seen.good:
                    return Judged(False, why, found.left)
        if spec.beats:
            late = await self._late(spec, jobs, context)
            if late:
                return Judged(False, f"{why}; no heartbeat of {listed(late)} within {spec.beats:g} s", found.left)
            why = f"{why}; heartbeats received"
        return Judged(True, why, found.left)

    async def _until(self, look: Callable[[], Awaitable[Judged]], context: ItemContext) -> Judged:
        until = self._clock.monotonic() + AFTER_S
        while True:
            try:
                seen = await look()
            except FeedError as error:
                seen = Judged(False, str(error))
            if seen.good or self._clock.monotonic() > until:
                return seen
            await context.progress("Succeeded", f"waiting: {seen.why}")
            await asyncio.sleep(self._poll_s)

    async def _late(self, spec: SyncSpec, jobs: Sequence[Key], context: ItemContext) -> list[CscId]:
        """Return the CSCs of these Jobs, or of all where none was made, that send no heartbeat within the limit."""
        names = spec.names()
        made = [names[one.namespace, one.name] for one in jobs if (one.namespace, one.name) in names]
        cscs = [CscId.parse(csc) for csc in dict.fromkeys(made or names.values())]
        await context.progress("Succeeded", f"waiting for a heartbeat of {listed(cscs)}")

        async def beats(csc: CscId) -> bool:
            return await context.seen(csc, lambda view: view.liveness is Liveness.BEATING, spec.beats)

        seen = await asyncio.gather(*map(beats, cscs))
        return [csc for csc, here in zip(cscs, seen, strict=True) if not here]

    async def _state(self, spec: SyncSpec, project: str, app: Application) -> str:
        """Return how an application stands after its sync, once that was compared; else as it was told last."""
        until = self._clock.monotonic() + FRESH_S
        finished = app.last.finished if app.last is not None else None
        while finished is not None and (app.compared_utc or 0.0) < finished and self._clock.monotonic() < until:
            await asyncio.sleep(self._poll_s)
            try:
                app = await self._client.application(spec.app, project)
            except FeedError:
                break
        return f"{app.sync}, {app.health}"

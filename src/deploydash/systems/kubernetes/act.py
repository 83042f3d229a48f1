"""Jobs and lab namespaces deleted as they were approved, and waited for until nothing is left; versions compared.

Only what is in ``approved`` is ever deleted: each by its own request, with the uid that was read as precondition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from deploydash.core.fleet.snapshot import seconds_text
from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import End, Finding, Found, ItemContext, Look
from deploydash.core.run.records import Outcome
from deploydash.core.run.state import ItemProgress
from deploydash.core.words import counted, first_of
from deploydash.errors import FeedError, UserError
from deploydash.systems.acting import HoldsNothing, NoControls
from deploydash.systems.kubernetes.client import Cluster
from deploydash.systems.kubernetes.errors import KubernetesError
from deploydash.systems.kubernetes.looking import (
    Left,
    There,
    jobs_left,
    jobs_there,
    jobs_words,
    labs_left,
    labs_there,
)
from deploydash.systems.kubernetes.versions import judged, read_versions, sentence
from deploydash.systems.kubernetes.work import (
    NAMESPACES,
    Deletes,
    JobsWork,
    LabsWork,
    VersionsWork,
    approved_of,
    delete_line,
    uids_of,
    work_of,
)
from deploydash.systems.kubernetes.writes import Deleted, delete

POLL_S = 1.0
NAMED = 12
"""So many names of what is left are told."""

Sleep = Callable[[float], Awaitable[None]]


class KubernetesAction(HoldsNothing, NoControls):
    """Deletes Jobs with their pods, and namespaces of labs; compares what runs (core.run.ports.Action)."""

    def __init__(self, cluster: Cluster, clock: Clock, sleep: Sleep = asyncio.sleep) -> None:
        self._cluster = cluster
        self._clock = clock
        self._sleep = sleep

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return what would be deleted now, with its uids; a namespace that cannot be worked on is blocked.

        Raises:
            UserError: the cluster is none of the site's, does not answer, or does not know us.
        """
        self._cluster.context()
        read_utc = self._clock.utc()
        await self._cluster.get("/version")
        if comparisons := [item for item in items if isinstance(work_of(item.spec), VersionsWork)]:
            plans = [await self._compared(item, look) for item in comparisons]
            return Plan(f"only looked at, nothing is sent; at {self._cluster.address}", tuple(plans), read_utc)
        found = await asyncio.gather(*(self._plan(item) for item in items))
        doomed = sum(len(plan.lines) for plan, _ in found)
        running = [name for _, names in found for name in names]
        blocked = [item.label for item, (plan, _) in zip(items, found, strict=True) if plan.blocked]
        what = "Job" if all(isinstance(work_of(item.spec), JobsWork) for item in items) else "object"
        words = f"{counted(doomed, what)} deleted"
        words += f", {len(running)} of them running: {first_of(running, NAMED)}" if running else ""
        words += f"; blocked: {first_of(blocked, NAMED)}" if blocked else ""
        return Plan(f"{words}; at {self._cluster.address}", tuple(plan for plan, _ in found), read_utc)

    async def _plan(self, item: Item) -> tuple[ItemPlan, tuple[str, ...]]:
        """Return what would be done for one item, and what of it runs."""
        work = _deletes(item)
        try:
            there = await self._there(work)
        except FeedError as error:
            return ItemPlan(item.id, why=str(error), blocked=True), ()
        lines = tuple(delete_line(_path(work, name), uid) for name, uid in sorted(there.uids.items()))
        return ItemPlan(item.id, lines, there.words, approved=approved_of(there.uids)), there.running

    async def _compared(self, item: Item, look: Look) -> ItemPlan:
        """Return how a comparison stands now; it can be made anew at any time, so nothing of it is approved."""
        work = work_of(item.spec)
        assert isinstance(work, VersionsWork)  # noqa: S101 - chosen so
        return ItemPlan(item.id, (), sentence(await read_versions(self._cluster, work, look), work))

    async def _there(self, work: Deletes) -> There:
        if isinstance(work, JobsWork):
            chosen, left = await asyncio.gather(jobs_there(self._cluster, work), jobs_left(self._cluster, work, {}))
            return jobs_words(work, chosen, left)
        return await labs_there(self._cluster, work)

    async def probe(self, item: Item, history: ItemProgress, look: Look) -> Finding:
        """Look what is left of what was approved: all gone, going, or not begun."""
        del look
        uids, now = uids_of(history.approved), self._clock.utc()
        if isinstance(work_of(item.spec), VersionsWork):
            return Finding(Found.NOT_DONE, "it only looks, so nothing is left of it: compare once more", now)
        if not uids:
            return Finding(Found.NOT_DONE, "nothing had been approved of it", now)
        left = await self._left(_deletes(item), uids)
        if left.untouched:
            words = f"{left.of - len(left.untouched)} of {left.of} deleted, left: {first_of(left.untouched, NAMED)}"
            return Finding(Found.NOT_DONE, words, now)
        if left.names:
            return Finding(Found.UNDER_WAY, f"{left.done} of {left.of} gone, {left.words}", now)
        return Finding(Found.DONE, f"all {left.of} are gone", now)

    async def run(self, item: Item, approved: str, context: ItemContext) -> End:
        """Delete what was approved, one after the other, and wait until it is gone."""
        if isinstance(compares := work_of(item.spec), VersionsWork):
            return judged(await read_versions(self._cluster, compares, context.view), compares)
        work, uids = _deletes(item), uids_of(approved)
        if not uids:
            return await self._nothing_approved(work, context)
        async with context.slot():
            kept: list[str] = []
            names = list(uids)
            await context.progress("deleting", of=len(names))
            for place, name in enumerate(names):
                why, go_on = await self._delete(work, name, uids[name], context)
                if why and not go_on:
                    left = first_of([*kept, *names[place:]], NAMED)
                    return End(Outcome.FAILED, f"{place} of {len(names)} deleted, then {why}", left=left)
                kept += [name] if why else []
        return await self._until_gone(work, uids, context)

    async def _nothing_approved(self, work: Deletes, context: ItemContext) -> End:
        """Wait for what was deleted before, or say that something is there which nobody approved; delete nothing."""
        try:
            there = await self._there(work)
        except FeedError as error:
            return End(Outcome.FAILED, str(error))
        if there.uids:
            return End(Outcome.FAILED, f"not approved: {there.words}", left=first_of(list(there.uids), NAMED))
        return await self._until_gone(work, {}, context)

    async def _delete(self, work: Deletes, name: str, uid: str, context: ItemContext) -> tuple[str, bool]:
        """Delete one thing; return why it was not deleted, empty if it was, and whether the others may still go."""
        path = _path(work, name)
        owes = work.debt if isinstance(work, JobsWork) else None
        if why := await context.intend(delete_line(path, uid), owes=owes):
            return why, False
        try:
            came = await delete(self._cluster, path, uid)
        except KubernetesError as error:
            if error.answered:
                await context.answered(False, str(error))
                return str(error), False
            return await self._no_answer(path, uid, error, context)
        except FeedError as error:
            await context.answered(False, str(error))
            return str(error), False
        await context.answered(came is not Deleted.ANOTHER, came)
        return (f"{name}: {came}", True) if came is Deleted.ANOTHER else ("", True)

    async def _no_answer(self, path: str, uid: str, error: KubernetesError, context: ItemContext) -> tuple[str, bool]:
        """Look what became of a delete without an answer, which is never sent again by itself.

        Raises:
            UserError: that cannot be seen either.
        """
        try:
            meta = (await self._cluster.get(path)).body.get("metadata", {})
        except KubernetesError as unseen:
            if unseen.status != 404:
                await context.answered(None, str(error))
                raise UserError(f"{error}; whether it was deleted cannot be read: {unseen}") from None
            meta = {}
        if meta.get("uid") == uid and not meta.get("deletionTimestamp"):
            await context.answered(False, f"{error}; it stands as before")
            return str(error), False
        await context.answered(True, f"{error}; it is seen to be deleted")
        return "", True

    async def follow(self, item: Item, history: ItemProgress, context: ItemContext) -> End:
        """Wait until what was deleted before is gone; sends nothing."""
        if isinstance(compares := work_of(item.spec), VersionsWork):
            return judged(await read_versions(self._cluster, compares, context.view), compares)
        return await self._until_gone(_deletes(item), uids_of(history.approved), context)

    async def _until_gone(self, work: Deletes, uids: dict[str, str], context: ItemContext) -> End:
        deadline = self._clock.monotonic() + work.within_s
        left, trouble = Left(len(uids), tuple(uids)), ""
        while True:
            try:
                left, trouble = await self._left(work, uids), ""
            except FeedError as error:
                trouble = str(error)
            if not trouble and not left.names:
                return _gone(work, left)
            await context.progress("terminating", trouble or left.words, done=left.done, of=left.of)
            if self._clock.monotonic() >= deadline:
                return _too_long(work, left, trouble)
            await self._sleep(POLL_S)

    async def _left(self, work: Deletes, uids: dict[str, str]) -> Left:
        if isinstance(work, JobsWork):
            return await jobs_left(self._cluster, work, uids)
        return await labs_left(self._cluster, work, uids)


def _deletes(item: Item) -> Deletes:
    work = work_of(item.spec)
    assert isinstance(work, JobsWork | LabsWork)  # noqa: S101 - what compares is done elsewhere
    return work


def _path(work: Deletes, name: str) -> str:
    return f"{work.path}/{name}" if isinstance(work, JobsWork) else f"{NAMESPACES}/{name}"


def _counted(work: Deletes, number: int) -> str:
    if isinstance(work, JobsWork):
        return "1 Job and its pods" if number == 1 else f"{number} Jobs and their pods"
    return counted(number, "lab namespace")


def _gone(work: Deletes, left: Left) -> End:
    words = f"gone: {_counted(work, left.of)}" if left.of else "nothing is left"
    if left.anew:
        names = first_of(left.anew, NAMED)
        return End(Outcome.FAILED, f"{words}; but created anew since: {names}", left=names)
    return End(Outcome.REACHED, words)


def _too_long(work: Deletes, left: Left, trouble: str) -> End:
    waited = seconds_text(work.within_s)
    if trouble:
        return End(Outcome.UNKNOWN, f"after {waited} it cannot be read what is left: {trouble}")
    names = first_of(left.names, NAMED)
    words = f"after {waited} {len(left.names)} left of {_counted(work, left.of)}: {left.words}"
    return End(Outcome.FAILED, words, left=names)

"""What a sync would do now, read from Argo CD: shown on the card, approved as JSON, and read once more at firing.

An application is compared anew (refresh) before it is looked at, at most every 20 s, however often the card is drawn. A
refresh may outlast the time a card has, so it goes on beside it and the card says for how long it has been waiting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploydash.core.model import CscId, Liveness
from deploydash.core.ports import Clock
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import ItemId
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.ports import Look
from deploydash.core.words import counted, listed
from deploydash.errors import FeedError
from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.difference import Difference, difference
from deploydash.systems.argocd.facts import LEAST_MIN
from deploydash.systems.argocd.login import Login
from deploydash.systems.argocd.objects import Application, Key, jobs_named
from deploydash.systems.argocd.pending import at_merged
from deploydash.systems.argocd.settings import ArgocdSettings
from deploydash.systems.argocd.steps import SyncSpec, read_spec, request_line

FRESH_S = 20.0
"""So old a comparison may be that a card shows."""

NOTHING_S = 5.0
"""So old one may be that shows nothing to do: a merge since then is what a sync is for."""

WAIT_S = 6.0
"""So long a card waits for a comparison; it is drawn again every few seconds."""

RIGHTS_S = 60.0


@dataclass(frozen=True, slots=True)
class Approved:
    """What was approved of a sync: the revision, what it does, one line for each object, and whether it prunes."""

    revision: str
    does: tuple[str, ...]
    jobs: tuple[str, ...] = ()
    prune: bool = False

    def json(self) -> str:
        """Return it as it stands in the journal."""
        told = {"revision": self.revision, "does": self.does, "jobs": self.jobs, "prune": self.prune}
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def read(cls, told: str) -> Approved | None:
        """Return what stands in the journal; None where nothing was approved."""
        if not told:
            return None
        found = json.loads(told)
        return cls(found["revision"], tuple(found["does"]), tuple(found["jobs"]), found["prune"])


@dataclass(frozen=True, slots=True)
class Planned:
    """One application as it stands now, and what a sync of it would do. ``blocked``: why it cannot go."""

    app: Application
    differs: Difference
    blocked: str = ""

    def approved(self, spec: SyncSpec) -> Approved:
        """Return what would be approved."""
        does = [one for one in self.differs.changes if spec.prune or one not in self.differs.prunes]
        jobs = tuple(one.key.name for one in does if one.key.is_job and one not in self.differs.prunes)
        prune = spec.prune and bool(self.differs.prunes)
        return Approved(self.app.revision, tuple(one.line for one in does), jobs, prune)


class Planner:
    """Reads what syncs would do. One for a run: what it read of one card serves the next."""

    def __init__(self, client: ArgoClient, settings: ArgocdSettings, clock: Clock) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._refreshes: dict[str, tuple[asyncio.Task[Application], float]] = {}
        self._differs: dict[str, tuple[str, float, Difference]] = {}
        self._rights: dict[str, tuple[bool, float]] = {}

    async def aclose(self) -> None:
        """Give up comparing."""
        tasks = [task for task, _ in self._refreshes.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def project(self, spec: SyncSpec) -> str:
        """Return the project of an application."""
        return spec.project or self._settings.project(spec.app)

    async def describe(self, items: Sequence[Item], look: Look) -> Plan:
        """Return what syncs of these would do.

        Raises:
            UserError: there is no login.
        """
        read_utc = self._clock.utc()
        login = await self._client.login()
        plans = await asyncio.gather(*(self._item(item, login, look) for item in items))
        going = sum(bool(plan.lines) and not plan.blocked for plan in plans)
        blocked = sum(plan.blocked for plan in plans)
        sentence = f"{counted(going, 'application')} of {len(items)} synced"
        sentence += f", {blocked} blocked" if blocked else ""
        return Plan(f"{sentence}; {self.login_words(login)}", tuple(plans), read_utc)

    def login_words(self, login: Login) -> str:
        """Return as whom we ask and how long that lasts."""
        minutes = login.minutes(self._clock.utc())
        left = "does not end" if minutes is None else f"good for {minutes} min" if minutes >= 0 else "has ended"
        return f"token{f' of {login.user}' if login.user else ''} {left}"

    async def _item(self, item: Item, login: Login, look: Look) -> ItemPlan:
        spec = read_spec(item.spec)
        minutes = login.minutes(self._clock.utc())
        if minutes is not None and minutes < LEAST_MIN:
            why = f"{self.login_words(login)}, too few to begin a sync: {login.again}"
            await self._client.renewed(login.token)
            return ItemPlan(item.id, (), why, blocked=True)
        try:
            planned = await self.planned(spec, look)
        except FeedError as error:
            return ItemPlan(item.id, (), str(error), blocked=True)
        return item_plan(item.id, spec, planned, self._clock.utc())

    async def planned(self, spec: SyncSpec, look: Look, *, anew: bool = False) -> Planned:
        """Return an application as it stands, compared lately or ``anew``, and what a sync would do.

        Raises:
            FeedError: it cannot be read, in words.
        """
        project = self.project(spec)
        if not await self._may(project, spec.app):
            return Planned(_NONE, Difference(()), f"this login may not sync {project}/{spec.app}: ask for the right")
        app = await self._compared(spec.app, project, spec.refresh, anew=anew)
        if app.trouble:
            return Planned(app, Difference(()), app.trouble)
        differs = await self._difference(app, project, spec)
        return Planned(app, differs, next(_hindrances(spec, app, differs, look), ""))

    async def _compared(self, name: str, project: str, how: str, *, anew: bool) -> Application:
        """Return an application that was compared at most ``FRESH_S`` ago, or since this was asked.

        Raises:
            FeedError: it is being compared still, or cannot be.
        """
        now = self._clock.monotonic()
        task, begun = self._refreshes.get(name, (None, 0.0))
        if task is None or (task.done() and (anew or now > begun + _fresh_s(task))):
            work = self._client.application(name, project, refresh=how)
            task, begun = asyncio.create_task(work, name=f"compare {name}"), now
            self._refreshes[name] = task, begun
        was_done = task.done()
        done, _ = await asyncio.wait({task}, timeout=WAIT_S)
        if not done:
            seconds = int(self._clock.monotonic() - begun)
            raise FeedError("argocd", f"{name} is being compared by Argo CD since {seconds} s", hint="wait a little")
        if (error := task.exception()) is not None:
            del self._refreshes[name]
            raise error
        return await self._client.application(name, project) if was_done else task.result()

    async def _difference(self, app: Application, project: str, spec: SyncSpec) -> Difference:
        at = f"{app.version} {app.compared_utc}"
        known = self._differs.get(app.name)
        now = self._clock.monotonic()
        if known is None or known[0] != at or now > known[1] + FRESH_S:
            items = await self._client.managed(app.name, project)
            known = at, now, difference(items, spec.names())
            self._differs[app.name] = known
        if not spec.selective:
            return known[2]
        return Difference(tuple(one for one in known[2].changes if one.key in spec.only))

    async def _may(self, project: str, name: str) -> bool:
        now = self._clock.monotonic()
        may, until = self._rights.get(name, (False, 0.0))
        if not may or now > until:
            may = await self._client.may("sync", project, name)
            self._rights[name] = may, now + RIGHTS_S
        return may


def _fresh_s(task: asyncio.Task[Application]) -> float:
    """Return how long a comparison that has ended counts."""
    failed = task.cancelled() or task.exception() is not None
    return NOTHING_S if not failed and task.result().sync == "Synced" else FRESH_S


_NONE = Application("", "", "", "", "")


def item_plan(at: ItemId, spec: SyncSpec, planned: Planned, now_utc: float) -> ItemPlan:
    """Return what a card shows of a sync, and what is approved with it."""
    app, differs = planned.app, planned.differs
    approved = planned.approved(spec)
    if planned.blocked:
        return ItemPlan(at, tuple(one.line for one in differs.stuck), planned.blocked, blocked=True)
    words = [one for one in (differs.words(), differs.release()) if one]
    if (other := app.under_way) is not None:
        words.insert(0, f"a sync {other.by} is in progress {other.age(now_utc)}: it is waited for, or terminated")
    if differs.prunes and not spec.prune:
        words.append(f"left without prune: {jobs_named([one.key for one in differs.prunes])}")
    if spec.revision and not at_merged(app, spec.revision):
        words.append(f"it stands at {app.revision[:8]}, not at the merged {spec.revision[:8]}")
    if app.automatic:
        words.append("note: it syncs by itself, too")
    if not approved.does and app.sync == "Synced":
        return ItemPlan(at, (), f"{'; '.join(words)}: Synced at {app.revision[:8]}")
    request = request_line(spec, f"revision {app.revision[:8]}", prune=approved.prune)
    return ItemPlan(at, (*approved.does, request), "; ".join(words), approved=approved.json())


def _hindrances(spec: SyncSpec, app: Application, differs: Difference, look: Look) -> Iterator[str]:
    """Yield why a sync must not go as things stand."""
    if differs.stuck:
        others = f" and {len(differs.stuck) - 1} more" if len(differs.stuck) > 1 else ""
        yield f"{differs.stuck[0].stuck}{others}: delete the Jobs and wait until their pods are gone"
    known = {one.key for one in app.resources}
    missing = [one for one in spec.only if one not in known]
    if missing:
        yield f"the application has no {jobs_named(missing)}: a sync of it would do nothing and still succeed"
    alive = [csc for one in differs.creates if one.csc and (csc := _beating(one.csc, look)) is not None]
    if alive:
        yield f"{listed(alive)} still sends heartbeats: its old pod has not ended, a sync would run it twice"


def _beating(name: str, look: Look) -> CscId | None:
    csc = CscId.parse(name)
    view = look(csc)
    return csc if view is not None and view.liveness is Liveness.BEATING else None


def wanted(spec: SyncSpec, approved: Approved | None) -> tuple[Key, ...]:
    """Return the Jobs that must be in the result of a sync and have a pod."""
    jobs = spec.jobs if spec.selective else approved.jobs if approved is not None else ()
    return tuple(Key("Job", job, spec.app, "batch") for job in jobs)

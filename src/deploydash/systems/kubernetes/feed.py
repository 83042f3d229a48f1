"""How the Jobs and pods of a site's CSCs stand, told as facts about the CSCs: listed once, then watched.

A fact is told when it changes, and all of them again every ``TOLD_AGAIN_S`` while the API server answers, so that their
age says how old what is shown can be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing

from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.observations import FactRead, FeedChanged
from deploydash.core.model import FeedState
from deploydash.core.ports import Clock, Feed, Inbox
from deploydash.errors import FeedError
from deploydash.systems.kubernetes.client import OPENED, Cluster, Object, connected
from deploydash.systems.kubernetes.errors import KubernetesError
from deploydash.systems.kubernetes.kubeconfig import no_cluster
from deploydash.systems.kubernetes.objects import event_of, event_time, job_of, pod_of
from deploydash.systems.kubernetes.settings import KubernetesSettings, Namespace
from deploydash.systems.kubernetes.space import Space
from deploydash.systems.kubernetes.work import KUBERNETES, NAMESPACES
from deploydash.systems.table import Place

WATCH_S = 300
"""So long the server is asked to keep a watch open; then the next begins where it ended."""

PULSE_S = 4.0
"""How often the server is asked whether it is there: a connection that was cut without a word looks like silence."""

TOLD_AGAIN_S = 10.0
AGAIN_S = (0.2, 1.0, 2.0, 5.0)
"""After so many seconds a watch that broke off begins again; the last one repeats."""

GATHERED_S = 0.1
"""So long events are gathered before they are told together."""

Take = Callable[[str, Object], None]


class KubernetesFeed:
    """Tells of each CSC with a Job how that and its pods stand: the fact ``kubernetes/ESS:104``."""

    name = KUBERNETES

    def __init__(self, settings: KubernetesSettings, clock: Clock, *, rehearsal: bool) -> None:
        self._settings = settings
        self._clock = clock
        self._rehearsal = rehearsal
        self._spaces: list[Space] = []
        self._changed = asyncio.Event()
        self._troubles: dict[str, str] = {}
        self._tried = False

    async def run(self, inbox: Inbox) -> None:
        """Read until cancelled.

        Raises:
            FeedError: the cluster does not answer, does not know us, or is none of the site's; says why.
        """
        if self._rehearsal and (why := no_cluster(self._settings.kubeconfig, self._settings.context)):
            await inbox.put([FeedChanged(self.name, FeedState.OFF, why, self._clock.monotonic())])
            await asyncio.Event().wait()
        self._troubles.clear()
        self._spaces = [Space(row.namespace, row.jobs) for row in self._settings.namespaces if row.jobs]
        async with connected(self._settings, rehearsal=self._rehearsal) as cluster:
            cluster.context()
            if not self._tried:
                # A further try is none of the lead's news: down stays down, and its age goes on.
                self._tried = True
                await inbox.put([self._health(FeedState.CONNECTING, cluster.address)])
            await cluster.get("/version")
            try:
                async with asyncio.TaskGroup() as group:
                    rows = {row.namespace: row for row in self._settings.namespaces}
                    for space in self._spaces:
                        self._begin(group, cluster, space, rows[space.namespace])
                    group.create_task(self._pulse(cluster), name="kubernetes pulse")
                    group.create_task(self._tell(inbox, cluster), name="kubernetes facts")
            except* FeedError as errors:
                raise next(iter(_leaves(errors))) from None

    def _begin(self, group: asyncio.TaskGroup, cluster: Cluster, space: Space, row: Namespace) -> None:
        selected = {"labelSelector": row.selector}
        pods = f"{NAMESPACES}/{space.namespace}"
        watches: Sequence[tuple[str, str, dict[str, str], Take, Callable[[Iterable[Object]], None]]] = (
            (
                "jobs",
                f"/apis/batch/v1/namespaces/{space.namespace}/jobs",
                selected,
                lambda kind, raw: space.take_job(kind, job_of(raw)),
                lambda rows: space.set_jobs(map(job_of, rows)),
            ),
            (
                "pods",
                f"{pods}/pods",
                selected,
                lambda kind, raw: space.take_pod(kind, pod_of(raw)),
                lambda rows: space.set_pods(map(pod_of, rows)),
            ),
            (
                "events",
                f"{pods}/events",
                {"fieldSelector": "involvedObject.kind=Pod"},
                lambda kind, raw: space.take_event(*event_of(raw)) if kind != "DELETED" else None,
                lambda rows: space.set_events(map(event_of, sorted(rows, key=event_time))),
            ),
        )
        for what, path, query, take, start in watches:
            name = f"{what} of {space.namespace}"
            group.create_task(self._keep(cluster, name, (path, query), take, start), name=f"kubernetes {name}")

    def _broken(self, space: Space) -> bool:
        """Say whether what is known of a namespace may be old."""
        return any(name.endswith(f" of {space.namespace}") for name in self._troubles if not name.startswith("events "))

    async def _keep(
        self,
        cluster: Cluster,
        name: str,
        where: tuple[str, dict[str, str]],
        take: Take,
        start: Callable[[Iterable[Object]], None],
    ) -> None:
        """List, then watch from there on, for ever; where the server keeps that version no more, list again."""
        failures, version = 0, ""
        while True:
            began = self._clock.monotonic()
            try:
                if not version:
                    rows, version = await cluster.every(*where)
                    start(rows)
                    self._changed.set()
                async with aclosing(cluster.watch(*where, version, lasting_s=WATCH_S)) as events:
                    async for event in events:
                        failures = 0 if event["type"] != OPENED else failures
                        version = self._took(event, version, take, name)
                if self._clock.monotonic() < began + AGAIN_S[1]:  # one that ends at once is not asked for without pause
                    await asyncio.sleep(AGAIN_S[1])
            except KubernetesError as error:
                if error.status == 401:
                    raise
                version = "" if error.status in {404, 410} or error.status >= 500 else version
                self._note(name, "" if error.status == 410 else f"{name}: {error}")
                pause = max(error.again_s, AGAIN_S[min(failures, len(AGAIN_S) - 1)])
                failures += 1
                await asyncio.sleep(60.0 if error.status == 403 else pause)

    def _took(self, event: Object, version: str, take: Take, name: str) -> str:
        """Take one event; return the version to go on from."""
        raw = event["object"]
        if event["type"] == OPENED:
            self._note(name, "")
            return version
        if event["type"] != "BOOKMARK":
            take(event["type"], raw)
            self._changed.set()
        metadata = raw.get("metadata")
        found = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
        return found if isinstance(found, str) else version

    def _note(self, name: str, trouble: str) -> None:
        before = self._troubles.get(name, "")
        if trouble:
            self._troubles[name] = trouble
        else:
            self._troubles.pop(name, None)
        if before != trouble:
            self._changed.set()

    async def _pulse(self, cluster: Cluster) -> None:
        """See that the server is there and knows us.

        Raises:
            FeedError: it is not, or does not.
        """
        while True:
            await asyncio.sleep(PULSE_S)
            await cluster.get("/version")

    async def _tell(self, inbox: Inbox, cluster: Cluster) -> None:
        told: dict[str, Fact] = {}
        told_at, health = float("-inf"), (FeedState.CONNECTING, "")
        while True:
            now, utc = self._clock.monotonic(), self._clock.utc()
            again = now >= told_at + TOLD_AGAIN_S
            listed = [space for space in self._spaces if space.listed]
            facts = [fact for space in listed for fact in space.facts(utc, every=again and not self._broken(space))]
            news = [fact for fact in facts if again or fact.name not in told or not fact.same(told[fact.name])]
            told |= {fact.name: fact for fact in news}
            told_at = now if again else told_at
            batch: list[FeedChanged | FactRead] = [FactRead(fact, now) for fact in news]
            if (standing := self._standing(cluster)) != health:
                health = standing
                batch.insert(0, self._health(*health))
            if batch:
                await inbox.put(batch)
            self._changed.clear()
            try:
                async with asyncio.timeout(TOLD_AGAIN_S):
                    await self._changed.wait()
                await asyncio.sleep(GATHERED_S)
            except TimeoutError:
                continue

    def _standing(self, cluster: Cluster) -> tuple[FeedState, str]:
        """Return how this feed fares: what is missing is said; events are welcome, and not needed."""
        troubles = [why for name, why in self._troubles.items() if not name.startswith("events ")]
        if troubles:
            more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
            return FeedState.DEGRADED, f"{troubles[0]}{more}"
        if not all(space.listed for space in self._spaces):
            return FeedState.CONNECTING, cluster.address
        return FeedState.UP, cluster.address

    def _health(self, state: FeedState, detail: str) -> FeedChanged:
        return FeedChanged(self.name, state, detail, self._clock.monotonic())


def _leaves(errors: BaseExceptionGroup[FeedError]) -> Iterable[FeedError]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def feed(place: Place, clock: Clock) -> Feed:
    """Return the feed of a site."""
    settings = place.settings
    assert isinstance(settings, KubernetesSettings)  # noqa: S101 - the table says so
    return KubernetesFeed(settings, clock, rehearsal=place.roster.rehearsal)

"""The Argo CD of a site, on the demo observatory's cluster: a sync makes Jobs there, of the merged branch's cycle.

It answers as Argo CD v3.5.1 does. A Job whose template would change cannot be changed, so its sync fails; a CSC that
runs is ``Progressing`` for ever; a new tag goes from git to science-platform when that is refreshed, to its children
when it is synced, and to Jobs when they are. What people merged is `World.merged`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from deploydash.demo.fake import Kind, Section
from deploydash.demo.fakes.argocd_accounts import ALL, Account, Accounts
from deploydash.demo.fakes.argocd_applications import Applications
from deploydash.demo.fakes.argocd_apply import Applier
from deploydash.demo.fakes.argocd_calls import Calls
from deploydash.demo.fakes.argocd_git import Repository
from deploydash.demo.fakes.argocd_live import APPLICATIONS, INSTANCE
from deploydash.demo.fakes.argocd_operation import Operations
from deploydash.demo.fakes.argocd_site import Deployed, repository
from deploydash.demo.fakes.argocd_status import NO_METHOD, NO_PATH, NO_ROOT, NO_TYPE, Refusal
from deploydash.demo.fakes.argocd_stream import Stream
from deploydash.demo.fakes.argocd_troubles import FAULTS
from deploydash.demo.fakes.cluster import BY_SYSTEM_S, Cluster
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, DEPLOYMENTS, JOBS, PODS
from deploydash.demo.fakes.cluster_store import Change
from deploydash.demo.http_fake import HttpFake
from deploydash.demo.world import World

SYSTEM = "argocd"
ROOT = "/argo-cd"
RESTARTS_KAFKA = "sasquatch"
SYNC_OF_KAFKA = f"sync-{RESTARTS_KAFKA}"
"""What is counted beside ``sync``: this one may restart Kafka, as a scenario lets it."""
_SOON_S = 0.1
_LIFE_S = 8 * 3600.0
_PAGE = "<html><head><title>{0} Bad Gateway</title></head><body><center><h1>{0} Bad Gateway</h1></center></body></html>"
_SEEN = (JOBS, PODS, CONFIG_MAPS, DEPLOYMENTS)


class ArgoCd(HttpFake):
    """One Argo CD; with ``repository_`` None it deploys what the site file names."""

    def __init__(self, world: World, cluster: Cluster | None = None, repository_: Repository | None = None) -> None:
        super().__init__((("*", "/{path:.*}", "request"),), FAULTS)
        self._world = world
        self._cluster = cluster or Cluster.of(world)
        store = self._cluster.store
        self._own = repository_ is None
        self.repository = repository_ or Repository({})
        self.accounts = Accounts(lambda: world.now or time.time())
        self.applications = Applications(store, self.repository, lambda: world.now)
        applier = Applier(store, self._cluster.controller, self.applications)
        self.operations = Operations(self.applications, applier, lambda: world.now, self.later, self.trouble)
        self.streams: set[Stream] = set()
        self.calls = Calls(
            store,
            self._cluster.controller,
            self.applications,
            self.operations,
            self.accounts,
            self.streams,
            self,
            lambda: world.now,
        )
        self._dirty: set[str] = set()
        self._planned = False
        self._used = False
        self._woken = asyncio.Event()
        self._lead = Account("lead@example.org", ALL, issuer="https://login.example.org", groups=("telescope",))
        self.noted_in(world.deeds, SYSTEM, self._stands)
        store.on_change.append(self._changed)
        world.on_opened.append(self.open)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen after so many real seconds."""
        self._world.at(self._world.now + seconds, lambda _: action())

    async def start(self) -> Section:
        """Open the port; the section ``argocd``. Empty for a site that has none."""
        url = await self.listen()
        if not (self._world.site.document.get("systems") or {}).get("argocd"):
            return {}
        token = self.accounts.issue(self._lead, _LIFE_S, "demo")
        told = {"server": "127.0.0.1", "port": int(url.rpartition(":")[2]), "plain_text": True, "token": token}
        return {"systems": {"argocd": told}}

    def open(self) -> None:
        """Let everything stand as it was deployed before anybody came."""
        if not self._own:
            return
        made = repository(self._world, self._cluster.jobs)
        self.repository.charts |= made.charts
        self.repository.commits += made.commits
        Deployed(self._world, self._cluster.store, self._cluster.furniture, self.applications).furnish()

    # -- following the cluster and git --------------------------------------------------------------------------

    def pull(self) -> None:
        """See what people have merged since the last look."""
        if self._own and self._world.merged and self._world.merged != self.repository.head.tag:
            world = self._world
            self.repository.push(world.commit, tag=world.merged, added=world.added, removed=world.removed)

    def used(self) -> None:
        """Take notice that somebody is here who can deploy: all is compared, and the clock waits longer."""
        if not self._used:
            self._used = True
            self._cluster.patience = BY_SYSTEM_S
            self._compare()

    def synced(self) -> None:
        """Take notice that somebody deploys: the clock deploys nothing any more."""
        self._world.claim(SYSTEM, [plan.csc for plan in self._cluster.jobs.values() if plan.csc is not None])

    def _changed(self, change: Change) -> None:
        """Take notice of a live thing that changed, or of an application that was given another spec."""
        if change.resource is APPLICATIONS:
            item = change.item
            compared = item["status"]["sync"]["comparedTo"].get("source") == item["spec"]["source"]
            if self._used and (change.type == "ADDED" or not compared):
                self.later(BY_ITSELF_S, lambda: self.applications.compare(item["metadata"]["name"], latest=True))
        elif change.resource in _SEEN:
            about = change.item["metadata"]
            self._dirty.add(about.get("labels", {}).get(INSTANCE) or about["namespace"])
            if self._used and not self._planned:
                self._planned = True
                self.later(_SOON_S, self._compare)

    def _compare(self) -> None:
        self._planned = False
        dirty, self._dirty = self._dirty, set()
        for name in sorted(dirty):
            item = self.applications.get(name)
            if item is not None and item["status"]["sync"].get("revision"):
                self.applications.compare(name, latest=False)

    # -- faults -------------------------------------------------------------------------------------------------

    def trouble(self, fault: str, application: str) -> Mapping[str, Any] | None:
        """The values of a fault for an application, or None."""
        values = self.faults[fault]
        return values if values is not None and fnmatchcase(application, str(values["application"])) else None

    async def controller(self, application: str) -> None:
        """Wait until the controller works at an application."""
        while self.trouble("controller-stopped", application) is not None:
            self._woken.clear()
            await self._woken.wait()

    def switched(self, fault: str) -> None:
        """Let a fault that was switched reach what stands already."""
        self._woken.set()
        values = self.faults[fault]
        names = [item["metadata"]["name"] for item in self.applications.items()]
        chosen = [name for name in names if values and fnmatchcase(name, str(values.get("application", "")))]
        if fault == "controller-stopped" and values is None:
            self.operations.resume()
        elif fault == "token-expired":
            self.accounts.all_expired = values is not None
        elif fault == "stream-dies" and values is not None:
            for stream in self.streams:
                stream.die()
        elif fault == "unrenderable" and self.repository.commits:
            self.repository.push(broken=frozenset(chosen))
        elif fault == "removed" and self.repository.commits:
            gone = {(str(values["namespace"]), str(values["job"]))} if values else set()
            self.repository.push(removed=frozenset(gone))
        elif fault == "shared":
            self._share(chosen if values else names, on=values is not None)
        elif fault == "somebody-syncs" and values is not None:
            self._somebody(chosen, str(values["who"]))

    def _share(self, names: list[str], *, on: bool) -> None:
        for name in names:
            message = f"ConfigMap/csc-env-config is part of applications argocd/{name} and love"
            self.applications.warnings[name] = [{"type": "SharedResourceWarning", "message": message}] if on else []
            self.applications.compare(name, latest=False)

    def _somebody(self, names: list[str], who: str) -> None:
        for name in names:
            item = self.applications.get(name)
            if item is not None and "operation" not in item:
                self.operations.sync(item, {}, self.repository.head, who)

    async def failing(self, kind: str) -> web.StreamResponse | None:
        """The answer of a fault that is on, or None."""
        failed = await super().failing(kind)
        if failed is not None:
            return failed
        html = self.faults["html"]
        if html is not None:
            page = _PAGE.format(int(html["status"]))
            return web.Response(status=int(html["status"]), text=page, content_type="text/html")
        if self.faults["failing"] is not None:
            message = "error getting cached app resource tree: dial tcp 10.1.0.1:6379: connect: connection refused"
            body = {"error": message, "code": 13, "message": message}
            return web.json_response(body, status=500)
        return None

    # -- requests -----------------------------------------------------------------------------------------------

    def _stands(self) -> Mapping[str, object]:
        """Each application: whether it is synced, at which commit, and how often it was."""
        found = {item["metadata"]["name"]: item["status"] for item in self.applications.items()}
        return {
            name: [status["sync"]["status"], status["sync"].get("revision", ""), len(status.get("history", ()))]
            for name, status in found.items()
        }

    async def about(self, kind: str, request: web.Request) -> str | None:
        """The application, and whether its things are to be pruned; what only tries changes nothing."""
        if kind not in {"sync", "terminate", "create", "rollback", "remove"}:
            return None
        try:
            told = json.loads(await request.read() or "{}")
        except ValueError:
            told = {}  # it is refused for that
        asked = told if isinstance(told, dict) else {}
        if kind == "sync" and asked.get("dryRun"):
            return None
        return f"{request.path.removeprefix(ROOT)}{' pruned' if asked.get('prune') else ''}"

    def kind(self, request: web.Request) -> str:
        """What is asked."""
        return self.calls.name(request.method, request.path.removeprefix(ROOT))

    async def on_request(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        try:
            if not request.path.startswith(f"{ROOT}/"):
                raise NO_ROOT
            name = self.kind(request)
            if name == "other":
                raise NO_METHOD if self.calls.known(request.path.removeprefix(ROOT)) else NO_PATH
            if request.method != "GET" and request.headers.get("Content-Type", "") != "application/json":
                raise NO_TYPE
            if name == "sync" and request.path.endswith(f"/{RESTARTS_KAFKA}/sync"):
                self.asked[SYNC_OF_KAFKA] += 1
            return await self.calls.answer(name, request)
        except Refusal as refused:
            return refused.response()


BY_ITSELF_S = 0.05
"""After so many real seconds an application whose spec was changed is compared."""


KIND = Kind("argocd", FAULTS, Calls.KINDS | {SYNC_OF_KAFKA}, ArgoCd)

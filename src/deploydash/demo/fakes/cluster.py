"""The cluster of a site: the Kubernetes API, on Jobs whose pods are the CSCs of the one world.

It answers as Kubernetes v1.36.1 does (kube-apiserver, kube-controller-manager), but for what no client of ours looks
at: no managedFields, no discovery. A Job that is deleted with ``Background`` or ``Foreground`` takes its CSC with it
when its pod's grace period has ended; one that is deleted without a word orphans its pod, and the CSC runs on; one
that is made starts its CSC when its image is there. What scenarios and commands do to CSCs is seen in the cluster, too.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar

import yaml
from aiohttp import web

from deploydash.demo.fake import Kind, Section
from deploydash.demo.fakes.cluster_bonds import LOOK_S, Bonds
from deploydash.demo.fakes.cluster_control import Controller
from deploydash.demo.fakes.cluster_kinds import JOBS, NAMESPACES, PODS, Object
from deploydash.demo.fakes.cluster_nodes import PlayedNodes, Trouble
from deploydash.demo.fakes.cluster_requests import Requests
from deploydash.demo.fakes.cluster_rights import Rights, User
from deploydash.demo.fakes.cluster_site import Furniture, namespaces, planned
from deploydash.demo.fakes.cluster_status import TOO_MANY, UNAUTHORIZED, Refusal
from deploydash.demo.fakes.cluster_store import Store
from deploydash.demo.fakes.cluster_troubles import FAULTS, Troubles
from deploydash.demo.http_fake import HttpFake
from deploydash.demo.site import Csc
from deploydash.demo.world import World

SYSTEM = "cluster"
BY_HAND_S = 120.0
"""So many world seconds after the last delete people would deploy by hand what is not deployed."""
BY_SYSTEM_S = 1200.0
"""So long they wait while somebody is here who can deploy it."""
_TOKEN = "demo-lead"
_ROUTES = (("*", "/{path:.*}", "request"),)
ASKS = frozenset(
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "review", "version", "other"]
)


class Cluster(HttpFake):
    """One cluster. `of` gives that of a world: there is one."""

    _of: ClassVar[weakref.WeakKeyDictionary[World, Cluster]] = weakref.WeakKeyDictionary()

    @classmethod
    def of(cls, world: World) -> Cluster:
        """The cluster of a world."""
        return cls._of.get(world) or cls(world)

    def __init__(self, world: World) -> None:
        super().__init__(_ROUTES, FAULTS)
        self._of[world] = self
        self.world = world
        self.jobs = planned(world)
        self.store = Store(lambda: world.now)
        self.controller = Controller(self.store, lambda: world.now, self.later)
        self.nodes = PlayedNodes(world, self.store, self.controller, self.later, self._csc_of, self._troubled)
        self.controller.nodes = self.nodes
        self.furniture = Furniture(world, self.store, self.controller, self.nodes)
        self.rights = Rights(self._denied)
        self.rights.users[_TOKEN] = User("lead", "u-lead", ("system:masters",), None)
        self.requests = Requests(self.store, self.controller, self.rights, lambda: world.now, self.later)
        self.requests.on_delete.append(self._deleted)
        self.troubles = Troubles(self.store, self.controller, self.nodes, self.furniture, self.requests, self.jobs)
        self.patience = BY_HAND_S
        """After so many world seconds without a delete people deploy by hand."""
        self._bonds = Bonds(world, self.store, self.controller, self.nodes, self.furniture, self.jobs)
        self._last_delete = 0.0
        self._folder: Path | None = None
        self._context = self._url = ""
        self.noted_in(world.deeds, SYSTEM, self._stands)
        world.on_opened.append(self._open)

    def later(self, seconds: float, action: Any) -> None:
        """Let something happen after so many world seconds."""
        self.world.at(self.world.now + seconds / self.world.pace, lambda _: action())

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> Section:
        """Open the port; the section ``kubernetes``, which names a kubeconfig file of this cluster alone.

        Empty for a site that has no cluster.
        """
        url = await self.listen()
        if not namespaces(self.world):
            return {}
        section = self.world.site.document["systems"]["kubernetes"]
        self._context, self._url = str(section["context"]), url
        path = self._kubeconfig()
        return {"systems": {"kubernetes": {**section, "kubeconfig": str(path)}}}

    def _kubeconfig(self) -> Path:
        """Write the kubeconfig as it is to be now; its context may lead elsewhere."""
        folder = self.world.folder or self._folder
        if folder is None:
            folder = self._folder = Path(tempfile.mkdtemp(prefix="deploydash-cluster-"))
        elsewhere = self.faults["context-elsewhere"]
        url = self._url if elsewhere is None else str(elsewhere["server"])
        path = folder / "kubeconfig.yaml"
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "demo-cluster", "cluster": {"server": url}}],
            "users": [{"name": "demo-lead", "user": {"token": _TOKEN}}],
            "contexts": [{"name": self._context, "context": {"cluster": "demo-cluster", "user": "demo-lead"}}],
            "current-context": "",
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        return path

    async def stop(self) -> None:
        """Close the port, and the file that leads there."""
        for watch in self.requests.watches:
            watch.finish("cut")
        await super().stop()
        if self._folder is not None:
            (self._folder / "kubeconfig.yaml").unlink(missing_ok=True)
            self._folder.rmdir()

    def _open(self) -> None:
        self.furniture.furnish(self.jobs)
        self._look()

    def _look(self) -> None:
        self._bonds.look()
        self.world.at(self.world.now + LOOK_S, lambda _: self._look())

    def _csc_of(self, pod: Object) -> Csc | None:
        about = pod["metadata"]
        job = about.get("labels", {}).get("batch.kubernetes.io/job-name", "")
        plan = self.jobs.get((about["namespace"], job))
        return None if plan is None else plan.csc

    def _deleted(self, job: Object) -> None:
        """Keep the clock from restarting what somebody deletes here, for as long as people would still be at it."""
        plan = self.jobs.get((job["metadata"]["namespace"], job["metadata"]["name"]))
        if plan is None or plan.csc is None or self.world.claimed(plan.csc):
            return
        csc = plan.csc
        self.world.claim(SYSTEM, [csc])
        self._last_delete = self.world.now

        def release() -> None:
            left = self.patience - (self.world.now - self._last_delete) * self.world.pace
            if left > 0.01:
                self.later(left, release)
            else:
                self.world.release(SYSTEM, [csc])

        self.later(self.patience, release)

    # -- faults -------------------------------------------------------------------------------------------------

    def switched(self, fault: str) -> None:
        """Let a fault that was switched reach what stands already."""
        self.troubles.switched(fault, self.faults[fault])
        if fault == "context-elsewhere" and self._url:
            self._kubeconfig()

    def _troubled(self, trouble: Trouble, pod: Object) -> Mapping[str, Any] | None:
        values = self.faults[trouble]
        job = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name", pod["metadata"]["name"])
        return values if values is not None and fnmatchcase(job, str(values["job"])) else None

    def _denied(self, verb: str, resource: str, namespace: str) -> bool:
        denied = self.faults["forbidden-namespace"]
        return (
            denied is not None
            and fnmatchcase(namespace, str(denied["namespace"]))
            and fnmatchcase(verb, str(denied["verb"]))
            and fnmatchcase(resource, str(denied["resource"]))
        )

    # -- requests -----------------------------------------------------------------------------------------------

    def _stands(self) -> Mapping[str, object]:
        """Each Job with its image, and how many pods of it there are; the namespaces."""
        jobs = {f"{job['metadata']['namespace']}/{job['metadata']['name']}": job for job in self.store.items(JOBS)}
        images = {name: job["spec"]["template"]["spec"]["containers"][0]["image"] for name, job in jobs.items()}
        owned = {
            name: len(self.store.owned(PODS, job["metadata"]["uid"], job["metadata"]["namespace"]))
            for name, job in jobs.items()
        }
        spaces = [item["metadata"]["name"] for item in self.store.items(NAMESPACES)]
        return {"images": images, "pods": owned, "namespaces": spaces}

    async def about(self, kind: str, request: web.Request) -> str | None:
        """What is to be made, changed or deleted."""
        changes = kind in {"create", "update", "patch", "delete", "deletecollection"}
        return request.path if changes and "dryRun" not in request.query else None

    def kind(self, request: web.Request) -> str:
        """The verb of a request."""
        return self.requests.verb(request)

    async def on_request(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        try:
            user = self.rights.user(request.headers.get("Authorization", ""))
            if user is None or (self.faults["token-expired"] is not None):
                raise UNAUTHORIZED
            if user.throttled or self.faults["too-many-requests"] is not None:
                raise TOO_MANY
            dies = self.faults["watch-dies"]
            return await self.requests.answer(request, user, None if dies is None else float(dies["seconds"]))
        except Refusal as refused:
            return refused.response()


KIND = Kind("cluster", FAULTS, ASKS, Cluster.of)

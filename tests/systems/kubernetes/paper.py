"""A cluster on paper: Jobs, their pods and rights in memory, behind the client's own methods."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploydash.systems.kubernetes.client import Answer, Cluster, Query
from deploydash.systems.kubernetes.errors import refusal
from deploydash.systems.kubernetes.kubeconfig import Context
from tests.systems.kubernetes.replay import settings

Object = dict[str, Any]


@dataclass
class PaperJob:
    """A Job. ``pods``: its pods by name, each with how many looks it takes until it is gone once it is deleted."""

    uid: str
    labels: dict[str, str] = field(default_factory=lambda: {"csc": "x"})
    active: int = 1
    pods: dict[str, int] = field(default_factory=dict)
    finalizers: list[str] = field(default_factory=list)
    deleting: bool = False
    owner: str = ""
    image: str = ""


@dataclass
class PaperPod:
    """A pod whose Job is gone."""

    job: str
    owner: str
    looks: int


class PaperCluster(Cluster):
    """Answers as an API server does. ``deleted``: what was deleted, by namespace, name and uid, in order.

    ``before``: is called with each request before it is answered, for what happens meanwhile. ``refuses``: an HTTP
    status by namespace for deletes there, ``forbidden``: namespaces in which this account may delete nothing.
    """

    def __init__(self) -> None:
        super().__init__(settings(Path("none")), rehearsal=True)
        self.address = "paper"
        self.spaces: dict[str, dict[str, PaperJob]] = {}
        self.dying: dict[str, dict[str, PaperPod]] = {}
        self.deleted: list[tuple[str, str, str]] = []
        self.before: Callable[[str, str], None] = lambda _, __: None
        self.refuses: dict[str, int] = {}
        self.forbidden: set[str] = set()
        self.sent: list[tuple[str, str]] = []

    def context(self) -> Context:
        return Context(Path("none"), "paper", "http://127.0.0.1:1")

    async def send(self, method: str, path: str, *, query: Query | None = None, body: Object | None = None) -> Answer:
        self.before(method, path)
        self.sent.append((method, path))
        status, told = self._answer(method, path, dict(query or {}), body or {})
        if status >= 300:
            raise refusal(self.address, status, told)
        return Answer(told, None)

    def _answer(self, method: str, path: str, query: dict[str, str], body: Object) -> tuple[int, Object]:
        parts = path.strip("/").split("/")
        if path == "/version":
            return 200, {"gitVersion": "v1.36.1"}
        if method == "POST":
            where = body["spec"]["resourceAttributes"].get("namespace", "")
            return 201, {"status": {"allowed": where not in self.forbidden}}
        if parts[:3] == ["api", "v1", "namespaces"] and len(parts) == 4:
            there = parts[3] in self.spaces
            return (200, {"metadata": {"name": parts[3]}}) if there else (404, {"message": f"no {parts[3]}"})
        space = parts[parts.index("namespaces") + 1]
        if parts[-1] == "pods":
            return 200, _list(self._pods(space))
        if parts[-1] == "jobs":
            chosen = query.get("labelSelector", "")
            jobs = self.spaces.get(space, {}).items()
            return 200, _list([_job(n, j) for n, j in jobs if not chosen or chosen.partition("=")[0] in j.labels])
        return self._delete(space, parts[-1], body) if method == "DELETE" else self._get(space, parts[-1])

    def _get(self, space: str, name: str) -> tuple[int, Object]:
        job = self.spaces[space].get(name)
        return (200, _job(name, job)) if job else (404, {"message": f"jobs.batch {name!r} not found"})

    def _delete(self, space: str, name: str, body: Object) -> tuple[int, Object]:
        if space in self.refuses:
            return self.refuses[space], {"message": f"cannot delete {name}"}
        job = self.spaces[space].get(name)
        if job is None:
            return 404, {"message": f"jobs.batch {name!r} not found"}
        wanted = body.get("preconditions", {}).get("uid")
        if wanted != job.uid:
            return 409, {"message": f"the UID in the precondition ({wanted}) does not match ({job.uid})"}
        assert body["propagationPolicy"] == "Background"
        self.deleted.append((space, name, job.uid))
        job.deleting = True
        for pod, looks in job.pods.items():
            self.dying.setdefault(space, {})[pod] = PaperPod(name, job.uid, looks)
        if not job.finalizers:
            del self.spaces[space][name]
        return 200, {"kind": "Status", "status": "Success"}

    def _pods(self, space: str) -> list[Object]:
        found = []
        for name, pod in list(self.dying.get(space, {}).items()):
            pod.looks -= 1
            if pod.looks < 0:
                del self.dying[space][name]
            else:
                found.append(_pod(name, pod.job, pod.owner, deleting=True))
        for job_name, job in self.spaces.get(space, {}).items():
            if not job.deleting:
                found += [_pod(name, job_name, job.uid, deleting=False, image=job.image) for name in job.pods]
        return found


def _list(items: list[Object]) -> Object:
    return json.loads(json.dumps({"items": items, "metadata": {"resourceVersion": "7"}}))  # type: ignore[no-any-return]


def _job(name: str, job: PaperJob) -> Object:
    meta: Object = {"name": name, "uid": job.uid, "labels": job.labels, "finalizers": job.finalizers}
    if job.owner:
        meta["ownerReferences"] = [{"kind": "CronJob", "name": job.owner}]
    if job.deleting:
        meta |= {"deletionTimestamp": "2026-11-20T18:25:37Z"}
    return {"metadata": meta, "status": {"active": job.active}}


def _pod(name: str, job: str, owner: str, *, deleting: bool, image: str = "") -> Object:
    meta: Object = {"name": name, "uid": f"uid-{name}", "labels": {"batch.kubernetes.io/job-name": job}}
    meta["ownerReferences"] = [{"kind": "Job", "name": job, "uid": owner}]
    if deleting:
        meta |= {"deletionTimestamp": "2026-11-20T18:25:37Z", "deletionGracePeriodSeconds": 30}
    return {"metadata": meta, "spec": {"containers": [{"image": image}]}, "status": {"phase": "Running"}}

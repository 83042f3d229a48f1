"""What an item of Kubernetes is: Jobs or namespaces of labs that are to be gone, or images to be compared. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

from deploydash.core.procedure.names import StepId, SystemName
from deploydash.core.procedure.runbook import Debt
from deploydash.systems.kubernetes.objects import Job

KUBERNETES = SystemName("kubernetes")
PROPAGATION = "Background"
"""As kubectl sends it. The API's own default leaves a deleted Job's pod running, without an owner and unseen."""

NAMESPACES = "/api/v1/namespaces"


@dataclass(frozen=True, slots=True)
class JobsWork:
    """The Jobs of a namespace that are to be gone, with their pods.

    ``names``: these alone, by their Jobs' names; without them every one that ``selector`` selects. ``spared``: patterns
    of names that are left. ``owes``: the steps that pay the debt of bringing what ran there up again. ``within_s``: by
    when all must be gone.
    """

    namespace: str
    selector: str
    names: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    owes: tuple[str, ...] = ()
    within_s: float = 600.0

    @property
    def path(self) -> str:
        """Where the Jobs are."""
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    @property
    def debt(self) -> Debt | None:
        """What is owed once one of them was deleted."""
        if not self.owes:
            return None
        what = f"the CSCs of {self.namespace} to come up again"
        return Debt(f"{KUBERNETES}/{self.namespace}", what, tuple(map(StepId, self.owes)))


@dataclass(frozen=True, slots=True)
class LabsWork:
    """The namespaces of running labs, by their label."""

    label: str
    within_s: float = 600.0


@dataclass(frozen=True, slots=True)
class VersionsWork:
    """What CSCs run, to be held against the tag of a cycle; nothing is deleted.

    ``cscs``: who is compared. ``jobs``: namespace, Job and CSC of those among them that run in the cluster.
    """

    tag: str
    cscs: tuple[str, ...] = ()
    jobs: tuple[tuple[str, str, str], ...] = ()

    def csc(self, namespace: str, job: str) -> str:
        """Return the CSC that a Job runs; empty where it runs none of these."""
        return next((csc for space, name, csc in self.jobs if (space, name) == (namespace, job)), "")


Deletes = JobsWork | LabsWork
Work = Deletes | VersionsWork


def spec_of(work: Work) -> str:
    """Return an item's spec."""
    kind = {JobsWork: "jobs", LabsWork: "labs", VersionsWork: "nothing"}[type(work)]
    return json.dumps({"deletes": kind, **asdict(work)}, sort_keys=True)


def work_of(spec: str) -> Work:
    """Return what an item's spec says."""
    found: dict[str, Any] = json.loads(spec)
    kind = found.pop("deletes")
    if kind == "nothing":
        return VersionsWork(found["tag"], tuple(found["cscs"]), tuple((n, job, csc) for n, job, csc in found["jobs"]))
    lists = {key: tuple(value) for key, value in found.items() if isinstance(value, list)}
    return JobsWork(**{**found, **lists}) if kind == "jobs" else LabsWork(**found)


def options(uid: str) -> dict[str, Any]:
    """Return the body of a delete: with a body the query is ignored, so that everything stands here.

    The uid keeps what was created anew under the same name.
    """
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": PROPAGATION,
        "preconditions": {"uid": uid},
    }


def delete_line(path: str, uid: str) -> str:
    """Return the exact request that deletes one thing."""
    body = {key: value for key, value in options(uid).items() if key not in {"apiVersion", "kind"}}
    return f"DELETE {path} {json.dumps(body)}"


def approved_of(found: Mapping[str, str]) -> str:
    """Return what is approved: each name with the uid that was read; empty where there is nothing."""
    return json.dumps({"uids": dict(sorted(found.items()))}) if found else ""


def uids_of(approved: str) -> dict[str, str]:
    """Return the names and uids that were approved."""
    found = json.loads(approved)["uids"] if approved else {}
    return {str(name): str(uid) for name, uid in found.items()}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The Jobs of a namespace by what becomes of them. ``spared``: each with why it is left."""

    doomed: tuple[Job, ...]
    deleting: tuple[Job, ...]
    spared: tuple[tuple[Job, str], ...]
    missing: tuple[str, ...] = ()


def choose(work: JobsWork, every: Sequence[Job], selected: Iterable[str]) -> Chosen:
    """Return what becomes of every Job of a namespace; ``selected``: the names that the selector selects."""
    by_selector = set(selected)
    doomed, deleting, spared = [], [], []
    for job in sorted(every, key=lambda job: job.name):
        if why := _left(work, job, by_selector):
            spared.append((job, why))
        elif job.deleting is not None:
            deleting.append(job)
        else:
            doomed.append(job)
    there = {job.name for job in every}
    missing = tuple(name for name in work.names if name not in there)
    return Chosen(tuple(doomed), tuple(deleting), tuple(spared), missing)


def _left(work: JobsWork, job: Job, selected: set[str]) -> str:
    """Return why a Job is left, or nothing."""
    if job.labels.get("type") == "uws-job":
        return "a request's own"
    if any(fnmatchcase(job.name, pattern) for pattern in work.spared):
        return f"of {job.owner}" if job.owner else "spared by the site file"
    if work.names:
        return "" if job.name in work.names else "not of this run"
    return "" if job.name in selected else f"not selected by {work.selector}"

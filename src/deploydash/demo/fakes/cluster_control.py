"""What the controllers of a cluster do: pods for Jobs, counts, back-off, and what goes when something was deleted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Protocol

from deploydash.demo.fakes.cluster_kinds import JOBS, PODS, Object, Resource
from deploydash.demo.fakes.cluster_objects import TRACKING, pod_of
from deploydash.demo.fakes.cluster_store import Store, stamp

READY_LAG_S = 1.0
"""After so many seconds a Job knows that its pod is ready."""
_BACKOFF_S = 10.0
_LONGEST_BACKOFF_S = 360.0
_SOON_S = 0.01
_COMPLETE = (
    ("SuccessCriteriaMet", "Complete"),
    "CompletionsReached",
    "Reached expected number of succeeded pods",
)
_FAILED = (("FailureTarget", "Failed"), "BackoffLimitExceeded", "Job has reached the specified backoff limit")

Later = Callable[[float, Callable[[], object]], object]
"""Lets something happen after so many world seconds."""


class Nodes(Protocol):
    """Who runs pods."""

    def begin(self, pod: Object) -> None:
        """Bind and start a new pod."""

    def end(self, pod: Object) -> None:
        """Stop a pod that was deleted, within its grace period."""

    def gone(self, pod: Object) -> None:
        """A pod is no more."""


def terminal(pod: Object) -> bool:
    """Whether its containers have ended for good."""
    return pod["status"].get("phase") in {"Succeeded", "Failed"}


def deleting(item: Object) -> bool:
    """Whether it was deleted and stands there still."""
    return "deletionTimestamp" in item["metadata"]


def finished(job: Object) -> str:
    """``Complete`` or ``Failed`` for a Job that is no longer at work, else nothing."""
    conditions = job["status"].get("conditions", ())
    return next((each["type"] for each in conditions if each["type"] in {"Complete", "Failed"}), "")


def ready(pod: Object) -> bool:
    """Whether it serves."""
    conditions = pod["status"].get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def strip(item: Object, finalizer: str) -> None:
    """Take one finalizer away."""
    about = item["metadata"]
    about["finalizers"] = [each for each in about.get("finalizers", ()) if each != finalizer]
    if not about["finalizers"]:
        del about["finalizers"]


class Controller:
    """The Job controller and the garbage collector of one cluster."""

    def __init__(self, store: Store, clock: Callable[[], float], later: Later) -> None:
        self._store = store
        self._clock = clock
        self._later = later
        self.nodes: Nodes | None = None
        self.orphans = 0
        """Pods that were left running without an owner."""

    # -- Jobs ---------------------------------------------------------------------------------------------------

    def created(self, job: Object) -> None:
        """Make the first pod of a new Job."""
        self._later(0.0, lambda: self.spawn(job))

    def spawn(self, job: Object) -> Object | None:
        """Make a pod for a Job that wants one; None when it does not."""
        now = self._current(JOBS, job)
        if now is None or deleting(now) or finished(now) or now["spec"].get("suspend"):
            return None
        if any(not terminal(pod) and not deleting(pod) for pod in self._pods(now)):
            return None
        pod = self._store.add(PODS, pod_of(now))
        self.count(now)
        if self.nodes is not None:
            self.nodes.begin(pod)
        return pod

    def count(self, job: Object) -> None:
        """Let a Job's status say how its pods stand."""
        now = self._current(JOBS, job)
        if now is None:
            return
        pods = self._pods(now)
        live = [pod for pod in pods if not terminal(pod) and not deleting(pod)]
        succeeded = sum(pod["status"].get("phase") == "Succeeded" for pod in pods)
        failed = sum(pod["status"].get("phase") == "Failed" for pod in pods)
        counts = {"active": len(live), "succeeded": succeeded, "failed": failed}

        def edit(item: Object) -> None:
            old = item["status"]
            made = {"conditions": old["conditions"]} if "conditions" in old else {}
            made["startTime"] = old.get("startTime") or stamp(self._clock())
            made |= {key: number for key, number in counts.items() if number}
            made |= {
                "terminating": sum(deleting(pod) and not terminal(pod) for pod in pods),
                "uncountedTerminatedPods": {},
                "ready": sum(map(ready, live)),
            }
            item["status"] = made
            if not finished(item):
                self._finish(item, succeeded, failed)

        self._store.change(JOBS, now, edit)

    def _finish(self, job: Object, succeeded: int, failed: int) -> None:
        if succeeded >= job["spec"].get("completions", 1):
            job["status"]["completionTime"] = stamp(self._clock())
            job["status"]["conditions"] = self._conditions(_COMPLETE)
        elif failed > job["spec"].get("backoffLimit", 6):
            job["status"]["conditions"] = self._conditions(_FAILED)

    def _conditions(self, told: tuple[tuple[str, str], str, str]) -> list[Object]:
        names, reason, message = told
        when = stamp(self._clock())
        about = {"status": "True", "lastProbeTime": when, "lastTransitionTime": when}
        return [{"type": name, **about, "reason": reason, "message": message} for name in names]

    def give_up(self, job: Object) -> None:
        """Let a Job have failed for good, as if it had tried as often as it may."""

        def edit(item: Object) -> None:
            status = item["status"]
            status.pop("active", None)
            status |= {"failed": item["spec"].get("backoffLimit", 6) + 1, "ready": 0}
            status["conditions"] = self._conditions(_FAILED)

        self._store.change(JOBS, job, edit)

    def pod_changed(self, pod: Object, *, again: bool = True) -> None:
        """Take notice of what a node says of a pod; without ``again`` its Job gives up when it failed."""
        job = self._owner(pod)
        if job is None:
            return
        if not terminal(pod):
            self._later(READY_LAG_S, lambda: self.count(job))
            return
        self.count(job)
        self._store.change(PODS, pod, lambda item: strip(item, TRACKING))
        now = self._current(JOBS, job)
        if now is not None and not finished(now) and not deleting(now):
            if not again:
                self.give_up(now)
                return
            failed = now["status"].get("failed", 0)
            pause = min(_LONGEST_BACKOFF_S, _BACKOFF_S * 2 ** max(0, failed - 1))
            self._later(pause, lambda: self.spawn(now))

    # -- what was deleted ---------------------------------------------------------------------------------------

    def deleted(self, resource: Resource, item: Object) -> None:
        """Go on after a delete, a moment later: what it owned, and what waits for its finalizers."""
        self._later(_SOON_S, lambda: self._collect(resource, item))

    def _collect(self, resource: Resource, item: Object) -> None:
        now = self._current(resource, item)
        pods = self._store.owned(PODS, item["metadata"]["uid"], item["metadata"].get("namespace", ""))
        finalizers = () if now is None else now["metadata"].get("finalizers", ())
        if now is None:
            for pod in pods:
                self.terminate(self._store.change(PODS, pod, lambda each: strip(each, TRACKING)))
        elif "foregroundDeletion" in finalizers:
            for pod in pods:
                self.terminate(pod)
                self._store.change(PODS, pod, lambda each: strip(each, TRACKING))
            if resource is JOBS:
                self.count(now)
            if not pods or resource is not JOBS:
                self.unhold(resource, now, "foregroundDeletion")
        elif "orphan" in finalizers:
            for pod in pods:
                self._orphan(pod, now)
            self.unhold(resource, now, "orphan")
        else:
            for pod in pods:
                self._store.change(PODS, pod, lambda each: strip(each, TRACKING))

    def _orphan(self, pod: Object, job: Object) -> None:
        def release(item: Object) -> None:
            kept = [each for each in item["metadata"]["ownerReferences"] if each["uid"] != job["metadata"]["uid"]]
            item["metadata"]["ownerReferences"] = kept
            if not kept:
                del item["metadata"]["ownerReferences"]

        self._store.change(PODS, pod, release)
        self._store.change(PODS, pod, lambda each: strip(each, TRACKING))
        if not terminal(pod):
            self.orphans += 1
            about = pod["metadata"]
            sys.stderr.write(f"demo: the pod {about['namespace']}/{about['name']} runs on without an owner\n")

    def terminate(self, pod: Object, grace: int | None = None) -> Object:
        """Delete a pod: at once when nothing runs in it, else with its grace period in seconds; what stands then."""
        now = self._current(PODS, pod)
        if now is None or deleting(now):
            return pod
        idle = terminal(now) or "nodeName" not in now["spec"]
        seconds = 0 if idle else int(now["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace)
        dying = self._store.change(PODS, now, lambda item: mark(item, self._clock(), seconds))
        if not seconds:
            self.release(PODS, dying)
        elif self.nodes is not None:
            self.nodes.end(dying)
        job = self._owner(dying)
        if job is not None and not deleting(job):
            self._later(READY_LAG_S, lambda: self.count(job))
            self._later(READY_LAG_S, lambda: self.spawn(job))
        return dying

    def let_go(self, pod: Object) -> None:
        """Take a node's word that a pod has ended: it is gone, unless a finalizer holds it."""
        now = self._current(PODS, pod)
        if now is None:
            return

        def edit(item: Object) -> None:
            item["metadata"] |= {"deletionTimestamp": stamp(self._clock()), "deletionGracePeriodSeconds": 0}

        self.release(PODS, self._store.change(PODS, now, edit))

    def unhold(self, resource: Resource, item: Object, finalizer: str) -> None:
        """Take a finalizer away; what was held by it alone is gone."""
        now = self._current(resource, item)
        if now is None or finalizer not in now["metadata"].get("finalizers", ()):
            return
        if deleting(now) and now["metadata"]["finalizers"] == [finalizer] and not self._graceful(resource, now):
            self._gone(resource, now)
        else:
            self._store.change(resource, now, lambda each: strip(each, finalizer))

    def release(self, resource: Resource, item: Object) -> None:
        """Let go of a deleted thing that nothing holds any more."""
        now = self._current(resource, item)
        if now is None or not deleting(now) or self._graceful(resource, now):
            return
        if now["metadata"].get("finalizers") == [TRACKING] or not now["metadata"].get("finalizers"):
            self._gone(resource, now)

    @staticmethod
    def _graceful(resource: Resource, item: Object) -> bool:
        return resource is PODS and item["metadata"].get("deletionGracePeriodSeconds", 0) > 0

    def _gone(self, resource: Resource, item: Object) -> None:
        self._store.remove(resource, item)
        if resource is PODS:
            if self.nodes is not None:
                self.nodes.gone(item)
            job = self._owner(item)
            if job is not None:
                self.count(job)
                self._let_foreground_go(job)
        else:
            self.deleted(resource, item)

    def _let_foreground_go(self, job: Object) -> None:
        if not self._pods(job):
            self.unhold(JOBS, job, "foregroundDeletion")

    # -- looking ------------------------------------------------------------------------------------------------

    def _current(self, resource: Resource, item: Object) -> Object | None:
        about = item["metadata"]
        found = self._store.get(resource, about.get("namespace", ""), about["name"])
        return found if found is not None and found["metadata"]["uid"] == about["uid"] else None

    def _pods(self, job: Object) -> list[Object]:
        return self._store.owned(PODS, job["metadata"]["uid"], job["metadata"]["namespace"])

    def _owner(self, pod: Object) -> Object | None:
        about = pod["metadata"]
        for each in about.get("ownerReferences", ()):
            found = self._store.get(JOBS, about["namespace"], each["name"])
            if each["kind"] == "Job" and found is not None and found["metadata"]["uid"] == each["uid"]:
                return found
        return None


def mark(item: Object, now: float, grace: int) -> None:
    """Mark a thing as deleted, to be gone after so many seconds."""
    about = item["metadata"]
    about["deletionTimestamp"] = stamp(now + grace)
    about["deletionGracePeriodSeconds"] = grace
    if "generation" in about:
        about["generation"] += 1

"""The Jobs and pods of one namespace that run CSCs, as they were listed and have changed since. Bounded; no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from deploydash.core.fleet.facts import Fact
from deploydash.systems.kubernetes.objects import Job, Pod
from deploydash.systems.kubernetes.standing import BEGINS, standing
from deploydash.systems.kubernetes.work import KUBERNETES

MOST_PODS = 8
"""So many pods are kept of one Job, the newest: a Job makes seven at most (backoffLimit 6)."""

MOST_EVENTS = 500
"""Of so many pods the last event is kept."""


class Space:
    """What is kept of one namespace. ``jobs``: the CSC of each Job; whatever runs no CSC is not kept.

    ``listed``: whether both its Jobs and its pods have been listed.
    """

    def __init__(self, namespace: str, jobs: Mapping[str, str]) -> None:
        self.namespace = namespace
        self._cscs = dict(jobs)
        self._jobs: dict[str, Job] | None = None
        self._pods: dict[str, dict[str, Pod]] | None = None
        self._events: dict[str, str] = {}
        self._facts: dict[str, Fact] = {}
        self._stale = set(jobs)

    @property
    def listed(self) -> bool:
        """Whether it is known what there is."""
        return self._jobs is not None and self._pods is not None

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        """Take a whole list of Jobs in place of all that was known."""
        self._jobs = {job.name: job for job in jobs if job.name in self._cscs}
        self._stale.update(self._cscs)

    def set_pods(self, pods: Iterable[Pod]) -> None:
        """Take a whole list of pods in place of all that was known."""
        self._pods = {}
        for pod in pods:
            self.take_pod("ADDED", pod)
        self._stale.update(self._cscs)

    def set_events(self, events: Iterable[tuple[str, str]]) -> None:
        """Take a whole list of events, oldest first."""
        self._events.clear()
        for pod, words in events:
            self.take_event(pod, words)

    def take_job(self, kind: str, job: Job) -> None:
        """Take a change of a Job: ``ADDED``, ``MODIFIED`` or ``DELETED``."""
        if job.name not in self._cscs or self._jobs is None:
            return
        if kind != "DELETED":
            self._jobs[job.name] = job
        elif (known := self._jobs.get(job.name)) is not None and known.uid == job.uid:
            del self._jobs[job.name]
        self._stale.add(job.name)

    def take_pod(self, kind: str, pod: Pod) -> None:
        """Take a change of a pod."""
        if pod.job not in self._cscs or self._pods is None:
            return
        pods = self._pods.setdefault(pod.job, {})
        before = pods.pop(pod.name, None)
        if kind != "DELETED":
            if before is not None and (before.state, before.restarts) == (pod.state, pod.restarts):
                # The back-off says less than the failure before it, and each attempt is the same trouble still.
                pod = replace(pod, message=pod.message or before.message, since=before.since or pod.since)
            pods[pod.name] = pod
            if len(pods) > MOST_PODS:
                del pods[min(pods.values(), key=lambda one: (one.created, one.name)).name]
        else:
            self._events.pop(pod.name, None)
        self._stale.add(pod.job)

    def take_event(self, pod: str, words: str) -> None:
        """Take what was reported last of a pod, which may be listed later."""
        self._events.pop(pod, None)
        self._events[pod] = words
        if len(self._events) > MOST_EVENTS:
            del self._events[next(iter(self._events))]
        self._stale.update(job for job, pods in (self._pods or {}).items() if pod in pods)

    def facts(self, utc: float, *, every: bool) -> Iterator[Fact]:
        """Yield how the Jobs and pods of CSCs stand, as of ``utc`` (UTC unix seconds): those that may have changed."""
        stale, self._stale = self._stale, set()
        for name in stale:
            self._facts[name] = self._fact(name, self._cscs[name])
        for name in self._facts if every else stale:
            yield replace(self._facts[name], read_utc=utc)

    def _fact(self, name: str, csc: str) -> Fact:
        pods = list((self._pods or {}).get(name, {}).values())
        event = next((self._events[pod.name] for pod in pods if pod.name in self._events and pod.state in BEGINS), "")
        found = standing(self.namespace, name, (self._jobs or {}).get(name), pods, event)
        tag = next((pod.tag for pod in pods if pod.state == "Running" and pod.deleting is None), "")
        return Fact(KUBERNETES, f"{KUBERNETES}/{csc}", csc, found.ok, found.value, found.sentence, 0.0, tag)

"""How the Job and the pods of one CSC stand, in a sentence that only changes when they do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploydash.core.words import clock, counted
from deploydash.systems.kubernetes.objects import Job, Pod

BEGINS = frozenset({"Pending", "ContainerCreating", "PodInitializing"})
"""States of a pod on its way."""

ERROR = "Error"
CRASH_LOOP = "CrashLoopBackOff"
LOOP = 2
"""So many crashes make a loop."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands. ``ok``: its pod runs, as a CSC's does that is to be up. ``value``: in a word or two."""

    ok: bool
    value: str
    sentence: str


def standing(namespace: str, name: str, job: Job | None, pods: Sequence[Pod], event: str = "") -> Standing:
    """Return how the Job ``name`` and its pods stand; ``event`` is the last thing that was reported of them.

    The cluster's own word comes first, as its tools show it, then what it is about.
    """
    newest = max(pods, key=lambda pod: (pod.deleting is None, pod.created, pod.name), default=None)
    if job is None and newest is None:
        return Standing(False, "no Job", f"there is no Job {name} in {namespace}")
    if job is not None and job.deleting is not None and newest is None:
        return Standing(
            False, "deleting", f"Job {name} is being deleted since {clock(job.deleting)}{_held(job.held_by)}"
        )
    if newest is not None and newest.deleting is not None:
        words = f"terminating since {clock(newest.deleting)}{_held(newest.held_by)} (pod {newest.name})"
        return Standing(False, "terminating", words)
    if job is None and newest is not None:
        return Standing(False, "orphan", f"{newest.state} without its Job, which is gone (pod {newest.name})")
    crashes = _crashes(job, pods)
    if job is not None and job.ended:
        return _ended(job, newest, crashes)
    if newest is None:
        return Standing(False, "no pod", f"Job {name}: no pod{_after(crashes, ' after')}{_told(event)}")
    last = max((pod for pod in pods if pod.phase == "Failed"), key=lambda pod: (pod.created, pod.name), default=None)
    return _pod(newest, crashes, last, event)


def _crashes(job: Job | None, pods: Sequence[Pod]) -> int:
    """Return how often it crashed: its Job counts a pod that failed a moment after that has, and those evicted too."""
    ours = [pod for pod in pods if job is None or pod.owner in {job.uid, ""}]
    failed = [pod for pod in ours if pod.phase == "Failed"]
    crashed = sum(pod.code is not None for pod in failed)
    counted_by_job = (job.failed if job is not None else 0) - (len(failed) - crashed)
    return max(counted_by_job, crashed) + max((pod.restarts for pod in ours), default=0)


def _ended(job: Job, pod: Pod | None, crashes: int) -> Standing:
    at = f" at {clock(job.ended_utc)}" if job.ended_utc is not None else ""
    code = _code(pod)
    if job.ended == "Complete":
        return Standing(False, "Completed", f"Completed: Job {job.name} ended{at}{code}")
    telling = pod is not None and pod.state not in {ERROR, ""} and pod.code != 0
    word = pod.state if pod is not None and telling else job.why or "Failed"
    why = f": {job.why}" if job.why and word != job.why else ""
    return Standing(False, word, f"{word}: Job {job.name} failed{at}{code}{_after(crashes)}{why}")


def _pod(pod: Pod, crashes: int, last: Pod | None, event: str) -> Standing:
    """Return how a pod stands whose Job goes on; ``last``: the newest one that failed.

    A Job never starts a container anew. It makes pod after pod, each later than the one before, which is the loop that
    the cluster calls by its name only where the container stays in one pod.
    """
    since = f" since {clock(pod.since)}" if pod.since is not None else ""
    again, named = _after(crashes), f" (pod {pod.name})"
    if pod.state == "Running":
        return Standing(True, "running", f"running{since}{again}{named}")
    if crashes >= LOOP and pod.state == ERROR:
        return Standing(False, CRASH_LOOP, f"{CRASH_LOOP}{since}{_code(pod)}{again}{named}")
    if crashes >= LOOP and pod.state in BEGINS:
        words = f"{CRASH_LOOP}{_code(last)}{again}, now {pod.state}{since}{_told(event)}{named}"
        return Standing(False, CRASH_LOOP, words)
    told = f": {pod.message}" if pod.message else ""
    if pod.state in BEGINS:
        told = _told(event) or told
    return Standing(False, pod.state, f"{pod.state}{since}{_code(pod)}{again}{told}{named}")


def _code(pod: Pod | None) -> str:
    return f", exit code {pod.code}" if pod is not None and pod.code is not None else ""


def _after(crashes: int, word: str = ", after") -> str:
    return f"{word} {counted(crashes, 'crash', 'crashes')}" if crashes else ""


def _told(event: str) -> str:
    return f": {event}" if event else ""


def _held(finalizers: Sequence[str]) -> str:
    return f", held by {', '.join(finalizers)}" if finalizers else ""

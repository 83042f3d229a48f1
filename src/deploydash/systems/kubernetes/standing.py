"""How the Job and the pods of one CSC stand, in a sentence that only changes when they do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploydash.core.words import clock, counted
from deploydash.systems.kubernetes.objects import Job, Pod

BEGINS = frozenset({"Pending", "ContainerCreating", "PodInitializing"})
"""States of a pod on its way."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands. ``ok``: its pod runs, as a CSC's does that is to be up. ``value``: in a word or two."""

    ok: bool
    value: str
    sentence: str


def standing(namespace: str, name: str, job: Job | None, pods: Sequence[Pod], event: str = "") -> Standing:
    """Return how the Job ``name`` and its pods stand; ``event`` is the last thing that was reported of them."""
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
    if job is not None and job.ended:
        return _ended(job, newest)
    if newest is None:
        crashes = f" after {counted(job.failed, 'crash', 'crashes')}" if job is not None and job.failed else ""
        return Standing(False, "no pod", f"Job {name}: no pod{crashes}{_told(event)}")
    return _pod(newest, job.failed if job is not None else 0, event)


def _ended(job: Job, pod: Pod | None) -> Standing:
    at = f" at {clock(job.ended_utc)}" if job.ended_utc is not None else ""
    code = f" with code {pod.code}" if pod is not None and pod.code is not None else ""
    if job.ended == "Complete":
        return Standing(False, "ended", f"Job {job.name} ended{at}{code}")
    last = f", last {pod.state}{code}" if pod is not None and pod.state not in {"Error", ""} else code
    why = f": {job.why}" if job.why else ""
    return Standing(False, "failed", f"Job {job.name} failed{at}{last}{why}")


def _pod(pod: Pod, failed: int, event: str) -> Standing:
    since = f" since {clock(pod.since)}" if pod.since is not None else ""
    crashes = failed + pod.restarts
    again = f", after {counted(crashes, 'crash', 'crashes')}" if crashes else ""
    code = f" with code {pod.code}" if pod.code is not None else ""
    if pod.state == "Running":
        return Standing(True, "running", f"running{since}{again} (pod {pod.name})")
    if pod.state == "Completed" or (pod.code == 0 and pod.state != "CrashLoopBackOff"):
        return Standing(False, "ended", f"ended{code}{since.replace(' since', ' at')} (pod {pod.name})")
    if pod.code is not None and pod.state == "Error":
        return Standing(
            False, f"exit code {pod.code}", f"ended{code}{since.replace(' since', ' at')}{again} (pod {pod.name})"
        )
    told = f": {pod.message}" if pod.message else ""
    if pod.state in BEGINS:
        told = _told(event) or told
    last = f", last ended{code}" if pod.code is not None and pod.state == "CrashLoopBackOff" else ""
    return Standing(False, pod.state, f"{pod.state}{since}{again}{last}{told} (pod {pod.name})")


def _told(event: str) -> str:
    return f": {event}" if event else ""


def _held(finalizers: Sequence[str]) -> str:
    return f", held by {', '.join(finalizers)}" if finalizers else ""

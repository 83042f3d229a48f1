"""What there is to delete, and what of it is left: read from the API server, nothing changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from deploydash.core.words import clock, counted, first_of
from deploydash.systems.kubernetes.client import Cluster
from deploydash.systems.kubernetes.errors import KubernetesError, short
from deploydash.systems.kubernetes.objects import JOB_NAME, Job, Pod, job_of, pod_of
from deploydash.systems.kubernetes.work import NAMESPACES, Chosen, JobsWork, LabsWork, choose

SHOWN = 6
"""So many names are listed where there may be many."""


@dataclass(frozen=True, slots=True)
class There:
    """What is there to be deleted: uids by name, a sentence about it, and the names of what runs."""

    uids: Mapping[str, str]
    words: str
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of what was to be gone. ``of``: how many there were.

    ``names``: what is not gone yet; ``holds``: why each is still there, oldest first. ``untouched``: those that nobody
    has begun to delete. ``anew``: those that stand there once more, created since.
    """

    of: int
    names: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    untouched: tuple[str, ...] = ()
    anew: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """How many are gone."""
        return self.of - len(self.names)

    @property
    def words(self) -> str:
        """What holds the last of them."""
        return first_of(self.holds, 3)


async def jobs_there(cluster: Cluster, work: JobsWork) -> Chosen:
    """Return what becomes of each Job of a namespace.

    Raises:
        FeedError: it cannot be read, the namespace does not exist, or nothing may be deleted there; says why.
    """
    every, selected, exists, may = await asyncio.gather(
        cluster.every(work.path),
        _selected(cluster, work),
        _exists(cluster, work.namespace),
        cluster.may("delete", "batch", "jobs", work.namespace),
    )
    if not exists:
        hint = "a list of it is empty, which is no proof: correct the site file"
        raise KubernetesError(f"there is no namespace {work.namespace}", status=404, hint=hint)
    if not may:
        why = f"no right to delete Jobs in {work.namespace}"
        raise KubernetesError(why, status=403, hint="ask for this right, or use an account that has it")
    return choose(work, [job_of(raw) for raw in every[0]], selected)


async def _selected(cluster: Cluster, work: JobsWork) -> list[str]:
    if work.names:
        return list(work.names)
    found, _ = await cluster.every(work.path, {"labelSelector": work.selector})
    return [job_of(raw).name for raw in found]


async def _exists(cluster: Cluster, namespace: str) -> bool:
    """Say whether a namespace exists; who may not look is not told that it does not."""
    try:
        await cluster.get(f"{NAMESPACES}/{namespace}")
    except KubernetesError as error:
        if error.status == 403:
            return True
        if error.status == 404:
            return False
        raise
    return True


def jobs_words(work: JobsWork, chosen: Chosen, left: Left) -> There:
    """Return what is to be deleted in one namespace, with its blast radius in a sentence.

    ``left``: what is left there of what was deleted before.
    """
    running = tuple(job.name for job in chosen.doomed if job.running)
    words = [f"{counted(len(chosen.doomed), 'Job')} {'of this run' if work.names else f'selected by {work.selector}'}"]
    words += [f"running: {', '.join(running)}"] if running else []
    if left.names:
        words.append(f"still ending: {first_of(left.holds, SHOWN)}")
    if chosen.missing:
        words.append(f"not there: {first_of(chosen.missing, SHOWN)}")
    if chosen.spared:
        words.append("spared: " + first_of([f"{job.name} ({why})" for job, why in chosen.spared], SHOWN))
    return There({job.name: job.uid for job in chosen.doomed}, "; ".join(words), running)


async def jobs_left(cluster: Cluster, work: JobsWork, uids: Mapping[str, str]) -> Left:
    """Return what is left of these Jobs and their pods, and of what was deleted there before.

    Raises:
        FeedError: it cannot be read.
    """
    selector = {"labelSelector": work.selector}
    named = {"labelSelector": f"{JOB_NAME} in ({','.join(work.names)})"}
    jobs, pods = await asyncio.gather(
        cluster.every(work.path, None if work.names else selector),
        cluster.every(f"{NAMESPACES}/{work.namespace}/pods", named if work.names else selector),
    )
    return left_of(work, [job_of(raw) for raw in jobs[0]], [pod_of(raw) for raw in pods[0]], uids)


def left_of(work: JobsWork, jobs: Sequence[Job], pods: Sequence[Pod], uids: Mapping[str, str]) -> Left:
    """Return what of these Jobs, by name and uid, is left, with every pod whose Job goes or has gone.

    A Job that was created anew, and its pods, are not ours; nor is a pod that no Job made, whatever its labels.
    """
    ours = set(uids.values())
    chosen = choose(work, jobs, [job.name for job in jobs])
    jobs_left = {job.name: job for job in (*chosen.doomed, *chosen.deleting) if job.uid in ours or job.deleting}
    anew = tuple(job.name for job in chosen.doomed if job.name in uids and job.uid not in ours)
    going = {job.uid for job in jobs_left.values()}
    stay = {job.uid for job in jobs} - going
    pods_left = [pod for pod in pods if pod.job and pod.owner not in stay]
    names = {*jobs_left, *(pod.job for pod in pods_left)}
    held = [(pod.deleting or 0.0, _pod_words(pod, gone=pod.owner not in going)) for pod in pods_left]
    by_pods = {pod.job for pod in pods_left}
    told = [job for name, job in jobs_left.items() if name not in by_pods or (job.deleting and _foreign(job))]
    held += [(job.deleting or 0.0, _job_words(job)) for job in told]
    return Left(
        of=len({*uids, *names}),
        names=tuple(sorted(names)),
        holds=tuple(words for _, words in sorted(held)),
        untouched=tuple(sorted(name for name, job in jobs_left.items() if job.deleting is None)),
        anew=anew,
    )


def _pod_words(pod: Pod, *, gone: bool) -> str:
    if pod.deleting is not None:
        return f"pod {pod.name} terminating since {clock(pod.deleting)}{_held(pod.held_by)}"
    return f"pod {pod.name} {'runs on without its Job' if gone else f'is {pod.state}'}"


def _job_words(job: Job) -> str:
    if job.deleting is None:
        return f"Job {job.name}"
    return f"Job {job.name} being deleted since {clock(job.deleting)}{_held(job.held_by)}"


def _foreign(job: Job) -> tuple[str, ...]:
    """Return the finalizers of a Job that the cluster takes off by no means: its pods may stay because of them."""
    return tuple(name for name in job.held_by if name not in {"foregroundDeletion", "orphan"})


def _held(finalizers: Collection[str]) -> str:
    return f", held by finalizer {', '.join(finalizers)}" if finalizers else ""


async def labs_there(cluster: Cluster, work: LabsWork) -> There:
    """Return the namespaces of running labs, with their users in a sentence.

    Raises:
        FeedError: it cannot be read, or none may be deleted.
    """
    found, may = await asyncio.gather(
        cluster.every(NAMESPACES, {"labelSelector": work.label}), cluster.may("delete", "", "namespaces")
    )
    if not may:
        hint = "ask for this right, or use an account that has it"
        raise KubernetesError("no right to delete namespaces", status=403, hint=hint)
    meta = [raw.get("metadata", {}) for raw in found[0]]
    standing = {str(one.get("name")): str(one.get("uid")) for one in meta if not one.get("deletionTimestamp")}
    ending = [str(one.get("name")) for one in meta if one.get("deletionTimestamp")]
    users = ", ".join(name.partition("-")[2] or name for name in standing)
    words = counted(len(standing), "running lab") + (f" of {users}" if users else "")
    words += f"; terminating already: {first_of(ending, SHOWN)}" if ending else ""
    return There(standing, words, tuple(standing))


async def labs_left(cluster: Cluster, work: LabsWork, uids: Mapping[str, str]) -> Left:
    """Return what is left of these namespaces, and which others of their kind are still terminating.

    Raises:
        FeedError: it cannot be read.
    """
    found, _ = await cluster.every(NAMESPACES, {"labelSelector": work.label})
    ids = set(uids.values())
    ours = [raw for raw in found if (one := raw.get("metadata", {})).get("uid") in ids or one.get("deletionTimestamp")]
    meta = {str(raw["metadata"].get("name")): raw for raw in ours}
    untouched = [name for name, raw in meta.items() if not raw["metadata"].get("deletionTimestamp")]
    there = {str(raw.get("metadata", {}).get("name")) for raw in found}
    return Left(
        of=len({*uids, *meta}),
        names=tuple(sorted(meta)),
        holds=tuple(_lab_words(name, raw) for name, raw in sorted(meta.items())),
        untouched=tuple(sorted(untouched)),
        anew=tuple(sorted((there & set(uids)) - set(meta))),
    )


def _lab_words(name: str, raw: Mapping[str, object]) -> str:
    status = raw.get("status")
    rows = status.get("conditions") if isinstance(status, dict) else None
    holds = [
        short(row.get("message"))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("status") == "True" and str(row.get("type")).endswith("Remaining")
    ]
    return f"{name} terminating{': ' + '; '.join(holds) if holds else ''}"

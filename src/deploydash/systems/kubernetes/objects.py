"""What is kept of a Job, a pod and an event of the API server: what is shown or decided by, bounded in size. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploydash.systems.kubernetes.errors import short

JOB_NAME = "batch.kubernetes.io/job-name"
"""The label by which a Job's pods are found; Kubernetes puts it on each of them."""

Object = Mapping[str, Any]

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff"})
"""The two by turns are one trouble: an image that cannot be pulled, tried again and again."""


@dataclass(frozen=True, slots=True)
class Job:
    """A Job. ``ended``: ``Complete`` or ``Failed``, and why; empty while it runs. Times are UTC unix seconds.

    ``deleting``: since when it is being deleted; ``held_by``: finalizers without which it would be gone.
    """

    name: str
    uid: str
    labels: Mapping[str, str]
    owner: str = ""
    active: int = 0
    failed: int = 0
    ended: str = ""
    why: str = ""
    ended_utc: float | None = None
    deleting: float | None = None
    held_by: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether it has a pod that runs or begins to."""
        return self.active > 0 and not self.ended


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a Job, whose ``state`` is its first container's where that says more than the phase of the whole.

    ``state``: such as ``Running``, ``ContainerCreating``, ``ErrImagePull``, ``CrashLoopBackOff``, ``OOMKilled``,
    ``Evicted``; ``code`` its exit code, None while it has not ended. ``since``: since when (UTC unix seconds).
    ``owner``: the uid of its Job, empty where nobody owns it. ``tag``: of its first container's image.
    """

    name: str
    uid: str
    job: str
    owner: str
    created: float
    phase: str
    state: str
    message: str = ""
    since: float | None = None
    code: int | None = None
    restarts: int = 0
    deleting: float | None = None
    held_by: tuple[str, ...] = ()
    tag: str = ""


def job_of(raw: Object) -> Job:
    """Return what is kept of a Job."""
    meta, status = _part(raw, "metadata"), _part(raw, "status")
    ended = next(
        (
            row
            for row in _rows(status, "conditions")
            if row.get("type") in {"Complete", "Failed"} and row.get("status") == "True"
        ),
        {},
    )
    labels = _part(meta, "labels")
    return Job(
        name=_text(meta, "name"),
        uid=_text(meta, "uid"),
        labels={key: str(labels[key]) for key in ("csc", "type") if key in labels},
        owner=next((f"{_text(row, 'kind')} {_text(row, 'name')}" for row in _rows(meta, "ownerReferences")), ""),
        active=_number(status, "active"),
        failed=_number(status, "failed"),
        ended=_text(ended, "type"),
        why=_text(ended, "reason"),
        ended_utc=_time(ended.get("lastTransitionTime")),
        deleting=_deleting(meta),
        held_by=_finalizers(meta),
    )


def pod_of(raw: Object) -> Pod:
    """Return what is kept of a pod."""
    meta, status = _part(raw, "metadata"), _part(raw, "status")
    conditions = {_text(row, "type"): row for row in _rows(status, "conditions")}
    states = [*_rows(status, "initContainerStatuses"), *_rows(status, "containerStatuses")]
    state, message, code, since = _state(status, conditions, states)
    owner = next((row for row in _rows(meta, "ownerReferences") if row.get("kind") == "Job"), {})
    return Pod(
        name=_text(meta, "name"),
        uid=_text(meta, "uid"),
        job=_text(owner, "name") or str(_part(meta, "labels").get(JOB_NAME) or ""),
        owner=_text(owner, "uid"),
        created=_time(meta.get("creationTimestamp")) or 0.0,
        phase=_text(status, "phase"),
        state=state,
        message=short(message),
        since=since,
        code=code,
        restarts=max((_number(row, "restartCount") for row in states), default=0),
        deleting=_deleting(meta),
        held_by=tuple(name for name in _finalizers(meta) if name != "batch.kubernetes.io/job-tracking"),
        tag=next((_tag(_text(row, "image")) for row in _rows(_part(raw, "spec"), "containers")), ""),
    )


def _tag(image: str) -> str:
    """Return the tag of an image's name; its registry may have a port."""
    return image.rpartition("/")[2].partition("@")[0].partition(":")[2]


def _state(
    status: Object, conditions: Mapping[str, Object], containers: list[Object]
) -> tuple[str, str, int | None, float | None]:
    """Return a pod's state, what is said of it, its exit code and since when."""
    if reason := _text(status, "reason"):  # of the whole pod: evicted, its node was lost
        return reason, _text(status, "message"), None, _time(status.get("startTime"))
    for row in containers:
        state = _part(row, "state")
        if ended := _part(state, "terminated"):
            code = ended.get("exitCode")
            if code == 0 and row is not containers[-1]:
                continue  # an init container that did its work
            words = _text(ended, "reason") or "Terminated"
            return (
                words,
                _text(ended, "message"),
                code if isinstance(code, int) else None,
                _time(ended.get("finishedAt")),
            )
        if waits := _part(state, "waiting"):
            reason = _text(waits, "reason") or "Waiting"
            crashed = _part(_part(row, "lastState"), "terminated").get("exitCode")
            code = crashed if isinstance(crashed, int) else None
            since = _time(_part(conditions, "PodScheduled").get("lastTransitionTime"))
            if reason in _IMAGE:
                return "ErrImagePull", _pull_words(_text(waits, "message")), None, since
            return reason, _text(waits, "message"), code, since
        if "running" in state:
            return "Running", "", None, _time(_part(state, "running").get("startedAt"))
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        reason = _text(scheduled, "reason") or "Unscheduled"
        return reason, _text(scheduled, "message"), None, _time(scheduled.get("lastTransitionTime"))
    return _text(status, "phase") or "Pending", "", None, _time(status.get("startTime"))


def _pull_words(message: str) -> str:
    """Return why an image cannot be pulled, without what only says that it is tried again."""
    text = " ".join(message.split())
    if text.startswith("Back-off pulling image"):
        text = text.partition(": ")[2].removeprefix("ErrImagePull: ")
    return text.rpartition("desc = ")[2].strip()


def _part(raw: Object, key: str) -> Object:
    found = raw.get(key)
    return found if isinstance(found, dict) else {}


def _rows(raw: Object, key: str) -> list[Object]:
    found = raw.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _text(raw: Object, key: str) -> str:
    found = raw.get(key)
    return found[:4000] if isinstance(found, str) else ""


def _number(raw: Object, key: str) -> int:
    found = raw.get(key)
    return found if isinstance(found, int) else 0


def _time(text: object) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else None
    except ValueError:
        return None


def _deleting(meta: Object) -> float | None:
    """Return since when something is being deleted: its deletionTimestamp lies a grace period after that."""
    at = _time(meta.get("deletionTimestamp"))
    return at - _number(meta, "deletionGracePeriodSeconds") if at is not None else None


def _finalizers(meta: Object) -> tuple[str, ...]:
    found = meta.get("finalizers")
    return tuple(str(name)[:200] for name in found[:8]) if isinstance(found, list) else ()


def event_of(raw: Object) -> tuple[str, str]:
    """Return of which pod an event is, and what it says in one line."""
    reason, message = _text(raw, "reason"), _text(raw, "message")
    return _text(_part(raw, "involvedObject"), "name"), short(message or reason)


def event_time(raw: Object) -> str:
    """Return when an event was last reported, as it is written; for sorting."""
    return _text(raw, "lastTimestamp") or _text(raw, "eventTime")

"""A DELETE as Kubernetes takes it: options, preconditions, dry run, and what is answered."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploydash.demo.fakes.cluster_control import Controller, deleting, mark
from deploydash.demo.fakes.cluster_kinds import JOBS, PODS, Object, Resource
from deploydash.demo.fakes.cluster_status import invalid, success, unmet
from deploydash.demo.fakes.cluster_store import Store

_POLICIES = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class Options:
    """How to delete. ``policy`` empty: as the kind does by default, which is to orphan for Jobs."""

    policy: str = ""
    dry_run: bool = False
    grace: int | None = None
    uid: str = ""
    version: str = ""


def options(body: Any, query: Mapping[str, str]) -> Options:
    """The options of a request. With a body those of the query are ignored, as by the real server. Raises Refusal."""
    if body is None:
        grace = query.get("gracePeriodSeconds")
        found: Any = {
            "propagationPolicy": query.get("propagationPolicy"),
            "dryRun": [query["dryRun"]] if "dryRun" in query else [],
            "gracePeriodSeconds": None if grace is None else int(grace),
        }
    else:
        found = body
    policy = found.get("propagationPolicy") or ""
    if policy and policy not in _POLICIES:
        told = ", ".join(f'"{each}"' for each in (*_POLICIES, "nil"))
        message = f'Unsupported value: "{policy}": supported values: {told}'
        cause = {"reason": "FieldValueNotSupported", "message": message, "field": "propagationPolicy"}
        raise invalid("DeleteOptions", "meta.k8s.io", "", [cause])
    wanted = found.get("preconditions") or {}
    return Options(
        policy,
        "All" in (found.get("dryRun") or ()),
        found.get("gracePeriodSeconds"),
        wanted.get("uid") or "",
        wanted.get("resourceVersion") or "",
    )


def orphans_by_default(resource: Resource, asked: Options) -> bool:
    """Whether what it owns stays because nothing was said: the answer carries a warning then."""
    return resource is JOBS and not asked.policy


def check(resource: Resource, item: Object, asked: Options) -> None:
    """Refuse a delete whose preconditions do not hold. Raises Refusal."""
    about = item["metadata"]
    if asked.uid and asked.uid != about["uid"]:
        why = f"the UID in the precondition ({asked.uid}) does not match the UID in record ({about['uid']}). "
        raise unmet(resource, about["name"], why + "The object might have been deleted and then recreated")
    if asked.version and asked.version != about["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({asked.version}) does not match the ResourceVersion in record "
            f"({about['resourceVersion']}). The object might have been modified"
        )
        raise unmet(resource, about["name"], why)


def _finalizers(resource: Resource, item: Object, asked: Options) -> list[str]:
    """The finalizers that it has from now on, with those by which the collector works."""
    own = [each for each in item["metadata"].get("finalizers", ()) if each not in {"foregroundDeletion", "orphan"}]
    if asked.policy == "Foreground":
        own.append("foregroundDeletion")
    elif asked.policy == "Orphan" or orphans_by_default(resource, asked):
        own.append("orphan")
    return own


def delete(
    store: Store, controller: Controller, resource: Resource, item: Object, asked: Options, now: float
) -> Object:
    """Delete one thing, or only tell what would be; the answer. Raises Refusal."""
    check(resource, item, asked)
    if resource is PODS:
        return item if asked.dry_run else controller.terminate(item, asked.grace)
    finalizers = _finalizers(resource, item, asked)
    if not finalizers:
        if not asked.dry_run:
            store.remove(resource, item)
            controller.deleted(resource, item)
        return success(resource, item)
    dying = copy.deepcopy(item)
    if not deleting(dying):
        mark(dying, now, 0)
    dying["metadata"]["finalizers"] = finalizers
    if dying == item or asked.dry_run:
        return dying
    dying = store.update(resource, dying)
    controller.deleted(resource, dying)
    return dying

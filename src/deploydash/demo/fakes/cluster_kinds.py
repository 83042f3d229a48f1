"""The kinds of things that the demo observatory's Kubernetes API knows, and the paths that lead to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
"""A thing as the API writes it in JSON. What the store has handed out is never changed, only replaced."""


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A kind of thing, by the words of its API; ``fields`` are what a field selector may ask for beside its name."""

    plural: str
    group: str
    kind: str
    namespaced: bool = True
    fields: tuple[str, ...] = ()
    empty: Mapping[str, Any] | None = None
    """What stands beside ``metadata`` in a bookmark of this kind."""

    @property
    def api_version(self) -> str:
        """``batch/v1``, ``v1``."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def qualified(self) -> str:
        """``jobs.batch``, ``pods``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """``Job.batch``, ``Pod``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


JOBS = Resource(
    "jobs",
    "batch",
    "Job",
    fields=("status.successful",),
    empty={"spec": {"template": {"metadata": {}, "spec": {"containers": None}}}, "status": {}},
)
PODS = Resource(
    "pods",
    "",
    "Pod",
    fields=("status.phase", "spec.nodeName", "spec.restartPolicy", "status.podIP"),
    empty={"spec": {"containers": None}, "status": {}},
)
NAMESPACES = Resource(
    "namespaces", "", "Namespace", namespaced=False, fields=("status.phase",), empty={"spec": {}, "status": {}}
)
CONFIG_MAPS = Resource("configmaps", "", "ConfigMap", empty={})
EVENTS = Resource(
    "events",
    "",
    "Event",
    fields=("involvedObject.kind", "involvedObject.name", "involvedObject.namespace", "involvedObject.uid", "reason"),
    empty={},
)
DEPLOYMENTS = Resource("deployments", "apps", "Deployment", empty={"spec": {}, "status": {}})

RESOURCES = {(each.group, each.plural): each for each in (JOBS, PODS, NAMESPACES, CONFIG_MAPS, EVENTS, DEPLOYMENTS)}


@dataclass(frozen=True, slots=True)
class Where:
    """What a path leads to. ``resource`` is None for a kind that is not known; ``name`` is empty for a collection."""

    group: str
    plural: str
    namespace: str
    name: str
    resource: Resource | None


def where(path: str) -> Where | None:
    """What a path leads to; None when it is none of things."""
    parts = path.strip("/").split("/")
    if parts[:2] == ["api", "v1"]:
        group, rest = "", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3 and parts[2] == "v1":
        group, rest = parts[1], parts[3:]
    else:
        return None
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    if not rest or len(rest) > 2:
        return None
    name = rest[1] if len(rest) == 2 else ""
    resource = RESOURCES.get((group, rest[0]))
    if resource is NAMESPACES:
        namespace = name
    return Where(group, rest[0], namespace, name, resource)

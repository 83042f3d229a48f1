"""The query parameter ``fields`` of Argo CD, with its oddities."""

from __future__ import annotations

from typing import Any

from deploydash.demo.fakes.argocd_status import Refusal
from deploydash.demo.fakes.cluster_kinds import Object

_MISSING = object()
_ITEM = [
    "metadata.name",
    "metadata.namespace",
    "metadata.annotations",
    "metadata.labels",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "spec",
    "spec.destination",
    "spec.project",
    "spec.source",
    "spec.sources",
    "spec.sourceHydrator",
    "spec.syncPolicy",
    "operation.sync",
    "status.sourceHydrator",
    "status.summary",
    "status.sync.status",
    "status.sync.revision",
    "status.health",
    "status.resources",
    "status.operationState.phase",
    "status.operationState.startedAt",
    "status.operationState.finishedAt",
    "status.operationState.operation.sync",
]
_NULL = {"metadata.deletionTimestamp", "spec.sources", "spec.sourceHydrator", "spec.syncPolicy"}


def _get(item: Any, path: str) -> Any:
    for word in path.split("."):
        if not isinstance(item, dict) or word not in item:
            return _MISSING
        item = item[word]
    return item


def _set(item: Object, path: str, value: Any) -> None:
    *before, last = path.split(".")
    for word in before:
        item = item.setdefault(word, {})
    if isinstance(item.get(last), dict) and isinstance(value, dict):
        item[last] |= value
    else:
        item[last] = value


def _value(item: Object, path: str) -> Any:
    if path == "status.operationState.operation.sync":
        return _get(item, "status.operationState.syncResult")  # what the real one answers under this name
    return _get(item, path)


def of_list(found: Object, fields: str) -> Object:
    """A list of applications with the fields that are asked for; only some can be. Raises Refusal."""
    if not fields:
        return found
    excluding = fields.startswith("-")
    names = fields.removeprefix("-").split(",")
    if excluding and any(name.startswith("-") for name in names):
        raise Refusal(0, "failed to marshal error message", 500)
    items = None
    if found["items"] is not None:
        items = [_selected(item, names, excluding=excluding) for item in found["items"]]
    return {"items": items, "metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}}


def _selected(item: Object, names: list[str], *, excluding: bool) -> Object:
    made: Object = {}
    for path in _ITEM:
        if (f"items.{path}" in names) is excluding or (excluding and path == "spec"):
            continue
        value = _value(item, path)
        if value is _MISSING and excluding and path in _NULL:
            value = None
        if value is not _MISSING:
            _set(made, path, value)
    return made


def of_any(found: Any, fields: str, prefix: str) -> Any:
    """Any answer with the fields that are asked for, or without those after a ``-`` that stands before all."""
    if not fields:
        return found
    excluding = fields.startswith("-")
    names = set(fields.removeprefix("-").split(","))
    return _picked(found, names, prefix, excluding=excluding)


def _picked(found: Any, names: set[str], prefix: str, *, excluding: bool) -> Any:
    if isinstance(found, list):
        return [_picked(each, names, prefix, excluding=excluding) for each in found]
    if not isinstance(found, dict):
        return found
    made: Object = {}
    for word in sorted(found):
        path = f"{prefix}.{word}" if prefix else word
        inside = any(name.startswith(f"{path}.") for name in names)
        if path in names:
            if not excluding:
                made[word] = found[word]
        elif inside or (excluding and isinstance(found[word], dict | list)):
            picked = _picked(found[word], names, path, excluding=excluding)
            if picked != {} or excluding:
                made[word] = picked
        elif excluding:
            made[word] = found[word]
    return made

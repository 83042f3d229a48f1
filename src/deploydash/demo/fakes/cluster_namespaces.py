"""How a namespace ends: late, and not before everything in it is gone."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable

from deploydash.demo.fakes.cluster_control import Controller, Later, deleting
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, DEPLOYMENTS, EVENTS, JOBS, NAMESPACES, PODS, Object
from deploydash.demo.fakes.cluster_status import Refusal, details, refusal
from deploydash.demo.fakes.cluster_store import Store, stamp

BEGINS_S = 5.1
"""Nothing happens before; then it is looked again as often."""
_PROTECTED = {"default", "kube-public", "kube-system"}
_CONTENT = (CONFIG_MAPS, DEPLOYMENTS, JOBS, PODS, EVENTS)

_GOOD = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
)


def terminating(namespace: str, resource_name: str, name: str) -> Refusal:
    """Nothing new goes into a namespace that ends."""
    why = f"namespace {namespace} is being terminated"
    message = f'{resource_name} "{name}" is forbidden: unable to create new content in namespace {namespace} because it'
    cause = {"reason": "NamespaceTerminating", "message": why, "field": "metadata.namespace"}
    plural, _, group = resource_name.partition(".")
    about = details(name, group, plural, causes=[cause])
    return refusal(403, "Forbidden", f"{message} is being terminated", about)


class Namespaces:
    """The namespace controller."""

    def __init__(self, store: Store, controller: Controller, clock: Callable[[], float], later: Later) -> None:
        self._store = store
        self._controller = controller
        self._clock = clock
        self._later = later

    def delete(self, item: Object, *, dry_run: bool) -> Object:
        """Let a namespace end; what is answered. Raises Refusal."""
        name = item["metadata"]["name"]
        if name in _PROTECTED:
            message = f'namespaces "{name}" is forbidden: this namespace may not be deleted'
            raise refusal(403, "Forbidden", message, details(name, "", "namespaces"))
        if deleting(item):
            return item
        dying = copy.deepcopy(item)
        dying["metadata"]["deletionTimestamp"] = stamp(self._clock())
        dying["status"] = {"phase": "Terminating"}
        if dry_run:
            return dying
        dying = self._store.update(NAMESPACES, dying)
        self._later(BEGINS_S, lambda: self._sweep(dying, first=True))
        return dying

    def _left(self, namespace: str) -> list[tuple[str, Object]]:
        return [
            (resource.plural if not resource.group else f"{resource.plural}.{resource.group}", item)
            for resource in _CONTENT
            if resource is not EVENTS
            for item in self._store.items(resource, namespace)
        ]

    def _clear(self, namespace: str) -> None:
        for resource in _CONTENT:
            for item in self._store.items(resource, namespace):
                if resource is PODS:
                    self._controller.terminate(item)
                elif not item["metadata"].get("finalizers"):
                    self._store.remove(resource, item)
                    self._controller.deleted(resource, item)

    def _sweep(self, dying: Object, *, first: bool) -> None:
        name = dying["metadata"]["name"]
        if self._store.get(NAMESPACES, "", name) is None:
            return
        self._clear(name)
        left = self._left(name)
        told = self._conditions([] if first else left, dying)
        now = self._store.change(NAMESPACES, dying, lambda item: item["status"].update(conditions=told))
        if left:
            self._later(BEGINS_S, lambda: self._sweep(now, first=False))
        else:
            self._store.remove(NAMESPACES, now)

    def _conditions(self, left: list[tuple[str, Object]], dying: Object) -> list[Object]:
        found = {each["type"]: each for each in dying["status"].get("conditions", ())}
        counted = Counter(kind for kind, _ in left)
        kinds = ", ".join(
            f"{kind if '.' in kind else f'{kind}.'} has {n} resource instances" for kind, n in sorted(counted.items())
        )
        held = Counter(each for _, item in left for each in item["metadata"].get("finalizers", ()))
        holders = ", ".join(f"{each} in {n} resource instances" for each, n in sorted(held.items()))
        bad = {
            "NamespaceContentRemaining": kinds and ("SomeResourcesRemain", f"Some resources are remaining: {kinds}"),
            "NamespaceFinalizersRemaining": holders
            and ("SomeFinalizersRemain", f"Some content in the namespace has finalizers remaining: {holders}"),
        }
        made = []
        for kind, reason, message in _GOOD:
            wrong = bad.get(kind)
            value = "True" if wrong else "False"
            why, told = wrong or (reason, message)
            old = found.get(kind, {})
            when = old["lastTransitionTime"] if old.get("status") == value else stamp(self._clock())
            made.append({"type": kind, "status": value, "lastTransitionTime": when, "reason": why, "message": told})
        return made

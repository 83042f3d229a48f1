"""What stands in the demo observatory's cluster, and every change of it, numbered as etcd numbers them."""

from __future__ import annotations

import copy
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from deploydash.demo.fakes.cluster_kinds import Object, Resource
from deploydash.demo.fakes.cluster_select import Matches

_KEPT = 20_000
"""Changes that a watch may begin behind."""


def stamp(now: float) -> str:
    """A moment (UTC unix seconds) as the API writes it, in whole seconds."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Change:
    """One change; ``item`` is the thing as it was then."""

    version: int
    type: Literal["ADDED", "MODIFIED", "DELETED"]
    resource: Resource
    item: Object


class TooOldError(Exception):
    """The changes after a version are no longer kept; ``oldest`` is the first version from which they are."""

    def __init__(self, oldest: int) -> None:
        super().__init__(oldest)
        self.oldest = oldest


class Store:
    """Things by kind, namespace and name. ``clock`` gives UTC unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._items: dict[Resource, dict[tuple[str, str], Object]] = {}
        self._changes: deque[Change] = deque(maxlen=_KEPT)
        self._last: dict[Resource, int] = {}
        self.version = 200
        self.oldest = self.version
        self.on_change: list[Callable[[Change], None]] = []

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """One thing, or None."""
        return self._items.get(resource, {}).get((namespace if resource.namespaced else "", name))

    def items(self, resource: Resource, namespace: str = "", matches: Matches = lambda _: True) -> list[Object]:
        """The things of a namespace, or of all, in order of namespace and name."""
        found = self._items.get(resource, {})
        return [found[key] for key in sorted(found) if namespace in {"", key[0]} and matches(found[key])]

    def owned(self, resource: Resource, uid: str, namespace: str) -> list[Object]:
        """The things that one thing owns."""

        def by_it(item: Object) -> bool:
            return any(owner["uid"] == uid for owner in item["metadata"].get("ownerReferences", ()))

        return self.items(resource, namespace, by_it)

    def add(self, resource: Resource, item: Object) -> Object:
        """Take up a new thing; it gets its uid and what else the server gives."""
        about = item["metadata"]
        front = {key: about[key] for key in ("name", "generateName", "namespace") if key in about}
        created = about.get("creationTimestamp") or stamp(self._clock())
        given = {"uid": about.get("uid") or str(uuid.uuid4()), "resourceVersion": "", "generation": 1}
        if resource.plural in {"namespaces", "configmaps", "events"}:
            del given["generation"]
        made = {**item, "metadata": {**front, **given, "creationTimestamp": created, **_rest(about, {*front, *given})}}
        return self._put("ADDED", resource, made)

    def update(self, resource: Resource, item: Object) -> Object:
        """Put a changed thing in the place of the old one."""
        return self._put("MODIFIED", resource, item)

    def change(self, resource: Resource, item: Object, edit: Callable[[Object], None]) -> Object:
        """Change a thing by ``edit`` on a copy of what stands now; what stands then. Nothing when it is gone."""
        about = item["metadata"]
        now = self.get(resource, about.get("namespace", ""), about["name"])
        if now is None or now["metadata"]["uid"] != about["uid"]:
            return item
        edited = copy.deepcopy(now)
        edit(edited)
        return now if edited == now else self.update(resource, edited)

    def remove(self, resource: Resource, item: Object) -> None:
        """Let a thing be gone."""
        about = item["metadata"]
        self._items[resource].pop((about.get("namespace", ""), about["name"]))
        self._tell("DELETED", resource, item)

    def last(self, resource: Resource) -> int:
        """The version of the last change of a kind."""
        return self._last.get(resource, self.oldest)

    def since(self, version: int) -> Iterator[Change]:
        """The changes after a version. Raises TooOldError."""
        if version < self.oldest:
            raise TooOldError(self.oldest)
        return (change for change in self._changes if change.version > version)

    def compact(self) -> None:
        """Forget every change so far, as etcd does every five minutes."""
        self._changes.clear()
        self.oldest = self.version

    def _put(self, kind: Literal["ADDED", "MODIFIED"], resource: Resource, item: Object) -> Object:
        made = self._tell(kind, resource, item)
        about = made["metadata"]
        self._items.setdefault(resource, {})[about.get("namespace", ""), about["name"]] = made
        return made

    def _tell(self, kind: Literal["ADDED", "MODIFIED", "DELETED"], resource: Resource, item: Object) -> Object:
        self.version += 1
        self._last[resource] = self.version
        made = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        if len(self._changes) == _KEPT:
            self.oldest = self._changes[0].version
        change = Change(self.version, kind, resource, made)
        self._changes.append(change)
        for hear in self.on_change:
            hear(change)
        return made


def _rest(about: Object, taken: set[str]) -> Object:
    return {key: value for key, value in about.items() if key not in taken | {"creationTimestamp"}}

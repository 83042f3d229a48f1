"""What a sync would change, from what Argo CD compared: in objects, images and keys, by the CSCs they belong to. Pure.

Of values only images, tags, revisions and a CSC's argument are told; of everything else that it changes, for a key's
value may be nobody's business.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from deploydash.core.words import counted, first_of
from deploydash.systems.argocd.objects import IMAGE_TAG, Key, fields, key, rows, short, text

Cscs = Mapping[tuple[str, str], str]
"""Which CSC a Job runs, by namespace and Job."""

_TOLD = frozenset({"image", "RUN_ARG", "targetRevision", "imageTag"})
_NOT_OURS = frozenset({"annotations", "managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"})
"""Keys of metadata that no sync is about; annotations hold the last configuration a second time."""


class Does(StrEnum):
    """What a sync does to an object; deletions are told first."""

    PRUNE = "prune"
    CREATE = "create"
    CHANGE = "change"


_CHART, _VERSION = "helm.sh/chart", "app.kubernetes.io/version"
"""Labels by which charts tell their version and that of what they run; the chart of CSCs tells its name alone."""

_CHART_VERSION = re.compile(r"[A-Za-z].*-v?\d+\.\d+.*")


@dataclass(frozen=True, slots=True)
class Release:
    """What one object is of: its chart with the version, the version of what it runs, the tags of its images."""

    charts: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What a sync would do to one object. ``csc``: whose it is; ``what``: in words; ``stuck``: why it would fail.

    ``before`` and ``after``: what it is of.
    """

    does: Does
    key: Key
    csc: str = ""
    what: tuple[str, ...] = ()
    stuck: str = ""
    before: Release = Release()
    after: Release = Release()

    @property
    def line(self) -> str:
        """One line for a card."""
        whose = f" ({self.csc})" if self.csc else ""
        return f"{self.does} {self.key}{whose}{': ' if self.what else ''}{', '.join(self.what)}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that a sync would do, deletions first, then by CSC."""

    changes: tuple[Change, ...]

    @property
    def prunes(self) -> tuple[Change, ...]:
        """What would be deleted if the sync prunes."""
        return tuple(one for one in self.changes if one.does is Does.PRUNE)

    @property
    def stuck(self) -> tuple[Change, ...]:
        """What keeps the sync from going."""
        return tuple(one for one in self.changes if one.stuck)

    @property
    def creates(self) -> tuple[Change, ...]:
        """What would be made."""
        return tuple(one for one in self.changes if one.does is Does.CREATE)

    def words(self) -> str:
        """Return it as a sentence: counts, and the images' tags."""
        if not self.changes:
            return "nothing differs"
        parts = []
        for does in Does:
            kinds = Counter(one.key.kind for one in self.changes if one.does is does)
            if kinds:
                parts.append(f"{does}s {', '.join(counted(number, kind) for kind, number in kinds.items())}")
        return "; ".join(parts)

    def release(self) -> str:
        """Return chart version, appVersion and image tag of what would be made or changed; empty where nothing is."""
        made = [one for one in self.changes if one.does is not Does.PRUNE]
        if not made:
            return ""
        told: list[str] = []
        missing: list[str] = []
        for what, name in (("image tag", "tags"), ("chart version", "charts"), ("appVersion", "versions")):
            before = frozenset[str]().union(*(getattr(one.before, name) for one in made))
            after = frozenset[str]().union(*(getattr(one.after, name) for one in made))
            if after:
                told.append(f"{what} {_shift(before, after)}")
            else:
                missing.append(what)
        untold = [f"no {' nor '.join(missing)} in its manifests"] if missing else []
        return ", ".join([*told, *untold])


def _shift(before: frozenset[str], after: frozenset[str]) -> str:
    """Return what is there after a sync, and what it comes from where that is something else."""
    now = first_of(sorted(after), 4)
    return now if not before or before == after else f"{first_of(sorted(before), 4)} → {now}"


def difference(items: Iterable[Mapping[str, Any]], cscs: Cscs, only: Sequence[Key] = ()) -> Difference:
    """Return what a sync would do by what managed-resources says; ``only`` bounds it to these objects."""
    found = [change for item in items if (change := _change(item, cscs)) is not None]
    if only:
        found = [one for one in found if one.key in only]
    order = {does: at for at, does in enumerate(Does)}
    return Difference(tuple(sorted(found, key=lambda one: (order[one.does], not one.csc, one.csc, str(one.key)))))


def _change(item: Mapping[str, Any], cscs: Cscs) -> Change | None:
    if item.get("hook") is True:
        return None
    what = key(item)
    csc = cscs.get((what.namespace, what.name), "") if what.is_job else ""
    live, target = _state(item, "liveState"), _state(item, "targetState")
    ends = text(fields(live, "metadata"), "deletionTimestamp")
    stuck = f"{what} is being deleted and not gone yet" if ends else ""
    if not target:
        return Change(Does.PRUNE, what, csc, _images(live)) if live else None
    if not live:
        return Change(Does.CREATE, what, csc, _images(target), after=_release(target))
    before, after = _state(item, "normalizedLiveState") or live, _state(item, "predictedLiveState") or target
    told = tuple(_differences(before, after))
    if not told and not stuck:
        return None
    if what.is_job and not stuck and _template(before) != _template(after):
        stuck = f"{what} exists with another template, which cannot be changed"
    return Change(Does.CHANGE, what, csc, told, stuck, _release(before), _release(after))


def _release(state: dict[str, Any]) -> Release:
    labels = fields(fields(state, "metadata"), "labels")
    chart, version = text(labels, _CHART), text(labels, _VERSION)
    charts = {chart} if _CHART_VERSION.fullmatch(chart) else set()
    images = [each.partition("@")[0] for each in _images(state)]
    tags = {each.rpartition(":")[2] for each in images if ":" in each}
    tags |= {
        text(row, "value")
        for row in rows(fields(fields(fields(state, "spec"), "source"), "helm"), "parameters")
        if text(row, "name") == IMAGE_TAG
    }
    return Release(frozenset(charts), frozenset({version} - {""}), frozenset(tags - {""}))


def _state(item: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        told = json.loads(text(item, name) or "null")
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _template(state: dict[str, Any]) -> dict[str, Any]:
    return fields(fields(state, "spec"), "template")


def _images(state: dict[str, Any]) -> tuple[str, ...]:
    containers = rows(fields(_template(state), "spec"), "containers")
    return tuple(_image(text(row, "image")) for row in containers if text(row, "image"))


def _image(name: str) -> str:
    """Return an image without the registry that all of them come from."""
    return name.rpartition("/")[2]


def _differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    old, new = dict(_leaves(before, ())), dict(_leaves(after, ()))
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path):
            name = _name(path)
            if name in _TOLD:
                yield f"{name} {_value(old.get(path))} → {_value(new.get(path))}"
            else:
                sign = "+" if path not in old else "-" if path not in new else ""
                yield f"{sign}{name}"


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Yield every plain value with its way; lists of named things by their names."""
    if isinstance(value, dict):
        for name, inner in value.items():
            ours = not (path == ("metadata",) and name in _NOT_OURS) and not (not path and name == "status")
            if ours:
                yield from _leaves(inner, (*path, str(name)))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            named = inner.get("name") if isinstance(inner, dict) else None
            yield from _leaves(inner, (*path, named if isinstance(named, str) else str(at)))
    else:
        yield path, value


def _name(path: tuple[str, ...]) -> str:
    """Return what people call the thing at a way: ``image``, a variable, a key of a ConfigMap, a Helm parameter."""
    if path[-1] == "image":
        return "image"
    if len(path) > 2 and path[-3] in {"env", "parameters"} and path[-1] in {"value", "name"}:
        return "imageTag" if path[-2] == IMAGE_TAG else path[-2]
    if path[0] in {"data", "stringData"} and len(path) > 1:
        return path[1]
    if path[-1] == "targetRevision":
        return "targetRevision"
    return ".".join(path)


def _value(value: object) -> str:
    return _image(short(str(value), 80)) if value not in {None, ""} else "nothing"

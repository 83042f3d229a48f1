"""Argo CD's objects as this program reads them: nothing it sends can be of a wrong shape, at worst it is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploydash.core.words import first_of

IMAGE_TAG = "global.controlSystem.imageTag"
"""The Helm parameter by which science-platform hands the cycle's tag to its children (phalanx environments/)."""

RUN = "deploydash"
"""The name of the info by which an operation of ours is known again."""

OVER = frozenset({"Succeeded", "Failed", "Error"})
"""Phases in which an operation has ended (argo-cd gitops-engine pkg/sync/common)."""

_BAD_CONDITIONS = frozenset({"ComparisonError", "InvalidSpecError", "DeletionError", "UnknownError"})
"""Conditions with which nothing that Argo CD says of the application can be relied on."""


@dataclass(frozen=True, slots=True)
class Key:
    """What one Kubernetes object is called inside an application."""

    kind: str
    name: str
    namespace: str = ""
    group: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def is_job(self) -> bool:
        """Whether it is a Job, whose template nobody can change."""
        return self.kind == "Job"

    def json(self) -> dict[str, str]:
        """Return it as a selective sync names it."""
        return {"group": self.group, "kind": self.kind, "name": self.name, "namespace": self.namespace}


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of an application, in the state of the last comparison."""

    key: Key
    sync: str
    health: str = ""
    message: str = ""
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a sync did to one object."""

    key: Key
    status: str
    message: str
    phase: str
    hook: str = ""

    @property
    def failed(self) -> bool:
        """Whether it was not applied, or its hook failed."""
        return self.status == "SyncFailed" or self.phase in {"Failed", "Error"}


@dataclass(frozen=True, slots=True)
class Operation:
    """A sync that is requested, under way or over.

    ``phase`` is empty while it was not begun. ``key``: of ours, by its info; ``started``, ``finished``: UTC unix
    seconds, None where not told.
    """

    phase: str
    message: str = ""
    initiator: str = ""
    key: str = ""
    revision: str = ""
    started: float | None = None
    finished: float | None = None
    retries: int = 0
    results: tuple[Result, ...] = ()
    dry: bool = False

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.phase in OVER

    def age(self, now_utc: float) -> str:
        """Return since when it goes on, in words."""
        if self.started is None:
            return "requested and not begun yet"
        seconds = max(0, int(now_utc - self.started))
        return f"for {seconds} s" if seconds < 120 else f"for {seconds // 60} min"

    @property
    def by(self) -> str:
        """Who asked for it, in words."""
        return f"by {self.initiator}" if self.initiator else "by Argo CD itself"


@dataclass(frozen=True, slots=True)
class Application:
    """One application. ``operation``: what is requested or under way; ``last``: the last that was begun.

    ``conditions``: type and message; ``compared_utc``: when it was compared last.
    """

    name: str
    project: str
    sync: str
    health: str
    revision: str
    resources: tuple[Resource, ...] = ()
    operation: Operation | None = None
    last: Operation | None = None
    conditions: tuple[tuple[str, str], ...] = ()
    tag: str = ""
    images: tuple[str, ...] = ()
    compared_utc: float | None = None
    version: str = ""
    automatic: bool = False
    several_sources: bool = False
    instance: str = ""
    value_files: tuple[str, ...] = ()

    @property
    def trouble(self) -> str:
        """Why what Argo CD says of it cannot be relied on; empty where it can."""
        for kind, message in self.conditions:
            if kind in _BAD_CONDITIONS:
                return f"{kind}: {short(message)}"
        return "its sync status is Unknown: what is shown of it is of before" if self.sync == "Unknown" else ""

    @property
    def under_way(self) -> Operation | None:
        """The operation that goes on, None where none does."""
        if self.operation is None:
            return None
        if self.last is not None and not self.last.over:
            return self.last
        return self.operation


def application(told: Any) -> Application:
    """Return an application from its JSON."""
    meta, spec, status = fields(told, "metadata"), fields(told, "spec"), fields(told, "status")
    sync, source = fields(status, "sync"), fields(spec, "source")
    parameters = rows(fields(source, "helm"), "parameters")
    summary = fields(status, "summary")
    automated = fields(spec, "syncPolicy").get("automated")
    state = status.get("operationState")
    return Application(
        name=text(meta, "name"),
        project=text(spec, "project"),
        sync=text(sync, "status"),
        health=text(fields(status, "health"), "status"),
        revision=text(sync, "revision"),
        resources=tuple(_resource(row) for row in rows(status, "resources")),
        operation=_operation(told["operation"], {}) if fields(told, "operation") else None,
        last=_operation(fields(state, "operation"), state) if isinstance(state, dict) and state else None,
        conditions=tuple((text(row, "type"), text(row, "message")) for row in rows(status, "conditions")),
        tag=next((text(row, "value") for row in parameters if text(row, "name") == IMAGE_TAG), ""),
        images=tuple(str(one) for one in summary.get("images") or () if isinstance(one, str)),
        compared_utc=seconds(status.get("reconciledAt")),
        version=text(meta, "resourceVersion"),
        automatic=isinstance(automated, dict) and automated.get("enabled") is not False,
        several_sources=bool(rows(spec, "sources")),
        instance=text(fields(meta, "labels"), "argocd.argoproj.io/instance"),
        value_files=tuple(str(one) for one in _texts(fields(source, "helm").get("valueFiles"))),
    )


def _texts(told: object) -> tuple[str, ...]:
    return tuple(one for one in told if isinstance(one, str)) if isinstance(told, list) else ()


def key(row: Mapping[str, Any]) -> Key:
    """Return what an object is called."""
    return Key(text(row, "kind"), text(row, "name"), text(row, "namespace"), text(row, "group"))


def _resource(row: dict[str, Any]) -> Resource:
    health = fields(row, "health")
    prune = row.get("requiresPruning") is True
    return Resource(key(row), text(row, "status"), text(health, "status"), text(health, "message"), prune)


def _operation(asked: Mapping[str, Any], state: Mapping[str, Any]) -> Operation:
    sync, result = fields(asked, "sync"), fields(state, "syncResult")
    infos = {text(row, "name"): text(row, "value") for row in rows(asked, "info")}
    retries = state.get("retryCount")
    return Operation(
        phase=text(state, "phase"),
        message=text(state, "message"),
        initiator=text(fields(asked, "initiatedBy"), "username"),
        key=infos.get(RUN, ""),
        revision=text(result, "revision") or text(sync, "revision"),
        started=seconds(state.get("startedAt")),
        finished=seconds(state.get("finishedAt")),
        retries=retries if isinstance(retries, int) else 0,
        results=tuple(_result(row) for row in rows(result, "resources")),
        dry=sync.get("dryRun") is True,
    )


def _result(row: dict[str, Any]) -> Result:
    return Result(key(row), text(row, "status"), text(row, "message"), text(row, "hookPhase"), text(row, "hookType"))


def short(message: str, most: int = 300) -> str:
    """Return a message as long as a card takes it: what Argo CD says of a Job quotes its whole template."""
    line = " ".join(message.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def jobs_named(keys: Sequence[Key], most: int = 6) -> str:
    """Return the names of objects, the first few."""
    return first_of([one.name for one in keys], most)


def fields(told: Any, name: str) -> dict[str, Any]:
    """Return a JSON object inside another; empty where there is none."""
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, dict) else {}


def rows(told: Any, name: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a list inside another."""
    value = told.get(name) if isinstance(told, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def text(told: Any, name: str) -> str:
    """Return a text inside a JSON object; empty where there is none."""
    value = told.get(name) if isinstance(told, dict) else None
    return value if isinstance(value, str) else ""


def seconds(told: Any) -> float | None:
    """Return a moment as UTC unix seconds; None where it is none."""
    try:
        return datetime.fromisoformat(told).timestamp() if isinstance(told, str) else None
    except ValueError:
        return None

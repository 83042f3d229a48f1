"""How Argo CD applies one thing to the cluster, and what it says of it."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

from deploydash.demo.fakes import argocd_live as live_things
from deploydash.demo.fakes.argocd_applications import Applications
from deploydash.demo.fakes.argocd_live import KINDS, LAST_APPLIED, Key, text
from deploydash.demo.fakes.cluster_control import Controller, deleting
from deploydash.demo.fakes.cluster_kinds import JOBS, Object
from deploydash.demo.fakes.cluster_objects import filled_job, immutable
from deploydash.demo.fakes.cluster_status import Refusal
from deploydash.demo.fakes.cluster_store import Store


@dataclass(frozen=True, slots=True)
class How:
    """How to apply: ``force`` deletes and makes anew what cannot be changed, ``replace`` does not merge."""

    dry_run: bool = False
    force: bool = False
    replace: bool = False


class FailedError(Exception):
    """It could not be applied; the text is kubectl's."""


class Applier:
    """Applies things to one cluster."""

    def __init__(self, store: Store, controller: Controller, applications: Applications) -> None:
        self._store = store
        self._controller = controller
        self._applications = applications

    def apply(self, found: Key, target: Object, how: How) -> str:
        """Apply one thing; what is said of it. Raises FailedError."""
        group, kind, _, name = found
        named = f"{kind.lower()}.{group}/{name}" if group else f"{kind.lower()}/{name}"
        living = self._applications.live(found)
        if living is None:
            if not how.dry_run:
                self._create(found, target)
            return self._said(f"{named} created", how)
        if deleting(living):
            warning = f"Warning: Detected changes to resource {name} which is currently being deleted."
            return f"{named} unchanged. {warning}"
        if how.replace and kind == "Job":
            raise FailedError(self._cannot_replace(name, living))
        if not live_things.differs(living, target):
            return self._said(f"{named} {'configured' if _has_empty(target) else 'unchanged'}", how)
        if kind == "Job" and not how.dry_run:
            self._change_job(found, target, living, how)
        elif not how.dry_run:
            self._change(found, target)
        return self._said(f"{named} configured", how)

    @staticmethod
    def _said(text_: str, how: How) -> str:
        return f"{text_} (dry run)" if how.dry_run else text_

    def _create(self, found: Key, target: Object) -> None:
        applied = {**target["metadata"].get("annotations", {}), LAST_APPLIED: text(target)}
        about = {**target["metadata"], "annotations": applied}
        if found[1] == "Job":
            made = self._store.add(JOBS, filled_job({**target, "metadata": about}, str(uuid.uuid4())))
            self._controller.created(made)
        elif found[1] == "Application":
            self._applications.add(target)
        elif found[1] == "Namespace":
            status = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
            self._store.add(KINDS["Namespace"], {**target, "metadata": about, **status})
        else:
            self._store.add(KINDS[found[1]], {**target, "metadata": about})

    def _change_job(self, found: Key, target: Object, living: Object, how: How) -> None:
        refused = immutable(living, target["spec"]["template"])
        if refused is None:
            self._change(found, target)
        elif how.force:
            self._store.remove(JOBS, living)
            self._controller.deleted(JOBS, living)
            self._create(found, target)
        else:
            raise FailedError(f'error when patching "{_file()}": {_text(refused)}')

    def _change(self, found: Key, target: Object) -> None:
        living = self._applications.live(found)
        assert living is not None
        then = live_things.predicted(living, target)

        def edit(item: Object) -> None:
            for word in ("spec", "data"):
                if word in then:
                    item[word] = then[word]
            if then["metadata"].get("labels"):
                item["metadata"]["labels"] = then["metadata"]["labels"]
            item["metadata"].setdefault("annotations", {})[LAST_APPLIED] = text(target)
            if "generation" in item["metadata"]:
                item["metadata"]["generation"] += 1

        self._store.change(KINDS[found[1]], living, edit)

    @staticmethod
    def _cannot_replace(name: str, living: Object) -> str:
        refused = immutable(living, {"spec": {**living["spec"]["template"]["spec"], "schedulerName": ""}})
        told = "" if refused is None else _text(refused).partition("Invalid value: ")[2]
        return (
            f'error when replacing "{_file()}": Job.batch "{name}" is invalid: [spec.selector: Required value, '
            f"spec.template.metadata.labels: Invalid value: {told}]"
        )

    def prune(self, found: Key) -> None:
        """Delete one thing that git no longer has."""
        living = self._applications.live(found)
        if living is not None:
            self._store.remove(KINDS[found[1]], living)
            self._controller.deleted(KINDS[found[1]], living)


def _file() -> str:
    return f"/dev/shm/{random.randrange(10**8, 4 * 10**9)}"


def _text(refused: Refusal) -> str:
    assert isinstance(refused.body, dict)
    return str(refused.body["message"])


def _has_empty(target: Object) -> bool:
    containers = target.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())
    return any(each.get("value", ".") == "" for container in containers for each in container.get("env", ()))

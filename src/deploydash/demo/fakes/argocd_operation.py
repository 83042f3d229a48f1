"""Operations: a sync from its request to its end, with waves, hooks, retries, and what makes it slow or stuck."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploydash.demo.fakes import argocd_live as live_things
from deploydash.demo.fakes.argocd_applications import Applications
from deploydash.demo.fakes.argocd_apply import Applier, FailedError, How
from deploydash.demo.fakes.argocd_git import Commit, RenderError
from deploydash.demo.fakes.argocd_live import Key
from deploydash.demo.fakes.argocd_status import Refusal
from deploydash.demo.fakes.cluster_kinds import Object
from deploydash.demo.fakes.cluster_store import stamp

BEGIN_S, APPLY_S, END_S, SETTLE_S, LOOK_S = 0.03, 0.25, 0.05, 0.1, 0.2
"""Real seconds: until it runs, until all is applied, until it ends, until it is compared, between looks at health."""
_KEPT = 10
_KIND_ORDER = ("Namespace", "ConfigMap", "Deployment", "Job", "Application")

Trouble = Callable[[str, str], Mapping[str, Any] | None]
"""The values of a fault for an application, or None."""
Later = Callable[[float, Callable[[], object]], object]
"""Lets something happen after so many real seconds."""


@dataclass(eq=False)
class Operation:
    """One operation under way."""

    name: str
    request: Mapping[str, Any]
    commit: Commit
    how: How
    began: str = ""
    attempt: int = 0
    results: list[Object] = field(default_factory=list)
    waiting: list[tuple[int, list[Key]]] = field(default_factory=list)
    """Waves that are still to be applied."""
    ended: bool = False

    @property
    def selected(self) -> bool:
        """Whether only some things are synced."""
        return bool(self.request.get("resources"))


class Operations:
    """The operations of one Argo CD."""

    def __init__(
        self, applications: Applications, applier: Applier, clock: Callable[[], float], later: Later, trouble: Trouble
    ) -> None:
        self._applications = applications
        self._applier = applier
        self._clock = clock
        self._later = later
        self._trouble = trouble
        self._running: dict[str, Operation] = {}
        self.stopped: list[Operation] = []
        """Those that wait for a controller that does not run."""

    # -- requests -----------------------------------------------------------------------------------------------

    def sync(self, item: Object, request: Mapping[str, Any], commit: Commit, who: str) -> Object:
        """Request a sync; the application as it stands then. Raises Refusal."""
        name = item["metadata"]["name"]
        if "operation" in item:
            raise Refusal(9, "another operation is already in progress")
        strategy = request.get("strategy") or {}
        options = (request.get("syncOptions") or {}).get("items") or []
        force = any((strategy.get(each) or {}).get("force") for each in ("apply", "hook"))
        how = How(bool(request.get("dryRun")), bool(force), "Replace=true" in options)
        made = Operation(name, request, commit, how)
        sync: Object = {"revision": commit.sha}
        for word, value in (("prune", request.get("prune")), ("dryRun", how.dry_run)):
            if value:
                sync[word] = True
        if strategy:
            sync["syncStrategy"] = strategy
        if made.selected:
            sync["resources"] = list(request["resources"])
        sync["source"] = item["spec"]["source"]
        if options:
            sync["syncOptions"] = options
        operation: Object = {"sync": sync, "initiatedBy": {"username": who}}
        if request.get("infos"):
            operation["info"] = list(request["infos"])
        operation["retry"] = request.get("retryStrategy") or {}

        def edit(each: Object) -> None:
            each["operation"] = operation
            each["status"].pop("operationState", None)

        changed = self._applications.change(name, edit)
        self._running[name] = made
        if self._trouble("controller-stopped", name) is not None:
            self.stopped.append(made)
        else:
            self._later(BEGIN_S, lambda: self._begin(made))
        return changed

    def resume(self) -> None:
        """Let the controller run again: what was requested begins."""
        waiting, self.stopped = self.stopped, []
        for each in waiting:
            self._begin(each)

    def terminate(self, item: Object) -> None:
        """Request the end of an operation. Raises Refusal."""
        name = item["metadata"]["name"]
        made = self._running.get(name)
        if made is None or "operationState" not in item["status"] or "operation" not in item:
            raise Refusal(3, "Unable to terminate operation. No operation is in progress")
        self._state(made, phase="Terminating")
        self._later(BEGIN_S, lambda: self._end(made, "Failed", "Operation terminated"))

    # -- its way ------------------------------------------------------------------------------------------------

    def _begin(self, made: Operation) -> None:
        if made.ended:
            return
        made.began = made.began or stamp(self._clock())
        item = self._applications.get(made.name)
        if item is None or "operation" not in item:
            return
        source = item["operation"]["sync"]["source"]
        result = {"revision": made.commit.sha, "source": source}
        state = {"operation": item["operation"], "phase": "Running", "syncResult": result, "startedAt": made.began}
        if made.attempt:
            state |= {"message": f"Retrying operation. Attempt #{made.attempt}", "retryCount": made.attempt}
        self._applications.change(made.name, lambda each: each["status"].update(operationState=state))
        slow = self._trouble("slow", made.name)
        seconds = APPLY_S if slow is None else float(slow["seconds"])
        self._later(seconds, lambda: self._hooks(made))

    def _hooks(self, made: Operation) -> None:
        """Run what is to run before anything is applied."""
        if made.ended:
            return
        made.results = []
        item = self._applications.get(made.name)
        assert item is not None
        try:
            targets = self._applications.targets(item, made.commit)
            hooks = self._applications.targets(item, made.commit, hooks=True)
        except RenderError as error:
            self._end(made, "Error", f"ComparisonError: {error}")
            return
        bad = self._trouble("hook-fails", made.name)
        if bad is not None and not made.selected:
            namespace = item["spec"]["destination"]["namespace"]
            hooks = {("batch", "Job", namespace, f"{made.name}-presync"): {}}
        if not hooks or made.selected or made.how.dry_run:
            self._plan(made, item, targets)
            return
        for found in hooks:
            result = {**live_things.reference(found), "hookType": "PreSync", "syncPhase": "PreSync"}
            made.results.append({**result, "message": f"job.batch/{found[3]} created", "hookPhase": "Running"})
        self._state(made, message=_waits(list(hooks)))
        self._later(LOOK_S, lambda: self._after_hooks(made, item, targets, failed=bad is not None))

    def _after_hooks(self, made: Operation, item: Object, targets: Mapping[Key, Object], *, failed: bool) -> None:
        if made.ended:
            return
        why = "Job has reached the specified backoff limit" if failed else "Reached expected number of succeeded pods"
        for each in made.results:
            each |= {"message": why, "hookPhase": "Failed" if failed else "Succeeded"}
        if failed:
            self._end(made, "Failed", f"one or more synchronization tasks completed unsuccessfully, reason: {why}")
        else:
            self._plan(made, item, targets)

    def _plan(self, made: Operation, item: Object, targets: Mapping[Key, Object]) -> None:
        """Order what is to be applied into waves, prune first, and begin."""
        wanted = [_of(each) for each in made.request.get("resources") or ()]
        chosen = {each: target for each, target in targets.items() if not made.selected or _named(each, wanted)}
        gone = [each for each in self._applications.tracked(item) if each not in targets]
        for each in gone:
            if not made.selected or _named(each, wanted):
                self._prune(made, each)
        waves: dict[int, list[Key]] = {}
        for found in sorted(chosen, key=lambda each: (_KIND_ORDER.index(each[1]), each)):
            waves.setdefault(live_things.wave(chosen[found]), []).append(found)
        made.waiting = sorted(waves.items())
        if not made.results and not made.waiting:
            self._end(made, "Succeeded", "successfully synced (no more tasks)")
            return
        self._wave(made, targets)

    def _prune(self, made: Operation, found: Key) -> None:
        living = self._applications.live(found)
        result: Object = {**live_things.reference(found), "group": found[0]}
        pruned = bool(made.request.get("prune"))
        told = ("Pruned", "pruned") if pruned else ("PruneSkipped", "ignored (requires pruning)")
        result |= {"status": told[0], "message": told[1], "hookPhase": "Succeeded", "syncPhase": "Sync"}
        if living is not None and live_things.images(living):
            result["images"] = live_things.images(living)
        if pruned and not made.how.dry_run:
            self._applier.prune(found)
        made.results.append(result)

    def _wave(self, made: Operation, targets: Mapping[Key, Object]) -> None:
        if made.ended:
            return
        failures = []
        keys = made.waiting.pop(0)[1] if made.waiting else []
        for found in keys:
            target = targets[found]
            namespace = found[2] or "argocd"
            result: Object = {**live_things.reference(found), "group": found[0], "namespace": namespace}
            try:
                message, status, phase = self._applier.apply(found, target, made.how), "Synced", "Running"
            except FailedError as error:
                message, status, phase = str(error), "SyncFailed", "Failed"
                failures.append(message)
            if made.how.dry_run and phase == "Running":
                phase = "Succeeded"
            result |= {"status": status, "message": message, "hookPhase": phase, "syncPhase": "Sync"}
            if live_things.images(target):
                result["images"] = live_things.images(target)
            made.results.append(result)
        applied = [
            found
            for found, result in zip(keys, made.results[-len(keys) :], strict=False)
            if result["status"] == "Synced"
        ]
        self._state(made, message=_waits(applied) if failures or made.waiting else None)
        if failures:
            self._later(END_S, lambda: self._failed(made, failures))
        elif self._trouble("stuck", made.name) is not None:
            self._state(made, message=_waits(keys[-1:]))
        elif made.waiting:
            self._later(LOOK_S, lambda: self._await(made, targets, keys))
        else:
            message = "no more tasks" if made.how.dry_run else "all tasks run"
            self._later(END_S, lambda: self._end(made, "Succeeded", f"successfully synced ({message})"))

    def _await(self, made: Operation, targets: Mapping[Key, Object], keys: list[Key]) -> None:
        """Go on with the next wave when everything of this one is healthy."""
        if made.ended:
            return
        sick = [each for each in keys if not self._healthy(each)]
        for each in made.results:
            if each["kind"] not in {found[1] for found in sick}:
                each["hookPhase"] = "Succeeded"
                if each["kind"] == "Job":
                    each["message"] = "Reached expected number of succeeded pods"
        if not sick:
            self._wave(made, targets)
            return
        self._state(made, message=_waits(sick))
        self._later(LOOK_S, lambda: self._await(made, targets, keys))

    def _healthy(self, found: Key) -> bool:
        state = live_things.health(found[1], self._applications.live(found))
        return state is None or state["status"] == "Healthy"

    def _failed(self, made: Operation, failures: list[str]) -> None:
        what = "objects failed to apply" if made.selected else "synchronization tasks completed unsuccessfully"
        message = f"one or more {what}, reason: {','.join(failures)}"
        for each in made.results:
            if each["hookPhase"] == "Running":
                each["hookPhase"] = "Succeeded"
        retry = made.request.get("retryStrategy") or {}
        limit, backoff = int(retry.get("limit", 0)), retry.get("backoff") or {}
        if made.attempt >= limit:
            tried = f" (retried {limit} times)." if limit else ""
            self._end(made, "Failed", message + tried)
            return
        made.attempt += 1
        when = stamp(self._clock())[11:16]
        hour = int(when[:2])
        clock = f"{(hour - 1) % 12 + 1}:{when[3:]}{'AM' if hour < 12 else 'PM'}"
        self._state(made, message=f"{message}. Retrying attempt #{made.attempt} at {clock}.")
        pause = float(str(backoff.get("duration", "5s")).rstrip("s")) * float(backoff.get("factor", 2)) ** (
            made.attempt - 1
        )
        self._later(pause, lambda: self._begin(made))

    # -- what is written ----------------------------------------------------------------------------------------

    def _state(self, made: Operation, *, phase: str = "", message: str | None = None) -> None:
        if made.ended:
            return

        def edit(item: Object) -> None:
            state = item["status"]["operationState"]
            if phase:
                state["phase"] = phase
            if message is not None:
                state["message"] = message
            if made.attempt:
                state["retryCount"] = made.attempt
            if made.results:
                state["syncResult"] = {"resources": [dict(each) for each in made.results], **state["syncResult"]}
                state["syncResult"]["resources"] = [dict(each) for each in made.results]

        self._applications.change(made.name, edit)

    def _end(self, made: Operation, phase: str, message: str) -> None:
        if made.ended:
            return
        self._state(made)
        made.ended = True
        self._running.pop(made.name, None)

        def edit(item: Object) -> None:
            state = item["status"]["operationState"]
            state |= {"phase": phase, "message": message, "finishedAt": stamp(self._clock())}
            operation = item.pop("operation")
            if phase == "Succeeded" and not made.selected and not made.how.dry_run:
                _remember(item, operation, made, self._clock())

        self._applications.change(made.name, edit)
        self._later(SETTLE_S, lambda: self._applications.compare(made.name, latest=True))


def _remember(item: Object, operation: Object, made: Operation, now: float) -> None:
    history = item["status"].setdefault("history", [])
    history.append(
        {
            "revision": made.commit.sha,
            "deployedAt": stamp(now),
            "id": history[-1]["id"] + 1 if history else 0,
            "source": operation["sync"]["source"],
            "deployStartedAt": made.began,
            "initiatedBy": operation["initiatedBy"],
        }
    )
    del history[:-_KEPT]


def _of(wanted: Mapping[str, Any]) -> Key:
    return (wanted.get("group", ""), wanted.get("kind", ""), wanted.get("namespace", ""), wanted.get("name", ""))


def _named(found: Key, wanted: list[Key]) -> bool:
    return any(
        (found[0], found[1], found[3]) == (each[0], each[1], each[3]) and each[2] in {"", found[2]} for each in wanted
    )


def _waits(keys: list[Key]) -> str:
    """What an operation says while it waits for things to be healthy."""
    if not keys:
        return ""
    group, kind, _, name = keys[0]
    more = f" and {len(keys) - 1} more resources" if len(keys) > 1 else ""
    return f"waiting for healthy state of {group}/{kind}/{name}{more}"

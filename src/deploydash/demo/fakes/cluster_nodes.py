"""The nodes of the demo observatory's cluster: pods are bound, pull their image, run their CSC, and end.

Whatever they do to a CSC happens in the one world: a pod that runs is a process that beats, and when the pod is gone,
its process is. Delays are world seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from deploydash.demo.csc import Process
from deploydash.demo.fakes.cluster_control import Controller, Later, deleting, terminal
from deploydash.demo.fakes.cluster_kinds import EVENTS, PODS, Object
from deploydash.demo.fakes.cluster_store import Store, stamp
from deploydash.demo.site import Csc
from deploydash.demo.world import World

_BIND_S = 0.3
_PREPARE_S = 0.5
PULL_S = 5.0
"""So long pulling an image takes, and up to twice that for some: it depends on the Job's name alone."""
_PULL_AGAIN_S = 10.0
_CRASH_S = 2.0
_GRACE_S = 30.0
_HELD_LOOK_S = 1.0

FIELD = "spec.containers{{{name}}}"

Trouble = Literal["image-cannot-be-pulled", "crash-loop", "pull-takes-minutes", "pods-do-not-end", "evicted"]
Troubled = Callable[[Trouble, Object], Mapping[str, Any] | None]
"""The values of a trouble that a pod is in now, or None."""


@dataclass(eq=False)
class Running:
    """A pod and the process that it runs, if it runs a CSC."""

    csc: Csc | None
    process: Process | None = None


class PlayedNodes:
    """Nodes that run the CSCs of the world. ``csc_of`` tells which one a pod runs."""

    def __init__(
        self,
        world: World,
        store: Store,
        controller: Controller,
        later: Later,
        csc_of: Callable[[Object], Csc | None],
        troubled: Troubled,
    ) -> None:
        self._world = world
        self._store = store
        self._controller = controller
        self._later = later
        self._csc_of = csc_of
        self._troubled = troubled
        self.running: dict[str, Running] = {}
        """By the uid of the pod."""
        self._events = 0

    # -- a pod's life -------------------------------------------------------------------------------------------

    def begin(self, pod: Object) -> None:
        """Bind a new pod to a node and let its image be pulled."""
        self._later(_BIND_S, lambda: self._bind(pod))

    def _bind(self, pod: Object) -> None:
        now = self._live(pod)
        if now is None:
            return
        node = f"node{1 + sum(map(ord, pod['metadata']['name'])) % 5}"

        def bind(item: Object) -> None:
            item["spec"]["nodeName"] = node
            item["status"]["conditions"] = [self._condition("PodScheduled")]

        self._store.change(PODS, now, bind)
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        self.event(pod, "Scheduled", f"Successfully assigned {name} to {node}", source="default-scheduler")
        self._later(_PREPARE_S, lambda: self._pull(pod, 0))

    def _pull(self, pod: Object, turn: int) -> None:
        now = self._live(pod)
        if now is None:
            return
        image = now["spec"]["containers"][0]["image"]
        waiting = {"reason": "ContainerCreating"}
        self._store.change(PODS, now, lambda item: self._waits(item, waiting))
        self.event(pod, "Pulling", f'Pulling image "{image}"')
        trouble = self._troubled("image-cannot-be-pulled", now)
        if trouble is not None:
            self._later(1.0, lambda: self._cannot_pull(pod, str(trouble["message"]), turn))
            return
        slow = self._troubled("pull-takes-minutes", now)
        seconds = PULL_S * (1 + sum(map(ord, now["metadata"]["generateName"])) % 100 / 100)
        self._later(seconds if slow is None else 60 * float(slow["minutes"]), lambda: self._start(pod))

    def _cannot_pull(self, pod: Object, why: str, turn: int) -> None:
        now = self._live(pod)
        if now is None:
            return
        image = now["spec"]["containers"][0]["image"]
        message = f'failed to pull and unpack image "{image}": {why}'
        self._store.change(PODS, now, lambda item: self._waits(item, {"reason": "ErrImagePull", "message": message}))
        self.event(pod, "Failed", f'Failed to pull image "{image}": {message}', warning=True)
        self.event(pod, "Failed", "Error: ErrImagePull", warning=True)
        self._later(3.0, lambda: self._back_off(pod, turn))

    def _back_off(self, pod: Object, turn: int) -> None:
        now = self._live(pod)
        if now is None:
            return
        message = f'Back-off pulling image "{now["spec"]["containers"][0]["image"]}"'
        waiting = {"reason": "ImagePullBackOff", "message": message}
        self._store.change(PODS, now, lambda item: self._waits(item, waiting))
        self.event(pod, "BackOff", message)
        self._later(min(300.0, _PULL_AGAIN_S * 2**turn), lambda: self._pull(pod, turn + 1))

    def _start(self, pod: Object) -> None:
        now = self._live(pod)
        if now is None:
            return
        image = now["spec"]["containers"][0]["image"]
        name = now["spec"]["containers"][0]["name"]
        self.event(pod, "Pulled", f'Successfully pulled image "{image}"')
        self.event(pod, "Created", f"Container created: {name}")
        self.event(pod, "Started", f"Container started: {name}")
        csc = self._csc_of(now)
        process = None if csc is None else self._world.boot(csc)
        self.runs(now, process)
        crash = self._troubled("crash-loop", now)
        if crash is not None:
            code, reason = int(crash["code"]), str(crash["reason"])
            self._later(_CRASH_S, lambda: self.ended(pod, code, reason))

    def runs(self, pod: Object, process: Process | None) -> None:
        """Let a pod run a process of its CSC, or something that is no CSC."""
        self.running[pod["metadata"]["uid"]] = Running(self._csc_of(pod), process)
        changed = self._store.change(PODS, pod, lambda item: run(item, self._world.now))
        self._controller.pod_changed(changed)

    def ended(self, pod: Object, code: int, reason: str, *, again: bool = True) -> None:
        """Let a pod's container have ended by itself; without ``again`` no other pod follows."""
        now = self._live(pod)
        if now is None:
            return
        self._kill(now)
        changed = self._store.change(PODS, now, lambda item: end(item, self._world.now, code, reason))
        self._controller.pod_changed(changed, again=again)

    def evict(self, pod: Object, message: str) -> None:
        """Throw a pod off its node."""
        now = self._live(pod)
        if now is None:
            return
        self._kill(now)

        def edit(item: Object) -> None:
            end(item, self._world.now, 137, "Error")
            item["status"] |= {"reason": "Evicted", "message": message}

        changed = self._store.change(PODS, now, edit)
        self.event(pod, "Evicted", message, warning=True)
        self._controller.pod_changed(changed)

    def end(self, pod: Object) -> None:
        """Stop a pod that was deleted: its process goes on through the whole grace period."""
        name = pod["spec"]["containers"][0]["name"]
        self.event(pod, "Killing", f"Stopping container {name}")
        seconds = float(pod["metadata"].get("deletionGracePeriodSeconds", _GRACE_S))
        self._later(seconds, lambda: self._let_go(pod))

    def _let_go(self, pod: Object) -> None:
        if self._troubled("pods-do-not-end", pod) is not None:
            self._later(_HELD_LOOK_S, lambda: self._let_go(pod))
            return
        self._kill(pod)
        self._controller.let_go(pod)

    def gone(self, pod: Object) -> None:
        """Take notice that a pod is no more."""
        self._kill(pod)

    def _kill(self, pod: Object) -> None:
        found = self.running.pop(pod["metadata"]["uid"], None)
        if found is not None and found.process is not None:
            self._world.end(found.process)

    # -- what is written ----------------------------------------------------------------------------------------

    def _live(self, pod: Object) -> Object | None:
        """The pod as it stands; None when it is gone, deleted or has ended."""
        about = pod["metadata"]
        now = self._store.get(PODS, about["namespace"], about["name"])
        if now is None or now["metadata"]["uid"] != about["uid"] or deleting(now) or terminal(now):
            return None
        return now

    def _condition(self, kind: str, value: str = "True") -> Object:
        when = stamp(self._world.now)
        return {"type": kind, "status": value, "lastProbeTime": None, "lastTransitionTime": when}

    def _waits(self, item: Object, waiting: Object) -> None:
        container = item["spec"]["containers"][0]
        not_ready = [self._condition(kind, "False") for kind in ("Ready", "ContainersReady")]
        item["status"] = {
            "phase": "Pending",
            "conditions": [*not_ready, self._condition("Initialized"), self._condition("PodScheduled")],
            "startTime": item["status"].get("startTime") or stamp(self._world.now),
            "containerStatuses": [
                {
                    "name": container["name"],
                    "state": {"waiting": waiting},
                    "lastState": {},
                    "ready": False,
                    "restartCount": 0,
                    "image": container["image"],
                    "imageID": "",
                    "started": False,
                }
            ],
            "qosClass": "BestEffort",
        }

    def event(self, pod: Object, reason: str, message: str, *, warning: bool = False, source: str = "kubelet") -> None:
        """Write an event about a pod."""
        about, when = pod["metadata"], stamp(self._world.now)
        self._events += 1
        involved = {"kind": "Pod", "namespace": about["namespace"], "name": about["name"], "uid": about["uid"]}
        if source == "kubelet":
            involved["fieldPath"] = FIELD.format(name=pod["spec"]["containers"][0]["name"])
        self._store.add(
            EVENTS,
            {
                "kind": "Event",
                "apiVersion": "v1",
                "metadata": {"name": f"{about['name']}.{self._events:016x}", "namespace": about["namespace"]},
                "involvedObject": {**involved, "apiVersion": "v1"},
                "reason": reason,
                "message": message,
                "source": {"component": source},
                "firstTimestamp": when,
                "lastTimestamp": when,
                "count": 1,
                "type": "Warning" if warning else "Normal",
                "eventTime": None,
                "reportingComponent": source,
                "reportingInstance": "",
            },
        )


def run(pod: Object, now: float) -> None:
    """Write into a pod that it runs and is ready."""
    when, container = stamp(now), pod["spec"]["containers"][0]
    scheduled = next(
        (each for each in pod["status"].get("conditions", ()) if each["type"] == "PodScheduled"),
        {"type": "PodScheduled", "status": "True", "lastProbeTime": None, "lastTransitionTime": when},
    )
    number = sum(n * ord(letter) for n, letter in enumerate(pod["metadata"]["name"], 1))
    address = f"10.1.{number // 250 % 250}.{number % 250}"
    ready = ("Ready", "ContainersReady", "Initialized")
    pod["spec"].setdefault("nodeName", "node1")
    pod["status"] = {
        "phase": "Running",
        "conditions": [
            *({"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": when} for kind in ready),
            scheduled,
        ],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": pod["status"].get("startTime") or when,
        "containerStatuses": [
            {
                "name": container["name"],
                "state": {"running": {"startedAt": when}},
                "lastState": {},
                "ready": True,
                "restartCount": 0,
                "image": container["image"],
                "imageID": f"{container['image']}@sha256:0",
                "started": True,
            }
        ],
        "qosClass": "BestEffort",
    }


def end(pod: Object, now: float, code: int, reason: str) -> None:
    """Write into a pod that its container has ended with a code."""
    when = stamp(now)
    status = pod["status"]
    started = status.get("startTime", when)
    ended = {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": when}
    for each in status.get("containerStatuses", ()):
        each |= {"state": {"terminated": ended}, "ready": False, "started": False}
    for each in status.get("conditions", ()):
        if each["type"] in {"Ready", "ContainersReady"}:
            each |= {"status": "False", "lastTransitionTime": when}
    status["phase"] = "Failed" if code else "Succeeded"

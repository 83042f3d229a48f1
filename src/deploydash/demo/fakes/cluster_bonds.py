"""Keeps the cluster true to the world where a scenario did something to a CSC and nobody asked the cluster."""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.demo.csc import Process
from deploydash.demo.fakes.cluster_control import Controller, deleting, finished
from deploydash.demo.fakes.cluster_kinds import JOBS, PODS, Object
from deploydash.demo.fakes.cluster_nodes import PlayedNodes
from deploydash.demo.fakes.cluster_objects import pod_of
from deploydash.demo.fakes.cluster_site import BEFORE, Furniture, Key, Planned
from deploydash.demo.fakes.cluster_store import Store
from deploydash.demo.states import State
from deploydash.demo.world import World

LOOK_S = 0.25
"""How often it is looked, in real seconds."""


class Bonds:
    """Looks whether each CSC's process and its pod still belong together."""

    def __init__(
        self,
        world: World,
        store: Store,
        controller: Controller,
        nodes: PlayedNodes,
        furniture: Furniture,
        jobs: Mapping[Key, Planned],
    ) -> None:
        self._world = world
        self._store = store
        self._controller = controller
        self._nodes = nodes
        self._furniture = furniture
        self._plans = {plan.csc.name: plan for plan in jobs.values() if plan.csc is not None}

    def look(self) -> None:
        """Let pods follow their processes, and processes without a pod get one."""
        bound: dict[str, list[Process]] = {}
        for uid, running in list(self._nodes.running.items()):
            if running.csc is None or running.process is None:
                continue
            if running.process.alive:
                bound.setdefault(running.csc.name, []).append(running.process)
            else:
                self._ended(uid, running.process)
        for name, plan in self._plans.items():
            if name not in bound:
                self._adopt(plan)

    def _ended(self, uid: str, process: Process) -> None:
        pod = self._pod(uid)
        if pod is None:
            self._nodes.running.pop(uid)
        elif process.state is State.OFFLINE:
            self._nodes.ended(pod, 0, "Completed")
        else:
            self._nodes.ended(pod, 137, "Error", again=False)

    def _pod(self, uid: str) -> Object | None:
        def found(item: Object) -> bool:
            return item["metadata"]["uid"] == uid and not deleting(item)

        return next(iter(self._store.items(PODS, "", found)), None)

    def _adopt(self, plan: Planned) -> None:
        """Somebody started the CSC by hand: its Job is there, and has a pod that runs it."""
        assert plan.csc is not None
        running = self._world.running(plan.csc)
        if not running:
            return
        job = self._store.get(JOBS, plan.namespace, plan.name)
        if job is not None and (finished(job) or deleting(job)):
            self._store.remove(JOBS, job)
            self._controller.deleted(JOBS, job)
            job = None
        if job is None:
            job = self._furniture.made(plan.manifest(self._world.merged or BEFORE))
        pod = self._store.add(PODS, pod_of(job))
        self._nodes.runs(pod, running[0])
        self._controller.count(job)

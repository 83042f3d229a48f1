"""What stands in a site's cluster: the Jobs of its CSCs, and what lives beside them and must survive."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploydash.demo.fakes.cluster_control import Controller
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, DEPLOYMENTS, JOBS, NAMESPACES, PODS, Object
from deploydash.demo.fakes.cluster_nodes import PlayedNodes, end, run
from deploydash.demo.fakes.cluster_objects import filled_job, pod_of
from deploydash.demo.fakes.cluster_store import Store, stamp
from deploydash.demo.site import Csc
from deploydash.demo.states import State
from deploydash.demo.world import World

BEFORE = "c0044"
"""The cycle that is deployed when a demo observatory opens."""
REGISTRY = "ts-dockerhub.lsst.org"
_HOUR_S = 3600.0
_LABS = ("athor", "mfisher", "rra")
_LOVE = ("love-manager-frontend", "love-nginx", "redis")
_OTHERS = ("default", "kube-system", "argocd", "nublado", "sasquatch")

Key = tuple[str, str]
"""Namespace and name of a Job."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A Job of the site file: where it stands, what it runs (None: no CSC), and by what it is labelled."""

    namespace: str
    name: str
    csc: Csc | None

    @property
    def kind(self) -> str:
        """The label csc-class, which is also the name of the container and of the image."""
        return self.csc.component.lower() if self.csc else self.name

    @property
    def labels(self) -> dict[str, str]:
        """What phalanx's chart csc writes on the Job and its pod."""
        index = "" if self.csc is None or self.csc.index is None else str(self.csc.index)
        return {
            "csc": self.name,
            "csc-name": f"{self.kind}{index}",
            "csc-class": self.kind,
            "csc-is-primary": "true",
        }

    def image(self, tag: str) -> str:
        """The image of a cycle."""
        return f"{REGISTRY}/{self.kind}:{tag}"

    def manifest(self, tag: str) -> Object:
        """The Job as the chart makes it, with a cycle's image."""
        index = "" if self.csc is None or self.csc.index is None else str(self.csc.index)
        container = {
            "name": self.kind,
            "image": self.image(tag),
            "imagePullPolicy": "Always",
            "env": [{"name": "RUN_ARG", "value": index}],
            "envFrom": [{"configMapRef": {"name": "csc-env-config"}}],
        }
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {
                    **self.labels,
                    "helm.sh/chart": self.name,
                    "argocd.argoproj.io/instance": self.namespace,
                },
            },
            "spec": {
                "completions": 1,
                "template": {
                    "metadata": {"labels": self.labels},
                    "spec": {"restartPolicy": "Never", "containers": [container]},
                },
            },
        }


def environment(namespace: str) -> Object:
    """The ConfigMap that every CSC of a namespace reads."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "csc-env-config",
            "namespace": namespace,
            "labels": {"argocd.argoproj.io/instance": namespace},
        },
        "data": {"LSST_KAFKA_SECURITY_USERNAME": "ts-salkafka", "LSST_TOPIC_SUBNAME": "sal"},
    }


def deployment(namespace: str, name: str, labels: Mapping[str, str], tag: str) -> Object:
    """A Deployment of one pod, with the image of a cycle."""
    container = {"name": name, "image": f"{REGISTRY}/{name}:{tag}"}
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def love(world: World) -> dict[str, dict[str, str]]:
    """The Deployments of LOVE, by name, with their labels: a producer for each CSC, and a few others."""
    cscs = [f"love-producer-{csc.name.lower().replace(':', '')}" for csc in world.site.cscs]
    named = dict.fromkeys(cscs, "love-producer") | {name: name for name in _LOVE}
    instance = {"argocd.argoproj.io/instance": "love"}
    return {name: {"app.kubernetes.io/name": kind, **instance} for name, kind in named.items()}


def planned(world: World) -> dict[Key, Planned]:
    """The Jobs of the site file's section ``kubernetes``."""
    cscs = {csc.name: csc for csc in world.site.cscs}
    return {
        (each["namespace"], name): Planned(each["namespace"], name, cscs.get(csc))
        for each in namespaces(world)
        for name, csc in _jobs(each)
    }


def namespaces(world: World) -> list[Mapping[str, Any]]:
    """The namespaces of the site file's section ``kubernetes``."""
    section = (world.site.document.get("systems") or {}).get("kubernetes") or {}
    return list(section.get("namespaces", ()))


def _jobs(namespace: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    listed = namespace.get("jobs") or {}
    yield from listed.items()
    label, _, value = str(namespace.get("selector", "")).partition("=")
    if label == "csc" and value and not listed:
        yield value, ""


class Furniture:
    """Puts everything into the cluster when the world opens."""

    def __init__(self, world: World, store: Store, controller: Controller, nodes: PlayedNodes) -> None:
        self._world = world
        self._store = store
        self._controller = controller
        self._nodes = nodes
        self._random = random.Random(world.site.path.stem)

    def furnish(self, jobs: Mapping[Key, Planned]) -> None:
        """Let stand what stands before anybody comes."""
        names = dict.fromkeys(str(each["namespace"]) for each in namespaces(self._world))
        for name in (*_OTHERS, *names):
            self.namespace(name, {})
        for name in names:
            self._store.add(CONFIG_MAPS, {"kind": "ConfigMap", **environment(name)})
        for plan in jobs.values():
            self.job(plan)
        self._beside(set(names))
        for user in _LABS:
            name = f"nublado-{user}"
            labels = {"argocd.argoproj.io/instance": "nublado-users", "nublado.lsst.io/user": user}
            self.namespace(name, labels)
            self.pod(name, f"{user}-nb", labels)

    def namespace(self, name: str, labels: Mapping[str, str]) -> None:
        """Let there be a namespace."""
        named = {**labels, "kubernetes.io/metadata.name": name}
        self._store.add(
            NAMESPACES,
            {
                "kind": "Namespace",
                "apiVersion": "v1",
                "metadata": {"name": name, "creationTimestamp": self._past(), "labels": dict(sorted(named.items()))},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
        )

    def _past(self) -> str:
        return stamp(max(0.0, self._world.now - self._random.uniform(6, 60) * _HOUR_S))

    def job(self, plan: Planned, tag: str = BEFORE) -> None:
        """A Job as it stands when nobody has touched it: at work, ended, failed, or not there as its CSC never ran."""
        process = None if plan.csc is None else self._world.last(plan.csc)
        if plan.csc is not None and process is None:
            return
        job = self.made(plan.manifest(tag), None if plan.csc is None else self._past())
        pod = self._store.add(PODS, _old(pod_of(job), job))
        if process is None or process.alive:
            self._nodes.runs(pod, process)
        else:
            code = 0 if process.state is State.OFFLINE else 137
            self._store.change(PODS, pod, lambda item: _over(item, self._world.now, code))
        self._controller.count(job)
        if process is not None and not process.alive and process.state is not State.OFFLINE:
            self._controller.give_up(job)

    def made(self, manifest: Object, created: str | None = None) -> Object:
        """Put a Job there whose pod is yet to be made."""
        about = {**manifest["metadata"], **({"creationTimestamp": created} if created else {})}
        return self._store.add(JOBS, filled_job({**manifest, "metadata": about}, str(uuid.uuid4())))

    def pod(self, namespace: str, name: str, labels: Mapping[str, str], image: str = "sciplat-lab:w_2026_40") -> None:
        """A pod that runs and is no Job's."""
        container = {"name": name, "image": f"{REGISTRY}/{image}"}
        pod: Object = {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "creationTimestamp": self._past(),
                "labels": dict(labels),
            },
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 30, "restartPolicy": "Always"},
            "status": {"phase": "Pending"},
        }
        run(pod, self._world.now)
        self._store.add(PODS, pod)

    def _beside(self, names: set[str]) -> None:
        """What shares a namespace with CSCs and must survive them."""
        if "uws" in names:
            self._deployment("uws", "uws-api-server", {})
            for number, code in ((7012, None), (7011, 0)):
                self.run_time_job("uws", f"uws-job-{number}", {"type": "uws-job"}, code)
        if "control-system-test" in names:
            self.run_time_job("control-system-test", "rumba-29411230", {}, 0)
        if "love" in names:
            for name, labels in love(self._world).items():
                self._deployment("love", name, labels)

    def run_time_job(self, namespace: str, name: str, labels: Mapping[str, str], code: int | None) -> None:
        """A Job that no chart makes, at work or ended with a code."""
        container = {"name": "job", "image": f"{REGISTRY}/{name.partition('-')[0]}:latest"}
        manifest = {
            "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
            "spec": {
                "template": {
                    "metadata": {"labels": dict(labels)},
                    "spec": {"restartPolicy": "Never", "containers": [container]},
                }
            },
        }
        job = self.made(manifest, self._past())
        pod = self._store.add(PODS, _old(pod_of(job), job))
        ended = code
        if ended is None:
            self._nodes.runs(pod, None)
        else:
            self._store.change(PODS, pod, lambda item: _over(item, self._world.now, ended))
        self._controller.count(job)

    def _deployment(self, namespace: str, name: str, labels: Mapping[str, str]) -> None:
        manifest = deployment(namespace, name, labels, BEFORE)
        status = {"replicas": 1, "readyReplicas": 1, "availableReplicas": 1}
        self._store.add(DEPLOYMENTS, {**manifest, "status": status})
        self.pod(namespace, f"{name}-0", {**labels, "app": name}, f"{name}:{BEFORE}")


def _old(pod: Object, job: Object) -> Object:
    pod["metadata"]["creationTimestamp"] = job["metadata"]["creationTimestamp"]
    return pod


def _over(pod: Object, now: float, code: int) -> None:
    run(pod, now)
    end(pod, now, code, "Error" if code else "Completed")

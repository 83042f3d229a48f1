"""The applications of a site, as its Phalanx environment has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploydash.demo.fakes.argocd_applications import Applications
from deploydash.demo.fakes.argocd_git import FIRST_SHA, TAG, WAVE, Chart, Commit, Repository, application
from deploydash.demo.fakes.argocd_live import INSTANCE, LAST_APPLIED, text
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, DEPLOYMENTS, JOBS, NAMESPACES, Object
from deploydash.demo.fakes.cluster_site import BEFORE, Furniture, Key, Planned, deployment, environment, love
from deploydash.demo.fakes.cluster_store import Store, stamp
from deploydash.demo.world import World

PLATFORM = "science-platform"
_PROJECTS = {"nublado": "rsp", "sasquatch": "monitoring"}
_TELESCOPE = ("control-system-test", "love")
_DEPLOYED_AGO_S = 1_900_000.0


def named(world: World) -> dict[str, str]:
    """The applications of the site file's section ``argocd`` with their projects, but for science-platform."""
    section: Mapping[str, Any] = (world.site.document.get("systems") or {}).get("argocd") or {}
    telescope = dict.fromkeys((*_TELESCOPE, *section.get("rest", ())), "telescope")
    return {**_PROJECTS, **telescope, **section.get("projects", {})}


def _child(name: str, project: str, tag: str, environment_: str) -> Object:
    given = {"global.host": f"{environment_}.example.org"}
    if project == "telescope":
        given |= {TAG: tag, "global.controlSystem.appNamespace": name}
    values = ("values.yaml", f"values-{environment_}.yaml")
    return application(name, project, name, f"applications/{name}", given, values)


def _config(name: str, namespace: str, data: Mapping[str, str], wave: int = 0) -> Object:
    about: Object = {"name": name, "namespace": namespace, "labels": {INSTANCE: namespace}}
    if wave:
        about["annotations"] = {WAVE: str(wave)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": dict(data)}


def _telescope(name: str, plans: list[Planned]) -> Chart:
    def render(commit: Commit, parameters: Mapping[str, str]) -> list[Object]:
        added = [Planned(name, job, None) for namespace, job in sorted(commit.added) if namespace == name]
        return [environment(name), *(plan.manifest(parameters.get(TAG, BEFORE)) for plan in (*plans, *added))]

    return render


def _love(plans: list[Planned], deployments: Mapping[str, Mapping[str, str]]) -> Chart:
    def render(_: Commit, parameters: Mapping[str, str]) -> list[Object]:
        tag = parameters.get(TAG, BEFORE)
        return [
            environment("love"),
            *(plan.manifest(tag) for plan in plans),
            *(deployment("love", each, labels, tag) for each, labels in deployments.items()),
        ]

    return render


def _cycle(name: str, *, waves: bool) -> Chart:
    """What follows the cycle by a value of its own."""

    def render(commit: Commit, _: Mapping[str, str]) -> list[Object]:
        second = [_config(f"{name}-second", name, {"cycle": commit.tag}, 1)] if waves else []
        return [_config(f"{name}-config", name, {"cycle": commit.tag}), *second]

    return render


def repository(world: World, jobs: Mapping[Key, Planned]) -> Repository:
    """Phalanx as it is when the world opens."""
    apps = named(world)
    systems = world.site.document.get("systems") or {}
    phalanx = (systems.get("github") or {}).get("phalanx") or {}
    environment_ = str(phalanx.get("environment") or world.site.document.get("site", "demo"))

    def platform(commit: Commit, _: Mapping[str, str]) -> list[Object]:
        children = [_child(name, project, commit.tag, environment_) for name, project in apps.items()]
        spaces = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {INSTANCE: PLATFORM}}}
            for name in apps
        ]
        return [*spaces, *children]

    charts: dict[str, Chart] = {PLATFORM: platform}
    for name, project in apps.items():
        plans = [plan for (namespace, _), plan in jobs.items() if namespace == name]
        if project != "telescope":
            charts[name] = _cycle(name, waves=name == "nublado")
        else:
            charts[name] = _love(plans, love(world)) if name == "love" else _telescope(name, plans)
    return Repository(charts, [Commit(FIRST_SHA, BEFORE)])


def platform_manifest(world: World) -> Object:
    """The application of applications, which an installer made."""
    systems = world.site.document.get("systems") or {}
    phalanx = (systems.get("github") or {}).get("phalanx") or {}
    environment_ = str(phalanx.get("environment") or world.site.document.get("site", "demo"))
    made = application(PLATFORM, "infrastructure", "argocd", "environments", {}, ("values.yaml",))
    made["spec"]["source"]["helm"]["valueFiles"].append(f"values-{environment_}.yaml")
    return {**made, "metadata": {"name": PLATFORM, "namespace": "argocd"}}


class Deployed:
    """Lets everything stand as it was deployed long ago, by Argo CD."""

    def __init__(self, world: World, store: Store, furniture: Furniture, applications: Applications) -> None:
        self._world = world
        self._store = store
        self._furniture = furniture
        self._applications = applications

    def furnish(self) -> None:
        """Put the Application objects there, and what each deployed that is not there yet."""
        when = stamp(max(0.0, self._world.now - _DEPLOYED_AGO_S))
        platform = self._applications.add(platform_manifest(self._world))
        head = self._applications.repository.head
        for target in self._applications.targets(platform, head).values():
            if target["kind"] == "Application":
                self._applications.add(target)
                continue
            name, labels = target["metadata"]["name"], target["metadata"]["labels"]
            space = self._store.get(NAMESPACES, "", name)
            if space is None:
                self._furniture.namespace(name, labels)
            else:
                self._store.change(NAMESPACES, space, lambda each, labels=labels: _label(each, labels))  # type: ignore[misc]
        for item in self._applications.items():
            if item["metadata"]["name"] != PLATFORM:
                self._things(item, head)
            self._applications.change(item["metadata"]["name"], lambda each: _history(each, head.sha, when))
        for item in self._applications.items():
            self._applications.compare(item["metadata"]["name"], latest=True)

    def _things(self, item: Object, head: Commit) -> None:
        """Make what is missing, but for Jobs: their CSC has never run; mark what is there as Argo CD's."""
        for found, target in self._applications.targets(item, head).items():
            living = self._applications.live(found)
            resource = {"ConfigMap": CONFIG_MAPS, "Deployment": DEPLOYMENTS, "Job": JOBS}[found[1]]
            applied = {LAST_APPLIED: text(target)}
            if living is not None:
                self._store.change(resource, living, lambda each, applied=applied: _mark(each, applied))  # type: ignore[misc]
            elif resource is not JOBS:
                annotations = {**target["metadata"].get("annotations", {}), **applied}
                self._store.add(resource, {**target, "metadata": {**target["metadata"], "annotations": annotations}})


def _label(item: Object, labels: Mapping[str, str]) -> None:
    item["metadata"]["labels"] = {**item["metadata"].get("labels", {}), **labels}


def _mark(item: Object, applied: Mapping[str, str]) -> None:
    item["metadata"].setdefault("annotations", {}).update(applied)


def _history(item: Object, sha: str, when: str) -> None:
    source = item["spec"]["source"]
    by = {"username": "admin"}
    item["status"]["sync"]["revision"] = sha
    item["status"]["history"] = [
        {
            "revision": sha,
            "deployedAt": when,
            "id": 0,
            "source": source,
            "deployStartedAt": when,
            "initiatedBy": by,
        }
    ]
    item["status"]["operationState"] = {
        "operation": {"sync": {"revision": sha, "source": source}, "initiatedBy": by, "retry": {}},
        "phase": "Succeeded",
        "message": "successfully synced (all tasks run)",
        "syncResult": {"revision": sha, "source": source},
        "startedAt": when,
        "finishedAt": when,
    }

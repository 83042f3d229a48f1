"""How the demo observatory's cluster fails, by name."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from deploydash.demo.fake import Fault
from deploydash.demo.fakes.cluster_control import Controller, deleting, terminal
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, JOBS, NAMESPACES, PODS, Object, Resource
from deploydash.demo.fakes.cluster_nodes import PlayedNodes
from deploydash.demo.fakes.cluster_requests import Requests
from deploydash.demo.fakes.cluster_site import Furniture, Key, Planned
from deploydash.demo.fakes.cluster_store import Store

FAULTS: Mapping[str, Fault] = {
    "down": Fault("503 for everything, from the load balancer before it"),
    "stalled": Fault("every answer takes so many seconds longer", {"seconds": 7.0}),
    "token-expired": Fault("401 for everything, whatever the token"),
    "too-many-requests": Fault("429 with Retry-After for everything: the server's flow control rejects it"),
    "forbidden-namespace": Fault(
        "403 in the namespaces that a pattern names, for the verbs and resources that patterns name",
        {"namespace": "obssys", "verb": "*", "resource": "*"},
    ),
    "watch-dies": Fault(
        "watches that are open end at once: ``how`` is cut, expired (410), or clean; new ones are cut after seconds",
        {"how": "cut", "seconds": 2.0},
    ),
    "history-lost": Fault("older changes are forgotten: a watch or a page that begins behind them gets 410"),
    "image-cannot-be-pulled": Fault(
        "pods of the Jobs that a pattern names wait in ErrImagePull and ImagePullBackOff",
        {"job": "*", "message": "failed to resolve reference: not found"},
    ),
    "pull-takes-minutes": Fault("images of these Jobs take so many world minutes", {"job": "*", "minutes": 4.0}),
    "crash-loop": Fault(
        "pods of these Jobs end by themselves soon after their start, each followed by another one, six times",
        {"job": "*", "code": 1.0, "reason": "Error"},
    ),
    "evicted": Fault(
        "pods of these Jobs that run are thrown off their node, once",
        {"job": "mtdome", "message": "The node was low on resource: memory."},
    ),
    "pods-do-not-end": Fault("pods of these Jobs that were deleted stay as they are: their node is lost", {"job": "*"}),
    "finalizer": Fault(
        "what stands there of a kind (jobs, pods, namespaces), by a pattern of names, has a foreign finalizer",
        {"kind": "pods", "of": "*", "finalizer": "example.org/hold"},
    ),
    "recreated": Fault("somebody deletes these Jobs and makes them anew, at once: other uids", {"job": "mtdome"}),
    "missing-namespace": Fault("these namespaces are gone with all that is in them", {"namespace": "obssys"}),
    "context-elsewhere": Fault(
        "the kubeconfig's context leads to the API server of another site", {"server": "https://manke.ls.lsst.org:6443"}
    ),
    "more-pods": Fault(
        "so many more pods run in a namespace, labelled type=uws-job", {"namespace": "uws", "count": 300.0}
    ),
}
_KINDS = {each.plural: each for each in (JOBS, PODS, NAMESPACES)}


class Troubles:
    """Lets faults reach what stands already when they are switched."""

    def __init__(
        self,
        store: Store,
        controller: Controller,
        nodes: PlayedNodes,
        furniture: Furniture,
        requests: Requests,
        jobs: Mapping[Key, Planned],
    ) -> None:
        self._store = store
        self._controller = controller
        self._nodes = nodes
        self._furniture = furniture
        self._requests = requests
        self._jobs = jobs
        self._held: list[tuple[Resource, Object, str]] = []

    def switched(self, fault: str, values: Mapping[str, float | str] | None) -> None:
        """Take notice of a fault that was switched on, with its values, or off."""
        act = getattr(self, f"_{fault.replace('-', '_')}", None)
        if act is not None:
            act(values)

    def _watch_dies(self, values: Mapping[str, float | str] | None) -> None:
        for watch in self._requests.watches if values is not None else ():
            watch.finish(str(values["how"]))  # type: ignore[index]

    def _history_lost(self, values: Mapping[str, float | str] | None) -> None:
        if values is not None:
            self._store.compact()

    def _pods(self, job: str) -> list[Object]:
        def of_it(pod: Object) -> bool:
            name = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name", "")
            return bool(name) and fnmatchcase(name, job) and not terminal(pod) and not deleting(pod)

        return self._store.items(PODS, "", of_it)

    def _evicted(self, values: Mapping[str, float | str] | None) -> None:
        if values is not None:
            for pod in self._pods(str(values["job"])):
                self._nodes.evict(pod, str(values["message"]))

    def _crash_loop(self, values: Mapping[str, float | str] | None) -> None:
        if values is not None:
            for pod in self._pods(str(values["job"])):
                if pod["status"].get("phase") == "Running":
                    self._nodes.ended(pod, int(values["code"]), str(values["reason"]))

    def _recreated(self, values: Mapping[str, float | str] | None) -> None:
        store, controller = self._store, self._controller
        if values is None:
            return
        for job in store.items(JOBS, "", lambda item: fnmatchcase(item["metadata"]["name"], str(values["job"]))):
            store.remove(JOBS, job)
            controller.deleted(JOBS, job)
            about = job["metadata"]
            image = job["spec"]["template"]["spec"]["containers"][0]["image"]
            plan = self._jobs.get((about["namespace"], about["name"]))
            if plan is not None:
                controller.created(self._furniture.made(plan.manifest(image.rpartition(":")[2])))

    def _finalizer(self, values: Mapping[str, float | str] | None) -> None:
        store, controller = self._store, self._controller
        if values is None:
            held, self._held = self._held, []
            for resource, item, finalizer in held:
                controller.unhold(resource, item, finalizer)
            return
        resource, finalizer = _KINDS.get(str(values["kind"]), PODS), str(values["finalizer"])
        named = store.items(resource, "", lambda item: fnmatchcase(item["metadata"]["name"], str(values["of"])))
        for item in named:
            found, kind = item, resource
            if resource is NAMESPACES:
                kind = CONFIG_MAPS
                about = {"name": "held", "namespace": item["metadata"]["name"]}
                found = store.add(CONFIG_MAPS, {"kind": "ConfigMap", "apiVersion": "v1", "metadata": about, "data": {}})
            store.change(
                kind,
                found,
                lambda each: each["metadata"].update(finalizers=[*each["metadata"].get("finalizers", ()), finalizer]),
            )
            self._held.append((kind, found, finalizer))

    def _missing_namespace(self, values: Mapping[str, float | str] | None) -> None:
        store = self._store
        if values is None:
            return
        for namespace in store.items(
            NAMESPACES, "", lambda i: fnmatchcase(i["metadata"]["name"], str(values["namespace"]))
        ):
            name = namespace["metadata"]["name"]
            for resource in (JOBS, PODS, CONFIG_MAPS):
                for item in store.items(resource, name):
                    store.remove(resource, item)
                    if resource is PODS:
                        self._nodes.gone(item)
            store.remove(NAMESPACES, namespace)

    def _more_pods(self, values: Mapping[str, float | str] | None) -> None:
        if values is not None:
            for number in range(int(values["count"])):
                name = f"crowd-{number:05}"
                self._furniture.pod(str(values["namespace"]), name, {"type": "uws-job"}, "crowd:1")

"""What Argo CD makes of live things: their health, and how they differ from what git says."""

from __future__ import annotations

import json
from typing import Any

from deploydash.demo.fakes.argocd_git import WAVE
from deploydash.demo.fakes.cluster_control import deleting, finished
from deploydash.demo.fakes.cluster_kinds import CONFIG_MAPS, DEPLOYMENTS, JOBS, NAMESPACES, Object, Resource
from deploydash.demo.fakes.cluster_objects import merged

APPLICATIONS = Resource("applications", "argoproj.io", "Application")
INSTANCE = "argocd.argoproj.io/instance"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
KINDS = {each.kind: each for each in (CONFIG_MAPS, DEPLOYMENTS, JOBS, NAMESPACES, APPLICATIONS)}
_ORDER = ("Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown")
Key = tuple[str, str, str, str]
"""Group, kind, namespace and name; in order of these Argo CD lists them."""


def key(item: Object) -> Key:
    """What one thing is called."""
    group = item["apiVersion"].rpartition("/")[0]
    return group, item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def version(kind: str) -> str:
    """The API version of a kind, without its group."""
    return "v1alpha1" if kind == "Application" else "v1"


def reference(found: Key) -> Object:
    """A thing as Argo CD names it; what is empty is left out."""
    group, kind, namespace, name = found
    told = {"group": group, "version": version(kind), "kind": kind, "namespace": namespace, "name": name}
    return {word: value for word, value in told.items() if value}


def text(item: Object | None) -> str:
    """A state, as a text of JSON; ``null`` for none."""
    return json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def plain_live(item: Object) -> Object:
    """A live thing as a diff shows it: an empty value of the environment is not written."""
    return {**item, **({"spec": _spec(item["spec"])} if item.get("kind") == "Job" else {})}


def _spec(spec: Object) -> Object:
    template = spec["template"]
    containers = [
        {**each, **({"env": [_variable(one) for one in each["env"]]} if "env" in each else {})}
        for each in template["spec"]["containers"]
    ]
    return {**spec, "template": {**template, "spec": {**template["spec"], "containers": containers}}}


def _variable(each: Object) -> Object:
    return {name: value for name, value in each.items() if name != "value" or value != ""}


def normalized(item: Object) -> Object:
    """A live thing without what the cluster alone writes."""
    about = {name: value for name, value in item["metadata"].items() if name != "creationTimestamp"}
    return {**{name: value for name, value in plain_live(item).items() if name != "status"}, "metadata": about}


def predicted(live: Object, target: Object) -> Object:
    """What a live thing would be after a sync."""
    wanted = {**target, "metadata": {name: value for name, value in target["metadata"].items() if name != "finalizers"}}
    both: Object = plain_live(merged(normalized(live), wanted))
    annotations = live["metadata"].get("annotations")
    return {**both, "metadata": {**both["metadata"], **({"annotations": annotations} if annotations else {})}}


def differs(live: Object, target: Object) -> bool:
    """Whether a sync would change a live thing."""
    return predicted(live, target) != normalized(live)


def wave(item: Object) -> int:
    """The sync wave of a thing."""
    return int(item["metadata"].get("annotations", {}).get(WAVE, 0))


def health(kind: str, live: Object | None) -> Object | None:
    """The health of a thing; None for a kind that has none."""
    if live is None:
        return {"status": "Missing"}
    if deleting(live):
        return {"status": "Progressing", "message": "Pending deletion"}
    if kind == "Deployment":
        return {"status": "Healthy"}
    if kind == "Pod":
        return _pod_health(live)
    return _job_health(live) if kind == "Job" else None


def _job_health(job: Object) -> Object:
    done = finished(job)
    if done:
        status = "Healthy" if done == "Complete" else "Degraded"
        return {"status": status, "message": job["status"]["conditions"][-1]["message"]}
    return {"status": "Suspended" if job["spec"].get("suspend") else "Progressing"}


def _pod_health(pod: Object) -> Object:
    phase = pod["status"].get("phase")
    if phase == "Succeeded":
        return {"status": "Healthy"}
    if phase == "Failed":
        container = pod["status"]["containerStatuses"][0]
        code = container["state"]["terminated"]["exitCode"]
        return {"status": "Degraded", "message": f'container "{container["name"]}" failed with exit code {code}'}
    waiting = _waiting(pod)
    if waiting.get("reason") in {"ErrImagePull", "ImagePullBackOff", "CrashLoopBackOff"}:
        return {"status": "Degraded", "message": waiting.get("message", "")}
    return {"status": "Progressing"}


def _waiting(pod: Object) -> Object:
    for each in pod["status"].get("containerStatuses", ()):
        found: Object = each["state"].get("waiting", {})
        return found
    return {}


def pod_reason(pod: Object) -> str:
    """The word for how a pod stands, as in the column STATUS of kubectl."""
    status = pod["status"]
    if status.get("reason"):
        return str(status["reason"])
    for each in status.get("containerStatuses", ()):
        state = each["state"]
        told = state.get("waiting") or state.get("terminated") or {}
        if told.get("reason"):
            return str(told["reason"])
    return "Terminating" if deleting(pod) else str(status.get("phase", "Unknown"))


def worst(found: list[Any]) -> str:
    """The health of an application from those of its things: what is missing does not count, unless all is."""
    counted = [each["status"] for each in found if each is not None]
    present = [each for each in counted if each != "Missing"]
    if counted and not present and len(counted) == len(found):
        return "Missing"
    return max(present, key=_ORDER.index, default="Healthy")


def images(item: Object) -> list[str]:
    """The images of a Job, a Deployment or a pod."""
    spec = item["spec"] if item.get("kind") == "Pod" else item.get("spec", {}).get("template", {}).get("spec", {})
    return [each["image"] for each in spec.get("containers", ())]

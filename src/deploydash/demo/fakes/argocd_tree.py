"""The resource tree of an application: what it consists of, and the pods below."""

from __future__ import annotations

from deploydash.demo.fakes import argocd_live as live_things
from deploydash.demo.fakes.argocd_applications import Applications
from deploydash.demo.fakes.argocd_live import Key
from deploydash.demo.fakes.cluster_control import ready
from deploydash.demo.fakes.cluster_kinds import Object

_SYSTEM = [
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
]


def tree(applications: Applications, item: Object) -> Object:
    """The tree of an application as the API tells it."""
    keys = sorted(
        (each.get("group", ""), each["kind"], each.get("namespace", ""), each["name"])
        for each in item["status"].get("resources", ())
    )
    pods = applications.pods(item)
    nodes = [_node(applications, found) for found in keys] + [_pod(pod) for pod in pods]
    nodes.sort(key=lambda node: (node.get("group", ""), node["kind"], node.get("namespace", ""), node["name"]))
    hosts = sorted({pod["spec"]["nodeName"] for pod in pods if "nodeName" in pod["spec"]})
    made: Object = {"nodes": nodes}
    if hosts:
        made["hosts"] = [{"name": host, "systemInfo": dict.fromkeys(_SYSTEM, "")} for host in hosts]
    return made


def _node(applications: Applications, found: Key) -> Object:
    living = applications.live(found)
    state = live_things.health(found[1], living)
    told = live_things.reference(found)
    if living is not None:
        about = living["metadata"]
        told |= {"uid": about["uid"], "resourceVersion": about["resourceVersion"]}
    if state is not None:
        told["health"] = state
    if living is not None:
        told["createdAt"] = living["metadata"]["creationTimestamp"]
    return told


def _pod(pod: Object) -> Object:
    about, owner = pod["metadata"], pod["metadata"]["ownerReferences"][0]
    serving = int(ready(pod))
    info = [{"name": "Status Reason", "value": live_things.pod_reason(pod)}]
    if "nodeName" in pod["spec"]:
        info.append({"name": "Node", "value": pod["spec"]["nodeName"]})
    info.append({"name": "Containers", "value": f"{serving}/1"})
    if pod["status"].get("phase") not in {"Succeeded", "Failed"}:
        info += [{"name": "cpu", "value": "0"}, {"name": "memory", "value": "0"}]
    parent = {"group": "batch", "version": "v1", "kind": owner["kind"], "namespace": about["namespace"]}
    return {
        "version": "v1",
        "kind": "Pod",
        "namespace": about["namespace"],
        "name": about["name"],
        "uid": about["uid"],
        "parentRefs": [{**parent, "name": owner["name"], "uid": owner["uid"]}],
        "info": info,
        "networkingInfo": {"labels": about["labels"]},
        "resourceVersion": about["resourceVersion"],
        "images": live_things.images(pod),
        "health": live_things.health("Pod", pod),
        "createdAt": about["creationTimestamp"],
    }

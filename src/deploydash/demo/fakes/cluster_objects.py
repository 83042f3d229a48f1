"""Jobs and pods as Kubernetes fills them in, what it refuses of them, and what may not be changed."""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any

from deploydash.demo.fakes.cluster_kinds import JOBS, Object, Resource
from deploydash.demo.fakes.cluster_status import Refusal, invalid
from deploydash.demo.fakes.cluster_template import internal_template

TRACKING = "batch.kubernetes.io/job-tracking"
"""The finalizer that keeps a pod until its Job has counted it."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_BAD_NAME = (
    "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
    "or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_CONTAINER = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": "Always",
}
_POD = {
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_TOLERATED = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def check_new(resource: Resource, item: Object) -> None:
    """Refuse a thing that cannot be made. Raises Refusal."""
    name = str(item["metadata"].get("name", ""))
    causes = []
    if not _NAME.fullmatch(name):
        told = _BAD_NAME.format(name=name)
        causes.append({"reason": "FieldValueInvalid", "message": told, "field": "metadata.name"})
    if resource is JOBS and item["spec"]["template"]["spec"].get("restartPolicy") not in {"OnFailure", "Never"}:
        told = 'Required value: valid values: "OnFailure", "Never"'
        causes.append({"reason": "FieldValueRequired", "message": told, "field": "spec.template.spec.restartPolicy"})
    if causes:
        raise invalid(resource.kind, resource.group, name, causes)


def _filled(spec: Object) -> Object:
    containers = [{**_CONTAINER, **each} for each in spec.get("containers", [])]
    return {**_POD, **spec, "containers": containers}


def filled_job(item: Object, uid: str) -> Object:
    """A Job with everything that the server adds."""
    about, spec = item["metadata"], item["spec"]
    template = spec["template"]
    job_labels = {"batch.kubernetes.io/job-name": about["name"], "job-name": about["name"]}
    own = {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid, **job_labels}
    labels = dict(sorted({**template.get("metadata", {}).get("labels", {}), **own}.items()))
    return {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": {**about, "uid": uid, "labels": dict(sorted(about.get("labels", {}).items()))},
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 6,
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}},
            "manualSelector": False,
            "template": {"metadata": {"labels": labels}, "spec": _filled(template["spec"])},
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": "TerminatingOrFailed",
            **{key: value for key, value in spec.items() if key not in {"template", "selector"}},
        },
        "status": {},
    }


def _suffix(count: int) -> str:
    return "".join(random.choices(_SUFFIX, k=count))


def pod_of(job: Object) -> Object:
    """The pod that the Job's controller makes, before anybody has looked at it."""
    about = job["metadata"]
    spec = copy.deepcopy(job["spec"]["template"]["spec"])
    volume = f"kube-api-access-{_suffix(5)}"
    mount = {"name": volume, "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    for container in spec["containers"]:
        container["volumeMounts"] = [*container.get("volumeMounts", []), mount]
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": f"{about['name']}-{_suffix(5)}",
            "generateName": f"{about['name']}-",
            "namespace": about["namespace"],
            "labels": job["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [owner(job)],
            "finalizers": [TRACKING],
        },
        "spec": {
            "volumes": [{"name": volume, "projected": {"sources": _projected(), "defaultMode": 420}}],
            **spec,
            "serviceAccountName": "default",
            "serviceAccount": "default",
            "tolerations": [
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
                for key in _TOLERATED
            ],
            "priority": 0,
            "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def owner(job: Object) -> Object:
    """What a pod says of the Job that owns it."""
    about = job["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": about["name"],
        "uid": about["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _projected() -> list[Object]:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]


def merged(old: Any, patch: Any) -> Any:
    """What a strategic merge patch makes of something: lists of named things are merged by name, None removes."""
    if isinstance(old, dict) and isinstance(patch, dict):
        both = {key: merged(old.get(key), value) for key, value in patch.items() if value is not None}
        return {key: value for key, value in {**old, **both}.items() if patch.get(key, "") is not None}
    if isinstance(old, list) and isinstance(patch, list) and all(isinstance(each, dict) for each in [*old, *patch]):
        new = {each.get("name"): each for each in patch}
        changed = [merged(each, new.pop(each.get("name"))) if each.get("name") in new else each for each in old]
        return [*changed, *new.values()]
    return patch


def immutable(job: Object, template: Object) -> Refusal | None:
    """The refusal of another pod template; None when it is the same one."""
    labels = {**job["spec"]["template"]["metadata"]["labels"], **(template.get("metadata") or {}).get("labels", {})}
    wanted = {"metadata": {"labels": dict(sorted(labels.items()))}, "spec": _filled(template["spec"])}
    if wanted == job["spec"]["template"]:
        return None
    told = json.dumps(internal_template(wanted), separators=(",", ":"))
    cause = {
        "reason": "FieldValueInvalid",
        "message": f"Invalid value: {told}: field is immutable",
        "field": "spec.template",
    }
    return invalid("Job", "batch", job["metadata"]["name"], [cause])

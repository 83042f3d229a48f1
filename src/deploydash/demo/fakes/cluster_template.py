"""A pod template as the API server's own structure prints it: what an immutable Job's refusal is long of."""

from __future__ import annotations

from typing import Any

from deploydash.demo.fakes.cluster_kinds import Object

_BEFORE_CONTAINERS = ("Volumes", "InitContainers")
_CONTAINER_NULLS = [
    "ResizePolicy",
    "RestartPolicy",
    "RestartPolicyRules",
    "VolumeMounts",
    "VolumeDevices",
    "LivenessProbe",
    "ReadinessProbe",
    "StartupProbe",
    "Lifecycle",
]
_SECURITY = [
    "ShareProcessNamespace",
    "HostUsers",
    "SELinuxOptions",
    "WindowsOptions",
    "RunAsUser",
    "RunAsGroup",
    "RunAsNonRoot",
    "SupplementalGroups",
    "SupplementalGroupsPolicy",
    "FSGroup",
    "FSGroupChangePolicy",
    "Sysctls",
    "SeccompProfile",
    "AppArmorProfile",
    "SELinuxChangePolicy",
]
_AFTER = [
    "Tolerations",
    "HostAliases",
    "PriorityClassName",
    "Priority",
    "PreemptionPolicy",
    "DNSConfig",
    "ReadinessGates",
    "RuntimeClassName",
    "Overhead",
    "EnableServiceLinks",
    "TopologySpreadConstraints",
    "OS",
    "SchedulingGates",
    "ResourceClaims",
    "Resources",
    "HostnameOverride",
    "SchedulingGroup",
]


def internal_template(template: Object) -> Object:
    """Labels and ``Spec``, every field named, in the server's order."""
    spec = template["spec"]
    return {
        "labels": template["metadata"]["labels"],
        "Spec": {
            **dict.fromkeys(_BEFORE_CONTAINERS),
            "Containers": [_container(each) for each in spec["containers"]],
            "EphemeralContainers": None,
            "RestartPolicy": spec["restartPolicy"],
            "TerminationGracePeriodSeconds": spec["terminationGracePeriodSeconds"],
            "ActiveDeadlineSeconds": None,
            "DNSPolicy": spec["dnsPolicy"],
            "NodeSelector": None,
            "ServiceAccountName": spec.get("serviceAccountName", ""),
            "AutomountServiceAccountToken": None,
            "NodeName": "",
            "SecurityContext": {
                **dict.fromkeys(("HostNetwork", "HostPID", "HostIPC"), False),
                **dict.fromkeys(_SECURITY),
            },
            "ImagePullSecrets": None,
            "Hostname": "",
            "Subdomain": "",
            "SetHostnameAsFQDN": None,
            "Affinity": None,
            "SchedulerName": spec["schedulerName"],
            **{key: "" if key == "PriorityClassName" else None for key in _AFTER},
        },
    }


def _container(container: Object) -> Object:
    return {
        "Name": container["name"],
        "Image": container["image"],
        "Command": container.get("command"),
        "Args": container.get("args"),
        "WorkingDir": "",
        "Ports": None,
        "EnvFrom": [_source(each) for each in container.get("envFrom", [])] or None,
        "Env": [{"Name": e["name"], "Value": e.get("value", ""), "ValueFrom": None} for e in container.get("env", [])]
        or None,
        "Resources": dict.fromkeys(("Limits", "Requests", "Claims")),
        **dict.fromkeys(_CONTAINER_NULLS),
        "TerminationMessagePath": container["terminationMessagePath"],
        "TerminationMessagePolicy": container["terminationMessagePolicy"],
        "ImagePullPolicy": container["imagePullPolicy"],
        "SecurityContext": None,
        **dict.fromkeys(("Stdin", "StdinOnce", "TTY"), False),
    }


def _source(source: Object) -> Object:
    def reference(found: Any) -> Any:
        return found and {"Name": found["name"], "Optional": found.get("optional")}

    return {
        "Prefix": "",
        "ConfigMapRef": reference(source.get("configMapRef")),
        "SecretRef": reference(source.get("secretRef")),
    }

"""Short runbooks and a small site: the shutdown as the shipped runbooks have it, and a wait that is over in seconds."""

from __future__ import annotations

from pathlib import Path

import yaml

HEAD = """\
runbook: night
title: a short night
sites: [{site}]
concerns: roster
phases:
"""

SHUTDOWN = """\
  - phase: shutdown
    title: shutdown
    wanted: shutdown
    steps:
      - {{id: watcher, title: Send the Watcher to OFFLINE, kind: action, system: sal,
         tier: moderate, ends: it is OFFLINE, targets: [Watcher], target: OFFLINE, link: here}}
      - {{id: cscs, title: Send every other CSC to OFFLINE, kind: action, system: sal,
         tier: severe, ends: each is OFFLINE, targets: [shutdown-set], target: OFFLINE, at_once: 64, link: here}}
      - {{id: stragglers, title: Decide about those that failed, kind: decide, system: sal, tier: moderate,
         ends: none is left, settles: cscs, link: here}}
      - {{id: queues, title: Send the ScriptQueues to OFFLINE, kind: action, system: sal, tier: severe,
         ends: all are OFFLINE, targets: [{queues}], target: OFFLINE, one_by_one: true, link: here}}
"""

WAIT = """\
  - phase: deploy
    title: deploy
    wanted: none
    steps:
      - {{id: sync, title: Deploy, kind: manual, system: argocd, tier: mild, ends: it is deployed, link: here,
         commands: [deploy], effect: starts}}
  - phase: wait
    title: wait
    wanted: startup
    steps:
      - {{id: standby, title: Wait until every CSC is at its start-up target, kind: wait, system: sal, tier: read,
         ends: each is at its target, targets: [concerned], target: startup, limit: {limit}, link: here}}
"""

CLOSE = """\
  - phase: finish
    title: finish
    wanted: end
    steps:
      - {{id: report-broken, title: Report the CSCs left in non-working order, kind: manual, system: slack, tier: mild,
         ends: the message is posted, item: "#there", commands: ["Left in non-working order: <broken>"], link: here}}
      - {{id: close, title: Close the run, kind: close, system: deploydash, tier: moderate, ends: no debt is open,
         commands: [report], link: here}}
"""

SMALL = [
    *({"csc": f"ESS:{index}", "group": "All"} for index in (104, 105, 106)),
    *({"csc": name, "group": "All"} for name in ("ATAOS", "ATDome", "MTMount", "MTDome", "DREAM")),
    {"csc": "MTM1M3", "group": "All", "startup": "DISABLED", "shutdown": "DISABLED", "protected": True},
    {"csc": "ScriptQueue:1", "group": "All", "startup": "ENABLED"},
    {"csc": "ScriptQueue:2", "group": "All", "startup": "ENABLED"},
    {"csc": "Watcher", "group": "All"},
]
"""Twelve CSCs, among them one that is protected, two ScriptQueues and the Watcher."""


SYSTEMS = {
    "docs": {"root": "https://docs.example.org", "folder": "hill", "anchor": "hill"},
    "ssh": {"domain": "example.org"},
    "github": {"phalanx": {"environment": "hill"}},
    "argocd": {"server": "127.0.0.1", "rest": ["obssys"]},
    "kubernetes": {
        "context": "hill",
        "kubeconfig": "~/.kube/hill.yaml",
        "namespaces": [{"namespace": "obssys", "selector": "csc"}],
    },
    "slack": {"announce": "#there", "request": "Please."},
    "person": {"owners": ["observing"]},
}


def write_book(folder: Path, *parts: str, site: str = "summit", queues: int = 3, limit: str = "20s") -> Path:
    """Write a runbook of these parts."""
    path = folder / "night.yaml"
    down = ", ".join(f'"ScriptQueue:{index}"' for index in range(queues, 0, -1))
    path.write_text("".join((HEAD, *parts)).format(site=site, queues=down, limit=limit), encoding="utf-8")
    return path


def write_small(folder: Path, *, silent: float = 2) -> Path:
    """Write a site file with a world that may beat at 10 Hz; ``silent``: seconds, the limit of silence."""
    document = {
        "site": "hill",
        "rehearsal": False,
        "time_zone": "UTC",
        "kafka": {
            "bootstrap": "kafka.example.org:9094",
            "hosts": ["kafka.example.org"],
            "security_protocol": "PLAINTEXT",
            "topic_subname": "sal",
        },
        "schema_registry": {"url": "https://registry.example.org"},
        "limits": {"late": silent / 2, "silent": silent},
        "systems": SYSTEMS,
        "groups": ["All"],
        "cscs": SMALL,
    }
    path = folder / "hill.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path

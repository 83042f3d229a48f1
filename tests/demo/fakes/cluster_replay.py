"""Asks a fake what a recording says that the real server was asked, and holds both answers side by side."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import yaml

from deploydash.demo import site
from deploydash.demo.fakes.cluster import Cluster
from deploydash.demo.fakes.cluster_kinds import JOBS, PODS, Object
from deploydash.demo.fakes.cluster_nodes import end, run
from deploydash.demo.fakes.cluster_rights import Rule, User
from deploydash.demo.fakes.cluster_store import stamp
from deploydash.demo.world import World
from tests.demo.harness import SITE
from tests.servers.waiting import patient
from tests.support.command_line import ROOT

CAPTURES = ROOT / "tests/data/captures/kubernetes"
NOON = 1_800_000_000.0

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_POD = re.compile(r"\b([a-z0-9-]+)-([bcdfghjklmnpqrstvwxz2456789]{5})\b")
_HEADERS = ("cache-control", "content-type", "warning", "retry-after")
"""Lengths depend on managedFields, which recordings leave out, so that they are not compared."""
_ABOUT = "name uid resourceVersion generation deletionTimestamp deletionGracePeriodSeconds finalizers ownerReferences"
_TRIMMED = {
    "metadata": _ABOUT.split(),
    "Job": ["active", "ready", "terminating"],
    "Pod": ["phase", "conditions"],
}
_OPERATOR = 'RBAC: allowed by RoleBinding "operators/obssys" of Role "operators" to Group "operators"'
USERS = {
    "admin": User("admin", "u-admin", ("system:masters",), None),
    "operator": User(
        "operator",
        "u-operator",
        ("operators",),
        (
            Rule(("get", "list", "watch", "delete", "deletecollection"), "batch", ("jobs",), "obssys", _OPERATOR),
            Rule(("get", "list", "watch"), "", ("pods", "pods/log"), "obssys", _OPERATOR),
        ),
    ),
    "nobody": User("nobody"),
    "throttled": User("throttled", throttled=True),
}


@dataclass
class StillNodes:
    """Nodes that do nothing by themselves, as while the recordings were made."""

    begun: list[Object] = field(default_factory=list)

    def begin(self, pod: Object) -> None:
        """Remember a new pod."""
        self.begun.append(pod)

    def end(self, pod: Object) -> None:
        """Let it run on."""

    def gone(self, pod: Object) -> None:
        """Nothing ran in it."""


def cluster(folder: Path) -> Cluster:
    """A cluster at noon, with the users of the recordings and nothing in it but namespaces."""
    where = folder / "hill.yaml"
    where.write_text(yaml.safe_dump(SITE), "utf-8")
    world = World(site.read(where, speed=1.0), 1, 1.0)
    world.now = NOON
    made = Cluster(world)
    made.controller.nodes = StillNodes()
    made.rights.users |= {f"token-of-{name}": user for name, user in USERS.items()}
    for name in ("default", "obssys", "envsys", "watchns"):
        made.furniture.namespace(name, {})
    return made


class Hands:
    """Plays what stood in for scheduler and kubelet in the recordings, and lets the fake's time pass."""

    def __init__(self, fake: Cluster) -> None:
        self.fake = fake

    def pass_time(self, seconds: float = 1.5) -> None:
        """Let the cluster's controllers do what they do in so many seconds."""
        ends = self.fake.world.now + seconds
        while self.fake.world.now < ends:
            self.fake.world.advance(min(ends, self.fake.world.now + 0.05))

    def job(self, name: str, namespace: str = "obssys", kind: str = "", label: str = "", **spec: Any) -> Object:
        """Make a Job in the manner of phalanx's chart csc; its pod is Pending."""
        labels = {"csc": name, "csc-name": label or name, "csc-class": kind or name, "csc-is-primary": "true"}
        container = {
            "name": kind or name,
            "image": f"ts-dockerhub.lsst.org/{kind or name}:c0044",
            "imagePullPolicy": "Always",
            "env": [{"name": "RUN_ARG", "value": "1"}],
            "envFrom": [{"configMapRef": {"name": "csc-env-config"}}],
        }
        own = {"helm.sh/chart": name, "argocd.argoproj.io/instance": namespace}
        template = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", "containers": [container]}}
        about = {"name": name, "namespace": namespace, "labels": {**labels, **own}}
        made = self.fake.furniture.made({"metadata": about, "spec": {"completions": 1, "template": template, **spec}})
        self.fake.controller.created(made)
        self.pass_time()
        return made

    def pods(self, job: str, namespace: str = "obssys") -> list[Object]:
        """The pods of a Job by name."""
        return self.fake.store.items(PODS, namespace, lambda pod: pod["metadata"]["labels"].get("job-name") == job)

    def run(self, job: str, namespace: str = "obssys") -> None:
        """Bind the pods of a Job, and let them run."""
        for pod in self.pods(job, namespace):
            if pod["status"]["phase"] == "Pending":
                bound = self.fake.store.change(PODS, pod, lambda item: _bind(item, self.fake.world.now))
                running = self.fake.store.change(PODS, bound, lambda item: run(item, self.fake.world.now))
                self.fake.controller.pod_changed(running)
        self.pass_time()

    def running(self, name: str, namespace: str = "obssys", **words: Any) -> None:
        """Make a Job that runs."""
        self.job(name, namespace, **words)
        self.run(name, namespace)

    def ended(self, job: str, code: int) -> None:
        """Let the pods of a Job end with a code."""
        why = "Error" if code else "Completed"
        for pod in self.pods(job):
            changed = self.fake.store.change(PODS, pod, lambda item: end(item, self.fake.world.now, code, why))
            self.fake.controller.pod_changed(changed)
        self.pass_time()

    def let_go(self, job: str, namespace: str = "obssys") -> None:
        """Let the node report that the pods of a Job are gone."""
        for pod in self.pods(job, namespace):
            self.fake.controller.let_go(pod)
        self.pass_time()

    def hold(self, resource: Any, name: str, namespace: str = "obssys") -> None:
        """Give something a foreign finalizer, alone."""
        for item in self.fake.store.items(resource, namespace, lambda each: each["metadata"]["name"] == name):
            self.fake.store.change(
                resource, item, lambda each: each["metadata"].update(finalizers=["example.org/hold"])
            )

    def unhold(self, resource: Any, name: str, namespace: str = "obssys") -> None:
        """Take it away again."""
        for item in self.fake.store.items(resource, namespace, lambda each: each["metadata"]["name"] == name):
            self.fake.controller.unhold(resource, item, "example.org/hold")
        self.pass_time()

    def gone(self, name: str) -> None:
        """Let a Job and its pods never have been."""
        for resource in (JOBS, PODS):
            for item in self.fake.store.items(resource):
                if item["metadata"]["name"].startswith(name):
                    self.fake.store.remove(resource, item)


def _bind(pod: Object, now: float) -> None:
    about = {"status": "True", "lastProbeTime": None, "lastTransitionTime": stamp(now)}
    pod["spec"]["nodeName"] = "node1"
    pod["status"]["conditions"] = [{"type": "PodScheduled", **about}]


class Names:
    """Gives what differs from start to start a name by its first appearance, so that sameness is compared."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str] = {}

    def _name(self, kind: str, value: str) -> str:
        count = sum(key[0] == kind for key in self._found)
        return self._found.setdefault((kind, value), f"{kind}{count + 1}")

    def plain(self, value: Any, key: str = "") -> Any:
        """A value with such names."""
        if isinstance(value, dict):
            return {inner: self.plain(each, inner) for inner, each in value.items()}
        if isinstance(value, list):
            return [self.plain(each) for each in value]
        if key == "lastTransitionTime":
            return "a time"  # of pods, the recordings have none: a hand played the node
        if not isinstance(value, str):
            return value
        if key == "resourceVersion":
            return self._name("version", value)
        if key in {"podIP", "ip"}:
            return "an address"
        if key == "continue":
            return "a token"
        text = _UID.sub(lambda found: self._name("uid", found.group()), value)
        text = _TIME.sub("a time", text)
        if key == "name":
            text = _POD.sub(lambda found: f"{found.group(1)}-{self._name('suffix', found.group(2))}", text)
        return text


def like(recorded: Any, ours: Any) -> Any:
    """Ours with as much of each thing as a recording kept: where its note says trimmed, a part of the object."""
    if recorded == "..." or (isinstance(recorded, str) and recorded.endswith("...")):
        return recorded
    if isinstance(recorded, list) and isinstance(ours, dict) and "items" in ours:
        kind = ours["kind"].removesuffix("List")
        ours = [{"kind": kind, **each} for each in ours["items"]]
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        return [like(one, other) for one, other in zip(recorded, ours, strict=True)]
    if not isinstance(recorded, dict) or not isinstance(ours, dict):
        return ours
    if {"metadata", "status"} <= set(recorded) and "spec" not in recorded and recorded.get("kind") in {"Job", "Pod"}:
        ours = _trimmed(recorded["kind"], ours)
    elif set(recorded) <= {"metadata", "status", "items"} and "kind" in ours:
        ours = {key: ours[key] for key in recorded if key in ours}
    elif set(recorded) == {"metadata", "status"}:
        about = ours["metadata"]
        kept = ("name", "namespace", "labels", "resourceVersion")
        ours = {"metadata": {key: about[key] for key in kept}, "status": ours["status"]}
    return {key: like(recorded[key], each) if key in recorded else each for key, each in ours.items()}


def _trimmed(kind: str, ours: Object) -> Object:
    made = {key: ours[key] for key in ("kind",)}
    if "apiVersion" in ours:
        made["apiVersion"] = ours["apiVersion"]
    for part, kept in (("metadata", _TRIMMED["metadata"]), ("status", _TRIMMED[kind])):
        made[part] = {key: value for key, value in ours[part].items() if key in kept}
    return made


def drop_head(recorded: Any, ours: Any) -> Any:
    """Ours without apiVersion where the recording left it out."""
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        return [drop_head(one, other) for one, other in zip(recorded, ours, strict=True)]
    if isinstance(recorded, dict) and isinstance(ours, dict):
        kept = {key: each for key, each in ours.items() if key in recorded or key not in {"apiVersion", "kind"}}
        return {key: drop_head(recorded.get(key), each) for key, each in kept.items()}
    return ours


def differences(path: str, wanted: Any, found: Any) -> Iterator[str]:
    """Where two values differ."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in wanted.keys() | found.keys():
            yield from differences(f"{path}.{key}", wanted.get(key, "(none)"), found.get(key, "(none)"))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(f"{path}[{number}]", one, other)
    elif wanted != found:
        yield f"{path}: recorded {str(wanted)[:300]}, ours {str(found)[:300]}"


@dataclass
class Replay:
    """One recording, asked of one fake."""

    fake: Cluster
    client: httpx2.AsyncClient
    exchanges: list[Mapping[str, Any]]
    recorded: Names = field(default_factory=Names)
    ours: Names = field(default_factory=Names)
    texts: dict[str, str] = field(default_factory=dict)
    """What stands in a recorded request, and what stands in ours instead."""

    def translated(self, text: str) -> str:
        """A recorded text in our words."""
        for theirs, ours in self.texts.items():
            text = text.replace(theirs, ours)
        return text

    def learn(self, recorded: Any, ours: Any) -> None:
        """Learn our uids and tokens from two answers to the same."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for key in recorded.keys() & ours.keys():
                if key in {"uid", "continue"} and recorded[key] != ours[key]:
                    self.texts[recorded[key]] = ours[key]
                self.learn(recorded[key], ours[key])
        elif isinstance(recorded, list) and isinstance(ours, list):
            for one, other in zip(recorded, ours, strict=False):
                self.learn(one, other)

    def request(self, number: int) -> httpx2.Request:
        """The recorded request, to our fake."""
        exchange = self.exchanges[number]
        asked, user = exchange["request"], exchange["as"]
        headers = {key: value for key, value in asked["headers"].items() if key != "Authorization"}
        if user != "anon":
            headers["Authorization"] = f"Bearer token-of-{user}"
        body = asked.get("body")
        content = None if body is None else self.translated(json.dumps(body)).encode()
        if content is None and "Content-Type" in headers:
            content = b"{not json"
        return self.client.build_request(
            asked["method"], self.translated(asked["path"]), headers=headers, content=content
        )

    async def ask(self, number: int) -> None:
        """Ask it and compare the answer."""
        exchange = self.exchanges[number]
        answer = await self.client.send(self.request(number))
        told = exchange["response"]
        self.same_head(exchange, answer)
        if isinstance(told["body"], str):
            assert answer.text == told["body"], exchange.get("note", "")
            return
        self.same(exchange.get("note", ""), told["body"], answer.json())

    def same_head(self, exchange: Mapping[str, Any], answer: httpx2.Response) -> None:
        """Compare status and headers."""
        told = exchange["response"]
        found = {key: answer.headers[key] for key in _HEADERS if key in answer.headers}
        wanted = {key: value for key, value in told["headers"].items() if key in _HEADERS}
        assert (answer.status_code, found) == (told["status"], wanted), (exchange.get("note", ""), answer.text)

    def same(self, note: str, recorded: Any, ours: Any) -> None:
        """Compare two bodies."""
        self.learn(recorded, like(recorded, ours))
        found = self.ours.plain(drop_head(recorded, like(recorded, ours)))
        wanted = self.recorded.plain(recorded)
        assert found == wanted, (note, list(differences("", wanted, found)))

    async def lines(self, number: int, acts: Any = None) -> list[Any]:
        """Ask for a watch, act while it is open, end it, and give its lines."""
        exchange = self.exchanges[number]
        request = self.request(number)
        response = await self.client.send(request, stream=True)
        self.same_head(exchange, response)
        if acts is not None:
            acts()
        if response.status_code == 200 and "timeoutSeconds=0." not in str(request.url):
            await asyncio.sleep(0)
            for watch in self.fake.requests.watches:
                watch.finish("clean")
        lines = [json.loads(line) if line.startswith("{") else line async for line in response.aiter_lines()]
        await response.aclose()
        return lines

    async def watched(self, number: int, acts: Any = None) -> None:
        """Ask for a watch and compare what it says."""
        told = [each.get("json", each.get("text")) for each in self.exchanges[number]["response"]["lines"]]
        self.same(self.exchanges[number].get("note", ""), told, await self.lines(number, acts))


def replay(fake: Cluster, url: str, name: str) -> Replay:
    """The recording of a name, to be asked at an address."""
    exchanges = json.loads((CAPTURES / f"{name}.json").read_text("utf-8"))["exchanges"]
    return Replay(fake, httpx2.AsyncClient(base_url=url, timeout=patient(20)), exchanges)

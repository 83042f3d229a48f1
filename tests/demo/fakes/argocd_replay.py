"""Asks the fake Argo CD what a recording says that the real one was asked, and holds both answers side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from deploydash.demo.fakes.argocd import ArgoCd
from deploydash.demo.fakes.argocd_accounts import ALL, READER, Account
from deploydash.demo.fakes.argocd_git import TAG, WAVE, Commit, Repository, application
from deploydash.demo.fakes.argocd_live import APPLICATIONS, INSTANCE
from deploydash.demo.fakes.cluster_kinds import JOBS, NAMESPACES, PODS, Object
from deploydash.demo.fakes.cluster_nodes import end
from deploydash.demo.fakes.cluster_store import Change
from tests.demo.fakes.cluster_replay import Hands, Names, cluster, differences
from tests.servers.waiting import patient
from tests.support.command_line import ROOT

CAPTURES = ROOT / "tests/data/captures/argocd"
_HEADERS = ("content-type", "grpc-metadata-content-type")
_FILE = re.compile(r"/dev/shm/\d+")
_TEMPLATE = re.compile(r'\{"labels":\{.*?\}(?=: field is immutable)')
_CLOCK = re.compile(r"at \d+:\d\d[AP]M")
_LONG = "kubectl.kubernetes.io/last-applied-configuration"
_IGNORED = {"resourceVersion", "generation", "revision", "finalizers"}
"""Of these only that they are there is compared: revisions are compared by `Replay.revisions`."""

SHAS = {
    "c0044": "3955eb080acfb4557aa2d820db53edb93e737fcb",
    "c0045": "9b5c515058f57e6454ff8d9653f6dea0e76f7c01",
    "c0046": "88dbd7fc41bd842bd47cd16a31eeecb020f22470",
}
_OPERATOR = tuple(("applications", action, "telescope/*") for action in ("get", "sync"))
ACCOUNTS = {
    "admin": Account("admin", ALL, "PASSWORD"),
    "operator": Account("operator", (*_OPERATOR, ("projects", "get", "telescope")), "PASSWORD"),
    "reader": Account("reader", READER),
    "nobody": Account("nobody"),
}


def _job(namespace: str, name: str, kind: str, label: str, index: str, image: str) -> Object:
    labels = {"csc": name, "csc-name": label, "csc-class": kind, "csc-is-primary": "true"}
    container = {
        "name": kind,
        "image": f"ts-dockerhub.lsst.org/{image}",
        "imagePullPolicy": "Always",
        "env": [{"name": "RUN_ARG", "value": index}],
        "envFrom": [{"configMapRef": {"name": "csc-env-config"}}],
    }
    about = {"name": name, "namespace": namespace, "labels": {**labels, "helm.sh/chart": name, INSTANCE: namespace}}
    template = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": about,
        "spec": {"completions": 1, "template": template},
    }


def _config(namespace: str, name: str, data: Mapping[str, str], wave: str = "") -> Object:
    about: Object = {"name": name, "namespace": namespace, "labels": {INSTANCE: namespace}}
    if wave:
        about["annotations"] = {WAVE: wave}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": dict(data)}


_SITE = {"LSST_SITE": "test", "LSST_TOPIC_SUBNAME": "sal"}


def _obssys(_: Commit, parameters: Mapping[str, str]) -> list[Object]:
    tag = parameters[TAG]
    queues = (("atqueue", "2"), ("mtqueue", "1"), ("ocsqueue", "3"))
    return [
        _config("obssys", "csc-env-config", _SITE),
        *(_job("obssys", name, "scriptqueue", f"scriptqueue{n}", n, f"scriptqueue:{tag}") for name, n in queues),
        _job("obssys", "watcher", "watcher", "watcher", "", f"watcher:{tag}"),
    ]


def _envsys(_: Commit, parameters: Mapping[str, str]) -> list[Object]:
    tag = parameters[TAG]
    return [
        _config("envsys", "csc-env-config", _SITE),
        _job("envsys", "auxtel-ess201", "ess", "ess201", "201", f"ess:{tag}"),
        _job("envsys", "calibhill-ess301", "ess", "ess301", "301", f"ess:{tag}.003"),
    ]


def _waves(_: Commit, __: Mapping[str, str]) -> list[Object]:
    long = _job("waves", "longjob", "long", "longjob", "", "x")
    long["spec"]["template"]["spec"]["containers"][0]["image"] = "example.org/long:1"
    return [_config("waves", "first", {"a": "1"}), long, _config("waves", "second", {"a": "2"}, "1")]


def _child(name: str, tag: str) -> Object:
    given = {"global.host": "test.example.org", TAG: tag, "global.controlSystem.appNamespace": name}
    return application(name, "telescope", name, f"applications/{name}", given)


def _platform(commit: Commit, _: Mapping[str, str]) -> list[Object]:
    spaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {INSTANCE: "science-platform"}}}
        for name in ("envsys", "obssys")
    ]
    return [*spaces, *(_child(name, commit.tag) for name in ("envsys", "obssys"))]


PLATFORM = {
    **application("science-platform", "infrastructure", "argocd", "environments", {}, ("values.yaml",)),
    "metadata": {"name": "science-platform", "namespace": "argocd"},
}
WAVES = application("waves", "telescope", "waves", "applications/waves", {}, ())


def argocd(folder: Path) -> ArgoCd:
    """An Argo CD with the accounts and the repository of the recordings, and no application yet."""
    made_cluster = cluster(folder)
    for name in ("envsys", "obssys", "watchns"):
        space = made_cluster.store.get(NAMESPACES, "", name)
        assert space is not None
        made_cluster.store.remove(NAMESPACES, space)
    charts = {"science-platform": _platform, "obssys": _obssys, "envsys": _envsys, "waves": _waves}
    made = ArgoCd(made_cluster.world, made_cluster, Repository(charts, [Commit(SHAS["c0044"], "c0044")]))
    made.accounts.accounts |= ACCOUNTS
    made.used()
    return made


class Play:
    """Does what the recordings' author did between the requests."""

    def __init__(self, fake: ArgoCd) -> None:
        self.fake = fake
        self.cluster = fake._cluster
        self.hands = Hands(self.cluster)

    def wait(self, seconds: float = 1.0) -> None:
        """Let time pass."""
        self.hands.pass_time(seconds)

    def push(self, tag: str = "", **changes: Any) -> None:
        """Push a commit; that of a tag has the sha of the recordings."""
        repository = self.fake.repository
        repository.push(**({"tag": tag} if tag else {}), **changes)
        if tag in SHAS:
            repository.commits[-1] = Commit(SHAS[tag], tag)

    def create(self) -> None:
        """Make the application of applications and sync it, so that its children are there."""
        self.fake.applications.add(PLATFORM)
        self.fake.applications.compare("science-platform", latest=True)
        self.sync("science-platform", "admin")

    def sync(self, name: str, who: str = "operator", **request: Any) -> None:
        """Sync an application to its end."""
        item = self.fake.applications.get(name)
        assert item is not None
        self.fake.operations.sync(item, request, self.fake.repository.head, who)
        self.wait()

    def deploy(self, tag: str = "c0044", *, only: tuple[str, ...] = ("obssys", "envsys")) -> None:
        """Let everything be deployed at a cycle, with Jobs that run."""
        self.create()
        if tag != "c0044":
            self.push(tag)
            self.refresh("science-platform")
            self.sync("science-platform", "admin")
        for name in only:
            self.sync(name)
            self.run(name)

    def run(self, namespace: str) -> None:
        """Let every pod of a namespace run."""
        for job in self.cluster.store.items(JOBS, namespace):
            self.hands.run(job["metadata"]["name"], namespace)
        self.wait()

    def delete(self, namespace: str = "obssys") -> None:
        """Delete the Jobs of a namespace with their pods."""
        for job in self.cluster.store.items(JOBS, namespace):
            self.cluster.store.remove(JOBS, job)
            self.cluster.controller.deleted(JOBS, job)
        self.wait()
        for pod in self.cluster.store.items(PODS, namespace):
            self.cluster.controller.let_go(pod)
        self.wait()

    def ended(self, pod: Object, code: int) -> None:
        """Let a pod's container have ended with a code."""
        store, now = self.cluster.store, self.cluster.world.now
        changed = store.change(PODS, pod, lambda item: end(item, now, code, "Error" if code else "Completed"))
        self.cluster.controller.pod_changed(changed)

    def refresh(self, name: str) -> None:
        """Compare with the newest commit."""
        self.fake.applications.compare(name, latest=True)


def _plain(value: Any, names: Names, key: str = "") -> Any:
    if key in {"targetState", "liveState", "normalizedLiveState", "predictedLiveState", "manifest"}:
        return _plain(json.loads(value), names) if value not in {"...", None} else value
    if key == "manifests":
        return [_plain(json.loads(each), names) for each in value if each != "..."]
    if isinstance(value, dict):
        left = {inner: each for inner, each in value.items() if inner != _LONG and each is not None}
        made = {}
        for inner, each in left.items():
            if inner in _IGNORED and not isinstance(each, dict | list):
                made[inner] = "there"
            elif inner != "annotations" or (left["annotations"].keys() - {_LONG}):
                made[inner] = _plain(each, names, inner)
        return made
    if isinstance(value, list):
        items = [_plain(each, names) for each in value]
        named = all(isinstance(each, dict) and "kind" in each and "name" in each for each in items)
        return sorted(items, key=lambda each: (each["kind"], each["name"])) if named else items
    if isinstance(value, str) and key == "message":
        text = _CLOCK.sub("at a time", _FILE.sub("a file", value))
        text = re.sub(r'\{"labels":\{\.\.\.\},"Spec":\{\.\.\.\}\}', "a template", text)
        text = _TEMPLATE.sub("a template", text)
        head, reason, tail = text.partition("reason: ")
        tail, after, rest = tail.partition(". Retrying" if ". Retrying" in tail else " (retried")
        text = head + reason + ",".join(sorted(re.split(r",(?=error when)", tail))) + after + rest
        return names.plain(text)
    return names.plain(value, key)


def like(recorded: Any, ours: Any) -> Any:
    """Ours with as much as a recording kept."""
    if isinstance(recorded, int) and isinstance(ours, list) and not isinstance(recorded, bool):
        return len(ours)
    if isinstance(recorded, str) and recorded in {"...", "TOKEN"}:
        return recorded
    if isinstance(recorded, list) and "..." in recorded and isinstance(ours, list):
        return [*ours[: recorded.index("...")], "..."]
    if isinstance(recorded, list) and isinstance(ours, list):
        by_name = {(each.get("kind"), each.get("name")): each for each in recorded if isinstance(each, dict)}
        if len(by_name) == len(recorded) and all(name for _, name in by_name):
            found = [
                each for each in ours if (each.get("kind"), each.get("name")) in by_name or len(ours) == len(recorded)
            ]
            return [like(by_name.get((each.get("kind"), each.get("name")), each), each) for each in found]
        if len(recorded) == len(ours):
            return [like(one, other) for one, other in zip(recorded, ours, strict=True)]
    if not isinstance(recorded, dict) or not isinstance(ours, dict):
        return ours
    partial = "spec" not in recorded and (
        bool({"metadata", "status", "operation"} & set(recorded))
        or ("phase" in recorded and "operation" not in recorded)
        or ("kind" in recorded and "version" not in recorded and "version" in ours)
    )
    kept = {key: each for key, each in ours.items() if not partial or key in recorded}
    made = {key: like(recorded[key], each) if key in recorded else each for key, each in kept.items()}
    for key in ("metadata", "status", "application"):
        if partial and isinstance(recorded.get(key), dict) and isinstance(made.get(key), dict):
            made[key] = {word: each for word, each in made[key].items() if word in recorded[key]}
    return made


@dataclass
class Replay:
    """One recording, asked of one fake."""

    fake: ArgoCd
    client: httpx2.AsyncClient
    document: Mapping[str, Any]
    ignoring: set[str] = field(default_factory=set)
    """Keys of ``status`` that other things than this recording's subject have made."""
    seen: list[tuple[Any, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = (Names(), Names())
        self.tokens = {name: self.fake.accounts.issue(each) for name, each in ACCOUNTS.items()}
        self.fake._cluster.store.on_change.append(self._note)

    @property
    def exchanges(self) -> list[Mapping[str, Any]]:
        """What was asked."""
        found: list[Mapping[str, Any]] = self.document["exchanges"]
        return found

    def _note(self, change: Change) -> None:
        if change.resource is APPLICATIONS:
            status = change.item["status"]
            state = status.get("operationState", {})
            name = change.item["metadata"]["name"]
            self.seen.append((name, "operation" in change.item, state.get("phase"), state.get("message")))

    def polled(self, name: str, key: str = "polled") -> None:
        """Compare the states that a poll saw with those that ours went through."""
        ours = iter(
            [(here, phase, _plain(told, Names(), "message")) for about, here, phase, told in self.seen if about == name]
        )
        before: tuple[Any, ...] = ()
        for each in self.document[key]:
            phase, told = each.get("phase"), _plain(each.get("message"), Names(), "message")
            wanted = (each["operation present"], phase, told)
            if wanted == before:
                continue  # something else changed
            before = wanted
            assert any(found == wanted for found in ours), (key, wanted, self.seen)

    def request(self, number: int) -> httpx2.Request:
        """The recorded request, to our fake."""
        exchange = self.exchanges[number]
        asked, user = exchange["request"], exchange["as"]
        headers = {key: value for key, value in asked["headers"].items() if key not in {"Authorization", "Cookie"}}
        token = self.tokens.get(user)
        if "Authorization" in asked["headers"]:
            headers["Authorization"] = f"Bearer {token or user}"
        if "Cookie" in asked["headers"]:
            headers["Cookie"] = f"argocd.token={self.tokens['operator']}"
        body = asked.get("body")
        content = None if body is None else json.dumps(body).encode()
        if content is None and asked["method"] == "POST":
            content = b"{bad"
        return self.client.build_request(asked["method"], asked["path"], headers=headers, content=content)

    async def ask(self, *numbers: int) -> None:
        """Ask and compare the answers."""
        for number in numbers:
            exchange = self.exchanges[number]
            answer = await self.client.send(self.request(number))
            self.client.cookies.clear()
            told, note = exchange["response"], exchange.get("note")
            found = {key: answer.headers[key] for key in _HEADERS if key in answer.headers}
            wanted = {key: value for key, value in told["headers"].items() if key in _HEADERS}
            assert (answer.status_code, found) == (told["status"], wanted), (number, note, answer.text)
            if isinstance(told["body"], str):
                assert answer.text == told["body"], note
            else:
                self.same(f"{number}: {note}", told["body"], answer.json())

    def same(self, note: str, recorded: Any, ours: Any) -> None:
        """Compare two bodies."""
        recorded, ours = self._without(recorded), self._without(ours)
        found = _plain(like(recorded, ours), self.names[1])
        wanted = _plain(recorded, self.names[0])
        assert found == wanted, (note, list(differences("", wanted, found)))

    def _without(self, body: Any) -> Any:
        """A body without what other things made."""
        if isinstance(body, list):
            return [self._without(each) for each in body]
        if not isinstance(body, dict):
            return body
        made = {key: self._without(each) for key, each in body.items()}
        for inner in (made, made.get("status")):
            if isinstance(inner, dict):
                for key in self.ignoring:
                    inner.pop(key, None)
        return made


Acts = Callable[[], None]


def replay(fake: ArgoCd, url: str, name: str) -> Replay:
    """The recording of a name, to be asked at an address."""
    document = json.loads((CAPTURES / f"{name}.json").read_text("utf-8"))
    return Replay(fake, httpx2.AsyncClient(base_url=url, timeout=patient(20)), document)

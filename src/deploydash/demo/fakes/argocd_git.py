"""The repository that the demo observatory's Argo CD deploys from: its commits, and what each renders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from deploydash.demo.fakes.cluster_kinds import Object

URL = "https://git.example.org/phalanx.git"
FIRST_SHA = "3955eb080acfb4557aa2d820db53edb93e737fcb"
"""The commit that is deployed when a demo observatory opens."""
TAG = "global.controlSystem.imageTag"
WAVE = "argocd.argoproj.io/sync-wave"
HOOK = "argocd.argoproj.io/hook"


class NoRevisionError(Exception):
    """There is no such commit."""


class RenderError(Exception):
    """The chart of an application does not render; the text is helm's."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: the cycle's tag that it hands to all, what it lacks, and whose charts it broke."""

    sha: str
    tag: str
    removed: frozenset[tuple[str, str]] = frozenset()
    """Namespace and name of what is no longer rendered."""
    added: frozenset[tuple[str, str]] = frozenset()
    """Namespace and name of Jobs that the site file does not have."""
    broken: frozenset[str] = frozenset()
    """Applications whose chart does not render."""


Chart = Callable[[Commit, Mapping[str, str]], list[Object]]
"""Renders an application's things from a commit and its Helm parameters."""


@dataclass
class Repository:
    """The commits of the branch that is deployed, oldest first, and the charts by application."""

    charts: dict[str, Chart]
    commits: list[Commit] = field(default_factory=list)

    @property
    def head(self) -> Commit:
        """The newest commit."""
        return self.commits[-1]

    def push(self, sha: str = "", **changes: object) -> Commit:
        """Put a commit on top that differs in these fields of `Commit`; its name is made up unless it is given."""
        sha = sha or hashlib.sha1(f"{len(self.commits)} {sorted(changes.items(), key=str)}".encode()).hexdigest()
        self.commits.append(replace(self.head, sha=sha, **changes))  # type: ignore[arg-type]
        return self.head

    def resolve(self, revision: str) -> Commit:
        """The commit of a revision; the head for none. Raises NoRevisionError."""
        if revision in {"", "main", "HEAD"}:
            return self.head
        found = [commit for commit in self.commits if commit.sha == revision]
        if not found:
            raise NoRevisionError(revision)
        return found[0]

    def render(self, application: str, commit: Commit, parameters: Mapping[str, str]) -> list[Object]:
        """What an application is to consist of. Raises RenderError."""
        if application in commit.broken:
            raise RenderError(_helm(application, parameters))
        things = self.charts[application](commit, parameters)
        return [each for each in things if _key(each) not in commit.removed]


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _helm(application: str, parameters: Mapping[str, str]) -> str:
    sets = " ".join(f"--set {name}={value}" for name, value in parameters.items())
    values = f"<path to cached source>/applications/{application}/values"
    return (
        "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
        "failed to execute helm template command: failed running helm: "
        f"`helm template . --name-template {application} --namespace {application} --kube-version 1.36.1 {sets} "
        f"--values {values}.yaml --values {values}-test.yaml <api versions removed> --include-crds` failed exit "
        f'status 1: Error: {application}/templates/jobs.yaml:46:10\n  executing "{application}/templates/jobs.yaml" '
        "at <.Values.no.such.key>:\n    nil pointer evaluating interface {}.such\n\nUse --debug flag to render out "
        "invalid YAML"
    )


def application(
    name: str,
    project: str,
    namespace: str,
    path: str,
    parameters: Mapping[str, str],
    values: tuple[str, ...] = ("values.yaml", "values-test.yaml"),
) -> Object:
    """An Application, as the chart of the application of applications renders it."""
    helm: Object = {"valueFiles": [*values]} if values else {}
    if parameters:
        helm["parameters"] = [{"name": key, "value": value} for key, value in parameters.items()]
    source: Object = {"repoURL": URL, "path": path, "targetRevision": "main", **({"helm": helm} if helm else {})}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": name,
            "namespace": "argocd",
            "labels": {"argocd.argoproj.io/instance": "science-platform"},
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        },
        "spec": {
            "source": source,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "project": project,
        },
    }


def parameters(item: Object) -> dict[str, str]:
    """The Helm parameters of an Application."""
    helm = item["spec"]["source"].get("helm", {})
    return {each["name"]: each["value"] for each in helm.get("parameters", ())}

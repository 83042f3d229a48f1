"""The site's cluster: its section ``kubernetes``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, Strict

from deploydash.core.model import CscId, Roster
from deploydash.systems.section import CscName, Host, Part, Path, Rows, SiteSection, Text, Texts

ALWAYS = frozenset({"Watcher", "ScriptQueue"})
"""Components whose Jobs are in every run: it stops the Watcher first and the ScriptQueues last."""


class Namespace(Part):
    """A Kubernetes namespace with Jobs of ours, how they are selected, and which CSC each Job runs."""

    namespace: Text
    selector: Text
    jobs: dict[str, CscName] = Field(default_factory=dict)


class KubernetesSettings(SiteSection):
    """The site's cluster, always addressed by its own context.

    ``domain``: the host of the API server that the kubeconfig names must be in it, or stand in ``servers``; a rehearsal
    reaches this machine alone, whatever stands here. ``labs``: the label of the namespaces of running labs. ``spared``:
    patterns of the names of Jobs that no step deletes, whatever selects them.
    """

    context: Text
    kubeconfig: Text
    domain: Host | None = None
    servers: Annotated[tuple[Host, ...], Strict(strict=False)] = ()
    labs: Text = "argocd.argoproj.io/instance=nublado-users"
    spared: Texts = ("rumba-*",)
    namespaces: Annotated[tuple[Namespace, ...], Strict(strict=False), Field(min_length=1)]

    def words(self) -> Mapping[str, Any]:
        """Return ``kubernetes.cli``: the command that reaches it."""
        return {"kubernetes.cli": f"kubectl --kubeconfig {self.kubeconfig} --context {self.context}"}

    def loops(self, roster: Roster, only: frozenset[CscId] | None) -> Mapping[str, Rows]:
        """Return ``namespaces`` and ``job_classes``.

        Rows of the first have ``jobs``: which CSC each Job runs. The second has a run's Jobs by class and namespace.
        """
        del roster
        spaces = [
            {
                "namespace": row.namespace,
                "selector": row.selector,
                "jobs": dict(row.jobs),
                "cscs": list(row.jobs.values()),
            }
            for row in self.namespaces
        ]
        return {"namespaces": spaces, "job_classes": list(self._job_classes(only))}

    def named_cscs(self) -> Iterator[tuple[Path, str]]:
        """Yield the CSC of each Job."""
        for at, space in enumerate(self.namespaces):
            for job, csc in space.jobs.items():
                yield ("namespaces", at, "jobs", job), csc

    def names(self) -> Iterator[tuple[Path, str]]:
        """Yield the context; the domain of API servers is that of the site's hosts."""
        yield ("context",), self.context

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield the API servers that are named; the one that is used is looked at in the kubeconfig."""
        for at, server in enumerate(self.servers):
            yield ("servers", at), server

    def _job_classes(self, only: frozenset[CscId] | None) -> Iterator[dict[str, Any]]:
        """Yield the Jobs of a run by class (a component in small letters) and namespace.

        The label csc-class names all of a class; where only some are in the run they are named by the label csc.
        """
        if only is None:
            words = ("namespace", "class", "jobs")
            unnamed = {word: f"<{word}>" for word in words}
            yield {**unnamed, "selector": "csc-class=<class>", "resources": "--resource batch:Job:<jobs>", "cscs": []}
        for row in self.namespaces:
            classes: dict[str, list[str]] = {}
            for job, text in row.jobs.items():
                classes.setdefault(CscId.parse(text).name, []).append(job)
            for component, jobs in classes.items():
                chosen = [job for job in jobs if component in ALWAYS or CscId.parse(row.jobs[job]) in (only or ())]
                if chosen:
                    name = component.lower()
                    every = len(chosen) == len(jobs)
                    yield {
                        "namespace": row.namespace,
                        "class": name,
                        "selector": f"csc-class={name}" if every else f"'csc in ({','.join(chosen)})'",
                        "resources": " ".join(f"--resource batch:Job:{job}" for job in chosen),
                        "cscs": [row.jobs[job] for job in chosen],
                    }

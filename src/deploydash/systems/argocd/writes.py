"""The requests that change something in Argo CD: a sync, and the end of an operation. Imported by ``act`` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from deploydash.systems.argocd.client import ArgoClient
from deploydash.systems.argocd.objects import RUN, Application, Key, application


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One sync as it was approved. ``infos`` stand beside it in Argo CD; ``only``: nothing but these objects."""

    name: str
    project: str
    revision: str
    prune: bool
    key: str
    infos: Mapping[str, str]
    only: Sequence[Key] = ()

    @property
    def path(self) -> str:
        """The address below the root."""
        return f"/api/v1/applications/{quote(self.name, safe='')}/sync"

    def document(self) -> dict[str, object]:
        """Return the body. It never asks for force or replace: those run a CSC twice."""
        told: dict[str, object] = {"project": self.project, "prune": self.prune}
        if self.revision:
            told["revision"] = self.revision
        if self.only:
            told["resources"] = [one.json() for one in self.only]
        infos = {**self.infos, RUN: self.key}
        return {**told, "infos": [{"name": name, "value": value} for name, value in infos.items()]}


async def sync(client: ArgoClient, request: SyncRequest) -> Application:
    """Request a sync, once; it is begun later.

    Raises:
        HttpError: no answer; only where ``unsent`` nothing was taken.
        ArgoError: it was refused.
    """
    return application(await client.ask(request.path, method="POST", document=request.document()))


async def terminate(client: ArgoClient, name: str, project: str) -> None:
    """End the operation of an application that is under way; what it has applied stays.

    Raises:
        HttpError: no answer.
        ArgoError: it was refused, such as where none is under way.
    """
    path = f"/api/v1/applications/{quote(name, safe='')}/operation?project={quote(project, safe='')}"
    await client.ask(path, method="DELETE")

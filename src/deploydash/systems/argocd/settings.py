"""The site's Argo CD: its section ``argocd``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from deploydash.core.model import CscId, Roster
from deploydash.systems.address import is_loopback
from deploydash.systems.argocd.login import Endpoint
from deploydash.systems.section import Host, Lines, Path, Rows, SiteSection, Text

SCIENCE_PLATFORM = "science-platform"
"""The application of applications: it hands the cycle's tag to all others (phalanx environments/)."""

TELESCOPE = "telescope"
_FIRST = ("control-system-test", "love")
"""The applications of project telescope that are synced before the others (observatory-controls-docs)."""

_PROJECTS = {SCIENCE_PLATFORM: "infrastructure", "nublado": "rsp", "sasquatch": "monitoring"}
"""Projects of applications that a runbook syncs and that are not of project telescope (phalanx environments/)."""


class ArgocdSettings(SiteSection):
    """The site's Argo CD. ``rest``: the applications of project telescope that are synced after the first ones.

    ``projects``: of applications that are in another project. ``port``, ``plain_text`` and ``token`` are the demo
    observatory's: at a site a login is that of the argocd CLI, or of the environment.
    """

    server: Host
    root_path: Text = "/argo-cd"
    rest: Lines
    projects: dict[Text, Text] = Field(default_factory=dict)
    port: int | None = Field(default=None, ge=1, le=65535)
    plain_text: bool = False
    token: Text | None = Field(default=None, repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """Where it is, and for whom."""
        server = self.server if self.port is None else f"{self.server}:{self.port}"
        return Endpoint(server, self.root_path, self.plain_text, self.token or "", rehearsal=is_loopback(self.server))

    def project(self, application: str) -> str:
        """Return the project of an application."""
        return {**_PROJECTS, **self.projects}.get(application, TELESCOPE)

    @property
    def applications(self) -> tuple[str, ...]:
        """Every application that a runbook may sync, in the order of a deployment."""
        return tuple(dict.fromkeys((*_PROJECTS, *self.projects, *_FIRST, *self.rest)))

    def words(self) -> Mapping[str, Any]:
        """Return ``argocd.server``, and ``argocd.cli``: the command that reaches it."""
        cli = f"argocd --server {self.server} --grpc-web-root-path {self.root_path}"
        return {"argocd.server": self.server, "argocd.cli": cli}

    def loops(self, roster: Roster, only: frozenset[CscId] | None) -> Mapping[str, Rows]:
        """Return ``applications`` and ``all_applications``; each deploys to the namespace of its name."""
        del roster, only
        return {"applications": _rows(self.rest), "all_applications": _rows((*_FIRST, *self.rest))}

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield the server."""
        yield ("server",), self.server

    def contradictions(self, roster: Roster) -> Iterator[tuple[Path, str, str]]:
        """Yield what only a demo observatory may say."""
        del roster
        if is_loopback(self.server):
            return
        if self.token is not None:
            yield ("token",), "a token must not stand in a file", "log in with the argocd CLI, or set ARGOCD_AUTH_TOKEN"
        if self.plain_text:
            yield ("plain_text",), f"{self.server} would be sent the token in clear", "leave it out: TLS is used"


def _rows(names: tuple[str, ...]) -> Rows:
    return [{"application": name, "namespace": name} for name in names]

"""The site's Argo CD: its section ``argocd``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploydash.core.model import CscId, Roster
from deploydash.systems.section import Host, Lines, Rows, SiteSection, Text

_FIRST = ("control-system-test", "love")
"""The applications of project telescope that are synced before the others (observatory-controls-docs)."""


class ArgocdSettings(SiteSection):
    """The site's Argo CD. ``rest``: the applications of project telescope that are synced after the first ones."""

    server: Host
    root_path: Text = "/argo-cd"
    rest: Lines

    def words(self) -> Mapping[str, Any]:
        """Return ``argocd.server``, and ``argocd.cli``: the command that reaches it."""
        cli = f"argocd --server {self.server} --grpc-web-root-path {self.root_path}"
        return {"argocd.server": self.server, "argocd.cli": cli}

    def loops(self, roster: Roster, only: frozenset[CscId] | None) -> Mapping[str, Rows]:
        """Return ``applications`` and ``all_applications``; each deploys to the namespace of its name."""
        del roster, only
        return {"applications": _rows(self.rest), "all_applications": _rows((*_FIRST, *self.rest))}


def _rows(names: tuple[str, ...]) -> Rows:
    return [{"application": name, "namespace": name} for name in names]

"""The repositories that a deployment changes: the section ``github``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploydash.systems.section import Part, SiteSection, Text, Texts


class Phalanx(Part):
    """The site's environment in the repository that Argo CD deploys from."""

    environment: Text
    repository: Text = "lsst-sqre/phalanx"


class GithubSettings(SiteSection):
    """``configuration``: repositories besides Phalanx that must carry the branch of the cycle."""

    phalanx: Phalanx
    configuration: Texts = ()

    def words(self) -> Mapping[str, Any]:
        """Return ``phalanx.environment``, ``phalanx.repository`` and ``configuration``."""
        return {
            "phalanx.environment": self.phalanx.environment,
            "phalanx.repository": self.phalanx.repository,
            "configuration": list(self.configuration),
        }

"""The repositories that a deployment changes: the section ``github``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from deploydash.core.model import Roster
from deploydash.systems.address import is_loopback, url_host
from deploydash.systems.github.login import API, Endpoint
from deploydash.systems.section import Part, Path, SiteSection, Text, Texts, Url


class Phalanx(Part):
    """The site's environment in the repository that Argo CD deploys from, and the branch that it deploys."""

    environment: Text
    repository: Text = "lsst-sqre/phalanx"
    branch: Text = "main"


class GithubSettings(SiteSection):
    """``configuration``: repositories besides Phalanx that must carry the branch of the cycle.

    ``api`` and ``token`` are the demo observatory's: at a site it is GitHub itself, and a token is that of the
    environment or of gh.
    """

    phalanx: Phalanx
    configuration: Texts = ()
    api: Url = API
    token: Text | None = Field(default=None, repr=False)

    def endpoint(self, *, rehearsal: bool) -> Endpoint:
        """Return where it is, and for whom."""
        return Endpoint(self.api, self.token or "", rehearsal=rehearsal)

    def names(self) -> Iterator[tuple[Path, str]]:
        """Yield the environment; all sites share the repository."""
        yield ("phalanx", "environment"), self.phalanx.environment

    def words(self) -> Mapping[str, Any]:
        """Return ``phalanx.environment``, ``phalanx.repository`` and ``configuration``."""
        return {
            "phalanx.environment": self.phalanx.environment,
            "phalanx.repository": self.phalanx.repository,
            "configuration": list(self.configuration),
        }

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield the host of the API, where the file names one: a rehearsal that names none has no GitHub."""
        if self.api != API:
            yield ("api",), url_host(self.api)

    def host_domain(self) -> str:
        """Return GitHub's domain: a token for it goes nowhere else."""
        return "github.com"

    def contradictions(self, roster: Roster) -> Iterator[tuple[Path, str, str]]:
        """Yield what only a demo observatory may say."""
        del roster
        if not is_loopback(url_host(self.api)):
            if self.token is not None:
                yield ("token",), "a token must not stand in a file", "set GH_TOKEN, or log in with gh auth login"
            if not self.api.startswith("https://"):
                yield ("api",), f"{self.api} would be sent the token in clear", "write https://"

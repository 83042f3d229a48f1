"""The site's orchestrator: its section ``orchestrator``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from deploydash.core.model import Roster
from deploydash.core.procedure.names import SystemName
from deploydash.systems.address import is_loopback, url_host
from deploydash.systems.section import Path, SiteSection, Text, Texts, Url

ORCHESTRATOR = SystemName("orchestrator")

INTERNAL = "internal"
"""The agent that every environment has: it runs what manages the others."""

TOKEN = "DEPLOYDASH_ORCHESTRATOR_TOKEN"  # noqa: S105 the name of a variable
"""The variable with the token of an orchestrator that asks for one; no file holds it."""


def _uuid(text: str) -> str:
    from uuid import UUID  # noqa: PLC0415 - for those who have one

    try:
        return str(UUID(text))
    except ValueError:
        hint = "it stands in the address of the web console, and in GET /api/v2/environment"
        raise ValueError(f"{text!r} is no id of an environment", hint) from None


Uuid = Annotated[Text, AfterValidator(_uuid)]


class OrchestratorSettings(SiteSection):
    """The site's orchestrator. ``environment``: the id of the one environment that runs here may change.

    ``agents``: those of its model beside ``internal``, in the order in which a careful deployment engages them; all
    are started by the server. ``checkout``: where its project is checked out on this machine, for a release, with
    ``branch`` for its releases; ``inmanta``: the command that freezes it; ``modules``: the version that each module
    must be frozen to.
    """

    url: Url
    environment: Uuid
    agents: Texts = ()
    checkout: Text | None = None
    branch: Text = "production"
    inmanta: Text = "inmanta"
    modules: dict[Text, Text] = Field(default_factory=dict)

    @property
    def every_agent(self) -> tuple[str, ...]:
        """All agents, ``internal`` first."""
        return tuple(dict.fromkeys((INTERNAL, *self.agents)))

    def words(self) -> Mapping[str, Any]:
        """Return ``orchestrator.url``, ``.environment``, ``.checkout`` and ``.branch``."""
        return {
            "orchestrator.url": self.url,
            "orchestrator.environment": self.environment,
            "orchestrator.checkout": self.checkout or "(no systems.orchestrator.checkout)",
            "orchestrator.branch": self.branch,
        }

    def hosts(self) -> Iterator[tuple[Path, str]]:
        """Yield the server."""
        yield ("url",), url_host(self.url)

    def contradictions(self, roster: Roster) -> Iterator[tuple[Path, str, str]]:
        """Yield what would send a token in clear."""
        del roster
        if self.url.startswith("http://") and not is_loopback(url_host(self.url)):
            yield ("url",), f"{self.url} would be sent a token in clear", "write https://"

"""How a site's services are deployed: its section ``practices``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from deploydash.core.procedure.names import SystemName
from deploydash.systems.section import SiteSection, Text, Texts

PRACTICES = SystemName("practices")

COORDINATOR = "coordinator"
"""The placeholder of who announces start and end and is asked; also how the header begins that names them."""


class PracticesSettings(SiteSection):
    """``environment``: which one the site is. ``applications``: the service of ``practices.yaml`` that each is of.

    ``blessing`` and ``notice``: the steps of a runbook whose sign-offs record who okayed it, and that announce it.
    ``channels``: what a channel of ``practices.yaml`` is called here today, where that is something else.
    """

    environment: Literal["Bleed", "Dev", "Int", "Prod"]
    applications: dict[Text, Text]
    blessing: Texts = ()
    notice: Texts = ()
    channels: dict[Text, Text] = Field(default_factory=dict)

    def words(self) -> Mapping[str, Any]:
        """Return ``practices.environment``."""
        return {"practices.environment": self.environment}

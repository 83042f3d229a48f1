"""How a site's services are deployed: its section ``practices``."""

from __future__ import annotations

from typing import Literal

from deploydash.core.procedure.names import SystemName
from deploydash.systems.section import SiteSection, Text, Texts

PRACTICES = SystemName("practices")


class PracticesSettings(SiteSection):
    """``environment``: which one the site is. ``applications``: the service of ``practices.yaml`` that each is of.

    ``blessing`` and ``notice``: the steps of a runbook whose sign-offs record who okayed it, and that it was announced.
    """

    environment: Literal["Bleed", "Dev", "Int", "Prod"]
    applications: dict[Text, Text]
    blessing: Texts = ()
    notice: Texts = ()

"""The ``systems:`` block of a site file as a whole: the documentation, and a section for each system of the table.

What a section holds is its system's own (``systems/<name>/settings.py``). Runbooks name its words in their commands
(``{argocd.server}``) and repeat steps for its lists (``for_each: cameras``).
"""

from __future__ import annotations

from deploydash.config.site import SiteFile
from deploydash.systems.section import Part, Text, Url


class Docs(Part):
    """Where the public procedure is: ``folder`` holds the site's pages, ``anchor`` begins their sections' names."""

    root: Url
    folder: Text
    anchor: Text


class Systems(Part):
    """What a runbook touches at a site that no system of the table reads."""

    docs: Docs | None


class WholeSiteFile(SiteFile):
    """What is true at a site, with the shape of what runbooks touch."""

    systems: Systems | None = None

"""The sample's section of a site file."""

from __future__ import annotations

from deploydash.systems.section import SiteSection


class SampleSettings(SiteSection):
    """Where the machines' server is."""

    url: str

"""Who is asked at a site: its section ``person``."""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.core.model import CscId, Roster
from deploydash.systems.section import Lines, Rows, SiteSection


class PersonSettings(SiteSection):
    """The people of a site. ``owners``: who says go, and whose configuration must be in place."""

    owners: Lines

    def loops(self, roster: Roster, only: frozenset[CscId] | None) -> Mapping[str, Rows]:
        """Return ``owners``."""
        del roster, only
        return {"owners": [{"owner": owner} for owner in self.owners]}

"""What other systems report, as a page."""

from __future__ import annotations

from deploydash.ui.draw.ink import Line
from deploydash.ui.draw.run.facts import facts_lines
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.screens.step import StepScreen


class FactsScreen(StepScreen):
    """Every system's feed and facts; it follows what is reported while it is open."""

    def page(self, reading: Reading, width: int) -> list[Line]:
        """Return what is reported now."""
        return facts_lines(reading, width - 2)

"""What waits, runs, is late and is owed, as a page."""

from __future__ import annotations

from deploydash.ui.draw.ink import Line
from deploydash.ui.draw.run.now import now_lines
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.screens.step import StepScreen


class NowScreen(StepScreen):
    """The answers to "what now?" in all lanes; it follows the run while it is open."""

    def page(self, reading: Reading, width: int) -> list[Line]:
        """Return how things stand."""
        return now_lines(reading, width - 2)

"""Ready messages to owners as a page; nothing is sent from here."""

from __future__ import annotations

from deploydash.core.model import CscId
from deploydash.ui.draw.ink import Line
from deploydash.ui.draw.run.messages import message_lines, principal_lines
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.screens.step import StepScreen


class PrincipalScreen(StepScreen):
    """What may be written to each of those whom the card tells or asks something."""

    def page(self, reading: Reading, width: int) -> list[Line]:
        """Return the messages from the first column on, as they are to be copied."""
        return principal_lines(reading, self.host.speakers, width - 1)


class MessageScreen(StepScreen):
    """What may be written to the owners of some CSCs; it follows what is seen while it is open."""

    def __init__(self, cscs: tuple[CscId, ...]) -> None:
        super().__init__()
        self._cscs = cscs

    def page(self, reading: Reading, width: int) -> list[Line]:
        """Return the messages from the first column on, as they are to be copied."""
        return message_lines(reading, self._cscs, width - 1)

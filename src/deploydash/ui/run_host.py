"""What the screens of a run may ask of the app that shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from deploydash.core.owners import Owners, Speakers
from deploydash.core.published import Published
from deploydash.ui.draw.run.attention import Bell
from deploydash.ui.draw.run.proposal import Asked
from deploydash.ui.host import Host
from deploydash.ui.inbox import History, RunInbox


class RunHost(Host, Protocol):
    """The app of a run; ``desk`` is None for an observer, on whose screen no key acts."""

    inbox: RunInbox | None
    owners: Owners
    speakers: Speakers
    me: str
    watching: Callable[[], int]
    history: History | None
    bells: Bell
    typed_at: float

    def hold(self) -> str:
        """Hold everything, or as an observer ask the lead to; return the sentence that says which."""
        ...

    def stop(self) -> str:
        """Send the emergency stops of the systems here; return the sentence that says so, or why there is none."""
        ...

    def open_timeline(self) -> None:
        """Show the run over time."""
        ...

    def open_proposal(self, asked: Asked) -> None:
        """Show exactly what an order about items would do, and arm it there."""
        ...

    async def copy(self, text: str) -> str:
        """Copy a text out of the screen, and return where to, in words."""
        ...

    def ring(self, snapshot: Published) -> None:
        """Ring once for each thing that needs the lead."""
        ...

"""What a screen needs of a session: snapshots come in, orders go out, and both clocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from deploydash.core.fleet.commands import Command
from deploydash.core.ports import Clock
from deploydash.core.published import Published


class SnapshotSource(Protocol):
    """The session as the screen sees it."""

    @property
    def clock(self) -> Clock:
        """The clock that the snapshots' monotonic times belong to."""
        ...

    def subscribe(self, subscriber: Callable[[Published], None], /) -> Callable[[], None]:
        """Call ``subscriber`` with every new snapshot until the returned function is called."""
        ...

    def order(self, command: Command, /) -> None:
        """Hand over an order of the operator; never waits."""
        ...

"""What screens and widgets may ask of the app that shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from deploydash.core.fleet.commands import Command
from deploydash.core.published import Published
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.themes import Palette
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.source import SnapshotSource


class Host(Protocol):
    """The app as its own screens see it."""

    source: SnapshotSource
    glyphs: Glyphs
    snapshot: Published | None
    speed: float | None

    @property
    def palette(self) -> Palette:
        """The theme in use."""
        ...

    def next_theme(self) -> str:
        """Go to the next theme and return a sentence about it."""
        ...

    def moment(self, *, by_state: bool = False) -> Moment:
        """Return now, as the tiles need it."""
        ...

    def order(self, command: Command) -> None:
        """Hand an order to the session."""
        ...

    def after(self, seconds: float, callback: Callable[[], object]) -> None:
        """Call back once these seconds are over."""
        ...

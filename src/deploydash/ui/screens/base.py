"""What all our screens share: exact updates, keys from the table, and snapshots handed on."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from deploydash.core.published import Published
from deploydash.ui.keys import KEYS
from deploydash.ui.widgets.canvas import Canvas
from deploydash.ui.widgets.terminal import ExactCompositor

if TYPE_CHECKING:
    from deploydash.ui.host import Host


class View(Screen[None], inherit_bindings=False):
    """A screen that shows snapshots. ``act_<name>(argument)`` answers the keys of its scope."""

    AUTO_FOCUS = ""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._compositor = ExactCompositor()

    @property
    def deploydash(self) -> Host:
        """The app."""
        return cast("Host", self.app)

    @property
    def is_there(self) -> bool:
        """Whether its parts stand: not before they are composed, nor while they or the whole app are taken away."""
        return self.is_mounted and bool(self.children) and self.is_attached and self in self.app.screen_stack

    @abstractmethod
    def take(self, snapshot: Published) -> None:
        """Show a new snapshot."""

    @abstractmethod
    def second(self) -> None:
        """Let a second pass."""

    def draw_now(self) -> None:
        """Write what changed in this turn of the loop.

        Textual hands each changed widget from queue to queue and writes with the next tick of a timer of 60 Hz, which
        is milliseconds for a snapshot; those come no faster than that anyway. Whatever changes the layout goes its way.
        """
        others = self._layout_required or self._scroll_required or self._repaint_required or self._recompose_required
        if others or not self.is_current or self.app._batch_count:  # noqa: SLF001 - Textual has no public name for it
            return
        for canvas in self.query("Canvas").results(Canvas):  # type: ignore[type-abstract]
            if canvas.is_painted_later():
                self._dirty_widgets.add(canvas)
        if self._dirty_widgets:
            self._on_timer_update()

    def action_act(self, number: int) -> None:
        """Do what line ``number`` of the key table says."""
        key = KEYS[number]
        getattr(self, f"act_{key.act}")(key.argument)

"""What all our screens share: exact updates, keys from the table, and snapshots handed on."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from deploydash.core.snapshot import Snapshot
from deploydash.ui.keys import KEYS
from deploydash.ui.terminal import ExactCompositor

if TYPE_CHECKING:
    from deploydash.ui.app import DeploydashApp


class View(Screen[None], inherit_bindings=False):
    """A screen that shows snapshots. ``act_<name>(argument)`` answers the keys of its scope."""

    AUTO_FOCUS = ""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._compositor = ExactCompositor()

    @property
    def deploydash(self) -> DeploydashApp:
        """The app."""
        return cast("DeploydashApp", self.app)

    @abstractmethod
    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""

    @abstractmethod
    def second(self) -> None:
        """Let a second pass."""

    def action_act(self, number: int) -> None:
        """Do what line ``number`` of the key table says."""
        key = KEYS[number]
        getattr(self, f"act_{key.act}")(key.argument)

"""What an item says to people, written otherwise by the lead before it goes; nothing is sent from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.widgets import TextArea

from deploydash.core.outside_text import visible
from deploydash.core.published import Published
from deploydash.core.run.orders import EditText
from deploydash.core.views.run_view import ItemRow
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.screens.base import View
from deploydash.ui.widgets.canvas import Lines
from deploydash.ui.widgets.field import at_once
from deploydash.ui.widgets.text_field import TypedText

if TYPE_CHECKING:
    from deploydash.ui.run_host import RunHost

TAKE = "ctrl+s"
KEYS = ((TAKE, "take"), ("escape", "close"))


class EditScreen(View):
    """One text over the whole screen. ``order`` takes what was written."""

    BINDINGS = at_once(KEYS)

    def __init__(self, row: ItemRow, order: Callable[[EditText], object]) -> None:
        super().__init__()
        self._row = row
        self._order = order

    @property
    def host(self) -> RunHost:
        """The app."""
        return cast("RunHost", self.app)

    def compose(self) -> ComposeResult:
        """A title, the text, and the keys."""
        yield Lines(id="edit-head")
        yield TypedText(self._row.item.text, id="edit-text")
        yield Lines(id="footer")

    def on_mount(self) -> None:
        """Put the cursor at the end of the text."""
        field = self.query_one(TypedText)
        self.set_focus(field)
        field.move_cursor(field.document.end)
        self.call_after_refresh(self.draw)

    def on_resize(self) -> None:
        """Draw it in the new size."""
        self.call_after_refresh(self.draw)

    def on_text_area_changed(self, message: TextArea.Changed) -> None:
        """Count anew."""
        message.stop()
        self.draw()

    def take(self, snapshot: Published) -> None:
        """Nothing here follows what is seen: whether the text may still change is decided when it is taken."""

    def second(self) -> None:
        """Nothing here has an age."""

    def draw(self) -> None:
        """Draw title and keys."""
        count = len(self.query_one(TypedText).text)
        title = Span(f" Text of the {visible(self._row.item.label)}", Ink.TITLE)
        said = Span(f"   {count:,} characters, sent as it stands here", Ink.DIM)
        self.query_one("#edit-head", Lines).show([Line((title, said)), Line()])
        keys = (Span(f" {TAKE}", Ink.ACCENT), Span(" takes it; nothing is sent yet   "))
        leave = (Span("esc", Ink.ACCENT), Span(" leaves it as it was   "))
        hold = (Span("ctrl+g", Ink.ACCENT), Span(" HOLD"))
        self.query_one("#footer", Lines).show([Line((*keys, *leave, *hold), Surface.BAR)])

    def action_take(self) -> None:
        """Hand what was written to the run, and go back to the card."""
        text = self.query_one(TypedText).text
        self.dismiss()
        self._order(EditText(self._row.step, self._row.item.id, text))

    def action_close(self) -> None:
        """Go back to the card; the text is as it was."""
        self.dismiss()

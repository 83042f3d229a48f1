"""A field of several lines whose keys count in the order in which they were typed, as those of one line do."""

from __future__ import annotations

from textual.events import Key, Paste
from textual.widgets import TextArea

from deploydash.core.outside_text import visible


class TypedText(TextArea):
    """A text that is edited by itself. What is pasted is made visible as it comes in, its lines stay lines."""

    def __init__(self, text: str, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(visible(text, lines=True), soft_wrap=True, show_line_numbers=False, compact=True, id=id)
        self.cursor_blink = False
        self.highlight_cursor_line = False

    async def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        self.replace(visible(text, lines=True), *self.selection)

    async def _on_key(self, event: Key) -> None:
        """Edit at once: as ordinary bindings these keys would go round through the app."""
        editing = self._bindings.key_to_bindings.get(event.key, [])
        if editing and not event.is_printable:
            event.stop()
            event.prevent_default()
            await self.run_action(editing[0].action)

"""A field whose keys count in the order in which they were typed, also where one follows on the heels of another.

Textual hands letters to the field that has the focus when they arrive, and the field takes them later. Keys that are
bound are taken later still: what was typed behind Enter or Tab would stand in the field before. So a screen with fields
takes these the moment they arrive, after what the field was handed before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.message import Message
from textual.widgets import Input

from deploydash.core.outside_text import visible

_LONGEST_S = 1.0
"""A field that takes nothing for so long is gone; its keys are no reason to stop all others."""


def at_once(keys: Iterable[tuple[str, str]]) -> list[BindingType]:
    """Return bindings of (key, action) that act as the key arrives, where ``check_action`` lets them."""
    return [Binding(key, action, show=False, priority=True) for key, action in keys]


class TypedField(Input):
    """An input that edits by itself: as ordinary bindings its editing keys would go round through the app.

    What is pasted is made visible as it comes in, so that what is sent and journaled is what stood there; of several
    lines nothing is taken, and ``Refused`` says why.
    """

    pasted = False
    """Whether some of what stands there was pasted, and not typed letter by letter."""

    class Refused(Message):
        """What was pasted was not taken, in a sentence."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    def _on_paste(self, event: Paste) -> None:
        event.stop()
        event.prevent_default()
        text = event.text.rstrip("\r\n")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
        if lines > 1:
            told = f"what was pasted has {lines} lines and this field takes one: nothing of it was taken"
            self.post_message(self.Refused(told))
            return
        self.pasted = True
        selection = self.selection
        if selection.is_empty:
            self.insert_text_at_cursor(text)
        else:
            self.replace(text, *selection)

    def replace(self, text: str, start: int, end: int) -> None:
        """Put visible text in place of what stands there."""
        super().replace(visible(text), start, end)
        self.pasted = self.pasted and bool(self.value)

    async def _on_key(self, event: Key) -> None:
        editing = self._bindings.key_to_bindings.get(event.key, [])
        if editing and not event.is_printable:
            event.stop()
            event.prevent_default()
            await self.run_action(editing[0].action)


async def taken(field: Input) -> str:
    """Wait until a field took everything that was typed before, and return its text."""
    done = asyncio.Event()
    if field.call_later(done.set):
        try:
            async with asyncio.timeout(_LONGEST_S):
                await done.wait()
        except TimeoutError:
            pass
    return field.value

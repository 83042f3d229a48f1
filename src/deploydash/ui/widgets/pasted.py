"""What was pasted, taken out of what was typed before anything reads it as keys.

Textual's parser gives up its bracketed paste at an ESC inside of it and takes what follows for keys: a BEL in a pasted
text would hold the run. Here all between the two marks is text, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Iterator

from textual.events import Paste

START = "\x1b[200~"
END = "\x1b[201~"
"""The marks by which a terminal encloses what was pasted."""

LONGEST = 2_000_000
"""So many characters of one paste are kept: no field takes as many."""

IDLE = 20
"""After so many looks at a silent terminal, ten a second, a paste without an end is over, so that keys count again."""


class Pasted:
    """Divides what a terminal sends into what was typed and what was pasted; a mark may come in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False
        self._text: list[str] = []
        self._idle = 0

    def feed(self, text: str) -> Iterator[str | Paste]:
        """Yield texts to be read as keys, and what was pasted, in their order."""
        self._idle = 0
        text, self._held = self._held + text, ""
        while text:
            mark = END if self._inside else START
            before, found, after = text.partition(mark)
            if not found:
                kept = _beginning(text, mark, least=1 if self._inside else 3)
                before, self._held = (text[:-kept], text[-kept:]) if kept else (text, "")
            if self._inside:
                self._text.append(before)
            elif before:
                yield before
            if not found:
                return
            if self._inside:
                yield self._whole()
            self._inside, text = not self._inside, after

    def tick(self) -> Iterator[str | Paste]:
        """Yield what has come to its end because nothing more comes."""
        if self._inside:
            self._idle += 1
            if self._idle > IDLE:
                self._text.append(self._held)
                self._held, self._inside = "", False
                yield self._whole()
        elif self._held:
            typed, self._held = self._held, ""
            yield typed

    def _whole(self) -> Paste:
        text, self._text = "".join(self._text), []
        return Paste(text[:LONGEST].replace("\x00", ""))


def _beginning(text: str, mark: str, *, least: int) -> int:
    """Return how many characters at the end of a text may be the beginning of a mark; an Esc alone is a key."""
    return next((size for size in range(len(mark) - 1, least - 1, -1) if text.endswith(mark[:size])), 0)

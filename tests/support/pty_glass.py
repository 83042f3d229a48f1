"""A program on a pseudo-terminal, read as an operator sees it and driven by the keys that tmux has names for.

In place of :class:`tests.servers.tmux.Tmux` where the program is stopped: tmux continues its own at once.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyte

from tests.support.pty_screen import PtyScreen

KEYS = {"Enter": "\r", "Escape": "\x1b", "Down": "\x1b[B", "Up": "\x1b[A"}


class PtyGlass(PtyScreen):
    """What ``Lead`` needs of a terminal."""

    def __init__(self, command: list[str], *, width: int, height: int, environ: Mapping[str, str]) -> None:
        super().__init__(command, width=width, height=height, environ=environ)
        self._picture = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self._picture)

    def capture(self) -> str:
        """Return the screen as text, with all that was written up to now."""
        while got := self.read_for(0.02):
            self._stream.feed(got)
        return "\n".join(line.rstrip() for line in self._picture.display)

    def send_keys(self, *keys: str) -> None:
        """Press keys, by their names where they have one."""
        for key in keys:
            self.type(KEYS.get(key, key))

    def type_text(self, text: str) -> None:
        """Type a text."""
        self.type(text)

    def paste(self, text: str) -> None:
        """Paste a text between the marks of a paste."""
        self.type(f"\x1b[200~{text}\x1b[201~")

"""Writes to a terminal from a thread of its own, so that a terminal that stalls or dies holds up nobody."""

from __future__ import annotations

import atexit
import os
import select
import threading
import time
from collections.abc import Callable

FULL = 65_536
"""Characters that wait at most before frames are left out: a slow terminal shows the newest state, not each."""

PIECE = 4_096
"""Bytes handed over at once, so that a terminal that is merely slow is told from one that takes nothing."""

STALLED_S = 1.0
LEAVING_S = 5.0
"""Seconds without a byte taken, and altogether, after which a process that ends waits no longer for its terminal."""


class TerminalWriter:
    """Takes text at once and writes it in order. Every callback comes from the writing thread.

    ``caught_up`` is called when all is written again after frames were left out; ``lost`` once, when the terminal
    takes nothing ever again. It ends with the process, too. Characters that the encoding lacks become ``?``.
    """

    def __init__(
        self, descriptor: int, encoding: str, *, caught_up: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._caught_up = caught_up
        self._lost = lost
        # Reentrant by default: a signal's handler may write while its own thread is writing.
        self._news = threading.Condition()
        self._waiting: list[str] = []
        self._held = 0
        self._written = 0
        self._left_out = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()
        atexit.register(self.wait)

    def write(self, text: str) -> None:
        """Take a text to be written; never waits. After ``stop`` or a loss it goes nowhere."""
        with self._news:
            if not self._ended:
                self._waiting.append(text)
                self._held += len(text)
                self._news.notify()

    def has_room(self) -> bool:
        """Say whether a frame may be written; if not, all has to be drawn anew at ``caught_up``."""
        with self._news:
            if self._held < FULL or self._ended:
                return not self._ended
            self._left_out = True
            return False

    def discard(self) -> None:
        """Forget what waits: nobody has to see the frames of a screen that is being left."""
        with self._news:
            self._held -= sum(map(len, self._waiting))
            self._waiting.clear()

    def stop(self) -> None:
        """Write what waits, then end; does not wait for it."""
        with self._news:
            self._ended = True
            self._news.notify()

    def wait(self) -> None:
        """After ``stop``: wait until all is written; a terminal that takes nothing is left to itself after a second."""
        end, written = time.monotonic() + LEAVING_S, -1
        while self._thread.is_alive() and self._written != written and time.monotonic() < end:
            written = self._written
            self._thread.join(STALLED_S)

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._waiting or self._ended)
                text = "".join(self._waiting)
                self._waiting.clear()
            if not text:
                return
            try:
                self._write_all(text.encode(self._encoding, "replace"))
            except OSError:
                self._end()
                return
            with self._news:
                self._held -= len(text)
                caught_up = self._left_out and not self._waiting
                self._left_out = self._left_out and not caught_up
            if caught_up:
                self._caught_up()

    def _write_all(self, content: bytes) -> None:
        while content:
            try:
                taken = os.write(self._descriptor, content[:PIECE])
            except BlockingIOError:
                # Another program that shares the terminal may have set it so.
                select.select([], [self._descriptor], [])
                continue
            content = content[taken:]
            self._written += taken

    def _end(self) -> None:
        with self._news:
            self._ended = True
            self._waiting.clear()
            self._held = 0
        self._lost()

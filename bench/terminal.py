"""A program on a pseudo-terminal: every chunk it writes is kept with the moment it was read."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import pyte

WIDTH, HEIGHT = 120, 40


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one read returned; ``at`` is monotonic, ``utc`` the system's clock."""

    at: float
    utc: float
    data: bytes


class Terminal:
    """Starts a program at 120x40 and reads it from a thread until it is left; then the program ends, too."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.chunks: list[Chunk] = []
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=dict(environ), start_new_session=True
        )
        os.close(slave)
        self._ending = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._screen: Any = pyte.Screen(WIDTH, HEIGHT)
        self._stream: Any = pyte.ByteStream(self._screen)
        self._fed = 0

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._ending = True
        self._reader.join(5)
        os.close(self._master)

    def _read(self) -> None:
        while not self._ending:
            ready, _, _ = select.select([self._master], [], [], 0.2)
            if not ready:
                continue
            with suppress(OSError):
                data = os.read(self._master, 65_536)
                self.chunks.append(Chunk(time.monotonic(), time.time(), data))

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def written(self, since: float, until: float) -> int:
        """Return how many bytes came between two monotonic moments."""
        return sum(len(chunk.data) for chunk in tuple(self.chunks) if since <= chunk.at < until)

    def feed(self) -> Chunk | None:
        """Put the next chunk on the screen and return it; None where there is none yet."""
        if self._fed >= len(self.chunks):
            return None
        chunk = self.chunks[self._fed]
        self._fed += 1
        # pyte takes the > of a private sequence (Textual asks for key reports) as text.
        self._stream.feed(chunk.data.replace(b"\x1b[>", b"\x1b[?"))
        return chunk

    def lines(self) -> list[str]:
        """Return the screen as it is after what was fed."""
        shown: list[str] = self._screen.display
        return shown

    def letter(self, row: int, column: int) -> str:
        """Return one character of the screen."""
        character: str = self._screen.buffer[row][column].data
        return character

    def wait_for(self, words: Sequence[str], seconds: float) -> float:
        """Return when (monotonic) the screen first showed all the words.

        Raises:
            TimeoutError: it did not in time; the message is the screen.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            while (chunk := self.feed()) is not None:
                text = "\n".join(self.lines())
                if all(word in text for word in words):
                    return chunk.at
            time.sleep(0.1)
        raise TimeoutError(f"{words} not shown in {seconds} s:\n" + "\n".join(self.lines()))

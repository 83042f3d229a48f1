"""A program on a pseudo-terminal of its own: what it writes is kept, what is typed goes in."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Self

from tests.servers.waiting import patient


class PtyScreen:
    """Starts the program and reads until told to stop; the program ends with it.

    The terminal is its controlling one: who loses it is told by SIGHUP. ``messages``: a file for standard error.
    """

    def __init__(
        self,
        command: list[str],
        *,
        width: int,
        height: int,
        environ: Mapping[str, str],
        messages: IO[bytes] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        self._name = os.ttyname(slave)
        self._is_lost = False
        self.resize(width, height)
        # COLUMNS and LINES, which pytest's workers export, would be believed more than the terminal itself.
        own = {name: text for name, text in environ.items() if name not in {"COLUMNS", "LINES"}}
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=messages or slave,
            env=own,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - one system call that takes no lock
        )
        os.close(slave)
        self.written = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(patient(5))
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(patient(5))
        self.lose()

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    def resize(self, width: int, height: int) -> None:
        """Change the terminal's size, as dragging its window does."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def stall(self) -> None:
        """Let nothing through to the terminal any more, as ctrl+s in a shell or a connection that hangs."""
        self._flow(termios.TCOOFF)

    def go_on(self) -> None:
        """Let everything through again."""
        self._flow(termios.TCOON)

    def lose(self) -> None:
        """Take the terminal away, as a connection that breaks does."""
        if not self._is_lost:
            self._is_lost = True
            os.close(self._master)

    def has_ended(self) -> bool:
        """Say whether the program has ended; what it writes is not read."""
        return self._process.poll() is not None

    def code(self) -> int:
        """Return the exit code of a program that has ended."""
        return self._process.wait(0)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def read_for(self, seconds: float) -> bytes:
        """Return what is written within the next seconds."""
        end = time.monotonic() + seconds
        got = b""
        while (left := end - time.monotonic()) > 0:
            got += self._read(left)
        return got

    def read_until(self, text: str, seconds: float = 20.0) -> bytes:
        """Return what is written until ``text`` was; fails when it does not come in time."""
        end = time.monotonic() + patient(seconds)
        got = b""
        while text.encode() not in got:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} was not written in {patient(seconds):g} s; the end was {got[-500:]!r}"
            got += self._read(left)
        return got

    def wait(self, seconds: float = 10.0) -> int:
        """Return the exit code; output meanwhile is read away."""
        end = time.monotonic() + patient(seconds)
        while self._process.poll() is None and time.monotonic() < end:
            self._read(0.1)
        return self._process.wait(0.1)

    def _flow(self, action: int) -> None:
        terminal = os.open(self._name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(terminal, action)
        os.close(terminal)

    def _read(self, seconds: float) -> bytes:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return b""
        try:
            got = os.read(self._master, 65_536)
        except OSError:
            return b""
        self.written += got
        return got


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

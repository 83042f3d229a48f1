"""The three standard streams, made safe: one that is closed, full or stalled costs words, never the answer."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from deploydash.core.outside_text import visible

SAID_S = 2.0
"""Seconds that a stalled terminal is given to take a message: a process that ends must not wait for it for ever."""


class OutputLost(Exception):
    """Nobody reads what this command still has to say, or there is no room for it."""


class _Output(io.RawIOBase):
    """Standard output that remembers how writing failed, and takes what follows for nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: object) -> int:
        content = memoryview(data)  # type: ignore[arg-type]
        if self.error is not None:
            return content.nbytes
        try:
            return self._put(content)
        except OSError as error:
            self.error = error
            return content.nbytes

    def _put(self, content: memoryview) -> int:
        while True:
            try:
                return os.write(self._descriptor, content)
            except BlockingIOError:
                # Another program that shares the pipe may have set it so: full is not lost.
                select.select([], [self._descriptor], [])


class _Messages(_Output):
    """Standard error, on a terminal for a limited time: ctrl+s or a dead connection stalls it for good."""

    def _put(self, content: memoryview) -> int:
        if not self.isatty():
            return super()._put(content)
        writing = threading.Thread(target=self._write_all, args=(bytes(content),), name="messages", daemon=True)
        writing.start()
        writing.join(SAID_S)
        if writing.is_alive():
            raise OSError(errno.EAGAIN, "the terminal takes nothing")
        return content.nbytes

    def _write_all(self, content: bytes) -> None:
        try:
            while content:
                content = content[os.write(self._descriptor, content) :]
        except OSError as error:
            self.error = error


class _Visible(io.TextIOWrapper):
    """Text by lines in which everything that steers a terminal is a sign; ``drawing`` lets our own colours through."""

    drawing = False

    def write(self, text: str) -> int:
        return super().write(text if self.drawing else visible(text, lines=True))


def make_safe() -> None:
    """Open what the caller closed on the null device, and let no stream fail; once, before anything is opened.

    From then on no text from outside reaches a terminal by these streams as anything but letters and signs, and no
    character that the encoding lacks is a failure.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        _open(descriptor, name)
    out, messages = sys.stdout, sys.stderr
    if id(out) == id(sys.__stdout__):
        sys.stdout = _safe(out, _Output(1))
    if id(messages) == id(sys.__stderr__):
        sys.stderr = _safe(messages, _Messages(2))


def draw(text: str) -> None:
    """Write text to standard output in which the colours are ours and everything from outside is visible already."""
    with drawing():
        print(text, end="")


@contextmanager
def drawing() -> Iterator[None]:
    """Let the sequences of what is written to standard output meanwhile through: for what draws by itself."""
    out = sys.stdout
    if isinstance(out, _Visible):
        out.drawing = True
    try:
        yield
    finally:
        if isinstance(out, _Visible):
            out.drawing = False


def write_line(stream: TextIO, line: str) -> None:
    """Write a line to a standard stream without its buffer: a thread that waits here holds no lock of it."""
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    if not isinstance(raw, _Output):
        print(line, file=stream, flush=True)
        return
    content = memoryview(visible(f"{line}\n", lines=True).encode(stream.encoding, stream.errors or "replace"))
    while content:
        content = content[raw.write(content) :]


def look_for_readers() -> None:
    """See whether standard output still goes anywhere; for commands that go on and on.

    Raises:
        OutputLost: what was written last did not.
    """
    if _error() is not None:
        raise OutputLost


def lost() -> str:
    """Return why the answer could not be written, or nothing; a reader who left, as ``head`` does, is no reason."""
    sys.stdout.flush()
    error = _error()
    return "" if error is None or isinstance(error, BrokenPipeError) else error.strerror or str(error)


def _error() -> OSError | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.error if isinstance(raw, _Output) else None


def _open(descriptor: int, name: str) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, descriptor)
        if null != descriptor:
            os.close(null)
        os.set_inheritable(descriptor, True)
    if getattr(sys, name) is None:
        stream = open(descriptor, "r" if descriptor == 0 else "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def forgiving(errors: str | None) -> str:
    """Return how a stream takes characters that its encoding lacks: as ``?`` where it would fail."""
    return "replace" if errors in {None, "strict", "surrogateescape"} else str(errors)


def _safe(stream: TextIO, raw: _Output) -> TextIO:
    stream.flush()
    return _Visible(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=forgiving(stream.errors),
        line_buffering=getattr(stream, "line_buffering", False),
        write_through=getattr(stream, "write_through", False),
    )

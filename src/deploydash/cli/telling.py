"""Lines of a command that goes on and on, written beside its event loop: whoever does not read them holds up nothing.

A pipe that nobody reads and a terminal that was stopped by ctrl+s block whoever writes to them.
"""

from __future__ import annotations

import queue
import sys
import threading

from deploydash.cli import streams


class Telling:
    """Takes lines at once and writes each stream's in order, from a thread of its own."""

    def __init__(self) -> None:
        self._out = _Line("stdout")
        self._messages = _Line("stderr")

    def out(self, line: str) -> None:
        """Take a line of the answer; never waits."""
        self._out.take(line)

    def message(self, line: str) -> None:
        """Take a line for people, on standard error; never waits."""
        self._messages.take(line)

    def finish(self) -> None:
        """Wait until all is written: the answer as long as it takes, as for any program; messages not for long."""
        self._messages.finish(streams.SAID_S)
        self._out.finish(None)


class _Line:
    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._writing: threading.Thread | None = None

    def take(self, line: str) -> None:
        if self._writing is None:
            # A daemon: a process that is told to end does not wait for a reader.
            self._writing = threading.Thread(target=self._write, name=f"lines to {self._name}", daemon=True)
            self._writing.start()
        self._waiting.put(line)

    def finish(self, limit_s: float | None) -> None:
        if self._writing is not None:
            self._waiting.put(None)
            self._writing.join(limit_s)
            self._writing = None

    def _write(self) -> None:
        while (line := self._waiting.get()) is not None:
            streams.write_line(getattr(sys, self._name), line)

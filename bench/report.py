"""What a run of benchmarks has found so far: kept on disk after each one, printed at the end, whichever end it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from bench.machine import load as machine_load
from bench.machine import machine
from bench.rows import Row, table

LONGEST_REASON = 200


class Interrupted(BaseException):
    """A signal asks for the end. ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted at the first SIGINT, SIGTERM or SIGHUP; let no other cut short what cleans up after it.

    A signal that was ignored before (``nohup``) still is.
    """
    numbers = [each for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if _matters(each)]

    def end(number: int, _: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted(number)

    before = {each: signal.signal(each, end) for each in numbers}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _matters(number: int) -> bool:
    return signal.getsignal(number) is not signal.SIG_IGN


def reason(error: BaseException) -> str:
    """Return why a benchmark broke: one line of at most LONGEST_REASON characters."""
    text = str(error)
    if isinstance(error, subprocess.CalledProcessError):
        text = f"{_program(error.cmd)} ended with {error.returncode}: {_last_line(error.stderr)}"
    elif isinstance(error, subprocess.TimeoutExpired):
        text = f"{_program(error.cmd)} took longer than {error.timeout:g} s"
    line = next((line for line in text.splitlines() if line.strip()), "")
    line = " ".join(line.split()) or type(error).__name__
    return line if len(line) <= LONGEST_REASON else line[: LONGEST_REASON - 1] + "…"


def _program(command: Sequence[object]) -> str:
    return " ".join(str(word) for word in command[1:4])


def _last_line(text: str | None) -> str:
    return ((text or "").strip().splitlines() or ["it said nothing"])[-1]


class Report:
    """The rows of ``todo`` so far, what broke and why, what is still to do.

    ``history`` is how many heartbeats the log held, once that is known.
    """

    def __init__(self, output: Path, todo: Sequence[tuple[str, int]]) -> None:
        self.rows: list[Row] = []
        self.broken: dict[str, str] = {}
        self.history = 0
        self.ended_by = ""
        self._details: dict[str, str] = {}
        self._output = output
        self._left = [label(*one) for one in todo]
        self._loads = [machine_load()]
        self._began = time.monotonic()

    def broke(self, what: str, error: Exception) -> str:
        """Note why something could not be finished and return that as a sentence; the JSON has its traceback, too."""
        self.broken[what] = reason(error)
        self._details[what] = "".join(traceback.format_exception(error))[-4000:]
        return f"{what} broke: {self.broken[what]}"

    def done(self, what: str) -> None:
        """Note that a benchmark is over, well or not, and write all there is."""
        self._left.remove(what)
        self._loads.append(machine_load())
        self.write()

    def write(self) -> None:
        """Write the JSON file; a reader finds the old one or the new one, never a part."""
        facts = {**machine(), "load": self._loads, "seconds": self._seconds, "history_records": self.history}
        document = {
            "machine": facts,
            "broken": self.broken,
            "details": self._details,
            "not_run": self._left,
            "ended_by": self.ended_by,
            "rows": [row.document() for row in self._ordered()],
        }
        self._output.parent.mkdir(parents=True, exist_ok=True)
        part = self._output.with_name(f".{self._output.name}.{os.getpid()}")
        part.write_text(json.dumps(document, indent=1))
        part.replace(self._output)

    def text(self) -> str:
        """Return the table, what broke, what was not run, and on which machine this was."""
        facts = machine()
        lines = [table(self._ordered()), ""]
        lines += [f"{name} broke: {why}" for name, why in self.broken.items()]
        if self.ended_by:
            left = ", ".join(self._left) or "nothing"
            lines.append(f"ended by {self.ended_by}; not finished: {left}")
        return "\n".join(lines) + (
            f"\n{facts['cores']} cores ({facts['processor']}), Python {facts['python']}, aiokafka {facts['aiokafka']}, "
            f"fastavro {facts['fastavro']}, Textual {facts['textual']}; real Kafka, {self.history:,} heartbeats in the "
            f"log; load {min(self._loads):.1f} to {max(self._loads):.1f}; {self._seconds:.0f} s; {self._output}"
        )

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _ordered(self) -> list[Row]:
        return sorted(self.rows, key=lambda row: (row.bench, row.size))


def label(name: str, size: int) -> str:
    """Return how a benchmark of a size is called in the report."""
    return f"{name} at {size:,}"

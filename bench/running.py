"""A living fleet as benchmarks hold it: its site file, its process, and what it is ordered to do."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.fleet import BenchCsc, roster

_FULL_MINUTE_S = 63.0


class RunningFleet:
    """Beats from when it is made until ``stop()``."""

    def __init__(self, size: int, site_file: Path, settings: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.size = size
        self.site_file = site_file
        self.environ = dict(environ)
        self.bootstrap: str = settings["bootstrap"]
        self.cscs: list[BenchCsc] = roster(size)
        order = site_file.with_suffix(".json")
        order.write_text(json.dumps(settings))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load", str(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl+C is for the run, which then stops the fleet
        )
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.answer(60)
        except BaseException:
            self.stop()
            raise
        self._since = time.monotonic()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(json.loads(line))

    def order(self, what: str, **how: Any) -> None:
        """Have something done: ``change`` (csc, state), ``storm`` (hz), ``calm``."""
        if self._process.stdin is None:
            raise RuntimeError("the fleet has no stdin")
        self._process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self._process.stdin.flush()

    def answer(self, seconds: float = 30.0) -> dict[str, Any]:
        """Return its next answer.

        Raises:
            queue.Empty: none came in time.
        """
        return self._answers.get(timeout=seconds)

    def calm(self) -> None:
        """End a storm and have every CSC tell the state it began with."""
        self.order("calm")
        # A change that was still under way may answer first.
        while not self.answer(60).get("calm"):
            continue

    def fill_minute(self) -> None:
        """Return when the fleet has beaten for a minute: an observatory has no gap in its last minute."""
        time.sleep(max(0.0, self._since + _FULL_MINUTE_S - time.monotonic()))

    def stop(self) -> None:
        """Let all fall silent."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

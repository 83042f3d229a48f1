"""The installed command as a script runs it: its own process, pipes, an environment without the tester's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.servers.waiting import patient

DEPLOYDASH = (sys.executable, "-c", "from deploydash.cli import main; main()")
"""Works in any checkout, whether the package's script is on the path or not."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str
    seconds: float


class CommandLine:
    """Runs deploydash with its state, cache and configuration in ``home``, and no ``LSST_*`` but the given ones."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state"
        self.cwd = ROOT

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the whole environment of a command."""
        kept = {
            name: text
            for name, text in os.environ.items()
            if not name.startswith(("LSST_", "EFD_", "DEPLOYDASH_", "XDG_", "PYTHON"))
            and name not in {"NO_COLOR", "COLUMNS", "LINES"}
        }
        ours = {
            "HOME": str(self.home),
            "DEPLOYDASH_STATE_DIR": str(self.state),
            "DEPLOYDASH_LOCK_DIR": str(self.state),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {**kept, **ours, **(extra or {})}

    def run(
        self,
        *words: object,
        env: Mapping[str, str] | None = None,
        seconds: float = 60,
        before: Sequence[str] = (),
        module: str = "",
    ) -> Ran:
        """Run a command to its end, without a terminal; ``before`` are words of another command that starts it.

        ``module``: a main of one's own in place of the installed command.
        """
        started = time.monotonic()
        command = (sys.executable, "-m", module) if module else DEPLOYDASH
        done = subprocess.run(
            [*before, *command, *map(str, words)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patient(seconds),
            check=False,
            cwd=self.cwd,
            env=self.environment(env),
        )
        return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - started)

    def status(self, site: object, *words: object, env: Mapping[str, str] | None = None) -> Ran:
        """Run ``status`` with the limit that a loaded machine takes to decide: the limit itself is no subject here."""
        return self.run("status", site, "--timeout", f"{patient(15):.0f}s", *words, env=env, seconds=60)

    @contextmanager
    def started(
        self, *words: object, env: Mapping[str, str] | None = None, messages: IO[str] | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """Start a command and leave it running until the block ends.

        ``messages``: a file for standard error. Without one it is a pipe, which holds up what writes much of it unread.
        """
        process = subprocess.Popen(
            [*DEPLOYDASH, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if messages is None else messages,
            text=True,
            cwd=self.cwd,
            env=self.environment(env),
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)

    def words(self, *words: object) -> Sequence[str]:
        """Return a command's words, for a terminal to run."""
        return [*DEPLOYDASH, *map(str, words)]

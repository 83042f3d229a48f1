"""The demo observatory as a test's world, and the screen on it as an operator sees and drives it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import CommandLine

DECIDED = re.compile(r"\b([1-9]\d*)/(\d+) at ")


@dataclass(frozen=True, slots=True)
class Observatory:
    """A running ``demo --serve``."""

    process: subprocess.Popen[str]
    kafka: str
    site_file: Path

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(patient(10))


@contextmanager
def serving(cli: CommandLine, *words: str) -> Iterator[Observatory]:
    """Run a demo observatory until the block ends."""
    with TemporaryFile("w+") as said, cli.started("demo", "--serve", *words, messages=said) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            said.seek(0)
        assert line, said.read()
        addresses = json.loads(line)
        yield Observatory(process, addresses["kafka"], Path(addresses["site_file"]))
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(patient(10))


def watch(
    tmux: Tmux,
    cli: CommandLine,
    site: Path,
    *words: str,
    size: tuple[int, int] = (120, 40),
    env: Mapping[str, str] | None = None,
) -> None:
    """Open the grid of a site in the terminal and wait until it shows its counts."""
    tmux.start(cli.words("watch", site, *words), columns=size[0], rows=size[1], env=cli.environment(env))
    tmux.wait_for(" at startup", 20)


def counts(screen: str) -> tuple[int, int]:
    """Return n and m of ``n/m at ...`` in the header."""
    found = DECIDED.search(screen)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def row(screen: str, name: str) -> str:
    """Return the line that has a name, stripped.

    Raises:
        AssertionError: there is none; the message holds the screen.
    """
    for line in screen.splitlines():
        if re.search(rf"(?<![\w:]){re.escape(name)}(?![\w:])", line):
            return line.strip()
    raise AssertionError(f"no line has {name}:\n{screen}")

"""``demo``: starts the demo observatory as a process of its own and watches it.

The app learns of the observatory only through the site file that it writes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from deploydash.cli import status
from deploydash.cli.exits import Exit
from deploydash.cli.headless import until
from deploydash.cli.places import places
from deploydash.cli.running import run as run_to_the_end
from deploydash.cli.sites import open_site
from deploydash.cli.terminal import has_screen
from deploydash.config.pattern import parse_target
from deploydash.errors import UserError
from deploydash.wiring.read_only import read_only

LIMIT_S = 30.0
"""Seconds until one snapshot as text is printed, decided or not."""


def arguments(reference: str, scenario: str, speed: float, seed: int) -> list[str]:
    """Return the command line of the demo observatory for a site."""
    site = open_site(reference)
    words = [sys.executable, "-m", "deploydash.demo", "--site-file", str(site.path)]
    return [*words, "--scenario", scenario, "--speed", f"{speed:g}", "--seed", str(seed)]


def serve(command: list[str]) -> Exit:
    """Become the demo observatory: no screen, until SIGINT or SIGTERM."""
    os.execv(command[0], command)  # noqa: S606 - our own interpreter and our own words


@contextlib.contextmanager
def observatory(command: list[str]) -> Iterator[Path]:
    """Run the demo observatory and yield the site file it wrote; it ends with us, however we end."""
    with TemporaryDirectory(prefix="deploydash-demo-") as folder:
        log = Path(folder) / "demo.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [*command, "--out", folder, "--parent-pipe"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        with process:
            try:
                yield _site_file(process, log)
            finally:
                process.terminate()


def _site_file(process: subprocess.Popen[bytes], log: Path) -> Path:
    line = process.stdout.readline() if process.stdout is not None else b""
    if not line:
        said = log.read_text(errors="replace").strip().splitlines()
        raise UserError(f"the demo observatory did not start: {said[-1] if said else 'it said nothing'}")
    return Path(json.loads(line)["site_file"])


def run(command: list[str], target: str, *, theme: str | None) -> Exit:
    """Watch the demo observatory; where no screen can be shown print one snapshot as text."""
    with observatory(command) as site_file:
        if has_screen():
            from deploydash.cli import watch  # noqa: PLC0415 - the screen's libraries only where there is a screen

            return watch.run(str(site_file), target, theme=theme)
        reader = read_only(open_site(str(site_file)), os.environ, places().cache, parse_target(target))
        snapshot = run_to_the_end(until(reader, status.is_answered, LIMIT_S))
        status.print_snapshot(snapshot)
        return Exit.YES

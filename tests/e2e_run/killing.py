"""One short night on twelve CSCs, killed by SIGKILL after a chosen record of its journal, resumed and finished.

By keys in a terminal, where a thread kills the process as soon as it sees the record in the journal; or without a
screen (``tests/support/headless_run.py``), where the process kills itself with that record as its last.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from deploydash.core.run.records import RUN_RECORDS
from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book, write_small
from tests.e2e_run.world import World, forked_world, journals, known, open_run, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import ROOT, CommandLine
from tests.support.forked import start
from tests.support.headless_run import play
from tests.support.run_driver import CLOSED, Frame, Lead

FAST = """\
name: fast
about: Twelve CSCs that beat ten times a second.
fleet: STANDBY
cscs:
  - {csc: "*", beats: 0.1}
  - {csc: [Watcher, ATDome, "ScriptQueue:*"], state: ENABLED, beats: 0.1}
  - {csc: MTM1M3, state: DISABLED, beats: 0.1}
"""

HEADLESS_S = 240.0
"""A process of a night that takes longer is stuck."""

OF_THE_RUN = frozenset(kind.__name__ for kind in RUN_RECORDS)


@dataclass(frozen=True, slots=True)
class Night:
    """How a night ended: what must not depend on whether and when it was killed."""

    killed: bool
    journal: Path
    ended: dict[str, str]
    done: frozenset[str]
    commands: dict[tuple[str, str], int]

    @property
    def outcome(self) -> tuple[dict[str, str], frozenset[str], dict[tuple[str, str], int]]:
        """The end state: each target's outcome, the steps that are done, and how often each command was sent."""
        return self.ended, self.done, self.commands


CALM = """\
name: calm
about: All of the Summit is ENABLED.
fleet: ENABLED
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A world, a home and a runbook that are there for one night."""

    hill: World
    cli: CommandLine
    book: Path
    site: str

    def night(self, *, killed: bool) -> Night:
        """Return how the night ended."""
        return _night(self.hill, journals(self.cli)[0], killed)


@contextmanager
def scene(folder: Path, *, summit: bool) -> Iterator[Scene]:
    """Set the scene for a night of twelve CSCs, or with ``summit`` of all the Summit's."""
    cli = CommandLine(folder / "home")
    folder.mkdir(parents=True, exist_ok=True)
    site, queues = ("summit", 3) if summit else ("hill", 2)
    book = write_book(folder, SHUTDOWN, CLOSE, site=site, queues=queues)
    scenario = folder / "fast.yaml"
    scenario.write_text(CALM if summit else FAST, encoding="utf-8")
    at = ROOT / "sites" / "summit.yaml" if summit else write_small(folder)
    with forked_world(cli, at, scenario, folder) as hill:
        yield Scene(hill, cli, book, site)


def spend(folder: Path, kill_at: int | None, *, summit: bool = False) -> Night:
    """Play the night by keys to *closed*; ``kill_at`` counts the run's own records, samples apart."""
    with scene(folder, summit=summit) as at:
        dead = threading.Event()
        with Tmux(folder / "first") as tmux:
            killer = threading.Thread(target=kill, args=(at.cli, kill_at, dead), daemon=True)
            killer.start()
            open_run(tmux, at.cli, at.hill.site_file, at.book, dead=dead)
            _lead(tmux, at.site).play(lambda frame: dead.is_set() or frame.title == CLOSED, 120)
            dead.wait(0.1)
            killed = dead.is_set()
            if killed:
                assert tmux.wait_exit() == 128 + signal.SIGKILL
        if killed and not _closed(at.cli):
            with Tmux(folder / "second") as tmux:
                tmux.start(at.cli.words("resume"), columns=120, rows=40, env=at.cli.environment())
                known(tmux)
                _lead(tmux, at.site).play(lambda frame: frame.title == CLOSED, 120)
        return at.night(killed=killed)


def spend_headless(folder: Path, last: int, *, summit: bool = False) -> Night:
    """Play the night without a screen; the first process dies with its record ``last``, 0 is never."""
    with scene(folder, summit=summit) as at:
        run = ("run", str(at.hill.site_file), str(at.book), "--cycle", "c0045")
        headless(at.cli, run, folder / "first.log", last)
        written = len(records(journals(at.cli)[0], *OF_THE_RUN))
        if _closed(at.cli):
            # How many records a night has depends on what was seen together: this one had no record of that number.
            return at.night(killed=written == last)
        assert written == last, f"{written} records are on disk"
        headless(at.cli, ("resume",), folder / "second.log", 0)
        return at.night(killed=True)


def headless(cli: CommandLine, words: Sequence[str], log: Path, last: int) -> None:
    """Run a command without a screen to its end, or to its record ``last``.

    Raises:
        AssertionError: it ended in another way, or not in time; the message holds what it said.
    """
    process = start(partial(play, last), words, environment=cli.environment(), cwd=ROOT, log=log)
    process.join(patient(HEADLESS_S))
    ended = process.exitcode
    process.kill()
    as_wanted = {0, -signal.SIGKILL} if last else {0}
    assert ended in as_wanted, f"{words[0]} ended with {ended}\n{log.read_text()}"


def _closed(cli: CommandLine) -> bool:
    return bool(records(journals(cli)[0])[-1]["kind"] == "RunClosed")


def _lead(tmux: Tmux, site: str) -> Lead:
    return Lead(tmux, site=site, failures=once_more)


def once_more(lead: Lead, frame: Frame) -> None:
    """Retry everybody whom the card asks about; what is at target already gets no command."""
    if frame.has("* mark all"):
        lead.press("*")
    lead.retry()


def kill(cli: CommandLine, kill_at: int | None, dead: threading.Event) -> None:
    """Kill the process that holds the run as soon as so many of the run's own records are on disk."""
    while kill_at is not None and not dead.is_set():
        for journal in journals(cli):
            written = [line for line in journal.read_bytes().split(b"\n")[:-1] if _kind(line) in OF_THE_RUN]
            if len(written) >= kill_at:
                holder = json.loads((journal.parent / "lock").read_text(encoding="utf-8"))
                os.kill(holder["pid"], signal.SIGKILL)
                dead.set()
                return
        time.sleep(0.001)


def _kind(line: bytes) -> str:
    _, _, rest = line.partition(b'"kind":"')
    return rest.partition(b'"')[0].decode()


def _night(hill: World, journal: Path, killed: bool) -> Night:
    found = hill.commands()
    told: list[dict[str, Any]] = records(journal)
    ended = {record["item"]: record["outcome"] for record in told if record["kind"] == "ItemEnded"}
    done = frozenset(record["step"] for record in told if record["kind"] == "StepDone")
    counted = Counter((str(command.csc), command.name) for command in found.commands)
    return Night(killed, journal, ended, done, dict(counted))

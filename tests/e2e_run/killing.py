"""One short night on twelve CSCs, killed by SIGKILL after a chosen record of its journal, resumed and finished."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploydash.core.run_records import RUN_RECORDS
from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book, write_small
from tests.e2e_run.world import World, journals, known, open_run, records, world
from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine
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


def spend(folder: Path, kill_at: int | None, *, summit: bool = False) -> Night:
    """Play the night by keys to *closed*; ``kill_at`` counts the run's own records, samples apart.

    It is the night of twelve CSCs, or with ``summit`` of all the Summit's.
    """
    cli = CommandLine(folder / "home")
    folder.mkdir(parents=True, exist_ok=True)
    site, queues = ("summit", 3) if summit else ("hill", 2)
    book = write_book(folder, SHUTDOWN, CLOSE, site=site, queues=queues)
    scenario = folder / "fast.yaml"
    scenario.write_text(CALM if summit else FAST, encoding="utf-8")
    with world(
        cli, "--site", "summit" if summit else str(write_small(folder)), "--scenario", str(scenario), "--speed", "20"
    ) as hill:
        dead = threading.Event()
        with Tmux(folder / "first") as tmux:
            killer = threading.Thread(target=_kill, args=(cli, kill_at, dead), daemon=True)
            killer.start()
            open_run(tmux, cli, hill.site_file, book, dead=dead)
            _lead(tmux, site).play(lambda frame: dead.is_set() or frame.title == CLOSED, 120)
            dead.wait(0.1)
            killed = dead.is_set()
            if killed:
                assert tmux.wait_exit() == 128 + signal.SIGKILL
        if killed and records(journals(cli)[0])[-1]["kind"] != "RunClosed":
            with Tmux(folder / "second") as tmux:
                tmux.start(cli.words("resume"), columns=120, rows=40, env=cli.environment())
                known(tmux)
                _lead(tmux, site).play(lambda frame: frame.title == CLOSED, 120)
        return _night(hill, journals(cli)[0], killed)


def _lead(tmux: Tmux, site: str) -> Lead:
    return Lead(tmux, site=site, failures=_once_more)


def _once_more(lead: Lead, frame: Frame) -> None:
    """Retry everybody whom the card asks about; what is there already gets no command."""
    if frame.has("* mark all"):
        lead.press("*", "r")
    else:
        lead.press("r")


def _kill(cli: CommandLine, kill_at: int | None, dead: threading.Event) -> None:
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
    ended = {record["csc"]: record["outcome"] for record in told if record["kind"] == "TargetEnded"}
    done = frozenset(record["step"] for record in told if record["kind"] == "StepDone")
    counted = Counter((str(command.csc), command.name) for command in found.commands)
    return Night(killed, journal, ended, done, dict(counted))

"""The Summit's whole upgrade with every system in it, killed by SIGKILL at a chosen moment, resumed and finished.

The demo observatory tells what each fake was asked to change and how it stands at the end (``deploydash.demo.deeds``).
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from deploydash.demo.deeds import NAME
from tests.e2e.sites import summit
from tests.e2e_run.killing import OF_THE_RUN, kill, once_more
from tests.e2e_run.same_end import elsewhere, more_or_less, repeated
from tests.e2e_run.world import forked_world, journals, known, records
from tests.servers.tmux import Tmux
from tests.servers.waiting import patient
from tests.support.command_line import ROOT, CommandLine
from tests.support.forked import start
from tests.support.run_driver import CLOSED, Lead
from tests.support.whole_lead import Table, play

SPEED = 60

LIMIT_S = 400.0
"""A process of a night that takes longer is stuck."""

SILENT_S = 8.0
"""So long a CSC is silent before it counts as such, at any speed: nights side by side let the demo stand still."""

SETTLE_S = 1.0
"""What was let go last comes to its end in the world after the run is closed."""

TABLE = Table(
    answers={
        "cameras": "restart",
        "vms-logger": "stopped",
        "love-bare-metal": "stopped",
        "nublado-labs": "deleted",
        "schema": "breaking",
        "nublado": "told",
        "sasquatch": "sync",
        "testing": "skip",
        "enable-list": "published",
    },
    words={"date": "2025-12-04", "start": "08:30", "revision": "3", "coordinator": "@ana"},
)
"""The answers that let most be done. The date is past, so that what goes out before it goes out at once."""


ANSWERS_BY_KEYS = {
    "camera team install": "restart",
    "VMS data logger": "stopped",
    "LOVE on love01": "stopped",
    "Nublado labs": "deleted",
    "schema compatibility": "breaking",
    "users of Nublado": "told",
    "sasquatch": "sync",
    "minimal testing": "skip",
}
"""The same for words of the questions."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a process is killed: so many seconds after its record of that number; 0 is never."""

    record: int = 0
    late: float = 0.0

    def __str__(self) -> str:
        return f"record {self.record}" + (f" and {self.late:.2f} s" if self.late else "")


@dataclass(frozen=True, slots=True)
class WholeNight:
    """What came of a night. ``asked``: by fake, kind, object and outcome, how often; ``stands``: by fake."""

    killed: bool
    journal: Path
    last: str
    done: frozenset[str]
    ended: Mapping[tuple[str, str], str]
    commands: Mapping[tuple[str, str], int]
    asked: Mapping[tuple[str, str, str, str], int]
    stands: Mapping[str, Any]
    seconds: float


def spend_whole(folder: Path, moment: Moment, *, keys: bool = False, speed: int = SPEED) -> WholeNight:
    """Play the Summit's full cycle without a screen, or by ``keys``; the first process is killed at the moment.

    Raises:
        AssertionError: a process ended otherwise than by the kill or by closing the run, or not in time.
    """
    cli = CommandLine(folder / "home")
    folder.mkdir(parents=True, exist_ok=True)
    at, scenario = folder / "patient.yaml", Path("upgrade")
    at.write_text(yaml.safe_dump({**summit(), "limits": {"late": 5 * speed, "silent": SILENT_S * speed}}), "utf-8")
    began = time.monotonic()
    with forked_world(cli, at, scenario, folder, speed=speed) as hill:
        run = ("run", str(hill.site_file), "full-cycle", "--cycle", "c0045")
        spend = _by_keys if keys else _headless
        killed = spend(cli, run, folder / "first", moment)
        if killed and records(journals(cli)[0])[-1]["kind"] != "RunClosed":
            spend(cli, ("resume",), folder / "second", Moment())
        took = time.monotonic() - began
        found = hill.commands()
        time.sleep(SETTLE_S)
    journal = journals(cli)[0]
    told = json.loads((folder / "observatory" / NAME).read_text("utf-8"))
    return _night(journal, told, Counter((str(one.csc), one.name) for one in found.commands), took, killed=killed)


def _headless(cli: CommandLine, words: Sequence[str], folder: Path, moment: Moment) -> bool:
    """Run a command without a screen to its end or its kill; say whether it was killed."""
    program = partial(play, TABLE, moment.record, moment.late)
    log = folder.with_suffix(".log")
    process = start(program, words, environment=cli.environment(), cwd=ROOT, log=log)
    process.join(patient(LIMIT_S))
    ended = process.exitcode
    process.kill()
    as_wanted = {0, -signal.SIGKILL} if moment.record else {0}
    assert ended in as_wanted, f"{words[0]} ended with {ended}\n{log.read_text()[-6000:]}"
    return ended == -signal.SIGKILL


def _by_keys(cli: CommandLine, words: Sequence[str], folder: Path, moment: Moment) -> bool:
    """Lead by keys in a terminal to *closed*, or until a thread kills the process; say whether it did."""
    dead = threading.Event()
    with Tmux(folder) as tmux:
        killer = threading.Thread(target=kill, args=(cli, moment.record or None, dead), daemon=True)
        killer.start()
        tmux.start(cli.words(*words), columns=120, rows=40, env=cli.environment())
        known(tmux, dead)
        lead = Lead(tmux, answers=ANSWERS_BY_KEYS, failures=once_more)
        lead.play(lambda frame: dead.is_set() or frame.title == CLOSED, LIMIT_S)
        if dead.is_set():
            assert tmux.wait_exit() == 128 + signal.SIGKILL
    return dead.is_set()


def _night(
    journal: Path, told: Mapping[str, Any], commands: Mapping[tuple[str, str], int], took: float, *, killed: bool
) -> WholeNight:
    written = records(journal)
    before = next((place for place, one in enumerate(written) if one["kind"] == "RunResumed"), len(written))
    own = [one for one in written[:before] if one["kind"] in OF_THE_RUN]
    asked = Counter((one["fake"], one["kind"], one["about"], one["outcome"]) for one in told["asked"])
    return WholeNight(
        killed,
        journal,
        " ".join(str(own[-1].get(key, "")) for key in ("kind", "step", "item")),
        frozenset(one["step"] for one in written if one["kind"] == "StepDone"),
        {(one["step"], one["item"]): one["outcome"] for one in written if one["kind"] == "ItemEnded"},
        commands,
        asked,
        told["stands"],
        took,
    )


def differences(calm: WholeNight, night: WholeNight) -> list[str]:
    """Return in words what came otherwise than in the night that was never stopped, the worst first."""
    found = [
        *repeated(records(night.journal)),
        *more_or_less(calm.asked, night.asked, "asked"),
        *more_or_less(calm.commands, night.commands, "commanded"),
        *elsewhere(calm.stands, night.stands),
        *(f"{step} is not done" for step in sorted(calm.done - night.done)),
    ]
    return found + [
        f"{step} {item} ended as {night.ended.get((step, item), 'nothing')}, not {outcome}"
        for (step, item), outcome in sorted(calm.ended.items())
        if night.ended.get((step, item)) != outcome
    ]

"""P6: how long a Summit shutdown takes, beside the serial script on the same fleet (``p6_fleet.yaml``).

Measured: the real program, driven by keys, on the demo observatory at speed 1, whose CSCs are simulated. What counts
is from the approval of each step to its end as the journal has it; the lead's reading and typing is a row of its own.
Reckoned, not run: ``system_wide_shutdown.py`` of ts_standardscripts, from its algorithm and from times measured of
ts_salobj on two cores. It never reaches the ScriptQueues (they are left out of its discovery), so neither counts them.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench.fleet import SITE_SIZE, SUMMIT
from bench.rows import Row, Say
from bench.world import World, say
from deploydash.core.model import CscId
from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book
from tests.e2e_run.test_order import decide
from tests.e2e_run.world import journals, open_run, records, world
from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine
from tests.support.run_driver import CLOSED, Lead

FLEET = Path(__file__).with_name("p6_fleet.yaml")
GOAL = 20.0

DISCOVERY_S = 9.9
"""All components at once, until one instance of each gave three beats or none came for 5 s; measured for 61."""

REMOTE_S = 0.25
"""A Remote's start for each CSC where all topics exist: 0.13 to 0.37 s."""

TRANSITION_S = 0.045
"""One command of ``salobj.set_summary_state`` to its final acknowledgement: 35 to 54 ms."""

CLOSE_S = 0.6
"""The end of each Remote."""

COMMAND_LIMIT_S = 30.0
"""What the script waits for a CSC that beats and does not answer; none of this fleet does."""

TRANSITIONS = {"ENABLED": 3, "DISABLED": 2}


def serial_seconds() -> float:
    """Return what the script takes for this fleet, one CSC after the other, none of them slow."""
    scenario = yaml.safe_load(FLEET.read_text(encoding="utf-8"))
    silent = {step["csc"] for step in scenario["timeline"] if step["do"] == "hang"}
    faulting = {entry["csc"] for entry in scenario["cscs"] if "reacts" in entry}
    total = DISCOVERY_S
    for entry in yaml.safe_load(SUMMIT.read_text(encoding="utf-8"))["cscs"]:
        if CscId.parse(entry["csc"]).name == "ScriptQueue" or entry.get("protected") or entry["csc"] in silent:
            continue
        count = 1 if entry["csc"] in faulting else TRANSITIONS[scenario["fleet"]]
        total += REMOTE_S + count * TRANSITION_S + CLOSE_S
    return total


def run(_: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Shut the Summit down by keys and tell its times beside those of the script."""
    if size != SITE_SIZE:
        return
    rounds = [_shutdown() for _ in range(1 if quick else 3)]
    serial = serial_seconds()
    ours = [sum(took[step] for step in ("watcher", "cscs")) for took in rounds]
    simulated = "CSCs are the demo's, at speed 1"
    tell(Row("P6", size, "shutdown without ScriptQueues", tuple(ours), "s", note=simulated))
    for step in ("watcher", "cscs", "queues"):
        tell(Row("P6", size, f"- {step}", tuple(took[step] for took in rounds), "s"))
    tell(Row("P6", size, "- with the lead's keys and ScriptQueues", tuple(took["all"] for took in rounds), "s"))
    note = "reckoned from its algorithm and measured parts, not run"
    tell(Row("P6", size, "- system_wide_shutdown.py", (serial,), "s", note=note))
    tell(Row("P6", size, "times faster", tuple(serial / each for each in ours), "x", GOAL, most=False))


def _shutdown() -> dict[str, float]:
    """Return the seconds of each step, and of all of it from the first approval to the last end."""
    say("P6: one shutdown of the Summit on the demo observatory")
    with TemporaryDirectory(prefix="p6-") as name:
        folder = Path(name)
        cli = CommandLine(folder / "home")
        words = ("--scenario", str(FLEET), "--speed", "1")
        with world(cli, *words) as observatory, Tmux(folder / "tmux") as tmux:
            open_run(tmux, cli, observatory.site_file, write_book(folder, SHUTDOWN, CLOSE))
            Lead(tmux, failures=decide).play(lambda frame: frame.title == CLOSED, 400)
        (journal,) = journals(cli)
        told = records(journal, "StepApproved", "StepDone", "TargetEnded")
    began = {each["step"]: each["utc"] for each in reversed(told) if each["kind"] == "StepApproved"}
    ended = {
        each["step"]: each["utc"] for each in told if each["kind"] == "TargetEnded" and each["outcome"] == "reached"
    }
    took = {step: ended[step] - began[step] for step in ("watcher", "cscs", "queues")}
    return {**took, "all": ended["queues"] - began["watcher"]}

"""P6: how long a Summit shutdown takes, beside the serial script on the same fleet (``p6_fleet.yaml``).

Measured: the real program, driven by keys, on the demo observatory at speed 1, whose CSCs are simulated; once more
with the same CSCs on a real Kafka and schema registry, where each command also waits for real brokers. What counts
is from the approval of each step to its end as the journal has it; the lead's reading and typing is a row of its own,
and so is a second try of what failed, which the script does not make. The other CSCs may be let go as soon as the
Watcher has acknowledged exitControl and told OFFLINE; the sum is of a lead who needs no time between the two.
Reckoned, not run: ``system_wide_shutdown.py`` of ts_standardscripts, from its algorithm and from times measured of
ts_salobj on two cores. It never reaches the ScriptQueues (they are left out of its discovery), so neither counts them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench.fleet import SITE_SIZE, SUMMIT
from bench.rows import Row, Say
from bench.world import World, say
from deploydash.core.model import CscId, SummaryState
from tests.e2e_run.books import CLOSE, SHUTDOWN, write_book
from tests.e2e_run.test_order import decide
from tests.e2e_run.world import journals, open_run, real_world, records, world
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


def run(servers: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Shut the Summit down by keys and tell its times beside those of the script."""
    if size != SITE_SIZE:
        return
    count = 1 if quick else 3
    serial = serial_seconds()
    note = "reckoned from its algorithm and measured parts, not run; it waits for no silence"
    tell(Row("P6", size, "system_wide_shutdown.py", (serial,), "s", note=note))
    _tell("demo", [_shutdown(None) for _ in range(count)], size, tell, serial)
    _tell("real Kafka", [_shutdown(servers) for _ in range(count)], size, tell, serial)


def _tell(where: str, rounds: Sequence[Mapping[str, float]], size: int, tell: Say, serial: float) -> None:
    """Tell the times of some shutdowns on one kind of Kafka."""

    def row(what: str, *parts: str, note: str = "") -> tuple[float, ...]:
        times = tuple(sum(took[part] for part in parts) for took in rounds)
        tell(Row("P6", size, what, times, "s", note=note))
        return times

    ours = row(f"shutdown without ScriptQueues, {where}", "both", note="CSCs are the demo's, at speed 1")
    apart = row(
        "- one step after the other", "watcher", "cscs", note="where the lead waits for the Watcher's silence, too"
    )
    row("- watcher: until it told OFFLINE and cscs may go", "watcher told")
    for step in ("watcher", "cscs"):
        row(f"- {step}: to the last acknowledgement", f"{step} answered")
        row(f"- {step}: from there to the last silence", f"{step} silent", note="3 s without a beat are the rule")
    row("- the lead's retry of the one in FAULT", "retry", note="not in the sum: the script leaves it there")
    row("- queues", "queues", note="three, one after the other, each to its silence")
    row("- with the lead's keys and ScriptQueues", "all")
    tell(Row("P6", size, f"times faster, {where}", tuple(serial / each for each in ours), "x", GOAL, most=False))
    tell(Row("P6", size, "- one step after the other", tuple(serial / each for each in apart), "x"))


def _shutdown(servers: World | None) -> dict[str, float]:
    """Return the seconds of one shutdown's parts, on these servers or on the demo observatory's own."""
    say(f"P6: one shutdown of the Summit on {'a real Kafka' if servers else 'the demo observatory'}")
    with TemporaryDirectory(prefix="p6-") as name:
        folder = Path(name)
        cli = CommandLine(folder / "home")
        subname = f"p6{secrets.token_hex(4)}"
        there = (
            world(cli, "--scenario", str(FLEET), "--speed", "1")
            if servers is None
            else real_world(cli, FLEET, folder, servers.kafka, servers.registry, subname, speed=1)
        )
        with there as observatory, Tmux(folder / "tmux") as tmux:
            open_run(tmux, cli, observatory.site_file, write_book(folder, SHUTDOWN, CLOSE))
            Lead(tmux, failures=decide).play(lambda frame: frame.title == CLOSED, 400)
        (journal,) = journals(cli)
        told = records(journal)
    if servers is not None:
        # Each shutdown has topics of its own, 832 of them, and whoever is measured on this broker later lists them all.
        servers.kafka.topics.delete(one for one in servers.kafka.topics.names() if one.startswith(f"lsst.{subname}."))
    return parts(told)


def parts(told: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the seconds of each part of a shutdown, by its journal.

    A step counts from its approval until each of its CSCs has ended, well or not; what the lead lets go once more
    counts for itself, from then on.
    """
    took: dict[str, float] = {}
    last = 0.0
    for step in ("watcher", "cscs", "queues"):
        ours = [each for each in told if each.get("step") == step]
        began, *again = [each["utc"] for each in ours if each["kind"] == "ItemsDispatched"]
        first = [each for each in ours if not again or each["utc"] < again[0]]
        answered = max(each["utc"] for each in first if each["kind"] == "RequestAnswered")
        ended = max(each["utc"] for each in first if each["kind"] == "ItemEnded")
        last = max(each["utc"] for each in ours if each["kind"] == "ItemEnded")
        took |= {step: ended - began, f"{step} answered": answered - began, f"{step} silent": ended - answered}
        if step == "cscs":
            took["retry"] = last - again[-1] if again else 0.0
    offline = int(SummaryState.OFFLINE)
    told_offline = next(
        each["utc"]
        for each in told
        if each["kind"] == "StateRecorded" and (each["csc"], each["state"]) == ("Watcher", offline) and each["live"]
    )
    opened = next(each["utc"] for each in told if each["kind"] == "StepApproved" and each["step"] == "watcher")
    took["watcher told"] = max(told_offline - opened, took["watcher answered"])
    both = max(took["watcher"], took["watcher told"] + took["cscs"])
    return {**took, "both": both, "all": last - opened}

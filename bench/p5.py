"""P5: what ``watch`` takes of the machine while the fleet is steady, beside its libraries alone."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.fleet import SITE_SIZE
from bench.machine import cpu_seconds, peak_mb
from bench.p1 import DEPLOYDASH, header_words
from bench.rows import Row, Say
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say

GOAL_CPU = 5.0
GOAL_MB = 120.0
SETTLE_S = 8.0
"""Start, reading back and what was imported meanwhile are P1's; from then on the load is steady."""


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure CPU and peak memory of ``watch``, and of aiokafka and Textual alone."""
    fleet = world.fleet(size)
    seconds, rounds = (3.0, 1) if quick else (20.0, 2) if size == SITE_SIZE else (10.0, 1)
    here = size == SITE_SIZE
    say(f"P5 at {size:,}: {rounds} x {seconds:.0f} s of watch")
    used, peaks = [], []
    for _ in range(rounds):
        with Terminal([DEPLOYDASH, "watch", str(fleet.site_file)], fleet.environ) as terminal:
            terminal.wait_for([header_words(fleet)], 120)
            time.sleep(SETTLE_S if not quick else 1.0)
            used.append(_share(terminal.pid, seconds))
            peaks.append(peak_mb(terminal.pid))
    tell(Row("P5", size, "CPU of a core, steady", tuple(used), "%", GOAL_CPU if here else None))
    tell(Row("P5", size, "peak memory", tuple(peaks), "MB", GOAL_MB if here else None))
    _bare(fleet, tell, seconds / 2)


def _bare(fleet: RunningFleet, tell: Say, seconds: float) -> None:
    say(f"P5 at {fleet.size:,}: aiokafka alone, Textual alone")
    command = [sys.executable, "-m", "bench.bare_aiokafka", "follow", str(fleet.site_file)]
    kinds = [("three", "same topics, split and tuned as ours")]
    if fleet.size == SITE_SIZE:
        kinds.append(("one", "same topics, one consumer with stock settings"))
    for kind, note in kinds:
        alone = subprocess.Popen([*command, kind], env=fleet.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            if alone.stdout is None or not alone.stdout.readline():
                raise AssertionError("aiokafka alone did not start")
            time.sleep(2.0)
            share, peak = _share(alone.pid, seconds), peak_mb(alone.pid)
        finally:
            alone.kill()
            alone.communicate()
        what = f"- aiokafka + fastavro alone, {kind}"
        tell(Row("P5", fleet.size, f"{what}: CPU", (share,), "%", note=note))
        tell(Row("P5", fleet.size, f"{what}: memory", (peak,), "MB"))
    if fleet.size != SITE_SIZE:
        return
    with Terminal([sys.executable, "-m", "bench.bare_textual", "clock"], fleet.environ) as terminal:
        terminal.wait_for(["clock"], 30)
        time.sleep(2.0)
        share, peak = _share(terminal.pid, seconds), peak_mb(terminal.pid)
    tell(Row("P5", fleet.size, "- Textual alone: CPU", (share,), "%", note="an app with one line, written each second"))
    tell(Row("P5", fleet.size, "- Textual alone: memory", (peak,), "MB"))


def _share(pid: int, seconds: float) -> float:
    """Return the CPU that a process uses from now on, in percent of a core."""
    used, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(pid) - used) / (time.monotonic() - began)

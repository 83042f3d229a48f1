"""P5: what ``watch`` takes of the machine while the fleet is steady, beside its libraries alone."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from bench.fleet import SITE_SIZE
from bench.machine import cpu_seconds, peak_mb
from bench.p1 import DEPLOYDASH, header_words
from bench.rows import Row, Say
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say

GOAL_RATIO = {SITE_SIZE: 1.25, 10_000: 1.5}
GOAL_MOCK = 1.5
GOAL_MB = 120.0
SETTLE_S = 12.0
"""Start, reading back and what was imported meanwhile are P1's; from then on the load is steady."""
ALONE = "aiokafka + fastavro alone"


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure CPU and memory of ``watch`` and of its libraries alone in turns, then of both on the mock cluster."""
    here = size == SITE_SIZE
    seconds, rounds = (3.0, 1) if quick else (20.0, 3) if here else (15.0, 2)
    say(f"P5 at {size:,}: {rounds} x {seconds:.0f} s of watch, of {ALONE}")
    fleet = world.fleet(size)
    ours, three = [], []
    for _ in range(rounds):
        ours.append(_watch(fleet, seconds, 1.0 if quick else SETTLE_S))
        three.append(_alone(fleet, "three", seconds))
    used, bare = [share for share, _ in ours], [share for share, _ in three]
    tell(Row("P5", size, "CPU of a core, steady", tuple(used), "%"))
    tell(Row("P5", size, "peak memory", tuple(peak for _, peak in ours), "MB", GOAL_MB if here else None))
    note = "same topics, three consumers split and tuned as ours, beats fetched ten times a second"
    tell(Row("P5", size, f"- {ALONE}, three: CPU", tuple(bare), "%", note=note))
    tell(Row("P5", size, f"- {ALONE}, three: memory", (three[-1][1],), "MB"))
    tell(Row.ratio("P5", size, f"ours / {ALONE}, three", used, bare, GOAL_RATIO.get(size)))
    if here:
        _others(fleet, tell, seconds / 2)
        with world.mock_fleet(size) as rehearsed:
            say(f"P5 at {size:,}: the same on librdkafka's mock cluster")
            share, _ = _watch(rehearsed, seconds, 1.0 if quick else SETTLE_S)
            bare_share, _ = _alone(rehearsed, "three", seconds)
        what = "librdkafka's mock cluster"
        tell(Row("P5", size, f"CPU of a core, {what}", (share,), "%", note="it holds no answer back"))
        tell(Row("P5", size, f"- {ALONE}, three, {what}: CPU", (bare_share,), "%"))
        tell(Row.ratio("P5", size, f"ours on {what} / on Kafka", (share,), (median(used),), GOAL_MOCK))


def _watch(fleet: RunningFleet, seconds: float, settle_s: float) -> tuple[float, float]:
    """Return the CPU (percent of a core) and the peak memory (MB) of ``watch`` while nothing happens."""
    with Terminal([DEPLOYDASH, "watch", str(fleet.site_file)], fleet.environ) as terminal:
        terminal.wait_for([header_words(fleet)], 120)
        time.sleep(settle_s)
        return _share(terminal.pid, seconds), peak_mb(terminal.pid)


def _alone(fleet: RunningFleet, kind: str, seconds: float) -> tuple[float, float]:
    """Return the same of the bare consumers."""
    command = [sys.executable, "-m", "bench.bare_aiokafka", "follow", str(fleet.site_file), kind]
    alone = subprocess.Popen(command, env=fleet.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if alone.stdout is None or not alone.stdout.readline():
            raise AssertionError("aiokafka alone did not start")
        time.sleep(2.0)
        return _share(alone.pid, seconds), peak_mb(alone.pid)
    finally:
        alone.kill()
        alone.communicate()


def _others(fleet: RunningFleet, tell: Say, seconds: float) -> None:
    say(f"P5 at {fleet.size:,}: one consumer alone, Textual alone")
    share, peak = _alone(fleet, "one", seconds)
    note = "same topics, one consumer with stock settings"
    tell(Row("P5", fleet.size, f"- {ALONE}, one: CPU", (share,), "%", note=note))
    tell(Row("P5", fleet.size, f"- {ALONE}, one: memory", (peak,), "MB"))
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

"""P4: bytes to the terminal at 120x40, steady and in a storm, beside a Textual DataTable of the same snapshots."""

from __future__ import annotations

import sys
import time
from statistics import median

from bench.fleet import SITE_SIZE
from bench.p1 import DEPLOYDASH, header_words
from bench.rows import Row, Say
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say

GOAL_STEADY = 2.0
GOAL_STORM = 40.0
GOAL_RATIO = 50.0
STORM_HZ = 4.0
"""State changes a second of every CSC; of the larger fleets 1,000 a second in all."""
SETTLE_S = 7.0
"""Changes fade for six seconds."""


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure both screens, steady and in a storm."""
    fleet = world.fleet(size)
    rounds = 2 if size == SITE_SIZE and not quick else 1
    here = size == SITE_SIZE
    hertz = min(STORM_HZ, 1_000 / size) if size > SITE_SIZE else STORM_HZ
    say(f"P4 at {size:,}: {rounds} x steady and storm, grid and DataTable")
    ours = [_bytes(fleet, [DEPLOYDASH, "watch", str(fleet.site_file)], hertz, quick=quick) for _ in range(rounds)]
    table = [sys.executable, "-m", "bench.bare_textual", "table", str(fleet.site_file)]
    theirs = [_bytes(fleet, table, hertz, quick=quick)] if here else []
    letters = [sys.executable, "-m", "bench.bare_textual", "letters", str(fleet.site_file)]
    least = _bytes(fleet, letters, hertz, quick=quick) if here else (0.0, 0.0)
    storm = f"storm, {hertz:g} changes/s each"
    for place, (what, goal) in enumerate((("steady", GOAL_STEADY), (storm, GOAL_STORM))):
        mine = tuple(run[place] / 1000 for run in ours)
        tell(Row("P4", size, f"to the terminal, {what}", mine, "kB/s", goal if here else None))
        if not theirs:
            continue
        other = tuple(run[place] / 1000 for run in theirs)
        tell(Row("P4", size, f"- DataTable, {what}", other, "kB/s"))
        ratio = median(other) / median(mine)
        wanted = GOAL_RATIO if place else None
        bare = (least[place] / 1000,)
        tell(Row("P4", size, f"- Textual alone, {what}", bare, "kB/s", note="letters by the Line API, nothing of ours"))
        tell(Row("P4", size, f"DataTable / ours, {what}", (ratio,), "x", wanted, most=False))


def _bytes(fleet: RunningFleet, command: list[str], hertz: float, *, quick: bool) -> tuple[float, float]:
    """Return bytes a second while nothing changes, and in a storm."""
    seconds = 3.0 if quick else 8.0
    with Terminal(command, fleet.environ) as terminal:
        terminal.wait_for([header_words(fleet)], 120)
        time.sleep(SETTLE_S)
        steady = _rate(terminal, seconds)
        fleet.order("storm", hz=hertz)
        try:
            time.sleep(2.0)
            storm = _rate(terminal, seconds)
        finally:
            fleet.calm()
    return steady, storm


def _rate(terminal: Terminal, seconds: float) -> float:
    began = time.monotonic()
    time.sleep(seconds)
    ended = time.monotonic()
    return terminal.written(began, ended) / (ended - began)

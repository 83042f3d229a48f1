"""P4: bytes to the terminal at 120x40, steady and in a storm, beside the least that Textual writes by itself."""

from __future__ import annotations

import sys
import time

from bench.fleet import SITE_SIZE
from bench.p1 import DEPLOYDASH, header_words
from bench.rows import Row, Say
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say

GOAL_RATIO = 1.2
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
    say(f"P4 at {size:,}: {rounds} x steady and storm, the grid and letters")
    grid = [DEPLOYDASH, "watch", str(fleet.site_file)]
    letters = [sys.executable, "-m", "bench.bare_textual", "letters", str(fleet.site_file)]
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(_bytes(fleet, grid, hertz, quick=quick))
        bare += [_bytes(fleet, letters, hertz, quick=quick)] if here else []
    storm = f"storm, {hertz:g} changes/s each"
    for place, what in enumerate(("steady", storm)):
        mine = tuple(run[place] / 1000 for run in ours)
        tell(Row("P4", size, f"to the terminal, {what}", mine, "kB/s"))
        if bare:
            least = tuple(run[place] / 1000 for run in bare)
            note = "letters by the Line API, nothing of ours"
            tell(Row("P4", size, f"- Textual alone, {what}", least, "kB/s", note=note))
    if bare:
        storms = [run[1] for run in ours], [run[1] for run in bare]
        tell(Row.ratio("P4", size, f"ours / Textual alone, {storm}", *storms, GOAL_RATIO))


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

"""P2: a state appended to Kafka until its letter is on the terminal, with every CSC beating at 1 Hz.

The clock starts with the broker's own append time, which it cuts to whole milliseconds: what is shown here is up to
1 ms more than it was. It stops when the bytes that put the new letter into the CSC's tile were read from the pty.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.fleet import SITE_SIZE, BenchCsc
from bench.p1 import DEPLOYDASH, header_words
from bench.rows import Row, Say, quantile
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say
from deploydash.core.model import SummaryState

GOAL_RATIO = 2.5
GOAL_P99_MS = {10_000: 150.0}
"""Ten thousand are growth, not a site: what counts there is that a person sees it at once."""
SETTLE_S = 8.0
PAUSE_S = 0.06
"""Between two changes, and as much again at random, so that they fall anywhere within our ticks and frames."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A CSC that is on the screen, and where its letter is."""

    one: BenchCsc
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Change:
    """A state that the broker took at ``appended`` (UTC)."""

    tile: Tile
    state: SummaryState
    appended: float


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure the app on a terminal and aiokafka alone in turns under the same load."""
    fleet = world.fleet(size)
    rounds, count = (1, 40) if quick else (2, 125)
    say(f"P2 at {size:,}: {rounds} x {count} changes, app and aiokafka alone")
    late: list[float] = []
    alone: list[float] = []
    tiles: list[Tile] = []
    try:
        for _ in range(rounds):
            fleet.calm()
            tiles, shown = _shown(fleet, count)
            late += shown
            alone += _bare(fleet, tiles, count)
    finally:
        fleet.calm()
    note = f"{len(late)} changes of {len(tiles)} CSCs, longest {1000 * max(late):.0f} ms"
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        ours, bare = 1000 * quantile(late, share), 1000 * quantile(alone, share)
        goal = GOAL_P99_MS.get(size) if share > 0.5 else None
        tell(Row("P2", size, f"append to terminal, {name}", (ours,), "ms", goal, note=note))
        tell(Row("P2", size, f"- aiokafka + fastavro alone, {name}", (bare,), "ms", note="append to decoded"))
        here = GOAL_RATIO if size == SITE_SIZE else None
        tell(Row.ratio("P2", size, f"ours / aiokafka + fastavro alone, {name}", (ours,), (bare,), here))


def _shown(fleet: RunningFleet, count: int) -> tuple[list[Tile], list[float]]:
    """Return whose tiles are on the screen, and how long each change took to come there."""
    with Terminal([DEPLOYDASH, "watch", str(fleet.site_file)], fleet.environ) as terminal:
        terminal.wait_for([header_words(fleet)], 120)
        time.sleep(SETTLE_S)
        while terminal.feed() is not None:
            continue
        tiles = list(tiles_of(fleet.cscs, terminal.lines()))
        if len(tiles) < 5:
            raise AssertionError(f"only {len(tiles)} tiles of unindexed CSCs on the screen")
        changes = _change(fleet, tiles, count)
        time.sleep(2.0)
        late = latencies(terminal, changes)
    if len(late) < len(changes):
        raise AssertionError(f"{len(changes) - len(late)} of {len(changes)} changes were not on the screen 2 s later")
    return tiles, late


def tiles_of(cscs: list[BenchCsc], lines: list[str]) -> Iterator[Tile]:
    """Yield the unindexed CSCs whose tiles stand on a screen: letter, mark, blank, name."""
    for one in cscs:
        if one.csc.index or one.dead:
            continue
        pattern = re.compile(rf"(?<!\S)[A-Z][ *~!] {one.csc.name}(?!\S)")
        for row, line in enumerate(lines):
            if found := pattern.search(line):
                yield Tile(one, row, found.start())
                break


def _change(fleet: RunningFleet, tiles: list[Tile], count: int) -> list[Change]:
    """Have states told one by one, each CSC's other than its last; return them with the broker's append times."""
    by_name = {str(tile.one.csc): tile for tile in tiles}
    for number in range(count):
        tile = tiles[number % len(tiles)]
        odd = number // len(tiles) % 2 == 0
        state = SummaryState.DISABLED if odd else tile.one.state
        fleet.order("change", csc=str(tile.one.csc), state=state.name)
        time.sleep(PAUSE_S * (1 + random.random()))
    changes = []
    for _ in range(count):
        answer = fleet.answer()
        if answer["error"]:
            raise AssertionError(f"the broker refused a state: {answer['error']}")
        changes.append(Change(by_name[answer["csc"]], SummaryState[answer["state"]], answer["appended"]))
    return changes


def latencies(terminal: Terminal, changes: list[Change]) -> list[float]:
    """Go through what was written since and return how many seconds after its append each change was on the screen."""
    waiting = sorted(changes, key=lambda change: change.appended)
    late: list[float] = []
    while waiting and (chunk := terminal.feed()) is not None:
        still = []
        seen: set[Tile] = set()
        for change in waiting:
            tile = change.tile
            due = change.appended <= chunk.utc and tile not in seen
            if due and terminal.letter(tile.row, tile.column) == change.state.name[0]:
                late.append(chunk.utc - change.appended)
            else:
                still.append(change)
            seen.add(tile)
        waiting = still
    return late


def _bare(fleet: RunningFleet, tiles: list[Tile], count: int) -> list[float]:
    command = [sys.executable, "-m", "bench.bare_aiokafka", "latency", str(fleet.site_file)]
    seconds = count * PAUSE_S * 1.6 + 6
    alone = subprocess.Popen(
        [*command, str(seconds)], env=fleet.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        if alone.stdout is None or not alone.stdout.readline():
            raise AssertionError("aiokafka alone did not start")
        time.sleep(2.0)
        _change(fleet, tiles, count)
        late: list[float] = json.loads(alone.stdout.readline())
    finally:
        alone.kill()
        alone.wait()
    if len(late) < count:
        raise AssertionError(f"aiokafka alone saw {len(late)} of {count} changes")
    return late

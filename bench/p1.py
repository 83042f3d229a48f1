"""P1: process start to the complete truthful grid, on the Summit's shape with a day of history."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from bench.fleet import SITE_SIZE, BenchCsc
from bench.rows import Row, Say, few
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say
from deploydash.core.model import SummaryState

GOAL_S = 1.5
GOAL_RATIO = 20.0
DEPLOYDASH = str(Path(sys.executable).with_name("deploydash"))

SALOBJ_IMPORT_S = 1.1
SALOBJ_START_S = 0.13
SALOBJ_CLOSE_S = 0.6
"""Of ts_salobj 8.2.12, measured on two cores with its real programs: the import; the least of 0.13 to 0.37 s that a
Remote took to start where its topics exist (3.1 s on a broker with the stock group.initial.rebalance.delay.ms);
and to close one before the next. The wait for a heartbeat, which each Remote would need too, is left out."""

PARTS = ("interpreter", "imports", "site file", "connected", "first beat", "all states", "all beats or proven silent")
"""Then ``decided`` and ``closed``; each in seconds since the process was made."""


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure ``status``, its parts, and ``watch`` on a terminal."""
    fleet = world.fleet(size)
    say(f"P1 at {size:,}: filling the last minute")
    if not quick:
        fleet.fill_minute()
    world.forget_schemas()
    tell(Row("P1", size, "status, registry cold", (_status(fleet),), "s"))
    count = 2 if quick else 7 if size == SITE_SIZE else 3
    goal = GOAL_S if size == SITE_SIZE else None
    say(f"P1 at {size:,}: {count} times status, {count} times watch")
    whole = tuple(_status(fleet) for _ in range(count))
    tell(Row("P1", size, "status: start to exit", whole, "s", goal))
    shown = tuple(_watch(fleet) for _ in range(count))
    tell(Row("P1", size, "watch: start to n/m decided", shown, "s", goal))
    _ratios(size, median(shown), tell)
    _parts(fleet, tell, count)


def _ratios(size: int, seconds: float, tell: Say) -> None:
    goal = GOAL_RATIO if size == SITE_SIZE else None
    each = SALOBJ_START_S + SALOBJ_CLOSE_S
    serial, opened = SALOBJ_IMPORT_S + size * each, SALOBJ_IMPORT_S + size * SALOBJ_START_S
    note = (
        f"one Remote after another: {serial:.0f} s = {SALOBJ_IMPORT_S} + {size} x ({SALOBJ_START_S} + {SALOBJ_CLOSE_S})"
    )
    tell(Row("P1", size, "salobj Remotes / watch", (serial / seconds,), "x", goal, most=False, note=note))
    note = f"{opened:.0f} s = {SALOBJ_IMPORT_S} + {size} x {SALOBJ_START_S}"
    tell(Row("P1", size, "- none of them closed", (opened / seconds,), "x", note=note))


def _parts(fleet: RunningFleet, tell: Say, count: int) -> None:
    reached: dict[str, list[float]] = defaultdict(list)
    for _ in range(count):
        _at_random()
        began = time.monotonic()
        answer = subprocess.run(
            [sys.executable, "-m", "bench.started", str(fleet.site_file), str(began)],
            env=fleet.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        document = json.loads(answer.stdout)
        _check({csc: seen[0] for csc, seen in document["seen"].items()}, fleet.cscs)
        for part, seconds in document["reached"].items():
            reached[part].append(seconds)
    living = sum(not one.dead for one in fleet.cscs)
    floor = living / (living + 1)
    note = f"its parts, from process start; no sooner than {floor:.2f} s have {living} CSCs at 1 Hz each beaten once"
    for part in (*PARTS, "decided", "closed"):
        if part in reached:
            tell(Row("P1", fleet.size, f"- {part}", tuple(reached[part]), "s", note=note))
            note = ""


def expected(one: BenchCsc) -> str:
    """Return the effective state that is true of a CSC: by CLI.md a dead one's STANDBY is OFFLINE, else it is LOST."""
    if not one.dead:
        return one.state.name
    return "OFFLINE" if one.state in {SummaryState.STANDBY, SummaryState.OFFLINE} else "LOST"


def _check(seen: dict[str, str], cscs: list[BenchCsc]) -> None:
    wrong = [f"{one.csc} {seen.get(str(one.csc))}" for one in cscs if seen.get(str(one.csc)) != expected(one)]
    if wrong or len(seen) != len(cscs):
        raise AssertionError(f"the grid is not true: {len(seen):,} of {len(cscs):,} CSCs, wrong are {few(wrong)}")


def _at_random() -> None:
    """Let part of a second pass, so that the start falls anywhere within the beats' second."""
    time.sleep(random.random())


def _status(fleet: RunningFleet) -> float:
    _at_random()
    began = time.monotonic()
    command = [DEPLOYDASH, "status", str(fleet.site_file), "--json", "--timeout", "60s"]
    answer = subprocess.run(command, env=fleet.environ, capture_output=True, text=True, check=False)
    took = time.monotonic() - began
    if not answer.stdout:
        raise AssertionError(f"status said nothing: {answer.stderr}")
    document = json.loads(answer.stdout)
    _check({one["csc"]: one["effective"] for one in document["cscs"]}, fleet.cscs)
    return took


def _watch(fleet: RunningFleet) -> float:
    """Return how long it took until the header showed the true counts, which it cannot before all are decided."""
    _at_random()
    with Terminal([DEPLOYDASH, "watch", str(fleet.site_file)], fleet.environ) as terminal:
        return terminal.wait_for([header_words(fleet)], 60) - terminal.began


def header_words(fleet: RunningFleet) -> str:
    """Return what the header says once all is decided."""
    wants = wanted(fleet)
    at_target = sum(expected(one) == wants[str(one.csc)] for one in fleet.cscs)
    return f"{at_target}/{len(fleet.cscs)} at startup  {len(fleet.cscs) - at_target} off"


def wanted(fleet: RunningFleet) -> dict[str, str]:
    """Return each CSC's start-up target, as the site file has it."""
    from deploydash.config.load import load_site  # noqa: PLC0415 - not to be paid for by those who do not ask

    return {str(spec.csc): spec.startup.state.name for spec in load_site(fleet.site_file).roster.cscs}

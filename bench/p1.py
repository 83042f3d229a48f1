"""P1: process start to the complete truthful grid, on the Summit's shape with a day of history.

Each is told beside the mere imports of the libraries, measured in the same turns: a slow machine makes both slow. What
no machine makes faster is the second in which CSCs at 1 Hz beat once, so a goal lets at least that pass, and a quarter.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.fleet import SITE_SIZE, BenchCsc
from bench.imports import BARE, FRAME, WHOLE, Loading, load
from bench.rows import Row, Say, few
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say
from deploydash.core.model import SummaryState

GOAL_IMPORTS = 2.0
GOAL_WATCH = 3.5
GOAL_STATUS = 3.0
BEATEN_ONCE = 1.25
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
    if size == SITE_SIZE:
        world.forget_storms()
    if not quick:
        fleet.fill_minute()
    world.forget_schemas()
    tell(Row("P1", size, "status, registry cold", (_status(fleet),), "s"))
    count = 2 if quick else 7 if size == SITE_SIZE else 3
    if size == SITE_SIZE:
        _imports(tell, count)
    say(f"P1 at {size:,}: {count} times status, {count} times watch")
    turns = [(load(BARE), _status(fleet), _watch(fleet)) for _ in range(count)]
    bare, whole, shown = zip(*turns, strict=True)
    _against("status: start to exit", whole, bare, GOAL_STATUS, fleet, tell)
    _against("watch: start to n/m decided", shown, bare, GOAL_WATCH, fleet, tell)
    _salobj(size, median(shown), tell)
    _parts(fleet, tell, count)


def _imports(tell: Say, count: int) -> None:
    say(f"P1: {count} times the imports")
    turns = [(load(BARE).cpu, load(FRAME).cpu, load(WHOLE).cpu) for _ in range(2 * count)]
    bare, frame, whole = zip(*turns, strict=True)
    tell(Row("P1", SITE_SIZE, "imports: textual, aiokafka, fastavro", bare, "s", note="of a processor"))
    tell(Row.ratio("P1", SITE_SIZE, "imports of watch / these", whole, bare, GOAL_IMPORTS))
    tell(Row.ratio("P1", SITE_SIZE, "- until its first frame / these", frame, bare))


def _against(
    what: str, ours: Sequence[float], bare: Sequence[Loading], most: float, fleet: RunningFleet, tell: Say
) -> None:
    """Tell some times, and how many times the imports alone they are."""
    tell(Row("P1", fleet.size, what, tuple(ours), "s"))
    imports = [each.seconds for each in bare]
    floor = beaten_once(fleet)
    goal = max(most, BEATEN_ONCE * floor / median(imports)) if fleet.size == SITE_SIZE else None
    note = f"no sooner than {floor:.2f} s has each beaten once"
    tell(Row.ratio("P1", fleet.size, f"- {what.partition(':')[0]} / imports alone", ours, imports, goal, note=note))


def beaten_once(fleet: RunningFleet) -> float:
    """Return the seconds in which all the living are expected to have beaten once, at 1 Hz each."""
    living = sum(not one.dead for one in fleet.cscs)
    return living / (living + 1)


def _salobj(size: int, seconds: float, tell: Say) -> None:
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
    note = "its parts, from process start"
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

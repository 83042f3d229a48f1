"""P3: heartbeats ingested a second from real Kafka, from the log to a right fleet, beside aiokafka + fastavro alone."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from typing import Any

from bench.fleet import SITE_SIZE
from bench.p1 import expected
from bench.rows import Row, Say, few
from bench.running import RunningFleet
from bench.world import World, say

GOAL_RATE = 150_000.0
GOAL_RATIO = 0.5
RECORDS = 1_000_000
"""2.4 hours of the Summit's beats, one record a batch; the larger fleets read what they have beaten so far."""


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure the app and its libraries in turns on the same records."""
    fleet = world.fleet(size)
    here = size == SITE_SIZE
    if not here and not quick:
        fleet.fill_minute()
    rounds = 1 if quick or not here else 3
    records = 200_000 if quick else RECORDS
    say(f"P3 at {size:,}: {rounds} x the app, aiokafka stock and tuned")
    rates: dict[str, list[float]] = {"ours": [], "stock": [], "tuned": []}
    counts = []
    for _ in range(rounds):
        told = _ingest(fleet, "ours", records)
        wrong = [str(one.csc) for one in fleet.cscs if not one.dead and told["seen"][str(one.csc)] != expected(one)]
        if wrong or told["undecodable"]:
            undecodable = told["undecodable"]
            raise AssertionError(f"after the backlog {few(wrong)} CSCs are wrong, {undecodable} records undecodable")
        counts.append(told["records"])
        rates["ours"].append(told["records"] / told["seconds"])
        for kind in ("stock", "tuned"):
            alone = _ingest(fleet, "bare", records, kind)
            rates[kind].append(alone["records"] / alone["seconds"])
    note = f"{median(counts):,.0f} records, all states right at the end"
    tell(Row("P3", size, "heartbeats ingested", tuple(rates["ours"]), "/s", GOAL_RATE if here else None, False, note))
    note = "getmany + schemaless_reader"
    tell(Row("P3", size, "- aiokafka + fastavro alone, stock", tuple(rates["stock"]), "/s", note=note))
    tell(Row("P3", size, "- aiokafka + fastavro alone, tuned", tuple(rates["tuned"]), "/s", note=note))
    best = max(median(rates["stock"]), median(rates["tuned"]))
    ratio = median(rates["ours"]) / best
    tell(Row("P3", size, "ours / the better of them", (ratio,), "x", GOAL_RATIO if here else None, False))


def _ingest(fleet: RunningFleet, *words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.ingest", str(words[0]), str(fleet.site_file), *map(str, words[1:])]
    answer = subprocess.run(command, env=fleet.environ, capture_output=True, text=True, check=True, timeout=300)
    told: dict[str, Any] = json.loads(answer.stdout)
    return told

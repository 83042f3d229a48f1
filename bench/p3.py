"""P3: heartbeats ingested a second from real Kafka, from the log to a right fleet, beside aiokafka + fastavro alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.fleet import SITE_SIZE
from bench.p1 import expected
from bench.rows import Row, Say, few
from bench.running import RunningFleet
from bench.world import World, say

GOAL_RATIO = 1.4
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
    runs: dict[str, list[dict[str, Any]]] = {"ours": [], "stock": [], "tuned": []}
    for _ in range(rounds):
        told = _ingest("bench.ingest", fleet, records)
        wrong = [str(one.csc) for one in fleet.cscs if not one.dead and told["seen"][str(one.csc)] != expected(one)]
        if wrong or told["undecodable"]:
            undecodable = told["undecodable"]
            raise AssertionError(f"after the backlog {few(wrong)} CSCs are wrong, {undecodable} records undecodable")
        runs["ours"].append(told)
        for kind in ("stock", "tuned"):
            runs[kind].append(_ingest("bench.bare_backlog", fleet, records, kind))
    _rows(size, runs, tell)


def _rows(size: int, runs: Mapping[str, Sequence[dict[str, Any]]], tell: Say) -> None:
    rates = {kind: tuple(one["records"] / one["seconds"] for one in told) for kind, told in runs.items()}
    count = median(one["records"] for one in runs["ours"])
    tell(Row("P3", size, "heartbeats ingested", rates["ours"], "/s", note=f"{count:,.0f} records, all states right"))
    for kind in ("stock", "tuned"):
        what = f"- aiokafka + fastavro alone, {kind}"
        tell(Row("P3", size, what, rates[kind], "/s", note="getmany + schemaless_reader"))
    best = max(("stock", "tuned"), key=lambda kind: median(rates[kind]))
    goal = GOAL_RATIO if size == SITE_SIZE else None
    what = "ours / the better of them"
    tell(Row.ratio("P3", size, what, rates["ours"], rates[best], goal, most=False, note=best))
    a_second = {kind: [one["records"] / one["cpu"] for one in runs[kind]] for kind in ("ours", best)}
    what = "- the same by CPU time"
    tell(Row.ratio("P3", size, what, a_second["ours"], a_second[best], note="records a second of CPU"))


def _ingest(module: str, fleet: RunningFleet, *words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", module, str(fleet.site_file), *map(str, words)]
    answer = subprocess.run(command, env=fleet.environ, capture_output=True, text=True, check=True, timeout=300)
    told: dict[str, Any] = json.loads(answer.stdout)
    return told

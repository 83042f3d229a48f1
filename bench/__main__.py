"""Runs benchmarks, prints one table, writes ``build/bench.json``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from bench.machine import load as machine_load
from bench.machine import machine
from bench.registry import load, plan
from bench.rows import Row, table
from bench.world import World, say


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", help="p1 .. p6, and p7 for 1,000 and 10,000 CSCs; all where none is named")
    parser.add_argument("--size", type=int, action="append", help="another number of CSCs than the Summit's 117")
    parser.add_argument("--quick", action="store_true", help="short runs, for trying: their figures say little")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"), help="where the JSON goes")
    return parser.parse_args()


def main() -> int:
    """Run what was asked for; answer 1 where a benchmark could not be finished."""
    asked = arguments()
    try:
        todo = plan(asked.names, asked.size)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    rows: list[Row] = []
    broken: dict[str, str] = {}
    loads = [machine_load()]
    began = time.monotonic()
    with World() as world:
        history = world.records
        for name, size in todo:
            try:
                load(name).run(world, size, rows.append, quick=asked.quick)
            except (AssertionError, OSError, TimeoutError, ValueError) as error:
                broken[f"{name} at {size}"] = str(error)
                say(f"{name} at {size:,} broke: {error}")
            loads.append(machine_load())
    rows.sort(key=lambda row: (row.bench, row.size))
    facts = {**machine(), "load": loads, "seconds": time.monotonic() - began, "history_records": history}
    document = {"machine": facts, "broken": broken, "rows": [row.document() for row in rows]}
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(json.dumps(document, indent=1))
    print(table(rows))
    print(
        f"\n{facts['cores']} cores ({facts['processor']}), Python {facts['python']}, aiokafka {facts['aiokafka']}, "
        f"fastavro {facts['fastavro']}, Textual {facts['textual']}; real Kafka, {history:,} heartbeats in the log; "
        f"load {min(loads):.1f} to {max(loads):.1f}; {facts['seconds']:.0f} s; {asked.output}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

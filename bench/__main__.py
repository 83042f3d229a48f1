"""Runs benchmarks, prints one table, writes ``build/bench.json`` after each of them."""

from __future__ import annotations

import argparse
import compileall
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from bench.registry import Benchmark, load, plan
from bench.report import Interrupted, Report, interruptible, label
from bench.world import World, say

SOURCE = Path(__file__).resolve().parents[1] / "src"


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        help="p1 .. p6, p8 .. p11, and p7 for 1,000 and 10,000 CSCs; a number is a size, such as 117 for the Summit's "
        "alone; everything where nothing is named",
    )
    parser.add_argument("--quick", action="store_true", help="short runs, for trying: their figures say little")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"), help="where the JSON goes")
    return parser.parse_intermixed_args(words)


def measure(
    todo: Sequence[tuple[str, int]],
    report: Report,
    *,
    quick: bool,
    world: Callable[[], AbstractContextManager[World]] = World,
    benchmark: Callable[[str], Benchmark] = load,
) -> int:
    """Run what is to do and return the exit code: 1 where something broke, 128 + the signal where one ended it."""
    code = 0
    try:
        with interruptible(), world() as servers:
            report.history = servers.records
            for name, size in todo:
                try:
                    benchmark(name).run(servers, size, report.rows.append, quick=quick)
                except Exception as error:  # noqa: BLE001 - whatever one breaks of, the others are measured
                    say(report.broke(label(name, size), error))
                    servers.stop_fleets()
                report.done(label(name, size))
    except Interrupted as end:
        report.ended_by = str(end)
        code = 128 + end.number
    except Exception as error:  # noqa: BLE001 - what was measured before is worth keeping
        say(report.broke("a server", error))
    report.write()
    print(report.text())
    return code or int(bool(report.broken))


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; 2 where there is no such benchmark."""
    asked = arguments(words)
    try:
        todo = plan(asked.names)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    # An installed program is compiled, as the libraries beside it are. Where PYTHONDONTWRITEBYTECODE is set each start
    # would compile all of ours and nothing of theirs.
    compileall.compile_dir(SOURCE, quiet=1)
    return measure(todo, Report(asked.output, todo), quick=asked.quick)


if __name__ == "__main__":
    sys.exit(main())

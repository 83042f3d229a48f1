"""A run of benchmarks: what it is asked for, what it keeps of what it found, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from bench.__main__ import measure
from bench.registry import MODULES, Benchmark, plan
from bench.report import LONGEST_REASON, Report, reason
from bench.rows import Row, Say, few, quantile, table
from bench.world import World


def test_a_row_is_judged_by_its_median() -> None:
    assert Row("P1", 117, "start", (1.0, 9.0, 1.4), "s", 1.5).verdict == "pass"
    assert Row("P3", 117, "rate", (1.0, 9.0, 1.4), "/s", 1.5, most=False).verdict == "miss"
    shown = table([Row("P1", 117, "start", (1.0, 9.0, 1.4), "s", 1.5, note="why")])
    assert "≤ 1.50" in shown
    assert "1.00..9.00 (3)  pass  why" in shown


def test_quantiles_are_values_that_were_measured() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([float(number) for number in range(1, 101)], 0.99) == 99.0


def test_a_number_among_the_benchmarks_is_a_size_and_leaves_out_all_others() -> None:
    assert plan(["117"]) == [(name, 117) for name in MODULES]
    assert plan(["p5", "1000", "p2"]) == [("p5", 1_000), ("p2", 1_000)]
    with pytest.raises(ValueError, match="a size is a number of CSCs"):
        plan(["0"])
    with pytest.raises(ValueError, match="not both"):
        plan(["p7", "117"])


def test_a_ratio_is_of_neighbours_where_both_were_measured_in_turns_and_of_medians_else() -> None:
    turns = Row.ratio("P5", 117, "ours / bare", (3.0, 8.0), (2.0, 4.0), 1.8)
    assert (turns.runs, turns.unit, turns.note, turns.verdict) == ((1.5, 2.0), "x", "5.50 / 3.00", "pass")
    once = Row.ratio("P2", 117, "ours / bare", (9.0, 10.0, 11.0), (4.0,), 2.4, note="p50 in ms")
    assert (once.runs, once.note, once.verdict) == ((2.5,), "10.0 / 4.00, p50 in ms", "miss")
    assert Row.ratio("P3", 117, "ours / bare", (3.0,), (2.0,), 1.4, most=False).verdict == "pass"
    assert "≤ 1.80" in table([turns])


def test_thousands_of_names_are_a_count_and_the_first_three() -> None:
    names = [f"Test:{number}" for number in range(9_996)]
    assert few(names) == "9,996 (Test:0, Test:1, Test:2, …)"
    assert few(names[:2]) == "2 (Test:0, Test:1)"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AssertionError("the grid is not true\n" + "a screen\n" * 40), "the grid is not true"),
        (AssertionError("\n\n  first  words\n"), "first words"),
        (TimeoutError(), "TimeoutError"),
        (
            subprocess.CalledProcessError(
                1, ["python", "-m", "bench.ingest", "x"], None, "Traceback\n  x\nKeyError: 7\n"
            ),
            "-m bench.ingest x ended with 1: KeyError: 7",
        ),
        (subprocess.CalledProcessError(-9, ["sh", "-c", "x"]), "-c x ended with -9: it said nothing"),
        (subprocess.TimeoutExpired(["python", "-m", "bench.ingest"], 300), "-m bench.ingest took longer than 300 s"),
    ],
)
def test_why_a_benchmark_broke_is_one_line(error: Exception, words: str) -> None:
    assert reason(error) == words


def test_why_a_benchmark_broke_is_never_longer_than_a_line() -> None:
    wrong = reason(AssertionError("wrong are " + ", ".join(f"Test:{number}" for number in range(10_000))))
    assert len(wrong) == LONGEST_REASON
    assert wrong.startswith("wrong are Test:0, ")
    assert wrong.endswith("…")


class Servers:
    """Stands for the servers of a run; ``stopped`` says that they were cleaned up."""

    records = 86_400

    def __init__(self) -> None:
        self.stopped = False
        self.fleets_stopped = 0

    def stop_fleets(self) -> None:
        self.fleets_stopped += 1

    @contextmanager
    def open(self) -> Iterator[World]:
        try:
            yield cast("World", self)
        finally:
            self.stopped = True


class Measuring:
    """Stands for a benchmark: tells a row, then does what it was given."""

    def __init__(self, name: str, then: Callable[[], object] = lambda: None) -> None:
        self.name = name
        self.then = then

    def run(self, world: World, size: int, tell: Say, *, quick: bool = False) -> None:
        del world, quick
        tell(Row(self.name, size, "first", (1.0,), "s"))
        self.then()
        tell(Row(self.name, size, "second", (2.0,), "s"))


def document(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.read_text())
    return found


def told(output: Path) -> list[tuple[str, str]]:
    return [(row["bench"], row["what"]) for row in document(output)["rows"]]


def run_all(output: Path, servers: Servers, *benchmarks: Measuring) -> int:
    by_name: dict[str, Benchmark] = {one.name: one for one in benchmarks}
    todo = [(name, 117) for name in by_name]
    return measure(todo, Report(output, todo), quick=False, world=servers.open, benchmark=by_name.__getitem__)


def test_what_was_measured_is_on_disk_after_each_benchmark(tmp_path: Path) -> None:
    output = tmp_path / "build" / "bench.json"
    seen: list[Any] = []
    second = Measuring("p2", lambda: seen.append((told(output), document(output)["not_run"])))
    assert run_all(output, Servers(), Measuring("p1"), second) == 0
    assert seen == [([("p1", "first"), ("p1", "second")], ["p2 at 117"])]
    assert told(output) == [("p1", "first"), ("p1", "second"), ("p2", "first"), ("p2", "second")]
    assert [file.name for file in output.parent.iterdir()] == ["bench.json"]


def fail(error: Exception) -> Callable[[], object]:
    def now() -> None:
        raise error

    return now


@pytest.mark.parametrize("error", [KeyError("telemetry"), RuntimeError("no such fleet"), IndexError()])
def test_one_benchmark_breaks_and_the_rest_goes_on_with_a_new_fleet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    output = tmp_path / "bench.json"
    servers = Servers()
    assert run_all(output, servers, Measuring("p1", fail(error)), Measuring("p2")) == 1
    assert document(output)["broken"] == {"p1 at 117": reason(error)}
    assert type(error).__name__ in document(output)["details"]["p1 at 117"]
    assert told(output) == [("p1", "first"), ("p2", "first"), ("p2", "second")]
    assert servers.fleets_stopped == 1
    assert servers.stopped
    shown = capsys.readouterr()
    assert f"p1 at 117 broke: {reason(error)}\n" in shown.out
    assert "Traceback" not in shown.out + shown.err


def test_servers_that_do_not_start_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Servers):
        def open(self) -> Any:
            raise OSError("no port is free")

    assert run_all(tmp_path / "bench.json", Broken(), Measuring("p1")) == 1
    assert "a server broke: no port is free\n" in capsys.readouterr().out


ENDING = """
import signal, sys
from pathlib import Path
from tests.test_bench_report import Measuring, Servers, run_all

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it

class Loud(Servers):
    def stop_fleets(self): ...
    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if value is True: print("servers stopped", file=sys.stderr)

def hang():
    print("measuring", file=sys.stderr, flush=True)
    while True: signal.pause()

sys.exit(run_all(Path(sys.argv[1]), Loud(), Measuring("p1"), Measuring("p2", hang), Measuring("p3")))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_prints_and_keeps_what_it_has_and_stops_its_servers(
    tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "bench.json"
    command = [sys.executable, "-c", ENDING, str(output)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as running:
        assert running.stderr is not None
        assert "measuring" in running.stderr.readline()
        os.kill(running.pid, number)
        shown, said = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert "servers stopped" in said
    assert "Traceback" not in said
    assert [line.split()[0] for line in shown.splitlines()[1:4]] == ["p1", "p1", "p2"]
    assert f"ended by {number.name}; not finished: p2 at 117, p3 at 117" in shown
    assert told(output) == [("p1", "first"), ("p1", "second"), ("p2", "first")]
    assert (document(output)["ended_by"], document(output)["not_run"]) == (number.name, ["p2 at 117", "p3 at 117"])

"""P9: what ``watch`` takes more where a cluster with 300 pods, or with 2,000, is read beside the fleet.

And how long after the cluster told it the trouble of a pod is on the terminal, as the reason why its CSC is missing,
while other pods change and every CSC beats.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

import yaml

from bench.machine import cpu_seconds, peak_mb
from bench.p1 import DEPLOYDASH, header_words
from bench.rows import Row, Say
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say
from deploydash.core.model import CscId

PODS = (300, 2_000)
CHANGES = 5.0
"""So many pods change each second: a deployment of a hundred CSCs in a minute changes as many."""
SETTLE_S = 14.0

TROUBLES = ("ErrImagePull", "CrashLoopBackOff", "OOMKilled", "Evicted")
"""What a pod's trouble is called; each is the reason of the one who fell silent last, in turns."""

SEEN_GOAL_S = 2.0

Trouble = Callable[[str], float]
"""Lets a pod of the silent CSC be in trouble, and returns when the cluster told it (monotonic)."""


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure ``watch`` without a cluster and with one of each size in turns."""
    fleet = world.fleet(size)
    seconds, rounds = (3.0, 1) if quick else (15.0, 3)
    say(f"P9 at {size:,}: {rounds} x {seconds:.0f} s of watch without a cluster, with {PODS[0]} and {PODS[1]:,} pods")
    told: dict[int, list[tuple[float, float, float]]] = {pods: [] for pods in (0, *PODS)}
    late: dict[int, list[float]] = {pods: [] for pods in PODS}
    for _ in range(rounds):
        for pods, runs in told.items():
            with tempfile.TemporaryDirectory() as folder, _site(fleet, Path(folder), pods) as (site, trouble):
                steady, seen = _watch(fleet, site, seconds, 3.0 if quick else SETTLE_S, trouble)
                runs.append(steady)
                late.get(pods, []).extend(seen)
    for pods, runs in told.items():
        what = f"{pods:,} pods, {CHANGES:g} changes/s" if pods else "no cluster"
        for place, (kind, unit) in enumerate((("CPU of a core", "%"), ("peak memory", "MB"), ("terminal", "B/s"))):
            tell(Row("P9", size, f"{what}: {kind}", tuple(run[place] for run in runs), unit))
        if pods:
            note = f"of {len(late[pods])}, half within {median(late[pods]):.2f} s"
            what = f"{what}: the latest trouble of a pod on the terminal"
            tell(Row("P9", size, what, (max(late[pods]),), "s", SEEN_GOAL_S, note=note))


@contextmanager
def _site(fleet: RunningFleet, folder: Path, pods: int) -> Iterator[tuple[Path, Trouble | None]]:
    """Serve a cluster and yield the fleet's site file with it, and what makes trouble; with no pods, without."""
    document = yaml.safe_load(fleet.site_file.read_text("utf-8"))
    path = folder / fleet.site_file.name
    docs = {"root": "https://docs.example.org", "folder": "bench", "anchor": "bench"}
    jobs = {f"job{number}": str(one.csc) for number, one in enumerate(fleet.cscs)}
    space = {"namespace": "bench", "selector": "csc", "jobs": jobs}
    section = {"context": "bench", "kubeconfig": str(folder / "kubeconfig"), "servers": ["127.0.0.1"]}
    own = {"kubernetes": {**section, "namespaces": [space]}} if pods else {}
    path.write_text(yaml.safe_dump({**document, "systems": {"docs": docs, **own}}, sort_keys=False), "utf-8")
    if not pods:
        yield path, None
        return
    command = [sys.executable, "-m", "bench.pods", str(folder), str(pods), str(CHANGES), *jobs]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdin is None or server.stdout is None or not server.stdout.readline():
            raise AssertionError("the cluster of pods did not start")
        silent = next(job for job, csc in jobs.items() if csc == str(_silent(fleet)))
        yield path, lambda word: _order(server, f"{silent} {word}")
    finally:
        server.kill()
        server.communicate()


def _order(server: subprocess.Popen[str], line: str) -> float:
    """Tell the cluster something and return its answer."""
    assert server.stdin is not None and server.stdout is not None  # noqa: PT018 - pipes, as it was started
    server.stdin.write(f"{line}\n")
    server.stdin.flush()
    return float(server.stdout.readline())


def _watch(
    fleet: RunningFleet, site: Path, seconds: float, settle_s: float, trouble: Trouble | None
) -> tuple[tuple[float, float, float], list[float]]:
    """Return what a steady ``watch`` takes, and how late (seconds) each trouble of a pod was on the terminal.

    It takes: CPU (percent of a core), peak memory (MB) and bytes a second to the terminal.
    """
    with Terminal([DEPLOYDASH, "watch", str(site)], fleet.environ) as terminal:
        terminal.wait_for([header_words(fleet)], 120)
        if trouble is not None:
            terminal.wait_for(["● kubernetes"], 60)
        time.sleep(settle_s)
        used, began = cpu_seconds(terminal.pid), time.monotonic()
        time.sleep(seconds)
        lasted = time.monotonic() - began
        share = 100 * (cpu_seconds(terminal.pid) - used) / lasted
        steady = share, peak_mb(terminal.pid), terminal.written(began, began + lasted) / lasted
        if trouble is None:
            return steady, []
        _select(terminal, str(_silent(fleet)))
        return steady, [_late(terminal, trouble, word) for word in TROUBLES]


def _silent(fleet: RunningFleet) -> CscId:
    """Return who fell silent before, the first on the screen."""
    return next(one.csc for one in fleet.cscs if one.dead)


def _select(terminal: Terminal, name: str) -> None:
    """Go to one that is off target: the line under the grid then says why it is."""
    for _ in range(10):
        terminal.type("n")
        with suppress(TimeoutError):
            terminal.wait_for([f" {name}  OFFLINE"], 1)
            return
    raise AssertionError(f"{name} cannot be selected:\n" + "\n".join(terminal.lines()))


def _late(terminal: Terminal, trouble: Trouble, word: str) -> float:
    """Return how long after the cluster told it the trouble of a pod stood on the terminal."""
    time.sleep(1.0 + random.random())  # anywhere within our ticks, frames and pauses
    while terminal.feed() is not None:
        continue
    if any(word in line for line in terminal.lines()):
        raise AssertionError(f"{word} is on the screen before a pod is in that trouble")
    told = trouble(word)
    return terminal.wait_for([word], 30) - told

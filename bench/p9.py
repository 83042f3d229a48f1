"""P9: what ``watch`` takes more where a cluster with 300 pods, or with 2,000, is read beside the fleet."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.machine import cpu_seconds, peak_mb
from bench.p1 import DEPLOYDASH, header_words
from bench.rows import Row, Say
from bench.running import RunningFleet
from bench.terminal import Terminal
from bench.world import World, say

PODS = (300, 2_000)
CHANGES = 5.0
"""So many pods change each second: a deployment of a hundred CSCs in a minute changes as many."""
SETTLE_S = 14.0


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure ``watch`` without a cluster and with one of each size in turns."""
    fleet = world.fleet(size)
    seconds, rounds = (3.0, 1) if quick else (15.0, 3)
    say(f"P9 at {size:,}: {rounds} x {seconds:.0f} s of watch without a cluster, with {PODS[0]} and {PODS[1]:,} pods")
    told: dict[int, list[tuple[float, float, float]]] = {pods: [] for pods in (0, *PODS)}
    for _ in range(rounds):
        for pods, runs in told.items():
            with tempfile.TemporaryDirectory() as folder, _site(fleet, Path(folder), pods) as site:
                runs.append(_watch(fleet, site, seconds, 3.0 if quick else SETTLE_S, pods))
    for pods, runs in told.items():
        what = f"{pods:,} pods, {CHANGES:g} changes/s" if pods else "no cluster"
        for place, (kind, unit) in enumerate((("CPU of a core", "%"), ("peak memory", "MB"), ("terminal", "B/s"))):
            tell(Row("P9", size, f"{what}: {kind}", tuple(run[place] for run in runs), unit))


@contextmanager
def _site(fleet: RunningFleet, folder: Path, pods: int) -> Iterator[Path]:
    """Serve a cluster and yield the fleet's site file with it; with no pods, without."""
    document = yaml.safe_load(fleet.site_file.read_text("utf-8"))
    path = folder / fleet.site_file.name
    docs = {"root": "https://docs.example.org", "folder": "bench", "anchor": "bench"}
    jobs = {f"job{number}": str(one.csc) for number, one in enumerate(fleet.cscs)}
    space = {"namespace": "bench", "selector": "csc", "jobs": jobs}
    section = {"context": "bench", "kubeconfig": str(folder / "kubeconfig"), "servers": ["127.0.0.1"]}
    own = {"kubernetes": {**section, "namespaces": [space]}} if pods else {}
    path.write_text(yaml.safe_dump({**document, "systems": {"docs": docs, **own}}, sort_keys=False), "utf-8")
    if not pods:
        yield path
        return
    command = [sys.executable, "-m", "bench.pods", str(folder), str(pods), str(CHANGES), *jobs]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout is None or not server.stdout.readline():
            raise AssertionError("the cluster of pods did not start")
        yield path
    finally:
        server.kill()
        server.communicate()


def _watch(fleet: RunningFleet, site: Path, seconds: float, settle_s: float, pods: int) -> tuple[float, float, float]:
    """Return CPU (percent of a core), peak memory (MB) and bytes a second to the terminal of a steady ``watch``."""
    with Terminal([DEPLOYDASH, "watch", str(site)], fleet.environ) as terminal:
        terminal.wait_for([header_words(fleet)], 120)
        if pods:
            terminal.wait_for(["● kubernetes"], 60)
        time.sleep(settle_s)
        used, began = cpu_seconds(terminal.pid), time.monotonic()
        time.sleep(seconds)
        lasted = time.monotonic() - began
        share = 100 * (cpu_seconds(terminal.pid) - used) / lasted
        return share, peak_mb(terminal.pid), terminal.written(began, began + lasted) / lasted

"""Which benchmarks there are, by name and in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Protocol

from bench.fleet import LARGER, SITE_SIZE
from bench.rows import Say
from bench.world import World


class Benchmark(Protocol):
    """One module of this package."""

    def run(self, world: World, size: int, tell: Say, *, quick: bool = False) -> None:
        """Measure a fleet of ``size`` CSCs and tell the rows."""
        ...


MODULES: dict[str, str] = {
    "p5": "bench.p5",
    "p4": "bench.p4",
    "p2": "bench.p2",
    "p3": "bench.p3",
    "p1": "bench.p1",
    "p6": "bench.p6",
    "p8": "bench.p8",
    "p9": "bench.p9",
    "p10": "bench.p10",
    "p11": "bench.p11",
}
"""P1 comes after the others on its fleet: by then that has beaten for the minute which P1 reads back."""

_OF_THE_SITE = ("p8", "p9", "p10", "p11")
LEFT_OUT = {("p2", 1_000), ("p6", 1_000), ("p6", 10_000), *((name, size) for name in _OF_THE_SITE for size in LARGER)}
"""What P7 does not repeat: latency has its goals at the site's load and at 10,000, all else at the site's."""


def plan(names: Sequence[str]) -> list[tuple[str, int]]:
    """Return what to run: benchmarks by name at the site's size, with ``p7`` at the larger ones as well.

    A number among the names is a size: then the benchmarks named run at the sizes named, and at no other.

    Raises:
        ValueError: there is no such benchmark, or a size is none.
    """
    sizes = [int(name) for name in names if name.isdecimal()]
    chosen = [name for name in names if not name.isdecimal()]
    known = [*MODULES, "p7"]
    if wrong := [name for name in chosen if name not in known]:
        raise ValueError(f"there is no benchmark {', '.join(wrong)}: known are {', '.join(sorted(known))}")
    if 0 in sizes:
        raise ValueError("a size is a number of CSCs, from 1")
    if sizes and "p7" in chosen:
        raise ValueError("p7 is the other benchmarks at its own sizes: name the size or p7, not both")
    chosen = chosen or known
    here = [name for name in MODULES if name in chosen]
    if sizes:
        return [(name, size) for size in sizes for name in here]
    larger = [(name, size) for size in LARGER for name in MODULES if (name, size) not in LEFT_OUT]
    return [(name, SITE_SIZE) for name in here] + (larger if "p7" in chosen else [])


def load(name: str) -> Benchmark:
    """Return a benchmark by its name."""
    module: Benchmark = import_module(MODULES[name])
    return module

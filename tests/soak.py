"""The long proof: SIGKILL after every record of a short night, and after a seeded sample of a Summit's shutdown.

``python -m tests.soak [--small N] [--summit N] [--seed N]``; a number limits how many records are killed after.
"""

from __future__ import annotations

import argparse
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e_run.killing import OF_THE_RUN, spend
from tests.e2e_run.world import records

AT_ONCE = {False: 3, True: 2}
"""Nights side by side on two cores: of twelve CSCs, of the Summit's."""


def soak(folder: Path, most: int | None, seed: int, *, summit: bool) -> list[str]:
    """Kill after each record, or after a seeded sample of ``most``; return what ended otherwise than undisturbed."""
    calm = spend(folder / "calm", None, summit=summit)
    count = len(records(calm.journal, *OF_THE_RUN))
    points = list(range(1, count))
    if most is not None and most < len(points):
        points = sorted(random.Random(seed).sample(points, most))

    def one(point: int) -> str:
        try:
            night = spend(folder / f"kill-{point}", point, summit=summit)
        except AssertionError as error:
            return f"after record {point} of {count}: {error}"
        sys.stderr.write(f"killed after record {point} of {count}\n")
        wrong = "was not killed" if not night.killed else "ended otherwise" if night.outcome != calm.outcome else ""
        return f"after record {point} of {count}: {wrong}" if wrong else ""

    with ThreadPoolExecutor(AT_ONCE[summit]) as pool:
        return [each for each in pool.map(one, points) if each]


def main() -> int:
    """Run both; the exit code says whether every night ended as if undisturbed."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--small", type=int, help="kills of the night of twelve CSCs (default: every record)")
    parser.add_argument("--summit", type=int, default=50, help="kills of the Summit's night (default: 50)")
    parser.add_argument("--seed", type=int, default=45)
    asked = parser.parse_args()
    wrong: list[str] = []
    with TemporaryDirectory(prefix="soak-") as folder:
        if asked.small != 0:
            wrong += soak(Path(folder) / "small", asked.small, asked.seed, summit=False)
        if asked.summit:
            wrong += soak(Path(folder) / "summit", asked.summit, asked.seed, summit=True)
    sys.stdout.write(("\n".join(wrong) if wrong else "every night ended as if undisturbed") + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Whole nights that are too long for every change: ``python -m tests.e2e_run.nights``.

``--sites``: the full cycle by keys to *closed* at each site, every row of the procedure named with what ended it.
The exit code says whether everything was as it must be; ``--keep FOLDER`` keeps journals and screens.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e_run.whole import Whole, drive
from tests.e2e_run.world import records
from tests.support.procedure import EVERYWHERE, ended_by


def sites(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """Drive the full cycle at these sites; yield what is wrong, and say how each row ended."""
    for name in names:
        began = time.monotonic()
        try:
            driven = drive(Whole("full-cycle", "upgrade", name), folder / name)
            rows = ended_by(records(driven.journal), name)
        except AssertionError as error:
            yield f"{name}: {error}"
            continue
        for row, ends in rows.items():
            _say(*(f"{name:18} {row:22} {end}" for end in ends))
        _say(f"{name}: {len(rows)} rows, {driven.keys} keys, {time.monotonic() - began:.0f} s")


def _say(*lines: str) -> None:
    """Say something at once: the next may take minutes."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main() -> int:
    """Spend the nights that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e_run.nights", description=__doc__)
    parser.add_argument("--sites", nargs="*", choices=EVERYWHERE, help="these, or all three", metavar="SITE")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="nights-") as name:
        folder = asked.keep or Path(name)
        wrong = [] if asked.sites is None else list(sites(folder / "sites", asked.sites or EVERYWHERE))
    _say(*wrong, f"{len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Whole nights that are too long for every change: ``python -m tests.e2e_run.nights``.

``--sites``: the full cycle by keys to *closed* at each site, every row of the procedure named with what ended it.
``--lost``: the Summit's, while every outside system is lost and comes back, idle, armed and asked something.
``--scenarios``: the Summit's in the shipped scenarios in which something goes wrong, each to *closed*.
The exit code says whether everything was as it must be; ``--keep FOLDER`` keeps journals and screens.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e_run.lost import survive, wrong
from tests.e2e_run.rehearsing import SCENARIOS, rehearse
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


def lost(folder: Path) -> Iterator[str]:
    """Drive the Summit's full cycle through every loss; yield what followed of it and must not."""
    began = time.monotonic()
    try:
        survived = survive(folder)
    except AssertionError as error:
        yield f"lost: {error}"
        return
    _say(*(f"{number:02} {one.loss}" for number, one in enumerate(survived.seen)))
    _say(f"lost: {len(survived.seen)} losses, {survived.keys} keys, {time.monotonic() - began:.0f} s")
    yield from wrong(survived)


def scenarios(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """Drive the Summit's full cycle in these scenarios; yield what is wrong, and say what was tried, signed, waived."""
    for name in names:
        began = time.monotonic()
        try:
            driven, _ = rehearse(name, folder / name)
            told = records(driven.journal)
            ended_by(told, "summit")
        except AssertionError as error:
            yield f"{name}: {error}"
            continue
        failed = sum(one["kind"] == "ItemEnded" and one["outcome"] != "reached" for one in told)
        waived = [csc for one in told if one["kind"] == "CscsWaived" for csc in one["cscs"]]
        took = f"{driven.keys} keys, {time.monotonic() - began:.0f} s"
        _say(f"{name}: {failed} ends that were failed or unknown, waived {', '.join(waived) or 'nobody'}, {took}")
        yield from (f"{name}: sent twice: {who}" for who in driven.commands.twice())


def _say(*lines: str) -> None:
    """Say something at once: the next may take minutes."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main() -> int:
    """Spend the nights that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e_run.nights", description=__doc__)
    parser.add_argument("--sites", nargs="*", choices=EVERYWHERE, help="these, or all three", metavar="SITE")
    parser.add_argument("--lost", action="store_true")
    parser.add_argument("--scenarios", nargs="*", choices=SCENARIOS, help="these, or all", metavar="NAME")
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="nights-") as name:
        folder = asked.keep or Path(name)
        found = [] if asked.sites is None else list(sites(folder / "sites", asked.sites or EVERYWHERE))
        found += lost(folder / "lost") if asked.lost else []
        found += [] if asked.scenarios is None else scenarios(folder / "scenarios", asked.scenarios or SCENARIOS)
    _say(*found, f"{len(found)} wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

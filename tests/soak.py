"""The long proof: SIGKILL after every record of a short night and after a seeded sample of a Summit's shutdown.

Then a short night on a real Kafka whose broker is killed again and again, and one on three that restart in turn.
``python -m tests.soak`` ends with a summary;
``--whole N`` kills the Summit's whole upgrade with every system in it at so many seeded moments: half of them at the
very record, half a moment after it, while requests are on their way. What each fake was asked to change and how it
stands at the end is compared with a night that nobody stopped.
``--small N``, ``--summit N`` and ``--keys N`` limit how many records are killed after, 0 leaves a part out; ``--keys``
is by keys in a terminal, the others without a screen. ``--restarts N`` are those of the broker.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e_run.killing import OF_THE_RUN, Night, spend, spend_headless
from tests.e2e_run.restarting import Restarted, killed, rolled
from tests.e2e_run.same_end import cut, kinds
from tests.e2e_run.whole_night import Moment, differences, spend_whole
from tests.e2e_run.world import records

LATEST_S = 1.5
"""A kill comes at most so long after its record."""

Spend = Callable[[Path, int], Night]


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of night: how it is spent with its number of the last record (0 for no kill), how many side by side."""

    name: str
    spend: Spend
    at_once: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Soaked:
    """What a part has come to."""

    line: str
    wrong: list[str]


def soak(part: Part, folder: Path, seed: int) -> Soaked:
    """Kill after each record, or after a seeded sample of them; what ended otherwise than undisturbed is wrong."""
    began = time.monotonic()
    calm = part.spend(folder / "calm", 0)
    count = len(records(calm.journal, *OF_THE_RUN))
    points = list(range(1, count))
    if part.most is not None and part.most < len(points):
        points = sorted(random.Random(seed).sample(points, part.most))

    def one(point: int) -> str:
        try:
            night = part.spend(folder / f"kill-{point}", point)
        except AssertionError as error:
            return f"{part.name}, after record {point} of {count}: {error}"
        sys.stderr.write(f"{part.name}: killed after record {point} of {count}\n")
        wrong = "was not killed" if not night.killed else "ended otherwise" if night.outcome != calm.outcome else ""
        return f"{part.name}, after record {point} of {count}: {wrong}" if wrong else ""

    with ThreadPoolExecutor(part.at_once) as pool:
        wrong = [each for each in pool.map(one, points) if each]
    took = time.monotonic() - began
    commands = sum(calm.commands.values())
    return Soaked(
        f"{part.name}: {len(points)} kills after {count} records of {len(calm.ended)} CSCs with {commands} commands,"
        f" {len(points) - len(wrong)} ended as if undisturbed ({took:.0f} s)",
        wrong,
    )


def whole(folder: Path, most: int, seed: int, at_once: int, by_keys: int) -> Soaked:
    """Kill the Summit's whole upgrade at seeded moments; what then came otherwise than undisturbed is wrong.

    ``by_keys``: so many of them are led by keys in a terminal.
    """
    began = time.monotonic()
    calm = spend_whole(folder / "calm", Moment())
    count = len(records(calm.journal, *OF_THE_RUN))
    sys.stderr.write(f"the whole upgrade: {count} records in {calm.seconds:.0f} s; {kinds(calm.asked)}\n")
    drawn = random.Random(seed)
    points = drawn.sample(range(1, count), most)
    moments = [Moment(point, drawn.choice((0.0, drawn.uniform(0.01, LATEST_S)))) for point in points]

    keyed = set(drawn.sample(moments, min(by_keys, most)))

    def one(moment: Moment) -> str:
        at = f"the whole upgrade, {moment} of {count}"
        try:
            night = spend_whole(folder / f"kill-{moment.record}", moment, keys=moment in keyed)
        except AssertionError as error:
            sys.stderr.write(f"{at}: {error}\n")
            return f"{at}: {error}"
        found = [*differences(calm, night), *([] if night.killed else ["was not killed"])]
        how = f"{night.last}{' by keys' if moment in keyed else ''}, {night.seconds:.0f} s"
        told = "\n  ".join([f"{at}, {how}: {'ended otherwise' if found else 'as if undisturbed'}", *cut(found)])
        sys.stderr.write(f"{told}\n")
        return told if found else ""

    with ThreadPoolExecutor(at_once) as pool:
        wrong = [each for each in pool.map(one, moments) if each]
    line = (
        f"the whole upgrade: {len(moments)} kills after {count} records with {sum(calm.commands.values())} commands and"
        f" {sum(calm.asked.values())} other requests, {len(moments) - len(wrong)} ended as if undisturbed"
        f" ({time.monotonic() - began:.0f} s)"
    )
    return Soaked(line, wrong)


def restarts(name: str, spend: Callable[[Path, int], Restarted], folder: Path, most: int) -> Soaked:
    """Spend the short night on a real Kafka whose brokers go and come back."""
    try:
        night = spend(folder, most)
    except AssertionError as error:
        return Soaked(f"{name}: the night did not end", [f"{name}: {error}"])
    line = (
        f"{name}: {night.restarts} during a run of {len(night.ended)} CSCs ({night.seconds:.0f} s);"
        f" false closures of gates: {night.spurious_closures}; commands twice: 0"
    )
    left = sorted(csc for csc, outcome in night.ended.items() if outcome != "reached")
    return Soaked(line, [f"{name}: not reached: {', '.join(left)}"] if left else [])


def _told(part: Soaked) -> Soaked:
    """Say at once what a part has come to: the next may take an hour."""
    sys.stdout.write("\n".join([*part.wrong, part.line]) + "\n")
    sys.stdout.flush()
    return part


def main() -> int:
    """Run every part; the exit code says whether every night ended as if undisturbed."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--small", type=int, help="kills of the night of twelve CSCs (default: every record)")
    parser.add_argument("--summit", type=int, default=50, help="kills of the Summit's night (default: 50)")
    parser.add_argument("--keys", type=int, default=10, help="kills of the small night by keys (default: 10)")
    parser.add_argument("--restarts", type=int, default=8, help="restarts in each such night (default: 8)")
    parser.add_argument("--whole", type=int, default=40, help="kills of the Summit's whole upgrade (default: 40)")
    parser.add_argument("--by-keys", type=int, default=3, help="so many of these by keys (default: 3)")
    parser.add_argument("--at-once", type=int, default=3, help="whole upgrades side by side (default: 3)")
    parser.add_argument("--keep", type=Path, help="leave what the nights wrote in this folder")
    parser.add_argument("--seed", type=int, default=45)
    asked = parser.parse_args()
    parts = [
        Part("twelve CSCs", spend_headless, 12, asked.small),
        Part("the Summit", lambda folder, last: spend_headless(folder, last, summit=True), 4, asked.summit),
        Part("twelve CSCs by keys", lambda folder, last: spend(folder, last or None), 3, asked.keys),
    ]
    soaked: list[Soaked] = []
    with TemporaryDirectory(prefix="soak-") as name:
        folder = asked.keep or Path(name)
        if asked.whole:
            soaked.append(_told(whole(folder / "whole", asked.whole, asked.seed, asked.at_once, asked.by_keys)))
        for number, part in enumerate(parts):
            if part.most != 0:
                soaked.append(_told(soak(part, folder / str(number), asked.seed)))
        if asked.restarts:
            soaked.append(_told(restarts("one broker killed", killed, folder / "killed", asked.restarts)))
            soaked.append(_told(restarts("three brokers in turn", rolled, folder / "rolled", asked.restarts)))
    wrong = sum(len(part.wrong) for part in soaked)
    sys.stdout.write(f"seed {asked.seed}; {wrong} wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

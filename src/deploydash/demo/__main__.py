"""The demo observatory's command line: ``python -m deploydash.demo --site-file PATH``.

The first line of standard output is one JSON object with the address of each system (``kafka``, ``schema_registry``,
``efd``) and ``site_file``, the site file that leads here; everything else goes to standard error. Exit codes: 0 after
SIGINT, SIGTERM or the end of the parent's pipe; 2 for wrong usage, a site file or a scenario that cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from deploydash.demo import scenario_file, site
from deploydash.demo.fake import Kind
from deploydash.demo.fakes.outside import OutsideError, instead
from deploydash.demo.fakes.table import FAKES
from deploydash.demo.observatory import Settings, run


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError("a speed between 0 and 1000 is wanted")
    return value


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deploydash.demo",
        description="Run a demo observatory on loopback until SIGINT or SIGTERM.",
        epilog=f"Scenarios: {', '.join(scenario_file.shipped())}. "
        "Example: python -m deploydash.demo --site-file sites/summit.yaml --scenario mixed --speed 20",
    )
    parser.add_argument("--site-file", required=True, type=Path, metavar="PATH", help="the site to rehearse")
    parser.add_argument("--scenario", default="mixed", metavar="NAME|PATH", help="what happens (default: mixed)")
    parser.add_argument("--speed", default=1.0, type=_positive, metavar="N", help="divide the world's delays by N")
    parser.add_argument("--seed", default=1, type=int, metavar="N", help="same seed, same choices (default: 1)")
    parser.add_argument("--scale", default=0, type=int, metavar="N", help="add synthetic CSCs until there are N")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write the site file (default: temporary)")
    parser.add_argument("--parent-pipe", action="store_true", help="stop when standard input ends")
    # For tests on real servers; addresses of this machine only, and never topics that exist already.
    parser.add_argument("--kafka", default="", help=argparse.SUPPRESS)
    parser.add_argument("--registry", default="", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None, fakes: Sequence[Kind] = FAKES) -> int:
    """Run the demo observatory with these outside systems; the exit code."""
    asked = _arguments(argv)
    try:
        settings = Settings(
            site=site.read(asked.site_file, speed=asked.speed, scale=asked.scale),
            scenario=scenario_file.load(asked.scenario, fakes),
            speed=asked.speed,
            seed=asked.seed,
            out=asked.out,
            parent_pipe=asked.parent_pipe,
            fakes=instead(fakes, asked.kafka, asked.registry),
        )
        if asked.out is not None:
            asked.out.mkdir(parents=True, exist_ok=True)
    except (site.SiteFileError, scenario_file.ScenarioError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        asyncio.run(run(settings))
    except OutsideError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

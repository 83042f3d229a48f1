"""P11: ``deploydash check`` of the whole Summit while two things never answer: a host, and the EFD."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import Row, Say
from bench.world import World, say
from tests.e2e.observatory import serving
from tests.support.command_line import CommandLine

GOAL_S = 15.0

SILENT = """\
name: silent
about: Two things never answer.
fleet: startup
timeline:
  - {at: 0, fault: {system: hosts, name: silent, host: azar03}}
  - {at: 0, fault: {system: efd, name: stalled, seconds: 600}}
"""


def run(world: World, size: int, tell: Say, *, quick: bool = False) -> None:
    """Measure the command from its start to its end."""
    del world
    rounds = 1 if quick else 3
    say(f"P11: {rounds} x check of the Summit with two things that never answer")
    took: list[float] = []
    with TemporaryDirectory(prefix="bench-check-") as name:
        scenario = Path(name) / "silent.yaml"
        scenario.write_text(SILENT, encoding="utf-8")
        cli = CommandLine(Path(name) / "home")
        with serving(cli, "--scenario", str(scenario)) as observatory:
            for _ in range(rounds):
                ran = cli.run("check", observatory.site_file)
                if ran.code != 1:
                    raise RuntimeError(f"check ended with {ran.code}: {ran.err or ran.out[-400:]}")
                took.append(ran.seconds)
    tell(Row("P11", size, "check, a host and the EFD silent", tuple(took), "s", GOAL_S))

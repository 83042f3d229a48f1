"""One demo observatory and one home for all tests of the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.observatory import Observatory, serving
from tests.support.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """A command line whose home is this test's folder."""
    return CommandLine(tmp_path / "home")


@pytest.fixture(scope="session")
def calm_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observatory]:
    """The Summit's 117 CSCs at their start-up targets, but for the few that a scenario of ours names; shared."""
    folder = tmp_path_factory.mktemp("world")
    scenario = folder / "seen.yaml"
    scenario.write_text(
        "name: seen\nabout: A calm night with five departures that never change.\nfleet: startup\ncscs:\n"
        '  - {csc: MTDome, state: FAULT, code: 101, report: "shutter drive: encoder lost", since: 161}\n'
        '  - {csc: "ESS:303", state: ENABLED, life: dead, died: 41, since: 5400}\n'
        '  - {csc: "DIMM:2", life: dead, died: 45}\n'
        "  - {csc: CBP, life: never}\n"
        '  - {csc: "OCPS:2", state: DISABLED}\n',
        encoding="utf-8",
    )
    with serving(CommandLine(folder / "home"), "--scenario", str(scenario), "--speed", "4") as observatory:
        yield observatory

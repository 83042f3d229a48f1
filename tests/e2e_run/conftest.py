"""A demo observatory, a home and a terminal for each test of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.tmux import Tmux
from tests.support.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """A command line whose home is this test's folder."""
    return CommandLine(tmp_path / "home")


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal of 120x40 in which nothing runs yet."""
    with Tmux(tmp_path / "tmux") as terminal:
        yield terminal

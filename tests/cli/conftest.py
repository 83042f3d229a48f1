"""The command in a home of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command_line import CommandLine


@pytest.fixture
def cli(tmp_path: Path) -> CommandLine:
    """A command line whose home is this test's folder."""
    return CommandLine(tmp_path / "home")

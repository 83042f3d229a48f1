"""The manual page and the shell's completion are made of the commands themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.test_usage import COMMANDS
from tests.support.command_line import CommandLine


def test_the_page_names_every_command_with_its_example_and_is_installed_where_man_looks(
    cli: CommandLine, tmp_path: Path
) -> None:
    ran = cli.run("man")
    assert (ran.code, ran.err) == (0, "")
    for command in (*COMMANDS, "run", "resume", "observe", "replay", "report", "man"):
        assert f"\n.SS {command}\n" in ran.out
        assert f"Example: deploydash {command}" in ran.out.replace("\\-", "-")
    assert not [line for line in ran.out.splitlines() if line.startswith(("'", "..")) or "\x1b" in line]
    installed = cli.run("man", "--install", env={"XDG_DATA_HOME": str(tmp_path)})
    assert installed.code == 0, installed.err
    assert (tmp_path / "man" / "man1" / "deploydash.1").read_text("utf-8") == ran.out


def test_groff_has_nothing_to_complain_about(cli: CommandLine) -> None:
    text = cli.run("man").out
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8"], input=text.encode(), capture_output=True, check=True, timeout=60
    )
    assert done.stderr == b""
    assert b"deploydash check" in done.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("deploydash che", {"check", "checklist"}),
        ("deploydash check su", {"summit"}),
        ("deploydash plan summit rev", {"revert"}),
    ],
)
def test_the_shell_completes_commands_sites_and_runbooks(cli: CommandLine, typed: str, offered: set[str]) -> None:
    words = typed.split()
    env = {"_DEPLOYDASH_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    ran = cli.run(env=env)
    assert set(ran.out.split()) == offered, ran.err

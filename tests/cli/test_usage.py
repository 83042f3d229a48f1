"""What is wrong before anything is contacted: exit 2, every problem at once, sentences on stderr alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine
from tests.support.site_files import write_site

COMMANDS = ("watch", "status", "wait", "check", "sites", "demo", "plan", "runs")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_every_command_shows_an_example(cli: CommandLine, command: str) -> None:
    ran = cli.run(command, "--help")
    assert ran.code == 0
    assert re.search(rf"Example: deploydash {command}\b", ran.out)
    assert ran.err == ""


def test_a_bare_command_shows_every_command(cli: CommandLine) -> None:
    ran = cli.run()
    assert ran.code == 2
    assert [name for name in COMMANDS if name not in ran.out + ran.err] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["status"], "Missing argument 'SITE'"),
        (["status", "nowhere"], "'nowhere' is no known site (known are base-teststand, summit, tucson-teststand"),
        (["status", "no/such/file.yaml"], "no/such/file.yaml"),
        (["status", "HERE", "--target", "SLEEPING"], "'SLEEPING' is not a target"),
        (["wait", "HERE", "--target", "SLEEPING"], "'SLEEPING' is not a target"),
        (["watch", "HERE", "--target", "SLEEPING"], "'SLEEPING' is not a target"),
        (["wait", "HERE", "--only", "ESS:*:1"], "ESS:*:1"),
        (["wait", "HERE", "--only", "ATPtg:7"], "no CSC of hill fits 'ATPtg:7'"),
        (["status", "HERE", "--timeout", "soon"], "'soon' is no duration: write 15s, 30m or 2h"),
        (["wait", "HERE", "--timeout", "0s"], "'0s' is no duration"),
        (["wait", "HERE", "--timeout", "9" * 400], "is no duration: write 15s, 30m or 2h"),
        (["wait", "HERE", "--only", f"ESS:{'1' * 5000}"], "an index has at most 10 digits"),
        (["wait", "HERE", "--timeout", "-5"], "-5"),
        (
            ["watch", "HERE", "--theme", "pink"],
            "'--theme': 'pink' is not one of 'love', 'okabe-ito', 'high-contrast', 'mono'",
        ),
        (["demo", "--theme", "pink"], "'--theme': 'pink' is not one of 'love'"),
        (["demo", "--scenario", "nosuch"], "there is no scenario 'nosuch'"),
        (["demo", "--speed", "0"], "--speed"),
        (["demo", "--site", "nowhere"], "'nowhere' is no known site"),
    ],
)
def test_wrong_words_are_told_on_stderr_with_exit_code_2(
    cli: CommandLine, tmp_path: Path, words: list[str], said: str
) -> None:
    site = write_site(tmp_path, "127.0.0.1:1", ["ATDome"])
    ran = cli.run(*[str(site) if word == "HERE" else word for word in words])
    assert said in ran.err
    assert ran.code == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", ["status", "wait", "check", "watch"])
def test_every_problem_of_a_site_file_is_told_at_once_with_its_line(
    cli: CommandLine, tmp_path: Path, command: str
) -> None:
    site = write_site(tmp_path, "127.0.0.1:1", ["ATDome"])
    text = site.read_text()
    text = text.replace("time_zone: UTC", "time_zone: Nowhere/Land\ntimezone: UTC")
    text += "- group: All\n  csc: ATDome\n- group: Elsewhere\n  csc: ATPtg\n"
    text += "- group: All\n  csc: ATMCS\n  startup: SLEEPING\n"
    site.write_text(text)
    ran = cli.run(command, site)
    assert ran.code == 2
    assert ran.out == ""
    assert "Traceback" not in ran.err
    for said in ("timezone", "Nowhere/Land", "ATDome", "Elsewhere", "SLEEPING"):
        lines = [line for line in ran.err.splitlines() if said in line]
        assert lines, said
        assert re.match(rf"{re.escape(str(site))}:\d+: ", lines[0])


def test_a_screen_without_a_terminal_names_the_command_that_suits(cli: CommandLine, tmp_path: Path) -> None:
    site = write_site(tmp_path, "127.0.0.1:1", ["ATDome"])
    ran = cli.run("watch", site)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err == f"deploydash: watch needs a terminal (without one use: deploydash status {site})\n"


def test_half_of_the_credentials_are_told_before_anything_is_contacted(cli: CommandLine, tmp_path: Path) -> None:
    site = write_site(tmp_path, "127.0.0.1:1", ["ATDome"], kafka={"security_protocol": "SASL_PLAINTEXT"})
    ran = cli.run("status", site, env={"LSST_KAFKA_SECURITY_USERNAME": "dash"})
    assert ran.code == 2
    assert ran.out == ""
    assert "LSST_KAFKA_SECURITY_PASSWORD" in ran.err

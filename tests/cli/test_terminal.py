"""A terminal on which no screen can be drawn is refused in one sentence before anything is contacted or opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploydash.cli.terminal import is_capable
from tests.cli.test_run import ACCOUNT, opened
from tests.servers.waiting import patient
from tests.support.command_line import ROOT, CommandLine
from tests.support.pty_screen import PtyScreen
from tests.support.site_files import write_site

REFUSED = ("dumb", "", None, "unknown", "no-such-terminal", "vt52", "emacs", "xtermite", "dumb-emacs-ansi")

TAKEN = (
    "xterm", "xterm-256color", "xterm-kitty", "xterm-ghostty", "xterm+256color", "screen", "screen-256color",
    "screen.xterm-256color", "tmux", "tmux-256color", "linux", "rxvt", "rxvt-unicode-256color", "alacritty", "kitty",
    "foot", "foot-extra", "vt100", "vt102", "vt220", "vt320", "vt420", "wezterm", "st-256color", "putty-256color",
    "Eterm", "konsole-256color",
)  # fmt: skip


@pytest.mark.parametrize("term", REFUSED)
def test_a_terminal_without_ansi_cursor_movements_is_none_for_a_screen(term: str | None) -> None:
    assert not asked_in_a_process_of_its_own(term)


@pytest.mark.parametrize("term", TAKEN)
def test_a_known_kind_passes_even_where_this_machine_has_no_entry_for_it(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_entry(_: str) -> bool:
        raise AssertionError("terminfo was asked")

    monkeypatch.setattr("deploydash.cli.terminal._moves_the_cursor", no_entry)
    assert is_capable({"TERM": term})


def test_a_kind_nobody_has_heard_of_passes_where_terminfo_has_its_entry() -> None:
    known = [folder for folder in ("/lib/terminfo", "/usr/share/terminfo") if Path(folder, "c", "cons25").exists()]
    if not known:
        pytest.skip("this machine's terminfo has no entry cons25")
    assert asked_in_a_process_of_its_own("cons25")


def asked_in_a_process_of_its_own(term: str | None) -> bool:
    """Ask about a kind of terminal; a process can ask terminfo about one kind only."""
    environ = {} if term is None else {"TERM": term}
    code = f"from deploydash.cli.terminal import is_capable; raise SystemExit(not is_capable({environ!r}))"
    return subprocess.run([sys.executable, "-c", code], check=False, timeout=patient(10)).returncode == 0


SCREENS = {
    "watch": ("watch SITE", "deploydash status SITE"),
    "run": ("run summit full-cycle", "deploydash plan summit full-cycle"),
    "run in tmux": ("run summit full-cycle --tmux", "deploydash plan summit full-cycle"),
    "resume": ("resume", "deploydash report summit-c0045-a"),
    "resume in tmux": ("resume --tmux", "deploydash report summit-c0045-a"),
    "observe": ("observe", "deploydash report summit-c0045-a"),
    "replay": ("replay", "deploydash report summit-c0045-a"),
}


@pytest.mark.parametrize("term", ["dumb", None, "no-such-terminal"])
@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_refuses_such_a_terminal_in_one_sentence_and_opens_nothing(
    cli: CommandLine, tmp_path: Path, name: str, term: str | None
) -> None:
    command, instead = SCREENS[name]
    site = str(write_site(tmp_path, "127.0.0.1:1", ["ATDome"]))
    if not command.startswith(("watch", "run")):
        opened(cli, "summit-c0045-a", site=str(ROOT / "sites/summit.yaml"))
    before = sorted(cli.state.rglob("*"))
    environ = {name: text for name, text in cli.environment(ACCOUNT).items() if name != "TERM"}
    words = cli.words(*command.replace("SITE", site).split())
    with PtyScreen(
        [*words], width=300, height=40, environ=environ if term is None else {**environ, "TERM": term}
    ) as screen:
        assert screen.wait(30) == 2
        said = screen.written.decode().strip()
    kind = "TERM is not set" if term is None else f"TERM is {term!r}"
    assert said == (
        f"deploydash: {command.split()[0]} needs a terminal that places text where it is told, and {kind} "
        f"(here use: {instead.replace('SITE', site)})"
    )
    assert sorted(cli.state.rglob("*")) == before


@pytest.mark.server
def test_the_demo_on_such_a_terminal_prints_one_snapshot_as_text(cli: CommandLine) -> None:
    environ = cli.environment({"TERM": "dumb"})
    words = cli.words("demo", "--scenario", "calm", "--speed", "20")
    with PtyScreen([*words], width=120, height=40, environ=environ) as screen:
        assert screen.wait(60) == 0
        assert b"startup" in screen.written
        assert b"\x1b" not in screen.written

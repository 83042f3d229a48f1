"""The run on a real terminal: what a small one shows at each question, and what is told to the lead elsewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from tests.servers.cache import tool
from tests.servers.fixtures import have
from tests.servers.tmux import Tmux
from tests.servers.waiting import wait_until
from tests.support.pty_screen import PtyScreen

XTERM = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
NOTE = b"\x1b]9;deploydash: summit: your turn, Send the Watcher to OFFLINE\x07"
HANDED_ON = b"\x1bPtmux;\x1b" + NOTE + b"\x1b\\"
LEFT_OUT = {"TMUX", "TMUX_PANE", "NO_COLOR", "LANG", "DEPLOYDASH_NOTIFY"}

QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "asking",
        ("Your turn · 2 need a decision", "MTDome FAULT 2:4", "r retry MTDome", "w waive by name", "s skip"),
    ),
    ("armed", ("Armed", "Nothing is sent yet. Enter sends it.", "Esc disarm")),
    ("question", ("Your turn · a question", "Does the camera team install new", "d decide")),
    ("by-hand", ("Your turn · manual, 1 of 5 done", "M1M3 and M2", "d sign off")),
    ("queues", ("Closed · waits", "waits for MTDome", "i why")),
    ("held", ("HOLD by ops2@laptop: nothing further is sent", "R release")),
    ("closing", ("Closed · waits", "✘ no debt is open", "an end notice in #summit-announce", "w waive debt")),
    (
        "wait",
        (
            "MTHexapod:2 and 4 more block: no heartbeat yet, waited for",
            "What usually helps: see whether its process was started",
            "Press w to waive by name, e for 10 min more, H to hold.",
            "111 of 117 at target",
            "eta 21:15 from 6 earlier runs",
        ),
    ),
    (
        "late",
        ("The limit is over. MTHexapod:2 and 4 more block", "Press w to waive by name, e for 10 min more", "over"),
    ),
    ("arrived", ("All CSCs are at target or waived.", "Press Enter to end the wait")),
)
"""Every question of a run, and what a person must read who sees 80x24 of it; ``a|b`` is either of two."""


def environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name not in LEFT_OUT}
    return {**kept, **XTERM, **more}


def command(*scenes: str) -> list[str]:
    return [sys.executable, "-m", "tests.support.show_run", *scenes]


def read_for(environ: Mapping[str, str]) -> bytes:
    with PtyScreen(command("watcher"), width=80, height=24, environ=environ) as screen:
        screen.read_until("Send the Watcher")
        screen.read_for(0.5)
        return screen.written


def shows(terminal: Tmux, words: str) -> bool:
    text = re.sub(r"\s+", " ", terminal.capture())
    return any(each in text for each in words.split("|"))


@pytest.mark.parametrize(
    ("environ", "note"),
    [
        (environment(), NOTE),
        (environment(TERM="screen-256color", TMUX="/tmp/tmux-1/default,7,0"), HANDED_ON),
        (environment(DEPLOYDASH_NOTIFY="off"), b""),
        (environment(TERM="screen-256color"), b""),
    ],
    ids=["plain", "in-tmux", "switched-off", "screen"],
)
def test_the_terminal_is_notified_once_in_the_form_it_takes(environ: dict[str, str], note: bytes) -> None:
    written = read_for(environ)
    assert written.count(b"]9;") == (1 if note else 0)
    assert note in written
    assert re.sub(rb"\x1b\].*?\x07", b"", written).count(b"\x07") == 1, "and the bell rang once"


@pytest.mark.server
def test_a_small_terminal_shows_at_each_question_who_is_asked_what_and_which_key_answers(tmux: Tmux) -> None:
    names = [name for name, _ in QUESTIONS]
    tmux.start(command(*names), columns=80, rows=24, env=environment())
    for number, (name, words) in enumerate(QUESTIONS):
        if number:
            tmux.send_keys("F9")
        for each in words:
            try:
                wait_until(partial(shows, tmux, each), 20, f"{name} shows {each!r}")
            except AssertionError as error:
                pytest.fail(f"{error}\n{tmux.capture()}")


def server(folder: Path, settings: str = "") -> list[str]:
    """Return the beginning of every command to a tmux server of this test's own."""
    config = folder / "tmux.conf"
    config.write_text(f"set -g default-terminal screen-256color\n{settings}\n")
    return [tool("tmux"), "-f", str(config), "-S", str(folder / "s")]


@pytest.fixture(name="sockets")
def short_folder() -> Iterator[Path]:
    have("tmux", lambda: tool("tmux"))
    with tempfile.TemporaryDirectory(prefix="tmux-") as folder:
        yield Path(folder)
        subprocess.run([*server(Path(folder)), "kill-server"], capture_output=True, check=False)


@pytest.mark.server
@pytest.mark.parametrize("passes", ["on", "off"])
def test_tmux_hands_the_notification_on_to_the_terminal_outside_where_it_may(sockets: Path, passes: str) -> None:
    start = [*server(sockets, f"set -g allow-passthrough {passes}"), "new-session", shlex.join(command("watcher"))]
    with PtyScreen(start, width=120, height=40, environ=environment()) as outside:
        outside.read_until("Send the Watcher")
        outside.read_for(1.0)
        assert (NOTE in outside.written) is (passes == "on")


@pytest.mark.server
def test_a_window_of_tmux_that_nobody_looks_at_is_flagged_when_it_is_the_leads_turn(sockets: Path) -> None:
    base = server(sockets)

    def told(*words: str) -> str:
        done = subprocess.run([*base, *words], capture_output=True, text=True, check=True, env=environment())
        return done.stdout

    told("new-session", "-d", "-s", "x", "-x", "120", "-y", "40", "cat")
    told("new-window", "-d", "-t", "x:", shlex.join(command("queues", "asking")))
    wait_until(lambda: "waits for MTDome" in told("capture-pane", "-p", "-t", "x:1"), 20, "the run is on its screen")
    assert told("list-windows", "-t", "x", "-F", "#{window_bell_flag}").split() == ["0", "0"]
    told("send-keys", "-t", "x:1", "F9")
    wait_until(lambda: told("list-windows", "-t", "x", "-F", "#{window_bell_flag}").split() == ["0", "1"], 20, "a flag")

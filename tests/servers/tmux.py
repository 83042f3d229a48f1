"""A terminal program in a real pty: started in tmux, driven by keys, read back as an operator sees it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.servers.cache import tool
from tests.servers.waiting import patient, wait_until

_CONFIG = """\
set -g status off
set -g remain-on-exit on
set -g default-terminal screen-256color
set -s escape-time 0
"""


class Tmux:
    """One program in one tmux session on a socket of its own. Use as a context manager, or ``close()`` it.

    Raises:
        UnavailableError: tmux is not installed.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "tmux.conf"
        self._config.write_text(_CONFIG)
        # A Unix socket's path may have 107 characters; a test's folder is often longer.
        self._sockets = tempfile.TemporaryDirectory(prefix="tmux-")
        self._base = [tool("tmux"), "-f", str(self._config), "-S", f"{self._sockets.name}/s"]

    def _tmux(self, *arguments: str, env: Mapping[str, str] | None = None, check: bool = True) -> str:
        done = subprocess.run(
            [*self._base, *arguments], capture_output=True, text=True, timeout=patient(20), check=False, env=env
        )
        assert done.returncode == 0 or not check, f"tmux {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def start(
        self, command: Sequence[str], *, columns: int = 120, rows: int = 40, env: Mapping[str, str] | None = None
    ) -> None:
        """Start ``command`` in a terminal of this size; ``env`` is the whole environment, default ours."""
        # COLUMNS and LINES, which pytest's workers export, would be believed more than the terminal itself.
        foreign = {"TMUX", "TMUX_PANE", "COLUMNS", "LINES"}
        inherited = {name: text for name, text in (env or os.environ).items() if name not in foreign}
        self._tmux(
            "new-session", "-d", "-s", "lead", "-x", str(columns), "-y", str(rows), shlex.join(command), env=inherited
        )

    def send_keys(self, *keys: str) -> None:
        """Press keys by tmux's names: ``Enter``, ``Escape``, ``Down``, ``C-c``, ``q``."""
        self._tmux("send-keys", "-t", "lead", *keys)

    def type_text(self, text: str) -> None:
        """Type a text literally."""
        self._tmux("send-keys", "-t", "lead", "-l", "--", text)

    def paste(self, text: str) -> None:
        """Paste a text as a terminal does, between the marks of a paste where the program asked for them."""
        self._tmux("set-buffer", "-b", "pasted", text)
        self._tmux("paste-buffer", "-p", "-r", "-d", "-b", "pasted", "-t", "lead")

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size, as dragging its window does."""
        self._tmux("resize-window", "-t", "lead", "-x", str(columns), "-y", str(rows))

    def capture(self, *, colours: bool = False) -> str:
        """Return the screen as text, with its SGR sequences where ``colours``."""
        return self._tmux("capture-pane", "-p", *(["-e"] if colours else []), "-t", "lead")

    def leave_window(self) -> None:
        """Go to another window of the session: the program's is in the background from now on."""
        self._tmux("new-window", "-t", "lead", "sleep 600")

    def return_to_window(self) -> None:
        """Bring the program's window to the front again."""
        self._tmux("select-window", "-t", "lead:0")

    @property
    def flagged(self) -> bool:
        """Whether tmux flags the program's window because it rang the bell in the background."""
        return self._tmux("display-message", "-p", "-t", "lead:0", "#{window_bell_flag}").strip() == "1"

    def size(self) -> tuple[int, int]:
        """Return columns and rows of the terminal."""
        columns, rows = self._tmux("display-message", "-p", "-t", "lead", "#{pane_width} #{pane_height}").split()
        return int(columns), int(rows)

    def wait_for(self, text: str, seconds: float = 15.0) -> str:
        """Return the screen once it shows ``text``.

        Raises:
            AssertionError: it did not within ``seconds``; the message holds the screen.
        """
        try:
            wait_until(lambda: text in self.capture(), seconds, f"the screen shows {text!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.capture()}") from None
        return self.capture()

    def exit_status(self) -> int | None:
        """Return the program's exit status (128 + n after signal n), or None while it runs."""
        wanted = "#{pane_dead},#{pane_dead_status},#{pane_dead_signal},#{pid}"
        dead, status, killed_by, server = self._tmux("display-message", "-p", "-t", "lead", wanted).strip().split(",")
        if killed_by:
            return 128 + int(killed_by)
        if status:
            return int(status)
        if dead == "1":
            # tmux 3.3a now and then misses the SIGCHLD of a program that has closed its terminal, and would
            # wait for ever for a status that is there to be read; told again, it looks.
            os.kill(int(server), signal.SIGCHLD)
        return None

    def wait_exit(self, seconds: float = 15.0) -> int:
        """Return the program's exit status once it has ended."""
        wait_until(lambda: self.exit_status() is not None, seconds, "the program ends")
        status = self.exit_status()
        assert status is not None
        return status

    def close(self) -> None:
        """End the program and the terminal."""
        self._tmux("kill-server", check=False)
        self._sockets.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

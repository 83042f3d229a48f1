"""How many others look at the terminal of this process: the clients of the tmux session that it runs in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

POLL_S = 5.0
"""How often tmux is asked: its answer costs a process, and nobody waits for it."""

ANSWER_S = 3.0


class Mirrors:
    """Counts who watches. ``count`` is 0 outside of tmux, before the first answer and when none comes."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.count = 0
        self._command = _question(environ)

    async def watch(self) -> None:
        """Ask tmux again and again until cancelled; returns at once outside of tmux."""
        while self._command:
            try:
                async with asyncio.timeout(ANSWER_S):
                    self.count = others(await _output(self._command))
            except (OSError, TimeoutError):
                self.count = 0
            await asyncio.sleep(POLL_S)


def others(clients: str) -> int:
    """Return how many of these clients are not the lead's own; a line is ``client_readonly``.

    The lead's is the one that can type. While the lead is away only mirrors are left.
    """
    lines = clients.split()
    typing = lines.count("0")
    return len(lines) - typing + max(0, typing - 1)


def _question(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command that lists the clients of our session; tmux(1): ``TMUX`` is socket, process, session."""
    socket = environ.get("TMUX", "").rsplit(",", 2)[0]
    pane = environ.get("TMUX_PANE", "")
    if not socket or not pane:
        return ()
    return ("tmux", "-S", socket, "list-clients", "-t", pane, "-F", "#{client_readonly}")


async def _output(command: tuple[str, ...]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        answer, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return answer.decode(errors="replace") if process.returncode == 0 else ""

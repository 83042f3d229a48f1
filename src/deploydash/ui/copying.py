"""Copies a text out of the screen: to a file, and to the terminal's clipboard where that is reached."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from deploydash.ui.draw.run.clipboard import clipboard

LIMIT_S = 2.0
"""Asking tmux takes milliseconds."""

_ASKED = "#{set-clipboard} #{allow-passthrough}"


async def copy(text: str, file: Path | None, tell_terminal: Callable[[str], None]) -> str:
    """Return where a text was copied to, in words."""
    sequence = clipboard(text, os.environ, await _tmux() if os.environ.get("TMUX") else "")
    if sequence:
        tell_terminal(sequence)
    where = [] if not sequence else ["the terminal's clipboard (OSC 52)"]
    written = await asyncio.to_thread(_write, text, file) if file is not None else ""
    where += [written] if written else []
    if not where:
        return "nowhere: this terminal takes no clipboard, and no file could be written"
    reached = "" if sequence or not os.environ.get("TMUX") else "; for the clipboard: tmux set -g set-clipboard on"
    return f"{' and '.join(where)}{reached}"


def _write(text: str, file: Path) -> str:
    """Write a file that its owner alone reads, and return its name; nothing where that is refused."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as written:
            written.write(text + "\n")
    except OSError:
        return ""
    return str(file)


async def _tmux() -> str:
    """Return how tmux is set to treat clipboards, nothing where it does not say."""
    try:
        asked = await asyncio.create_subprocess_exec(
            "tmux", "display-message", "-p", _ASKED, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(LIMIT_S):
            said, _ = await asked.communicate()
    except (OSError, TimeoutError):
        return ""
    return said.decode("utf-8", "replace")

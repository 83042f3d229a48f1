"""A notification of the terminal itself (OSC 9), which reaches the lead in another window. Pure.

OSC 9 is what iTerm2, kitty, WezTerm, Ghostty and Windows Terminal show; others ignore it. Inside tmux it is wrapped
so that tmux hands it on, which it does where ``allow-passthrough`` is on, and drops it where it is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from deploydash.cells import head
from deploydash.core.outside_text import visible

SWITCH = "DEPLOYDASH_NOTIFY"
"""The environment variable that switches notifications off from the start: ``off``, ``no`` or ``0``."""

LONGEST = 120
"""Cells; what is longer no desktop shows."""

DEAF = ("dumb", "linux", "vt", "unknown")
"""Terminals that would print the sequence or choke on it, by the beginning of ``TERM``."""


def wanted(environ: Mapping[str, str]) -> bool:
    """Say whether the environment leaves notifications on."""
    return environ.get(SWITCH, "").strip().lower() not in {"off", "no", "0", "false"}


def notification(text: str, environ: Mapping[str, str]) -> str:
    """Return what to write to the terminal for a notification, nothing where it cannot take one.

    Whatever in the text is no plain character becomes a sign or a blank, so that no data can steer the terminal.
    """
    term = environ.get("TERM", "")
    in_tmux = bool(environ.get("TMUX"))
    if not term or term.startswith(DEAF) or (term.startswith(("screen", "tmux")) and not in_tmux):
        return ""
    shown = " ".join(visible(" ".join(text.split())).split())
    sequence = f"\x1b]9;deploydash: {head(shown, LONGEST)}\x07"
    if not in_tmux:
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"

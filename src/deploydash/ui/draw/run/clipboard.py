"""A text for the clipboard of the terminal (OSC 52), through tmux where it lets it pass. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from deploydash.ui.draw.run.notify import DEAF

LARGEST = 74_000
"""Bytes: what is larger some terminals drop, base64 and all below 100,000."""


def clipboard(text: str, environ: Mapping[str, str], tmux: str) -> str:
    """Return what to write to the terminal, nothing where no clipboard is reached.

    ``tmux``: its options set-clipboard and allow-passthrough, as ``#{set-clipboard} #{allow-passthrough}`` says them,
    empty where they cannot be read. Only ``on`` takes the sequence of a program; ``external``, the default, ignores it.
    """
    term, raw = environ.get("TERM", ""), text.encode("utf-8", "replace")
    if not term or term.startswith(DEAF) or len(raw) > LARGEST:
        return ""
    sequence = f"\x1b]52;c;{base64.b64encode(raw).decode()}\x07"
    if not environ.get("TMUX"):
        return "" if term.startswith(("screen", "tmux")) else sequence
    setting, _, passing = tmux.strip().partition(" ")
    if setting == "on":
        return sequence
    if setting != "off" and passing in {"on", "all", "1", "2"}:
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    return ""

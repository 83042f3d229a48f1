"""Whether a screen can be shown here: a terminal on both sides, of a kind that places text where it is told."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from deploydash.errors import UserError

ANSI = re.compile(
    r"(xterm|screen|tmux|rxvt|linux|vt[1-5]\d\d|ansi|alacritty|kitty|foot|ghostty|wezterm|contour|konsole|gnome|vte"
    r"|putty|mintty|cygwin|iterm2?|nsterm|eterm|mlterm|st|ms-terminal|zellij)([-+.].*)?",
    re.IGNORECASE,
)
"""Kinds of terminal that take the sequences of ECMA-48, with or without an entry in this machine's terminfo: a slim
machine has a dozen entries, and the terminal is at the other end of the connection."""


def need_terminal(command: str, instead: str) -> None:
    """Refuse to open a screen where none can be shown.

    Raises:
        UserError: standard input or output is no terminal, or one without a cursor; names the command that suits.
    """
    if not _on_both_sides():
        raise UserError(f"{command} needs a terminal", hint=f"without one use: {instead}")
    if not is_capable(os.environ):
        term = os.environ.get("TERM", "")
        kind = f"TERM is {term!r}" if term else "TERM is not set"
        raise UserError(
            f"{command} needs a terminal that places text where it is told, and {kind}", hint=f"here use: {instead}"
        )


def has_screen() -> bool:
    """Say whether a screen can be shown here."""
    return _on_both_sides() and is_capable(os.environ)


def is_capable(environ: Mapping[str, str]) -> bool:
    """Say whether the terminal is of a kind that a screen can be drawn on.

    By the name of its kind, else by this machine's terminfo: it has to have ANSI's way of moving the cursor, the
    only one that is ever written.
    """
    term = environ.get("TERM", "")
    return bool(ANSI.fullmatch(term)) or (bool(term) and _moves_the_cursor(term))


def _moves_the_cursor(term: str) -> bool:
    try:
        import curses  # noqa: PLC0415 - only for terminals that nobody has heard of; not part of every Python

        curses.setupterm(term, 1)
        return curses.tparm(curses.tigetstr("cup") or b"", 4, 9).startswith(b"\x1b[5;10H")
    except Exception:  # noqa: BLE001 - curses.error, which cannot be named where curses is missing
        return False


def _on_both_sides() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()

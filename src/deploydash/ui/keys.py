"""The one key table: it makes the bindings, the footer, the help and the command palette."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Where a key works."""

    GRID = "Grid"
    DETAIL = "One CSC"
    HELP = "This help"


EACH = "each"
"""The argument of a line of the table whose keys each go to the screen's method by their own name."""


@dataclass(frozen=True, slots=True)
class Key:
    """One thing an operator can do.

    ``keys`` as Textual names them, the first one shown as ``shown``. ``act`` names the screen's method
    ``act_<act>``; ``argument`` goes to it. ``footer`` is its word there, empty to leave it out;
    ``palette`` says whether the command palette offers it.
    """

    keys: str
    shown: str
    help: str
    act: str
    argument: str = ""
    scope: Scope = Scope.GRID
    footer: str = ""
    palette: bool = True


_GRID = (
    Key("slash", "/", "filter by name, group, state or liveness; what matches stands out", "filter", footer="filter"),
    Key("x", "x", "show only what is off target, or everything", "only", footer="off target only"),
    Key("X", "X", "show only what runs or reports another version than the rest, or go back", "versions"),
    Key("n", "n", "next match of the filter; without a filter, next one off target", "match", "1", footer="next"),
    Key("N", "N", "previous match", "match", "-1"),
    Key("enter", "enter", "everything known about the selected CSC", "detail", footer="detail"),
    Key("i", "i", "why the selected CSC counts as it does", "why", footer="why"),
    Key("c", "c", "colours: mismatch with the target, or the state itself", "colours", footer="colours"),
    Key("T", "T", "next theme", "theme", footer="theme"),
    Key("v", "v", "compare with the next target: startup, end, shutdown", "compare"),
    Key("up,k", "↑ k", "up", "move", "up", palette=False),
    Key("down,j", "↓ j", "down", "move", "down", palette=False),
    Key("left,h", "← h", "left", "move", "left", palette=False),
    Key("right,l", "→ l", "right", "move", "right", palette=False),
    Key("g,home", "g", "first", "move", "first", palette=False),
    Key("G,end", "G", "last", "move", "last", palette=False),
    Key("pageup", "PgUp", "a screen up", "move", "page_up", palette=False),
    Key("pagedown", "PgDn", "a screen down", "move", "page_down", palette=False),
    Key("tab,shift+tab", "tab", "from the grid to the events and back", "pane", footer="events"),
    Key("colon,ctrl+p", ":", "command palette", "palette", footer="commands", palette=False),
    Key("question_mark", "?", "this help", "help", footer="help"),
    Key("escape", "esc", "one level back: message, filter, start card; never leaves", "back", palette=False),
    Key("q", "q", "leave; nothing outside notices", "quit", footer="quit"),
)

_DETAIL = (
    Key("escape,q", "esc", "back to the grid", "close", scope=Scope.DETAIL, footer="back"),
    Key(
        "n", "n", "next match of the filter, or next one off target", "match", "1", Scope.DETAIL, "next", palette=False
    ),
    Key("N", "N", "previous match", "match", "-1", Scope.DETAIL, palette=False),
    Key("down,j", "↓ j", "scroll down", "scroll", "1", Scope.DETAIL, palette=False),
    Key("up,k", "↑ k", "scroll up", "scroll", "-1", Scope.DETAIL, palette=False),
    Key("pagedown", "PgDn", "a screen down", "scroll", "10", Scope.DETAIL, palette=False),
    Key("pageup", "PgUp", "a screen up", "scroll", "-10", Scope.DETAIL, palette=False),
    Key("T", "T", "next theme", "theme", scope=Scope.DETAIL, palette=False),
    Key("question_mark", "?", "help", "help", scope=Scope.DETAIL, footer="help", palette=False),
)

_HELP = (
    Key("escape,q,question_mark", "esc", "close", "close", scope=Scope.HELP, footer="back", palette=False),
    Key("down,j", "↓ j", "scroll down", "scroll", "1", Scope.HELP, palette=False),
    Key("up,k", "↑ k", "scroll up", "scroll", "-1", Scope.HELP, palette=False),
    Key("pagedown", "PgDn", "a screen down", "scroll", "10", Scope.HELP, palette=False),
    Key("pageup", "PgUp", "a screen up", "scroll", "-10", Scope.HELP, palette=False),
    Key("T", "T", "next theme", "theme", scope=Scope.HELP, palette=False),
)

KEYS: tuple[Key, ...] = (*_GRID, *_DETAIL, *_HELP)
"""Every key there is."""

INTERRUPT = "ctrl+c"
"""Ends the screen everywhere, also while typing."""

"""The exit codes of every command (CLI.md)."""

from enum import IntEnum


class Exit(IntEnum):
    """What a script may hold on to."""

    YES = 0
    NO = 1
    USAGE = 2
    CANNOT_TELL = 3
    HELD_BY_ANOTHER = 4
    TERMINAL_LOST = 129
    INTERRUPTED = 130
    TERMINATED = 143

"""What steers a terminal, found in texts and in the bytes that a program wrote to one."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
"""Unicode's categories of characters that are none to look at."""

SCREEN = re.compile(
    r"\x1b\[(?:[0-9;]*[mHn]|[?=<>][0-9;]*[hlu]|\?[0-9;]*\$p)"
    r"|\x1b\](?:22;[a-z-]*|9;deploydash: [^\x00-\x1f\x7f-\x9f]*)\x07"
)
"""What a screen of ours writes: looks (SGR), places (CUP), modes on and off, questions, the pointer's shape, notes."""


def steering(text: str) -> list[str]:
    """Return each character of a text, by its number, that is neither a line feed nor one to look at."""
    return [f"U+{ord(each):04X}" for each in text if each != "\n" and unicodedata.category(each) in HIDDEN]


def foreign(written: bytes) -> list[str]:
    """Return what of the bytes written to a terminal is neither text to look at nor a sequence of a screen of ours.

    Raises:
        UnicodeDecodeError: they are no UTF-8, so that a terminal may take any of them for C1.
    """
    rest = SCREEN.sub("", written.decode())
    return [
        repr(rest[max(0, at - 20) : at + 20])
        for at, each in enumerate(rest)
        if each not in "\r\n" and unicodedata.category(each) in HIDDEN
    ]

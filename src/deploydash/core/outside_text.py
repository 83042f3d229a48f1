"""Text that others wrote, made harmless: what steers a terminal or cannot be seen becomes a sign. Pure.

CSCs, brokers, files, the environment and our own journal hold whatever somebody put there. Every exit (screen, standard
output, report, log) hands its text through here, so that no text can move the cursor, set a title, fill the clipboard,
turn the reading direction or hide a part of itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    r"\u2028\u2029"  # line and paragraph separator
    r"\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # format
    r"\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff"  # drawn as nothing
    r"\ud800-\udfff"  # lone surrogates: bytes that are no UTF-8
    r"\ue000-\uf8ff\U000f0000-\U0010ffff"  # private: every font draws something else, in another width
    r"\ufdd0-\ufdef\ufffe\uffff"  # never characters
    + "".join(rf"\U000{plane:x}fffe\U000{plane:x}ffff" for plane in range(1, 15))
)
"""Unicode's Cc, Cf, Cs, Co, Zl, Zp, the default ignorables and the noncharacters, as a class of a pattern."""

SHORT = 256
"""Characters of a text that is remembered: a screen draws the same rules, signs and names again and again."""

_ONE_LINE = f"[{_UNSEEN}]"
_LINES = rf"(?!\n)[{_UNSEEN}]"
"""Left to ``re`` to compile when they are first needed, which takes 6 ms each: most starts need one of them or none."""


def visible(text: str, *, lines: bool = False) -> str:
    """Return text with a sign for each character that is none to look at; what was made visible stays as it is.

    C0 and DEL become Unicode's control pictures (ESC is ``␛``), one cell each; a byte that was no UTF-8 becomes
    ``‹0xE9›``; anything else its number, ``‹U+202E›``. With ``lines`` a line feed stays one (CR and tabs do not);
    without, the text is one line. Letters of every script, combining marks and emoji stay. Plain ASCII comes back as it
    is, at the cost of two looks.
    """
    if text.isascii() and text.isprintable():
        return text
    if lines:
        return re.sub(_LINES, _sign, text)
    return _known(text) if len(text) <= SHORT else re.sub(_ONE_LINE, _sign, text)


@lru_cache(4096)
def _known(text: str) -> str:
    return re.sub(_ONE_LINE, _sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xDC80 <= code <= 0xDCFF:
        return f"‹0x{code - 0xDC00:02X}›"
    return f"‹U+{code:04X}›"

"""Values in which every text says something hostile: what a screen or a report must show and not obey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

ESCAPES = "\x1b[2J\x1b[H\x1b]0;TITLE\x07door \x9b31m \u202e\x1b]52;c;ZXZpbA==\x07\r\x08\u200b\udce9[bold red]"
"""Clears the screen, sets the title and the clipboard, rings, colours, turns the reading direction, is no UTF-8."""

WIDE = "漢字かな 漢字かな 漢字かな e\u0301 🔭 LAST WORDS"

T = TypeVar("T")


def poisoned(value: T, text: str = ESCAPES) -> T:
    """Return a value with ``text`` behind each text in it, however deep; words of our own vocabularies stay."""
    found: Any = value
    if isinstance(found, Enum):
        return value
    if isinstance(found, str):
        return type(found)(found + text) if found else value  # type: ignore[return-value]
    if is_dataclass(found) and not isinstance(found, type):
        changed = {each.name: poisoned(getattr(found, each.name), text) for each in fields(found) if each.init}
        return replace(found, **changed)  # type: ignore[return-value]
    if isinstance(found, tuple) and hasattr(found, "_fields"):
        return type(found)(*(poisoned(each, text) for each in found))  # type: ignore[return-value]
    if isinstance(found, tuple | list | frozenset):
        return type(found)(poisoned(each, text) for each in found)  # type: ignore[return-value]
    if isinstance(found, Mapping):
        return {poisoned(key, text): poisoned(each, text) for key, each in found.items()}  # type: ignore[return-value]
    return value

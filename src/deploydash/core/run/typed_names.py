"""A name that a run knows already, from its beginning: nobody types the same name twenty times in a night. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def name_of(text: str, known: Iterable[str]) -> str:
    """Return the one known name that a beginning in small letters means, or the text as it is.

    A text with a capital letter is somebody's name as it was meant; a beginning of two names means neither.
    """
    word = text.strip()
    if not word or word != word.lower():
        return word
    found = [name for name in dict.fromkeys(known) if name.lower().startswith(word)]
    return found[0] if len(found) == 1 else word

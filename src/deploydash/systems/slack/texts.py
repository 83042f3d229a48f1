"""What a message says: words filled in, escaped as Slack wants it, and compared with what Slack gives back. Pure.

Slack reads ``&``, ``<`` and ``>`` as its own signs, so that they are escaped, ``&`` first. Its own forms stay what they
are, wherever they stand: a link (``<https://...|words>``), a person (``<@U...>``), a channel (``<#C...>``) and those
that call somebody (``<!here>``, ``<!channel>``, ``<!subteam^S...>``). All else arrives as it was typed; ``*bold*``,
``_italic_`` and code marks need no escape and keep their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST_CHARACTERS = 40_000
"""Slack cuts a longer text."""

ADVISED_CHARACTERS = 4_000
"""Slack takes no change of a longer one."""

_FORM = re.compile(
    r"<(?:(?:https?://|mailto:|tel:)[^<>|\s]+(?:\|[^<>\n]*)?"
    r"|[@#][A-Z][A-Z0-9]+(?:\|[^<>\n]*)?"
    r"|!(?:here|channel|everyone)(?:\|[^<>\n]*)?"
    r"|!(?:subteam|date)\^[^<>\n]+)>"
)
_CALLS = re.compile(r"<(?:!(?:here|channel|everyone|subteam\^[A-Z0-9]+)|@[A-Z][A-Z0-9]+)(?:\|[^<>\n]*)?>")
_WORD = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_BLANK = re.compile(r"<([a-z][a-z-]*)>")
_EMOJI = re.compile(r":[a-z0-9_+'-]+(?:::skin-tone-[2-6])?:")
_SCHEME = re.compile(r"(?:https?://|mailto:|tel:)")


def escaped(text: str) -> str:
    """Return a text as it is sent, with Slack's own forms left as they are."""
    parts: list[str] = []
    at = 0
    for form in _FORM.finditer(text):
        parts += [_escaped(text[at : form.start()]), form[0].replace("&", "&amp;")]
        at = form.end()
    return "".join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def calls(text: str) -> tuple[str, ...]:
    """Return the forms of a text that call somebody, each once."""
    return tuple(dict.fromkeys(form[0] for form in _CALLS.finditer(text)))


def waits_for(text: str, blanks: frozenset[str] | None = None) -> tuple[str, ...]:
    """Return the placeholders that stand in a text still, each once; of all, or of these alone."""
    found = dict.fromkeys(_BLANK.findall(text))
    return tuple(word for word in found if blanks is None or word in blanks)


def unknown_words(text: str, words: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ``{words}`` of a text that the site does not fill in."""
    yield from (word for word in dict.fromkeys(_WORD.findall(text)) if not isinstance(words.get(word), str))


def filled(text: str, words: Mapping[str, Any]) -> str:
    """Return a text with its ``{words}`` filled in by the site's."""
    return _WORD.sub(lambda found: str(words.get(found[1], found[0])), text)


def alike(ours: str, theirs: str) -> bool:
    """Say whether a message that Slack gives back is one that was sent.

    Slack writes emoji as ``:names:`` and addresses as links, so that letters and figures alone are compared.
    """
    return _letters(ours) == _letters(theirs)


def _letters(sent: str) -> str:
    """Return letters and figures of a message as it stands at Slack: escaped, with forms."""
    text = _FORM.sub(_label, sent).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    text = _SCHEME.sub("", _EMOJI.sub("", text))
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _label(form: re.Match[str]) -> str:
    inside, _, label = form[0][1:-1].partition("|")
    return label or inside

"""The dialog that sets the placeholders that the commands of a card still wait for. Pure but for the dialog."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploydash.core.run.orders import SetPlaceholders
from deploydash.core.views.run_view import Card
from deploydash.ui.draw.run.card_parts import wanted
from deploydash.ui.screens.form import Field, Form

_HINTS = {
    "date": "such as 2026-12-03",
    "weekday": "such as Thursday",
    "start": "the local time, such as 08:30",
    "sha": "the head commit that was reviewed",
}


def placeholders_form(card: Card, order: Callable[[SetPlaceholders], object]) -> Form:
    """Return the dialog with a field for each missing placeholder; what is left empty stays open."""
    fields = tuple(Field(word, _HINTS.get(word, "")) for word in card.wanting)

    def told(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
        pairs = zip(card.wanting, texts, strict=True)
        return tuple((word, text.strip()) for word, text in pairs if text.strip())

    def wrong(texts: Sequence[str]) -> str:
        return "" if told(texts) else "enter at least one, or Esc"

    body = (
        f"The commands of this card wait for {wanted(card)}.",
        "They are filled into every later command of this run, too, and go into the journal.",
    )
    return Form(
        "Set placeholders",
        body,
        fields=fields,
        done=lambda _, texts: order(SetPlaceholders(told(texts))),
        wrong=wrong,
    )

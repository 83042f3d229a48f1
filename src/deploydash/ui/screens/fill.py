"""The dialog that sets the placeholders that the commands of a card still wait for. Pure but for the dialog."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from deploydash.core.run.dates import day_of, not_a_day, not_a_start, start_of
from deploydash.core.run.orders import SetPlaceholders
from deploydash.core.run.placeholders import weekday_of
from deploydash.core.views.run_view import Card
from deploydash.ui.draw.run.card_parts import wanted
from deploydash.ui.screens.form import Field, Form

_HINTS = {
    "date": "such as 2026-12-03, thu or +1",
    "weekday": "such as Thursday; empty: that of the date",
    "start": "the local time, such as 08:30 or 830",
    "coordinator": "who answers questions, as people are to read it",
    "sha": "the head commit that was reviewed",
}


_REFUSED = {"date": not_a_day, "start": not_a_start}


def placeholders_form(
    card: Card,
    order: Callable[[SetPlaceholders], object],
    today: dt.date,
    *,
    lead: str = "",
    before_sign_off: bool = False,
) -> Form:
    """Return the dialog with a field for each missing placeholder; what is left empty stays open.

    ``before_sign_off``: all may stay open, and the sign-off is asked for next. A weekday follows from a date.
    ``today``: as the site's calendar has it. ``lead``: who signs off, offered as coordinator.
    A date or a time may be written shorter.
    """
    short = {"date": lambda text: day_of(text, today), "start": start_of}
    offered = {"coordinator": lead}
    fields = tuple(
        Field(word, _HINTS.get(word, ""), offered.get(word, ""), short.get(word, lambda text: text))
        for word in card.wanting
    )

    def told(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
        pairs = {word: text.strip() for word, text in zip(card.wanting, texts, strict=True)}
        if "weekday" in pairs and not pairs["weekday"]:
            pairs["weekday"] = weekday_of(pairs.get("date", ""))
        return tuple((word, text) for word, text in pairs.items() if text)

    def wrong(texts: Sequence[str]) -> str:
        bad = [why for word, text in told(texts) if (why := _REFUSED.get(word, lambda _: "")(text))]
        return bad[0] if bad else "" if before_sign_off or told(texts) else "enter at least one, or Esc"

    body: tuple[str, ...] = (
        f"The commands of this card wait for {wanted(card)}.",
        "They are set in every later command of this run, too, and written to the journal.",
    )
    if before_sign_off:
        body += ("The sign-off is asked for next; Enter on an empty line leaves it open.",)
    return Form(
        "Set placeholders",
        body,
        fields=fields,
        done=lambda _, texts: order(SetPlaceholders(told(texts))),
        wrong=wrong,
    )

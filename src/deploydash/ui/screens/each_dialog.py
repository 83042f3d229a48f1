"""The dialog in which several people each say yes: a line for each, with the name by which it is taken.

A name is offered where this user's own file has one, or where the same owner said yes earlier in the run. Each is shown
and taken by a key of its own; a line that is left empty stays open. Who says no is signed off alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploydash.core.owners import Speakers
from deploydash.core.run.orders import RunOrder, SignOff
from deploydash.core.run.typed_names import name_of
from deploydash.core.views.run_view import Card, RunView
from deploydash.ui.screens.form import Field, Form

TITLE = "Each by name"


def offered(run: RunView, speakers: Speakers) -> dict[str, str]:
    """Return who answers for each owner: as heard in this run, else as this user's own file says."""
    return {**{label: speaker.name for label, speaker in speakers.items()}, **dict(run.spoke_for)}


def each_form(run: RunView, card: Card, speakers: Speakers, order: Callable[[RunOrder], object]) -> Form:
    """Return the dialog about everybody of a card who has not said yes yet."""
    rows = [row for row in card.rows if not row.done]
    names = offered(run, speakers)
    labels = [row.item.label for row in rows]
    hint, known = "who says yes; empty: not asked yet", (run.signed_by, *names.values())
    fields = [Field(label, hint, names.get(label, ""), lambda text: name_of(text, known)) for label in labels]

    def done(_: str, texts: Sequence[str]) -> None:
        for row, text in zip(rows, texts, strict=True):
            if text.strip():
                order(SignOff(card.step.id, text.strip(), row.item.id))

    def wrong(texts: Sequence[str]) -> str:
        return "" if any(text.strip() for text in texts) else "nobody is named; Esc leaves all of it open"

    body = (
        f"{card.step.title}: each of these says yes.",
        "Enter takes the name that stands there; an empty line stays open. Who says no, or is waived: Esc, then d.",
        *(("A name that is known is meant by its beginning in small letters.",) if any(known) else ()),
    )
    return Form(TITLE, body, fields=fields, done=done, wrong=wrong, paced=True)

"""The dialogs about items: what they are told, what they ask, and a sign-off; the safe answer stands first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploydash.core.procedure.names import WHOLE
from deploydash.core.published import Published
from deploydash.core.run.orders import AnswerItem, Control, RunOrder, SignOff
from deploydash.core.run.proposals import ARMED
from deploydash.core.run.records import QuestionAsked
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.ui.draw.run.item_offers import controlled, item_that_asks, needs_note
from deploydash.ui.screens.form import Field, Form, Option
from deploydash.ui.screens.item_add import STAY, Ask, Propose

CONTROLS = "Controls of an item"

OTHERS = 4
"""So many other items are offered; the cursor of the card goes to any."""

OTHER = "other:"
"""What an answer begins with that goes to the controls of another item."""


def control_form(run: RunView, here: ItemRow | None, propose: Propose, ask: Ask) -> Form:
    """Return the dialog that pauses, resumes or stops one item: every control at its place, and why one is shut.

    It is about the item under the cursor, where that has controls, else about the newest at work; the others come last.
    """
    rows = controlled(run)
    row = here if here is not None and here.controls else rows[-1]
    options = [Option(STAY, "leave everything as it is")]
    options += [Option(each.name, each.text, each.why_not) for each in row.controls]
    others = [other for other in reversed(rows) if (other.step, other.item.id) != (row.step, row.item.id)][:OTHERS]
    known = {f"{OTHER}{number}": other for number, other in enumerate(others)}
    options += [Option(answer, f"another: {other.item.label} {reported(other)}") for answer, other in known.items()]

    def done(answer: str, _: Sequence[str]) -> object:
        if answer == STAY:
            return None
        if answer in known:
            return ask(control_form(run, known[answer], propose, ask))
        return propose(Control(row.step, row.item.id, answer))

    return Form(CONTROLS, (f"{row.item.label}: {reported(row)}",), options=options, done=done)


def reported(row: ItemRow) -> str:
    """Return what an item reports of itself, in a word or two."""
    progress = row.progress
    return f"{progress.state or progress.status.value}{', paused' if progress.paused else ''}"


def answer_form(row: ItemRow, asked: QuestionAsked, order: Callable[[RunOrder], object], propose: Propose) -> Form:
    """Return the dialog that answers an item; what changes more than a little is armed after it."""
    options = [Option(STAY, "no answer now: it keeps waiting")]
    options += [Option(each.answer, f"{each.answer}: {each.text}") for each in asked.answers]
    known = {each.answer: each for each in asked.answers}

    def lives(newer: Published) -> bool:
        there = item_that_asks(newer.run) if newer.run is not None else None
        same = there is not None and (there.step, there.item.id) == (row.step, row.item.id)
        return there is not None and same and there.progress.question == asked

    def done(answer: str, _: Sequence[str]) -> object:
        if answer == STAY:
            return None
        answered = AnswerItem(row.step, row.item.id, asked.question, answer)
        if known[answer].tier not in ARMED:
            return order(answered)
        return propose(answered, (row.item.label, asked.question, f"Your answer: {answer}: {known[answer].text}"))

    body = (row.item.label, asked.question)
    return Form("An item asks", body, options=options, done=done, lives=lives)


def sign_off_form(card: Card, rows: Sequence[ItemRow], operator: str, order: Callable[[RunOrder], object]) -> Form:
    """Return the dialog that signs off these items, or with none the step as a whole, by name."""
    wants = bool(card.step.records) or needs_note(card, rows or card.rows)
    hint = card.step.records or "why it counts as done"
    fields = [Field("who did it", f"a name, such as {operator.partition('@')[0]}")]
    if wants:
        fields.append(Field("record", hint))

    def done(_: str, text: Sequence[str]) -> None:
        note = text[1].strip() if len(text) > 1 else ""
        for item in [row.item.id for row in rows] or [WHOLE]:
            order(SignOff(card.step.id, text[0].strip(), item, note))

    def wrong(text: Sequence[str]) -> str:
        if not text[0].strip():
            return "a sign-off needs the name of who did it"
        return f"write down {hint}" if len(text) > 1 and not text[1].strip() else ""

    named = ", ".join(row.item.label for row in rows)
    what = f"{card.step.title}: {named}" if rows else card.step.title
    body = [what, f"Sign off when {card.step.ends}."]
    if card.step.acts:
        body.append("A sign-off sends nothing; what has not run here was done elsewhere.")
    return Form("Sign off", body, fields=fields, done=done, wrong=wrong)

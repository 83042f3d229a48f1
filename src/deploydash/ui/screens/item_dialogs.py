"""The dialogs about items: what they are told, what they ask, and a sign-off; the safe answer stands first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from deploydash.core.procedure.names import WHOLE
from deploydash.core.published import Published
from deploydash.core.run.evolve import asks_for_a_name
from deploydash.core.run.orders import AnswerItem, Control, RunOrder, SignOff
from deploydash.core.run.proposals import ARMED
from deploydash.core.run.records import QuestionAsked, Reply
from deploydash.core.run.sign_offs import not_a_word
from deploydash.core.run.typed_names import name_of
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.ui.draw.run.item_offers import controlled, item_that_asks, needs_note
from deploydash.ui.screens.form import Field, Form, Option
from deploydash.ui.screens.item_add import STAY, Ask, Propose

CONTROLS = "Controls of an item"
NOBODY: Mapping[str, str] = MappingProxyType({})

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
        answered = AnswerItem(row.step, row.item.id, asked.question, answer, asked.digest)
        if known[answer].tier not in ARMED:
            return order(answered)
        return propose(answered, (row.item.label, asked.question, f"Your answer: {answer}: {known[answer].text}"))

    body = (row.item.label, asked.question)
    return Form("An item asks", body, options=options, done=done, lives=lives)


def sign_off_form(
    run: RunView,
    card: Card,
    rows: Sequence[ItemRow],
    order: Callable[[RunOrder], object],
    speakers: Mapping[str, str] = NOBODY,
    me: str = "",
) -> Form:
    """Return the dialog that signs off these items, or with none the step as a whole, by name.

    The last name given stands there, at first that of the lead's own file, and where the step asks who, who speaks for
    the owner that it names or the last one recorded: each is shown, stands marked so that what is typed replaces it,
    and is taken by Enter only. Where each item is somebody's own yes or no, the name of ``speakers`` stands there.
    """
    wants = bool(card.step.records) or needs_note(card, rows or card.rows)
    hint = card.step.records or "why it counts as done"
    against = _against(card, rows or card.rows)
    one_each = card.step.one_each
    hinted = f"a name, such as {run.operator.partition('@')[0]}"
    known = (run.signed_by, me, run.named, *speakers.values())
    meant = lambda text: name_of(text, known)  # noqa: E731 - as every dialog here
    who = Field("who says so", hinted, _speaker(rows, speakers), meant)
    fields = [who if one_each else Field("who did it", hinted, run.signed_by or me, meant)]
    if wants:
        fields.append(Field("record", hint, _known(run, card, speakers)))
    if against or one_each:
        fields.append(Field("reason", "why it stands all the same" if against else "of a no or a waiver"))

    def done(answer: str, text: Sequence[str]) -> None:
        note = text[1].strip() if wants else ""
        reason = text[-1].strip() if against or one_each else ""
        for item in [row.item.id for row in rows] or [WHOLE]:
            order(SignOff(card.step.id, text[0].strip(), item, note, Reply(answer or Reply.YES), reason))

    def wrong(text: Sequence[str]) -> str:
        if not text[0].strip():
            return "a sign-off needs the name of who did it"
        if wants and not text[1].strip():
            return f"write down {hint}"
        if wants and (why := not_a_word(card.step, text[1])):
            return why
        return "a reason is needed for it to stand" if against and not text[-1].strip() else ""

    named = ", ".join(row.item.label for row in rows)
    what = f"{card.step.title}: {named}" if rows else card.step.title
    body = [what, f"Sign off when {card.step.ends}."]
    if not rows and len(card.rows) > 1:
        names = ", ".join(row.item.label for row in card.rows if not row.done)
        body.append(f"All of it, as done by one: {names}.")
    if (run.signed_by or me) and not one_each:
        body.append(f"By {run.signed_by or me}, unless another name is typed over it.")
    if card.step.acts:
        body.append("A sign-off sends nothing; what has not run here was done elsewhere.")
    if against:
        body += ["Seen against it:", *against[:AGAINST]]
        body += [f"and {len(against) - AGAINST} more"] if len(against) > AGAINST else []
    options = REPLIES if one_each else ()
    first = next((number for number, field in enumerate(fields) if not field.value), len(fields) - 1)
    return Form("Sign off", body, fields=fields, options=options, done=done, wrong=wrong, first=first)


def _known(run: RunView, card: Card, speakers: Mapping[str, str]) -> str:
    """Return what is offered for the record: who speaks for the owner it is of, else the last one that was named."""
    if card.step.record_of:
        return speakers.get(card.step.record_of, "")
    return run.named if asks_for_a_name(card.step) and not card.step.one_each else ""


def _speaker(rows: Sequence[ItemRow], speakers: Mapping[str, str]) -> str:
    return speakers.get(rows[0].item.label, "") if len(rows) == 1 else ""


AGAINST = 4
"""So much of what is seen against a sign-off is listed in its dialog."""

REPLIES = (
    Option(Reply.NO, "no: nothing that comes after it may go"),
    Option(Reply.YES, "yes"),
    Option(Reply.WAIVED, "waived: it is not asked any more, for the reason recorded"),
)


def _against(card: Card, rows: Sequence[ItemRow]) -> list[str]:
    """Return what is seen against a sign-off: what the step itself did not bring about, and what it builds on."""
    gate = [reason for reason in card.reasons if reason.by_reason and not reason.met]
    before = [f"not so: {reason.sentence}; {reason.waits_for}" for reason in gate]
    return [*before, *(sentence for row in rows if not row.done for sentence in row.against)]

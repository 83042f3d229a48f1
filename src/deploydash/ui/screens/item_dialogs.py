"""The dialogs about items: what they are told, what they ask, and a sign-off; the safe answer stands first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from deploydash.core.procedure.names import WHOLE, ItemId, StepId
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run.orders import AnswerItem, Control, RunOrder, SignOff
from deploydash.core.run.records import AnswerOffered, QuestionAsked
from deploydash.core.views.run_view import Card, ItemRow, RunView
from deploydash.ui.draw.run.item_offers import ItemControl, item_controls, item_that_asks, needs_note
from deploydash.ui.screens.form import Field, Form, Option
from deploydash.ui.screens.item_add import STAY, Ask, Order

CONFIRMED = frozenset({Tier.MODERATE, Tier.SEVERE})
"""What is asked about once more before it is ordered."""


def control_form(run: RunView, order: Order) -> Form:
    """Return the dialog that pauses, resumes or stops: what is possible to choose, and why the rest is not."""
    controls = item_controls(run)
    options = [Option(STAY, "leave everything as it is")]
    options += [Option(str(number), one.offer.text) for number, one in enumerate(controls) if not one.offer.why_not]

    def done(answer: str, _: Sequence[str]) -> object:
        if answer == STAY:
            return None
        chosen = controls[int(answer)]
        return order(Control(chosen.row.step, chosen.row.item.id, chosen.offer.name))

    return Form("What the items of this card can be told", tuple(_control_text(controls)), options=options, done=done)


def _control_text(controls: Iterable[ItemControl]) -> Iterable[str]:
    told: dict[tuple[StepId, ItemId], str] = {}
    for one in controls:
        progress = one.row.progress
        paused = ", paused" if progress.paused else ""
        told[one.row.step, one.row.item.id] = f"{one.row.item.label}: {progress.state or progress.status.value}{paused}"
    yield from told.values()
    for one in controls:
        if one.offer.why_not:
            yield f"not possible: {one.offer.text.partition(':')[0]}: {one.offer.why_not}"


def answer_form(row: ItemRow, asked: QuestionAsked, site: str, order: Order, ask: Ask) -> Form:
    """Return the dialog that answers an item; what changes more than a little is asked about once more."""
    options = [Option(STAY, "no answer now: it keeps waiting")]
    options += [Option(each.answer, f"{each.answer}: {each.text}") for each in asked.answers]
    known = {each.answer: each for each in asked.answers}

    def lives(newer: Published) -> bool:
        there = item_that_asks(newer.run) if newer.run is not None else None
        same = there is not None and (there.step, there.item.id) == (row.step, row.item.id)
        return there is not None and same and there.progress.question == asked

    def answered(answer: str) -> object:
        return order(AnswerItem(row.step, row.item.id, asked.question, answer))

    def done(answer: str, _: Sequence[str]) -> object:
        if answer == STAY:
            return None
        offered = known[answer]
        if offered.tier not in CONFIRMED:
            return answered(answer)
        return ask(_confirm_form(row, asked, offered, site, lambda: answered(answer), lives))

    body = (row.item.label, asked.question)
    return Form("An item asks", body, options=options, done=done, lives=lives)


def _confirm_form(
    row: ItemRow,
    asked: QuestionAsked,
    offered: AnswerOffered,
    site: str,
    answered: Callable[[], object],
    lives: Callable[[Published], bool],
) -> Form:
    """Return the dialog that asks once more; of what is severe it asks for the site's name."""
    body = (row.item.label, asked.question, f"Your answer: {offered.answer}: {offered.text}")
    if offered.tier is Tier.SEVERE:
        return Form(
            f"Answer: type {site}",
            body,
            fields=(Field("site", site),),
            done=lambda _, __: answered(),
            wrong=lambda texts: "" if texts[0].strip() == site else f"type exactly {site}",
            lives=lives,
        )
    options = (Option(STAY, "back: it is not answered"), Option("answer", f"answer {offered.answer}"))
    return Form("Answer?", body, options=options, done=lambda answer, _: answer != STAY and answered(), lives=lives)


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

"""The dialogs about what is owed: pass it on by name, record that it was undone, waive it. Nothing outside is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deploydash.core.procedure.runbook import Debt
from deploydash.core.run.orders import PassDebt, PayDebt, RunOrder, WaiveDebt
from deploydash.ui.screens.form import Field, Form, Option
from deploydash.ui.screens.item_add import STAY, Ask

Order = Callable[[RunOrder], object]

PASS, PAID, WAIVE = "pass", "paid", "waive"

WAYS: dict[str, tuple[str, str, Field, Callable[[str, str], RunOrder]]] = {
    PASS: (
        "pass it on to somebody by name",
        "It is owed still: it is paid when it is seen, recorded or waived.",
        Field("name", "who undoes it"),
        PassDebt,
    ),
    PAID: (
        "it was undone",
        "Nothing is sent; who undid it is recorded.",
        Field("name", "who undid it"),
        PayDebt,
    ),
    WAIVE: (
        "waive it with a reason",
        "The run may then close although this is not undone.",
        Field("reason", "why it stays as it is, and who knows"),
        WaiveDebt,
    ),
}
"""What can be done about a debt: its option, what that means, what is typed, the order."""


def debts_form(owed: Sequence[Debt], order: Order, ask: Ask) -> Form:
    """Return the dialog that asks which debt it is about, or of the only one what becomes of it."""
    if len(owed) == 1:
        return debt_form(owed[0], order, ask)
    options = [Option(STAY, "leave them as they are")]
    options += [Option(str(number), debt.what) for number, debt in enumerate(owed)]

    def done(answer: str, _: Sequence[str]) -> object:
        return None if answer == STAY else ask(debt_form(owed[int(answer)], order, ask))

    return Form("What is owed", (), options=options, done=done)


def debt_form(debt: Debt, order: Order, ask: Ask) -> Form:
    """Return the dialog that asks what becomes of a debt."""
    options = [Option(STAY, "leave it as it is"), *(Option(way, each[0]) for way, each in WAYS.items())]

    def done(answer: str, _: Sequence[str]) -> object:
        return None if answer == STAY else ask(way_form(answer, debt, order))

    return Form("A debt", (debt.what,), options=options, done=done)


def way_form(way: str, debt: Debt, order: Order) -> Form:
    """Return the dialog that takes the name or the reason."""
    title, meaning, field, make = WAYS[way]

    def wrong(text: Sequence[str]) -> str:
        return "" if text[0].strip() else f"type {field.hint}"

    def done(_: str, text: Sequence[str]) -> object:
        return order(make(debt.id, text[0].strip()))

    return Form(f"A debt: {title}", (debt.what, meaning), fields=(field,), done=done, wrong=wrong)

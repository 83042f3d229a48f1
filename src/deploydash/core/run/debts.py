"""What is owed: passed on to somebody by name, paid by record or by what is seen, or waived with a reason."""

from __future__ import annotations

from deploydash.core.procedure.runbook import Debt, Step
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import PROCEDURE
from deploydash.core.run.orders import PassDebt, PayDebt, WaiveDebt
from deploydash.core.run.records import DebtPaid, DebtPassed, DebtWaived, RunRecord
from deploydash.core.run.sight import effects_seen
from deploydash.core.run.state import RunState, StepStatus

DebtOrder = WaiveDebt | PassDebt | PayDebt


def debt_ordered(order: DebtOrder, state: RunState, operator: str) -> tuple[RunRecord, ...] | str:
    """Return the record of an order about a debt, or why it is refused."""
    if not any(debt.id == order.debt for _, debt in state.debts()):
        return "this debt is not open"
    if isinstance(order, PassDebt):
        to = order.to.strip()
        return (DebtPassed(order.debt, to, operator),) if to else "passing a debt on needs the name of who takes it"
    if isinstance(order, PayDebt):
        by = order.by.strip()
        return (DebtPaid(order.debt, by, operator),) if by else "what was undone needs the name of who did it"
    reason = order.reason.strip()
    return (DebtWaived(order.debt, operator, reason),) if reason else "a waiver needs a reason"


def passed_by_steps(state: RunState) -> tuple[RunRecord, ...]:
    """Return the debts that somebody takes over because a step is done that hands them over, each by name."""
    handing = [step for step in state.runbook.steps() if step.passes_on and state.status(step) is StepStatus.DONE]
    return tuple(
        DebtPassed(debt.id, _taker(step, state), PROCEDURE)
        for step in handing
        for of, debt in state.debts()
        if of in step.passes_on and debt.id not in state.passed
    )


def _taker(step: Step, state: RunState) -> str:
    """Return who takes over: those that the runbook names, and whom the step had written down."""
    notes = [one.note for one in state.progress(step.id).sign_offs.values() if step.records and one.note]
    return f"{step.passes_to} ({', '.join(dict.fromkeys(notes))})" if notes else step.passes_to


def paid_by_sight(state: RunState, fleet: FleetView) -> tuple[RunRecord, ...]:
    """Return the debts that were passed on and are seen to be undone: no step of this run will tell."""
    return tuple(
        DebtPaid(debt.id, f"seen: {_effects(debt)}, passed on to {state.passed[debt.id]}")
        for _, debt in (state.debts() if state.passed else ())
        if debt.id in state.passed and debt.effects and effects_seen(debt.effects, fleet.views.get)
    )


def _effects(debt: Debt) -> str:
    return ", ".join(f"{effect.csc} {effect.target}" for effect in debt.effects)


def owed_words(debt: Debt, state: RunState) -> str:
    """Return what is owed, and to whom it was passed on."""
    to = state.passed.get(debt.id)
    return f"{debt.what} (passed on to {to})" if to else debt.what

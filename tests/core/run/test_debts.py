"""What a request leaves to be undone: owed from the intent on, through every crash, until it is paid or waived."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import MAIN, StepId, SystemName, csc_item, numbered
from deploydash.core.procedure.preconditions import DebtsPaid
from deploydash.core.procedure.runbook import Debt, RunPhase, Step, StepKind, Tier
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.gate import reasons
from deploydash.core.run.orders import Close, PassDebt, PayDebt, SignOff, Skip, WaiveDebt
from deploydash.core.run.records import (
    DebtPaid,
    DebtPassed,
    ItemEnded,
    ItemsDispatched,
    ItemSignedOff,
    Outcome,
    RequestAnswered,
    RequestIntended,
    RunRecord,
    RunResumed,
    StepApproved,
    StepDone,
    StepSkipped,
)
from deploydash.core.run.state import RunState
from deploydash.core.views.run_view import run_view
from tests.support.runs import OPERATOR, WATCHER, after, fleet, opened, person, view

STEP, PAYER = StepId("watcher"), StepId("bridges-start")
REPLICAS = Debt("replicas-of-a", "made-up/a back to 3 replicas", (PAYER,), restore="3")
LOWER = RequestIntended(STEP, csc_item(WATCHER), "lower it to 0", owes=REPLICAS)


def owing(*more: RunRecord) -> RunState:
    """A run in which the request was intended that leaves a debt."""
    return after(
        opened(),
        StepApproved(STEP, OPERATOR, 1),
        ItemsDispatched(STEP, (csc_item(WATCHER),), OPERATOR),
        LOWER,
        *more,
    )


@pytest.mark.parametrize(
    "more",
    [
        (),
        (RequestAnswered(STEP, csc_item(WATCHER), None, "no answer"),),
        (RequestAnswered(STEP, csc_item(WATCHER), True, "done"), RunResumed(OPERATOR, 8)),
        (RunResumed(OPERATOR, 8), RunResumed(OPERATOR, 9)),
        (ItemEnded(STEP, csc_item(WATCHER), Outcome.FAILED, "no"), RunResumed(OPERATOR, 8)),
    ],
)
def test_it_is_owed_with_what_has_to_be_put_back_from_the_intent_on_and_after_every_crash(
    more: tuple[RunRecord, ...],
) -> None:
    state = owing(*more)
    assert state.debts() == ((STEP, REPLICAS),)
    assert [debt.restore for debt in run_view(state, fleet()).owed] == ["3"]
    assert decide(Close(), state, fleet(), OPERATOR) == Refused("these debts are open: made-up/a back to 3 replicas")


def test_what_undid_it_pays_it_and_what_does_it_again_owes_it_anew() -> None:
    paid = owing(DebtPaid("replicas-of-a", "#2"))
    assert paid.debts() == ()
    assert after(paid, RunResumed(OPERATOR, 8)).debts() == ()
    again = after(paid, replace(LOWER, owes=replace(REPLICAS, restore="2")))
    assert again.debts() == ((STEP, replace(REPLICAS, restore="2")),)


def test_what_is_intended_twice_is_owed_once_with_what_was_there_first() -> None:
    lowered = replace(LOWER, owes=replace(REPLICAS, restore="0"))
    assert owing(lowered).debts() == ((STEP, REPLICAS),)


def test_another_debt_stays_open() -> None:
    other = Debt("cronjob-b", "made-up/b goes on", (), restore="false")
    state = owing(replace(LOWER, owes=other), DebtPaid("replicas-of-a", "seen"))
    assert state.debts() == ((STEP, other),)


def test_the_step_that_pays_pays_it_when_it_was_done_and_not_when_it_was_skipped() -> None:
    state = owing()
    skipped = decide(Skip(PAYER, "later"), state, fleet(), OPERATOR)
    assert not isinstance(skipped, Refused)
    assert after(state, *skipped).debts() == ((STEP, REPLICAS),)
    for item in (0, 1):
        sign_off = decide(SignOff(StepId("bridges-stop"), "camera team", numbered(item)), state, fleet(), OPERATOR)
        assert not isinstance(sign_off, Refused)
        state = after(state, *sign_off)
    done = decide(SignOff(PAYER, "camera team"), state, fleet(), OPERATOR)
    assert not isinstance(done, Refused)
    assert after(state, *done).debts() == ()


def test_it_holds_a_gate_that_asks_for_paid_debts_until_the_lead_waives_it_by_name() -> None:
    state = owing()
    last = replace(state.runbook.step(PAYER), id=StepId("last"), preconditions=(DebtsPaid(),))
    [red] = [reason for reason in reasons(last, state, fleet()) if reason.sentence == "no debt is open"]
    assert (red.met, red.waits_for) == (False, "made-up/a back to 3 replicas")
    waived = decide(WaiveDebt("replicas-of-a", "it stays at 0"), state, fleet(), OPERATOR)
    assert not isinstance(waived, Refused)
    assert after(state, *waived).debts() == ()
    [green] = [reason for reason in reasons(last, after(state, *waived), fleet()) if "debt" in reason.sentence]
    assert green.met


def test_what_is_passed_on_by_name_is_owed_still_and_says_to_whom() -> None:
    state = owing(ItemEnded(STEP, csc_item(WATCHER), Outcome.REACHED, "done"))
    decided = decide(PassDebt(REPLICAS.id, " Ana "), state, fleet(), OPERATOR)
    assert decided == (DebtPassed(REPLICAS.id, "Ana", OPERATOR),)
    passed = after(state, *decided)
    assert passed.debts() == state.debts()
    assert run_view(passed, fleet()).debts == ("made-up/a back to 3 replicas (passed on to Ana)",)
    close = replace(passed.runbook.step(PAYER), id=StepId("last"), preconditions=(DebtsPaid(),))
    [owed] = [each for each in reasons(close, passed, fleet()) if each.sentence == DebtsPaid().sentence]
    assert (owed.met, owed.waits_for) == (False, "made-up/a back to 3 replicas (passed on to Ana)")


def test_it_is_paid_by_record_with_the_name_of_who_undid_it() -> None:
    state = owing(DebtPassed(REPLICAS.id, "Ana", OPERATOR))
    decided = decide(PayDebt(REPLICAS.id, "Ana"), state, fleet(), OPERATOR)
    assert decided == (DebtPaid(REPLICAS.id, "Ana", OPERATOR),)
    assert after(state, *decided).debts() == ()


@pytest.mark.parametrize("order", [PassDebt(REPLICAS.id, " "), PayDebt(REPLICAS.id, ""), PassDebt("other", "Ana")])
def test_a_name_is_needed_and_a_debt_that_is_open(order: PassDebt | PayDebt) -> None:
    assert isinstance(decide(order, owing(), fleet(), OPERATOR), Refused)


def test_one_that_was_passed_on_is_paid_by_what_is_seen_and_one_that_was_not_is_its_step_s() -> None:
    back = CscEffect(WATCHER, Target(SummaryState.STANDBY))
    lower = replace(LOWER, owes=replace(REPLICAS, effects=(back,)))
    state = after(opened(), StepApproved(STEP, OPERATOR, 1), lower)
    there = fleet(view(WATCHER, SummaryState.STANDBY))
    assert not any(isinstance(record, DebtPaid) for record in settle(state, there))
    passed = after(state, DebtPassed(REPLICAS.id, "Ana", OPERATOR))
    away = fleet()
    assert not any(isinstance(record, DebtPaid) for record in settle(passed, away))
    paid = [record for record in settle(passed, there) if isinstance(record, DebtPaid)]
    assert paid == [DebtPaid(REPLICAS.id, "seen: Watcher STANDBY, passed on to Ana")]
    assert after(passed, *paid).debts() == ()


def test_one_that_is_made_anew_after_it_was_paid_is_nobody_else_s() -> None:
    paid = owing(DebtPassed(REPLICAS.id, "Ana", OPERATOR), DebtPaid(REPLICAS.id, "Ana", OPERATOR))
    assert run_view(after(paid, LOWER), fleet()).debts == ("made-up/a back to 3 replicas",)
    kept = owing(DebtPassed(REPLICAS.id, "Ana", OPERATOR), LOWER)
    assert run_view(kept, fleet()).debts == ("made-up/a back to 3 replicas (passed on to Ana)",)


HANDED = Step(
    StepId("stage-2"),
    "stage 2",
    StepKind.MANUAL,
    SystemName("slack"),
    Tier.MILD,
    MAIN,
    "it is said",
    (person(0, "tell them"),),
    records="who took over",
    passes_on=(STEP,),
    passes_to="the camera team",
)


def handing(*more: RunRecord) -> RunState:
    """A run that owes what a later step hands over."""
    state = owing()
    phases = (*state.runbook.phases, RunPhase("deploy", "deploy", state.runbook.phases[0].wanted, (HANDED,)))
    return after(replace(state, runbook=replace(state.runbook, phases=phases)), *more)


def test_a_step_that_hands_over_passes_the_debts_of_another_on_by_name_once_it_is_done() -> None:
    signed = ItemSignedOff(HANDED.id, numbered(0), "Ana", OPERATOR, "Bo")
    passed = DebtPassed("replicas-of-a", "the camera team (Bo)", "the procedure")
    assert passed not in settle(handing(), fleet())
    assert passed not in settle(handing(StepSkipped(HANDED.id, OPERATOR, "not now")), fleet())
    done = handing(StepApproved(HANDED.id, OPERATOR, 1), signed, StepDone(HANDED.id))
    assert [record for record in settle(done, fleet()) if isinstance(record, DebtPassed)] == [passed]
    later = after(done, passed)
    assert [debt.id for _, debt in later.debts()] == ["replicas-of-a"], "it is owed still"
    assert not any(isinstance(record, DebtPassed) for record in settle(later, fleet()))
    another = after(done, DebtPassed("replicas-of-a", "Cy", OPERATOR))
    assert not any(isinstance(record, DebtPassed) for record in settle(another, fleet())), "the lead has passed it on"

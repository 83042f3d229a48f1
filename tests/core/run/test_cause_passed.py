"""A failure whose cause has passed says so: nothing was sent for it, and now it could be."""

from __future__ import annotations

from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.run.plans import ItemPlan, Plan
from deploydash.core.run.records import ItemEnded, ItemsDispatched, Outcome, RequestIntended, RunRecord, StepApproved
from deploydash.core.views.run_view import Own, run_view
from tests.support.runs import OPERATOR, PLAIN, after, csc_items, fleet, opened

CSCS, ONE = StepId("cscs"), csc_item(PLAIN[0])
LATE = ItemEnded(CSCS, ONE, Outcome.FAILED, "does not beat: no heartbeat for 2 s")


def passed(plan: ItemPlan, *before: RunRecord, ended: ItemEnded = LATE) -> str:
    began = (StepApproved(CSCS, OPERATOR, 1), ItemsDispatched(CSCS, csc_items(PLAIN), OPERATOR))
    state = after(opened(), *began, *before, ended)
    card = run_view(state, fleet(), Own(chosen=CSCS, plan=Plan("", (plan,), 0.0))).card
    assert card is not None
    return card.rows[0].passed


def test_it_can_be_tried_again_when_nothing_is_in_its_way_any_more() -> None:
    assert passed(ItemPlan(ONE, ("disable",))) == "its cause has passed: it can be tried again now"
    assert passed(ItemPlan(ONE, (), "is at target already")) == "its cause has passed: it is at target already"


def test_what_is_still_so_or_was_answered_has_not_passed() -> None:
    assert passed(ItemPlan(ONE, (), "does not beat", blocked=True)) == ""
    assert passed(ItemPlan(ONE, ("disable",)), RequestIntended(CSCS, ONE, "disable")) == "", "it was refused itself"
    unknown = ItemEnded(CSCS, ONE, Outcome.UNKNOWN, "no answer")
    assert passed(ItemPlan(ONE, ("disable",)), ended=unknown) == ""

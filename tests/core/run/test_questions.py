"""An item that cannot go on without the lead: what is asked, who answered, and that a crash leaves nothing asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.procedure.runbook import Tier
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.orders import AnswerItem
from deploydash.core.run.plans import question_digest
from deploydash.core.run.records import (
    AnswerOffered,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    QuestionAnswered,
    QuestionAsked,
    RequestIntended,
    RunHeld,
    RunRecord,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import ItemStatus, RunState, StepStatus
from deploydash.core.views.run_view import card_step, run_view
from tests.support.runs import OPERATOR, WATCHER, after, fleet, opened

STEP, ITEM = StepId("watcher"), csc_item(WATCHER)
ASKED = QuestionAsked(
    STEP, ITEM, "Which of them?", (AnswerOffered("both", "both", Tier.SEVERE), AnswerOffered("none", "neither"))
)
BOTH = AnswerItem(STEP, ITEM, "Which of them?", "both")


def asking(*more: RunRecord) -> RunState:
    return after(opened(), StepApproved(STEP, OPERATOR, 1), ItemsDispatched(STEP, (ITEM,), OPERATOR), ASKED, *more)


def test_what_is_asked_is_on_the_card_and_its_item_goes_on_meanwhile() -> None:
    state = asking()
    card = run_view(state, fleet()).card
    assert card is not None
    assert [row.progress.question for row in card.rows] == [ASKED]
    assert card.status is StepStatus.UNDER_WAY
    assert not card.asking, "an item that asks did not fail"


def test_while_the_run_is_held_what_is_asked_is_on_top_whatever_was_chosen() -> None:
    chosen = next(step for step in opened().runbook.steps() if step.id != STEP)
    free = card_step(asking(), fleet(), chosen.id)
    held = card_step(asking(RunHeld("ana")), fleet(), chosen.id)
    assert free is not None
    assert held is not None
    assert (free.id, held.id) == (chosen.id, STEP)


def test_an_answer_is_recorded_with_who_gave_it_and_nothing_is_asked_any_more() -> None:
    state = asking()
    decision = decide(BOTH, state, fleet(), OPERATOR)
    assert decision == (QuestionAnswered(STEP, ITEM, "Which of them?", "both", OPERATOR),)
    assert not isinstance(decision, Refused)
    answered = after(state, *decision)
    one = answered.progress(STEP).item(ITEM)
    assert (one.question, one.status) == (None, ItemStatus.UNDER_WAY)
    assert decide(BOTH, answered, fleet(), OPERATOR) == Refused("this is not asked any more")


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (AnswerItem(STEP, ITEM, "Which of them?", "some"), "answer one of both, none"),
        (AnswerItem(STEP, ITEM, "Which of us?", "both"), "this is not asked any more"),
        (AnswerItem(StepId("cscs"), ITEM, "Which of them?", "both"), "this is not asked any more"),
        (AnswerItem(StepId("nowhere"), ITEM, "Which of them?", "both"), "this runbook has no step nowhere"),
    ],
)
def test_what_is_no_answer_is_refused(order: AnswerItem, why: str) -> None:
    assert decide(order, asking(), fleet(), OPERATOR) == Refused(why)


def test_an_answer_is_taken_while_the_run_is_held() -> None:
    assert not isinstance(decide(BOTH, asking(RunHeld("ops2")), fleet(), OPERATOR), Refused)


@pytest.mark.parametrize(
    "end", [RunResumed(OPERATOR, 8), ItemEnded(STEP, ITEM, Outcome.UNKNOWN, "not ended within 60 s")]
)
def test_after_a_crash_or_an_end_nothing_is_asked_until_it_is_asked_again(end: RunRecord) -> None:
    state = asking(RequestIntended(STEP, ITEM, "look"), end)
    one = state.progress(STEP).item(ITEM)
    assert (one.question, one.status) == (None, ItemStatus.UNKNOWN)
    assert decide(BOTH, state, fleet(), OPERATOR) == Refused("this is not asked any more")
    again = after(state, ItemsDispatched(STEP, (ITEM,), OPERATOR))
    assert again.progress(STEP).item(ITEM).question is None
    assert not isinstance(decide(BOTH, after(again, ASKED), fleet(), OPERATOR), Refused)


def test_an_answer_holds_for_what_was_read_when_it_was_asked() -> None:
    offered = ASKED.answers
    first, second = (question_digest("Which of them?", offered, about) for about in ('{"by": 1}', '{"by": 2}'))
    assert first != second
    state = after(asking(), replace(ASKED, digest=second))
    of_before = replace(BOTH, digest=first)
    assert decide(of_before, state, fleet(), OPERATOR) == Refused(
        "it is asked about something else now: read it once more"
    )
    decision = decide(replace(BOTH, digest=second), state, fleet(), OPERATOR)
    assert isinstance(decision, tuple)
    assert isinstance(decision[0], QuestionAnswered)
    assert decision[0].digest == second

"""Records name items by their places: a runbook that changed them under a step that was begun is another runbook."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import StepId
from deploydash.core.procedure.runbook import Runbook
from deploydash.core.run.begun import begun_otherwise, items_digest
from deploydash.core.run.decide import Decision, Refused, decide
from deploydash.core.run.orders import Approve, SignOff
from deploydash.core.run.records import RunRecord, StepApproved, StepDone, StepSkipped
from tests.support.runs import OPERATOR, fleet, opened, person, small_runbook

STEP = StepId("watcher")
BOOK = small_runbook()
BEGUN = StepApproved(STEP, OPERATOR, 1, items=items_digest(BOOK.step(STEP)))


def book(*items: Item) -> Runbook:
    """The small runbook with other items in its first step."""
    steps = tuple(replace(step, items=items) if step.id == STEP else step for step in BOOK.phases[0].steps)
    return replace(BOOK, phases=(replace(BOOK.phases[0], steps=steps), *BOOK.phases[1:]))


FIRST = BOOK.step(STEP).items[0]


@pytest.mark.parametrize(
    "items",
    [
        (replace(FIRST, spec='{"do": "something else"}'),),
        (replace(FIRST, label="another name"),),
        (replace(FIRST, effects=()),),
        (FIRST, person(1, "one more", "do it")),
        (person(0, "one before", "do it"), FIRST),
        (),
    ],
    ids=["what is done", "its name", "its effects", "one more", "renumbered", "none"],
)
def test_changed_or_renumbered_items_of_a_step_that_was_begun_are_found(items: tuple[Item, ...]) -> None:
    assert begun_otherwise(book(*items), [BEGUN]) == (STEP,)


@pytest.mark.parametrize("over", [StepDone(STEP), StepSkipped(STEP, OPERATOR, "no need")])
def test_those_of_a_step_that_is_over_may_change_and_so_may_those_to_come(over: RunRecord) -> None:
    assert begun_otherwise(book(), [BEGUN, over]) == ()
    assert begun_otherwise(book(), []) == ()
    assert begun_otherwise(BOOK, [BEGUN]) == ()


def first(decision: Decision) -> StepApproved:
    assert not isinstance(decision, Refused)
    assert isinstance(decision[0], StepApproved)
    return decision[0]


def test_an_approval_and_a_sign_off_write_down_what_the_items_were() -> None:
    approved = first(decide(Approve(STEP, 1), opened(), fleet(), OPERATOR))
    manual = next(step for step in BOOK.steps() if step.manual)
    state = opened(replace(BOOK, phases=(replace(BOOK.phases[0], steps=(replace(manual, preconditions=()),)),)))
    signed = first(decide(SignOff(manual.id, "Ana"), state, fleet(), OPERATOR))
    assert (approved.items, signed.items) == (BEGUN.items, items_digest(manual))

"""What was not shown when it was approved does not go: more of a CSC, less of another thing, a changed runbook."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.model import Liveness, SummaryState
from deploydash.core.procedure.names import csc_item
from deploydash.core.procedure.runbook import Order
from deploydash.core.run.decide import settle
from deploydash.core.run.plans import ItemPlan, Plan, difference
from deploydash.core.run.records import (
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RunResumed,
    StepApproved,
    StepDone,
)
from deploydash.core.run.state import StepStatus
from deploydash.systems.sal.commanding.plan import planned
from deploydash.systems.sal.commanding.specs import TransitionSpec
from tests.session.small_steps import ONE, TWO, WORK, book, item, step
from tests.support.runs import (
    FIRST_ADDED,
    OFFLINE,
    OPERATOR,
    PLAIN,
    WATCHER,
    after,
    down,
    fleet,
    opened,
    view,
)

ATAOS, ESS, MTDOME = PLAIN
SEEN = fleet(down(WATCHER))


def test_a_late_csc_of_which_more_is_left_than_was_shown_does_not_go_on_what_was_approved_before() -> None:
    spec = TransitionSpec(ATAOS, OFFLINE)
    before = planned(csc_item(ATAOS), spec, view(ATAOS, SummaryState.STANDBY), 0.0, "sal")
    late = view(ATAOS, SummaryState.ENABLED, Liveness.LATE)
    now = planned(csc_item(ATAOS), spec, late, 0.0, "sal")
    assert now.lines == ()
    assert "disable" in now.approved
    assert difference(Plan("", (before,), 0.0), Plan("", (now,), 1.0))


def test_less_of_something_else_is_not_less() -> None:
    before = ItemPlan(ONE, ("delete A", "delete B"), approved='{"A": 1, "B": 2}')
    now = ItemPlan(ONE, ("delete B",), approved='{"B": 3}')
    same = replace(now, approved='{"B": 2}')
    assert difference(Plan("", (before,), 0.0), Plan("", (now,), 1.0))
    assert difference(Plan("", (before,), 0.0), Plan("", (same,), 1.0)) == ""


def test_what_a_changed_runbook_puts_into_a_sequence_under_way_was_not_approved_and_asks() -> None:
    two = book(step(item(0), item(1), order=Order.SEQUENCE))
    records = (
        StepApproved(WORK, OPERATOR, 1, approved=((ONE, '"a"'), (TWO, '"b"'))),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        ItemEnded(WORK, ONE, Outcome.REACHED, "done"),
        ItemsDispatched(WORK, (TWO,), OPERATOR),
        ItemEnded(WORK, TWO, Outcome.REACHED, "done"),
        RunResumed(OPERATOR, 9, ("runbook",)),
    )
    three = book(step(item(0), item(1), item(2), order=Order.SEQUENCE))
    assert settle(after(opened(two), *records), SEEN) == (StepDone(WORK),)
    [ended] = settle(after(opened(three), *records), SEEN)
    assert isinstance(ended, ItemEnded)
    assert ended.outcome is Outcome.FAILED


def test_an_approval_torn_from_its_dispatch_is_given_again_also_where_an_item_was_added_before() -> None:
    state = after(
        opened(book(step(item(0)))),
        ItemAdded(WORK, replace(item(7), id=FIRST_ADDED), OPERATOR),
        ItemEnded(WORK, FIRST_ADDED, Outcome.REACHED, "done"),
        StepApproved(WORK, OPERATOR, 1),
        RunResumed(OPERATOR, 9),
    )
    assert state.status(state.runbook.step(WORK)) is StepStatus.PENDING

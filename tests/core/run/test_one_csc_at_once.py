"""No two items of a run work on one CSC at the same time, whatever their systems, steps and lanes."""

from __future__ import annotations

from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import Lane, csc_item
from deploydash.core.procedure.runbook import Order, Step
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.orders import AddItem, Approve, Retry, RunOrder
from deploydash.core.run.records import (
    ItemEnded,
    ItemsDispatched,
    Outcome,
    StepApproved,
)
from deploydash.core.run.state import RunState
from tests.session.small_steps import ONE, OTHER, WORK, book, item, step
from tests.support.runs import (
    OFFLINE,
    OPERATOR,
    PLAIN,
    STANDBY,
    WATCHER,
    after,
    down,
    fleet,
    opened,
)

ATAOS, ESS, MTDOME = PLAIN
SEEN = fleet(down(WATCHER))


def refused(state: RunState, order: RunOrder) -> str:
    decision = decide(order, state, SEEN, OPERATOR)
    assert isinstance(decision, Refused), decision
    return decision.why


def moving(*steps: Step) -> RunState:
    """A run in which the first step is under way."""
    return after(
        opened(book(*steps)),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, tuple(one.id for one in steps[0].items), OPERATOR),
    )


def test_two_items_never_work_on_one_csc_at_once_whatever_their_systems_and_lanes() -> None:
    by_sal = step(transition(ATAOS, OFFLINE))
    by_other = step(item(0, effects=(CscEffect(ATAOS, STANDBY),)), name=OTHER, lane=Lane("side"))
    state = moving(by_sal, by_other)
    assert "ATAOS is being worked on in work" in refused(state, Approve(OTHER, 1))
    assert "ATAOS is being worked on in work" in refused(state, AddItem(OTHER, by_other.items[0]))
    assert "ATAOS is being worked on in work" in refused(state, AddItem(WORK, by_other.items[0]))
    ended = after(state, ItemEnded(WORK, csc_item(ATAOS), Outcome.FAILED, "no"))
    assert not isinstance(decide(Approve(OTHER, 1), ended, SEEN, OPERATOR), Refused)
    both = after(ended, StepApproved(OTHER, OPERATOR, 1), ItemsDispatched(OTHER, (ONE,), OPERATOR))
    assert "ATAOS is being worked on in other" in refused(both, Retry(WORK))


def test_the_next_of_a_sequence_waits_while_another_works_on_its_csc() -> None:
    scripts = step(item(0, effects=(CscEffect(ATAOS, STANDBY),)), name=OTHER, lane=Lane("side"), order=Order.SEQUENCE)
    state = after(
        opened(book(step(transition(ATAOS, OFFLINE)), scripts)),
        StepApproved(OTHER, OPERATOR, 1),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (csc_item(ATAOS),), OPERATOR),
    )
    assert settle(state, SEEN) == ()

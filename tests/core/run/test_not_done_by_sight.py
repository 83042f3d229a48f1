"""Work that is more than a CSC on its way is not done because its CSC is seen there; a debt made late is owed."""

from __future__ import annotations

from deploydash.core.model import SummaryState, Target
from deploydash.core.procedure.items import CscEffect
from deploydash.core.procedure.names import Lane
from deploydash.core.procedure.runbook import Debt, Order
from deploydash.core.run.decide import settle
from deploydash.core.run.records import (
    ItemsDispatched,
    RequestIntended,
    RunResumed,
    StepApproved,
    StepDone,
)
from tests.session.small_steps import ONE, OTHER, WORK, book, item, step
from tests.support.runs import (
    OFFLINE,
    OPERATOR,
    PLAIN,
    QUEUES,
    WATCHER,
    after,
    down,
    fleet,
    opened,
    script,
)

ATAOS, ESS, MTDOME = PLAIN
SEEN = fleet(down(WATCHER))


def test_what_was_begun_outside_is_not_settled_by_sight_before_its_system_looked_for_it() -> None:
    first = script(0, QUEUES[0], "enable.py", effects=(CscEffect(ATAOS, Target(SummaryState.ENABLED)),))
    second = script(1, QUEUES[0], "next.py")
    state = after(
        opened(book(step(first, second, order=Order.SEQUENCE))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RequestIntended(WORK, ONE, "add", "7", begins=True),
        RunResumed(OPERATOR, 9),
    )
    assert settle(state, SEEN) == ()


def test_a_stop_that_nobody_knows_to_be_done_is_not_done_because_its_csc_was_silent_before() -> None:
    stop = item(0, effects=(CscEffect(ATAOS, OFFLINE),))
    state = after(
        opened(book(step(stop))),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RunResumed(OPERATOR, 9),
    )
    assert settle(state, fleet(down(WATCHER), down(ATAOS))) == ()


def test_what_is_owed_anew_after_its_payer_was_done_is_owed() -> None:
    owes = Debt("sync", "sync to restore", (OTHER,), "auto")
    state = after(
        opened(book(step(item(0)), step(item(0), name=OTHER, lane=Lane("side")))),
        StepApproved(OTHER, OPERATOR, 1),
        StepDone(OTHER),
        StepApproved(WORK, OPERATOR, 1),
        ItemsDispatched(WORK, (ONE,), OPERATOR),
        RequestIntended(WORK, ONE, "pause", owes=owes),
        utc=5.0,
    )
    assert [debt.id for _, debt in state.debts()] == ["sync"]

"""The order rules hold by what an item does to CSCs, at the gate, when it is dispatched and before each request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.core.model import CscId, Target
from deploydash.core.procedure.effects import effects_of
from deploydash.core.procedure.runbook import (
    CscEffect,
    CscItem,
    Effect,
    Item,
    Lane,
    ManualItem,
    RunPhase,
    ScriptItem,
    Step,
    StepId,
    StepKind,
    System,
    Tier,
    numbered,
)
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.items import may_intend_script
from deploydash.core.run.order_rules import is_up, item_blocked_by, order_rules
from deploydash.core.run.orders import Approve, Retry, SignOff
from deploydash.core.run.records import (
    CscsWaived,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestIntended,
    StepApproved,
)
from deploydash.core.run.state import RunState
from tests.support.runs import OPERATOR, PLAIN, QUEUES, WATCHER, after, csc_step, down, fleet, opened, small_runbook

STEP = StepId("shut-down")
OFFLINE, ENABLED = Target.parse("OFFLINE"), Target.parse("ENABLED")
ATAOS = PLAIN[0]
WATCHER_UP = "the Watcher is down first"


def script(*effects: CscEffect) -> ScriptItem:
    return ScriptItem(QUEUES[0], "set_summary_state.py", True, "data: []\n", effects)


def a_run(kind: StepKind, *items: Item, effect: Effect = Effect.NONE, protected: tuple[CscId, ...] = ()) -> RunState:
    step = Step(STEP, "shut down", kind, System.SAL, Tier.SEVERE, Lane.MAIN, "all OFFLINE", items, effect=effect)
    first = csc_step("watcher", (WATCHER,), OFFLINE)
    book = small_runbook()
    phase = RunPhase("down", "Down", book.phases[0].wanted, (first, step))
    return opened(replace(book, phases=(phase,), protected=protected))


TAKES_ATAOS_DOWN = [
    pytest.param(a_run(StepKind.CSC, CscItem(ATAOS, OFFLINE)), id="a transition"),
    pytest.param(a_run(StepKind.SCRIPT, script(CscEffect(ATAOS, OFFLINE))), id="a script"),
]


@pytest.mark.parametrize("state", TAKES_ATAOS_DOWN)
def test_nothing_that_takes_a_csc_down_is_approved_while_the_watcher_is_up(state: RunState) -> None:
    order = Approve(STEP, 1)
    refused = decide(order, state, fleet(), OPERATOR)
    assert isinstance(refused, Refused)
    assert refused.why.startswith(WATCHER_UP)
    assert not isinstance(decide(order, state, fleet(down(WATCHER)), OPERATOR), Refused)


def test_a_script_is_not_dispatched_where_the_watcher_came_up_after_the_approval() -> None:
    state = a_run(StepKind.SCRIPT, script(CscEffect(ATAOS, OFFLINE)))
    state = after(state, StepApproved(STEP, OPERATOR, 1))
    [ended] = settle(state, fleet())
    assert isinstance(ended, ItemEnded)
    assert (ended.outcome, ended.why[:36]) == (Outcome.FAILED, f"not added: {WATCHER_UP}")
    assert settle(state, fleet(down(WATCHER))) == (ItemsDispatched(STEP, (numbered(0),), "the procedure"),)
    failed = after(state, ended)
    refused = decide(Retry(STEP, items=(numbered(0),)), failed, fleet(), OPERATOR)
    assert isinstance(refused, Refused)
    assert refused.why.startswith(WATCHER_UP)


def test_no_request_of_a_script_is_sent_where_the_watcher_came_up_after_the_dispatch() -> None:
    state = a_run(StepKind.SCRIPT, script(CscEffect(ATAOS, OFFLINE)))
    state = after(state, StepApproved(STEP, OPERATOR, 1), ItemsDispatched(STEP, (numbered(0),), OPERATOR))
    add = RequestIntended(STEP, numbered(0), QUEUES[0], "add", 5, OPERATOR, 7, begins=True)
    assert (may_intend_script(add, state, fleet()) or "").startswith(WATCHER_UP)
    assert may_intend_script(add, state, fleet(down(WATCHER))) is None


def test_a_script_that_takes_the_watcher_down_first_may_go_while_it_is_up_but_takes_no_queue_down() -> None:
    first = script(CscEffect(WATCHER, OFFLINE), CscEffect(ATAOS, OFFLINE))
    state = a_run(StepKind.SCRIPT, first)
    assert item_blocked_by(first, state, fleet()) is None
    with_queue = script(CscEffect(WATCHER, OFFLINE), CscEffect(QUEUES[1], OFFLINE))
    state = a_run(StepKind.SCRIPT, with_queue)
    assert item_blocked_by(with_queue, state, fleet()) is not None


def test_what_people_stop_is_signed_off_after_the_fact() -> None:
    host = ManualItem("host", (), (ATAOS,))
    state = a_run(StepKind.MANUAL, host, effect=Effect.STOPS, protected=(ATAOS,))
    assert not isinstance(decide(SignOff(STEP, "camera team"), state, fleet(), OPERATOR), Refused)


def test_a_waived_watcher_holds_no_script() -> None:
    state = after(a_run(StepKind.SCRIPT, script(CscEffect(ATAOS, OFFLINE))), CscsWaived((WATCHER,), OPERATOR, "gone"))
    assert not isinstance(decide(Approve(STEP, 1), state, fleet(), OPERATOR), Refused)


CSCS = st.sampled_from((WATCHER, *PLAIN, *QUEUES))
EFFECTS = st.builds(CscEffect, CSCS, st.sampled_from((OFFLINE, ENABLED)))
ITEMS: st.SearchStrategy[tuple[StepKind, Item]] = st.one_of(
    st.builds(lambda one: (StepKind.CSC, CscItem(one.csc, one.target)), EFFECTS),
    st.builds(
        lambda many: (StepKind.SCRIPT, script(*many)),
        st.lists(EFFECTS, max_size=4, unique_by=lambda e: e.csc),
    ),
)
SEEN = st.lists(CSCS, unique=True).map(lambda cscs: fleet(*(down(csc) for csc in cscs)))


@given(ITEMS, SEEN, st.lists(CSCS, max_size=2, unique=True))
def test_whoever_carries_it_out_no_item_departs_from_the_order(
    made: tuple[StepKind, Item], seen: FleetView, protected: list[CscId]
) -> None:
    kind, item = made
    state = a_run(kind, item, protected=tuple(protected))
    step = state.runbook.step(STEP)
    effects = effects_of(item)
    closed = [reason for reason in order_rules(step, state, seen) if not reason.met]
    blocked = item_blocked_by(item, state, seen)
    downs = [each.csc for each in effects if each.target == OFFLINE]
    if any(each.csc in protected for each in effects):
        assert closed
        assert blocked
    if downs and downs[0] != WATCHER and WATCHER in _up(seen):
        assert closed
        assert blocked
    if any(csc in QUEUES for csc in downs) and any(csc in PLAIN for csc in _up(seen)):
        assert closed
        assert blocked


def _up(seen: FleetView) -> set[CscId]:
    return {csc for csc, view in seen.views.items() if is_up(view)}

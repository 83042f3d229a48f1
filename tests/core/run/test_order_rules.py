"""The order rules hold by what an item does to CSCs, at the gate, when it is dispatched and before each request."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.core.model import CscId, FeedName, FeedState, SummaryState, Target
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import MAIN, PERSON, SAL, StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Order, RunPhase, Step, StepKind, Tier
from deploydash.core.run.decide import Refused, decide, settle
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.gate import reasons
from deploydash.core.run.items import may_intend
from deploydash.core.run.order_rules import is_up, item_blocked_by, order_rules
from deploydash.core.run.orders import AddItem, Approve, Retry, SignOff
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
ANY_SYSTEM = (SAL, SystemName("made-up"), SystemName("never-heard-of"))


def work(*effects: CscEffect, system: SystemName = SAL) -> Item:
    """Something that a system carries out and that has these effects."""
    return Item(numbered(0), "set_summary_state.py", system, effects=effects)


def a_run(kind: StepKind, *items: Item, protected: tuple[CscId, ...] = (), order: Order = Order.SEQUENCE) -> RunState:
    step = Step(STEP, "shut down", kind, SAL, Tier.SEVERE, MAIN, "all OFFLINE", items, order=order)
    first = csc_step("watcher", (WATCHER,), OFFLINE)
    book = small_runbook()
    phase = RunPhase("down", "Down", book.phases[0].wanted, (first, step))
    return opened(replace(book, phases=(phase,), protected=protected))


TAKES_ATAOS_DOWN = [
    pytest.param(a_run(StepKind.ACTION, transition(ATAOS, OFFLINE), order=Order.WAVES), id="a transition"),
    *(pytest.param(a_run(StepKind.ACTION, work(CscEffect(ATAOS, OFFLINE), system=one)), id=one) for one in ANY_SYSTEM),
]


@pytest.mark.parametrize("state", TAKES_ATAOS_DOWN)
def test_nothing_that_takes_a_csc_down_is_approved_while_the_watcher_is_up(state: RunState) -> None:
    order = Approve(STEP, 1)
    refused = decide(order, state, fleet(), OPERATOR)
    assert isinstance(refused, Refused)
    assert refused.why.startswith(WATCHER_UP)
    assert not isinstance(decide(order, state, fleet(down(WATCHER)), OPERATOR), Refused)


@pytest.mark.parametrize("system", ANY_SYSTEM)
def test_no_item_is_dispatched_where_the_watcher_came_up_after_the_approval(system: SystemName) -> None:
    state = a_run(StepKind.ACTION, work(CscEffect(ATAOS, OFFLINE), system=system))
    state = after(state, StepApproved(STEP, OPERATOR, 1))
    [ended] = settle(state, fleet())
    assert isinstance(ended, ItemEnded)
    assert (ended.outcome, ended.why[:36]) == (Outcome.FAILED, f"not begun: {WATCHER_UP}")
    assert settle(state, fleet(down(WATCHER))) == (ItemsDispatched(STEP, (numbered(0),), "the procedure"),)
    failed = after(state, ended)
    refused = decide(Retry(STEP, items=(numbered(0),)), failed, fleet(), OPERATOR)
    assert isinstance(refused, Refused)
    assert refused.why.startswith(WATCHER_UP)


@pytest.mark.parametrize("system", ANY_SYSTEM)
def test_no_request_is_sent_where_the_watcher_came_up_after_the_dispatch(system: SystemName) -> None:
    state = a_run(StepKind.ACTION, work(CscEffect(ATAOS, OFFLINE), system=system))
    state = after(state, StepApproved(STEP, OPERATOR, 1), ItemsDispatched(STEP, (numbered(0),), OPERATOR))
    add = RequestIntended(STEP, numbered(0), "add", key=str(5), begins=True)
    assert (may_intend(add, state, fleet()) or "").startswith(WATCHER_UP)
    assert may_intend(add, state, fleet(down(WATCHER))) is None


def test_what_takes_the_watcher_down_first_may_go_while_it_is_up_but_takes_no_queue_down() -> None:
    first = work(CscEffect(WATCHER, OFFLINE), CscEffect(ATAOS, OFFLINE))
    state = a_run(StepKind.ACTION, first)
    assert item_blocked_by(first, state, fleet()) is None
    with_queue = work(CscEffect(WATCHER, OFFLINE), CscEffect(QUEUES[1], OFFLINE))
    state = a_run(StepKind.ACTION, with_queue)
    assert item_blocked_by(with_queue, state, fleet()) is not None


def test_a_camera_is_made_available_while_the_watcher_is_up_though_that_is_a_way_of_being_offline() -> None:
    for target, blocked in (("OFFLINE/AVAILABLE", False), ("OFFLINE/PUBLISH_ONLY", True)):
        item = work(CscEffect(ATAOS, Target.parse(target)))
        state = a_run(StepKind.ACTION, item)
        assert isinstance(decide(Approve(STEP, 1), state, fleet(), OPERATOR), Refused) is blocked
        assert (item_blocked_by(item, state, fleet()) is not None) is blocked


def test_what_people_stop_is_signed_off_after_the_fact() -> None:
    host = work(CscEffect(ATAOS, OFFLINE), system=PERSON)
    state = a_run(StepKind.MANUAL, host, protected=(ATAOS,))
    assert not isinstance(decide(SignOff(STEP, "camera team"), state, fleet(down(ATAOS)), OPERATOR), Refused)


def test_a_waived_watcher_holds_nothing() -> None:
    state = after(a_run(StepKind.ACTION, work(CscEffect(ATAOS, OFFLINE))), CscsWaived((WATCHER,), OPERATOR, "gone"))
    assert not isinstance(decide(Approve(STEP, 1), state, fleet(), OPERATOR), Refused)


@pytest.mark.parametrize("system", ANY_SYSTEM)
def test_what_is_added_beside_or_instead_keeps_the_order_too(system: SystemName) -> None:
    state = a_run(StepKind.ACTION, work(CscEffect(ATAOS, OFFLINE), system=system))
    order = AddItem(STEP, work(CscEffect(ATAOS, OFFLINE), system=system))
    refused = decide(order, state, fleet(), OPERATOR)
    assert isinstance(refused, Refused)
    assert refused.why.startswith(WATCHER_UP)
    failed = after(
        state,
        StepApproved(STEP, OPERATOR, 1),
        ItemsDispatched(STEP, (numbered(0),), OPERATOR),
        ItemEnded(STEP, numbered(0), Outcome.FAILED, "no"),
    )
    instead = replace(order, instead_of=(numbered(0),))
    assert isinstance(decide(instead, failed, fleet(), OPERATOR), Refused)
    assert not isinstance(decide(instead, failed, fleet(down(WATCHER)), OPERATOR), Refused)


@pytest.mark.parametrize("system", ANY_SYSTEM)
@pytest.mark.parametrize("kafka", [FeedState.DOWN, FeedState.CONNECTING, FeedState.DEGRADED])
def test_what_has_an_effect_on_a_csc_needs_kafka_to_see_it(system: SystemName, kafka: FeedState) -> None:
    state = a_run(StepKind.ACTION, work(CscEffect(ATAOS, ENABLED), system=system))
    blind = fleet(kafka=kafka)
    assert isinstance(decide(Approve(STEP, 1), state, blind, OPERATOR), Refused)
    let_go = after(state, StepApproved(STEP, OPERATOR, 1))
    assert settle(let_go, blind) == ()
    dispatched = after(let_go, *settle(let_go, fleet()))
    request = RequestIntended(STEP, numbered(0), "patch it")
    assert may_intend(request, dispatched, blind) == "Kafka is not up, so its effect would not be seen"
    assert may_intend(request, dispatched, fleet()) is None


def test_a_queue_is_not_taken_down_by_any_system_while_it_runs_work_of_the_run() -> None:
    runs = replace(work(), runs_in=(QUEUES[0],), label="a.py")
    state = a_run(StepKind.ACTION, runs)
    dispatched = after(state, StepApproved(STEP, OPERATOR, 1), ItemsDispatched(STEP, (numbered(0),), OPERATOR))
    quiet = fleet(down(WATCHER), *(down(csc) for csc in PLAIN))
    takes_down = work(CscEffect(QUEUES[0], OFFLINE), system=SystemName("made-up"))
    why = "ScriptQueue:1 runs a.py for this run: it goes down when that is over"
    assert item_blocked_by(takes_down, dispatched, quiet) == why
    assert item_blocked_by(takes_down, state, quiet) is None


def test_a_registry_that_is_lost_holds_back_what_follows_by_itself() -> None:
    state = after(a_run(StepKind.ACTION, work(CscEffect(ATAOS, ENABLED))), StepApproved(STEP, OPERATOR, 1))
    seen = fleet()
    lost = replace(seen, feeds={**seen.feeds, FeedName.SCHEMA_REGISTRY: FeedState.DOWN})
    assert settle(state, lost) == ()
    assert settle(state, seen) == (ItemsDispatched(STEP, (numbered(0),), "the procedure"),)


CSCS = st.sampled_from((WATCHER, *PLAIN, *QUEUES))
EFFECTS = st.builds(CscEffect, CSCS, st.sampled_from((OFFLINE, ENABLED)))
ITEMS: st.SearchStrategy[Item] = st.one_of(
    EFFECTS.map(lambda one: transition(one.csc, one.target)),
    st.builds(
        lambda many, system: work(*many, system=system),
        st.lists(EFFECTS, max_size=4, unique_by=lambda e: e.csc),
        st.sampled_from(ANY_SYSTEM),
    ),
)
SEEN = st.lists(CSCS, unique=True).map(lambda cscs: fleet(*(down(csc) for csc in cscs)))


@given(ITEMS, SEEN, st.lists(CSCS, max_size=2, unique=True))
def test_whoever_carries_it_out_no_item_departs_from_the_order(
    item: Item, seen: FleetView, protected: list[CscId]
) -> None:
    state = a_run(StepKind.ACTION, item, protected=tuple(protected))
    step = state.runbook.step(STEP)
    closed = [reason for reason in order_rules(step, state, seen) if not reason.met]
    if _departs(item, seen, protected):
        assert closed
        assert item_blocked_by(item, state, seen)
        assert isinstance(decide(Approve(STEP, 1), state, seen, OPERATOR), Refused)
        let_go = after(state, StepApproved(STEP, OPERATOR, 1))
        assert not [record for record in settle(let_go, seen) if isinstance(record, ItemsDispatched)]
        dispatched = after(let_go, ItemsDispatched(STEP, (item.id,), OPERATOR))
        assert may_intend(RequestIntended(STEP, item.id, "go"), dispatched, seen)
        assert isinstance(decide(AddItem(STEP, item), state, seen, OPERATOR), Refused)
    else:
        assert not [reason for reason in reasons(step, state, seen) if not reason.met]


def _departs(item: Item, seen: FleetView, protected: list[CscId]) -> bool:
    """Say so without the rules' own words: who goes down before whom, and who is touched."""
    downs = [each.csc for each in item.effects if each.target.state is SummaryState.OFFLINE]
    up = {csc for csc, view in seen.views.items() if is_up(view)}
    before_watcher = bool(downs) and downs[0] != WATCHER and WATCHER in up
    queue_early = any(csc in QUEUES for csc in downs) and any(csc in PLAIN for csc in up)
    return before_watcher or queue_early or any(csc in protected for csc in item.cscs)

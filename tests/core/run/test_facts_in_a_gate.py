"""A fact that some system tells holds a gate: only one that is as wanted, and was told lately, opens it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.fleet.facts import Fact
from deploydash.core.model import CscId
from deploydash.core.procedure.items import CscEffect, Item
from deploydash.core.procedure.names import ItemId, StepId, SystemName, csc_item
from deploydash.core.procedure.preconditions import FactHolds
from deploydash.core.run.arm import Arm, disarm_reason
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.fleet_view import FleetView, GateReason
from deploydash.core.run.gate import reasons
from deploydash.core.run.gate_flaps import Watched, look
from deploydash.core.run.items import may_intend
from deploydash.core.run.orders import AddItem, Approve, Retry
from deploydash.core.run.records import (
    GateClosedSpuriously,
    ItemAdded,
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestIntended,
    RunRecord,
    RunResumed,
    StepApproved,
)
from deploydash.core.run.state import RunState
from tests.support.runs import OPERATOR, after, fleet, opened, small_runbook

STEP = StepId("watcher")
QUIET = FactHolds("made-up:notice", "the notice is posted", 60.0)
POSTED = Fact("made-up", "made-up:notice", "", ok=True, value="posted", sentence="posted at 19:40", read_utc=0.0)
UTC = fleet().utc


def run() -> RunState:
    """The small runbook whose first step needs the notice."""
    book = small_runbook()
    steps = (replace(book.step(STEP), preconditions=(QUIET,)), *book.phases[0].steps[1:])
    return opened(replace(book, phases=(replace(book.phases[0], steps=steps),)))


def told(*facts: Fact, at: float = 0.0) -> FleetView:
    return replace(fleet(at=at), facts={fact.name: fact for fact in facts})


def read(ago: float, *, ok: bool = True) -> Fact:
    """The notice as it was read so many seconds ago."""
    return replace(POSTED, ok=ok, sentence=POSTED.sentence if ok else "nobody posted it", read_utc=UTC - ago)


def reason(seen: FleetView) -> GateReason:
    state = run()
    [found] = [each for each in reasons(state.runbook.step(STEP), state, seen) if each.sentence == QUIET.words]
    return found


@pytest.mark.parametrize(
    ("seen", "met", "waits_for"),
    [
        (told(), False, "made-up:notice: not reported yet"),
        (told(read(0.0, ok=False)), False, "nobody posted it"),
        (told(read(61.0)), False, "posted at 19:40, read 61 s ago"),
        (told(read(61.0, ok=False)), False, "nobody posted it, read 61 s ago"),
        (told(read(60.0)), True, ""),
        (told(read(0.0)), True, ""),
        (told(read(-5.0)), True, ""),
        (told(replace(read(0.0), name="made-up:other")), False, "made-up:notice: not reported yet"),
    ],
    ids=["missing", "not ok", "too old", "too old and not ok", "just in time", "ok", "from a fast clock", "another"],
)
def test_only_a_fact_that_holds_and_was_told_lately_is_green(seen: FleetView, met: bool, waits_for: str) -> None:
    fact = seen.facts.get("made-up:notice")
    read_utc = fact.read_utc if fact is not None else None
    assert reason(seen) == GateReason("the notice is posted", met, own=True, waits_for=waits_for, read_utc=read_utc)


def test_a_gate_without_its_fact_is_shut_and_may_be_overridden_with_a_reason() -> None:
    refused = decide(Approve(STEP, 1), run(), told(), OPERATOR)
    assert refused == Refused("the notice is posted; it waits for made-up:notice: not reported yet")
    assert not isinstance(decide(Approve(STEP, 1, (QUIET.words,), "it is posted"), run(), told(), OPERATOR), Refused)
    assert not isinstance(decide(Approve(STEP, 1), run(), told(read(1.0)), OPERATOR), Refused)


def test_an_arm_dies_of_a_fact_that_no_longer_holds() -> None:
    state = run()
    step = state.runbook.step(STEP)
    arm = Arm(STEP, step.tier, 100.0)
    assert disarm_reason(arm, 101.0, reasons(step, state, told(read(1.0))), frozenset()) is None
    gone = reasons(step, state, told(read(1.0, ok=False)))
    assert disarm_reason(arm, 101.0, gone, frozenset()) == (
        "disarmed: no longer true that the notice is posted (nobody posted it)"
    )


def closures(*seen: FleetView) -> list[GateClosedSpuriously]:
    state = run()
    step, watched, found = state.runbook.step(STEP), Watched(), []
    for each in seen:
        watched, ended = look(watched, step, state, each, armed=False)
        found += [ended] if ended is not None else []
    return found


def test_a_fact_that_nobody_told_lately_shut_the_gate_falsely_and_one_that_changed_did_not() -> None:
    told_once, told_again = read(50.0), replace(POSTED, read_utc=UTC + 29.0)
    looks = (told(told_once), told(told_once, at=20.0), told(told_again, at=30.0))
    assert closures(*looks) == [GateClosedSpuriously(STEP, QUIET.words, "made-up:notice not told lately", 10.0)]
    withdrawn = replace(told_again, ok=False, sentence="withdrawn", read_utc=UTC + 20.0)
    assert closures(looks[0], told(withdrawn, at=20.0), looks[2]) == []


RED = told(read(1.0, ok=False))
GREEN = told(read(1.0))
ITEM = csc_item(CscId("Watcher"))
INTENT = RequestIntended(STEP, ITEM, "to STANDBY")


def under_way(*more: RunRecord, overridden: tuple[str, ...] = ()) -> RunState:
    """The step was approved and its item let go, or with ``overridden`` although its fact was red."""
    approved = StepApproved(STEP, OPERATOR, 1, overridden, "it is posted" if overridden else "")
    return after(run(), approved, ItemsDispatched(STEP, (ITEM,), OPERATOR), *more)


def test_a_fact_that_holds_no_more_stops_the_next_request() -> None:
    assert may_intend(INTENT, under_way(), GREEN) is None
    assert may_intend(INTENT, under_way(), RED) == "no longer true that the notice is posted (nobody posted it)"
    old = may_intend(INTENT, under_way(), told(read(61.0)))
    assert old == "no longer true that the notice is posted (posted at 19:40, read 61 s ago)"
    assert may_intend(INTENT, under_way(), RED, asks_only=True) is None


@pytest.mark.parametrize("more", [(), (RunResumed(OPERATOR, 8), ItemsDispatched(STEP, (ITEM,), OPERATOR))])
def test_one_that_the_lead_overrode_stays_overridden_for_its_step(more: tuple[RunRecord, ...]) -> None:
    assert may_intend(INTENT, under_way(*more, overridden=(QUIET.words,)), RED) is None


def failed(overridden: tuple[str, ...] = ()) -> RunState:
    return under_way(ItemEnded(STEP, ITEM, Outcome.FAILED, "no"), overridden=overridden)


def test_a_retry_and_another_way_need_it_again_unless_it_was_overridden() -> None:
    other = AddItem(STEP, Item(ItemId(""), "by force", SystemName("made-up"), "{}", fleet_effects()), (ITEM,))
    for order in (Retry(STEP), other):
        why = decide(order, failed(), RED, OPERATOR)
        assert why == Refused("no longer true that the notice is posted (nobody posted it)")
        assert not isinstance(decide(order, failed(), GREEN, OPERATOR), Refused)
        assert not isinstance(decide(order, failed((QUIET.words,)), RED, OPERATOR), Refused)


def test_what_is_added_beside_the_runbook_needs_it_not() -> None:
    beside = Item(ItemId("added:1"), "a look", SystemName("made-up"), "{}")
    state = under_way(ItemAdded(STEP, beside, OPERATOR))
    assert may_intend(RequestIntended(STEP, beside.id, "look"), state, RED) is None


def fleet_effects() -> tuple[CscEffect, ...]:
    return run().runbook.step(STEP).items[0].effects

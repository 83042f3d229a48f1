"""The wait by value: who arrives, who leaves, who is waived, and what earlier runs make of it."""

from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import Snapshot
from deploydash.core.model import CscId, Effective, Liveness, SummaryState, Verdict
from deploydash.core.procedure.names import ItemId, StepId, csc_item, numbered
from deploydash.core.run.decide import settle
from deploydash.core.run.eta import EarlierStep, Eta, expected, learned, runs
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.lost_at_start import lost_before
from deploydash.core.run.records import (
    ArrivalsLearned,
    CscsArrived,
    CscsLeft,
    CscsWaived,
    ItemEnded,
    LostFound,
    Outcome,
    RunResumed,
    StepApproved,
    StepDone,
)
from deploydash.core.views.run_view import run_view
from tests.support import snapshots
from tests.support.runs import OPERATOR, PLAIN, after, fleet, opened, view

WAIT = StepId("standby")
A, B, C = PLAIN
IA, IB, IC = map(csc_item, PLAIN)


def snapshot_of(seen: FleetView) -> Snapshot:
    return snapshots.snapshot(list(seen.views.values()))


def at_standby(*cscs: CscId) -> FleetView:
    return fleet(*(view(csc, SummaryState.STANDBY) for csc in cscs))


def test_who_arrives_leaves_and_comes_back_in_a_wait_is_recorded_once_each() -> None:
    state = after(opened(), StepApproved(WAIT, "the procedure", 1))
    assert settle(state, at_standby(*PLAIN[:2])) == (CscsArrived(WAIT, PLAIN[:2]),)
    state = after(state, CscsArrived(WAIT, PLAIN[:2]), utc=100.0)
    assert settle(state, at_standby(*PLAIN[:2])) == ()
    assert settle(state, at_standby(PLAIN[1], PLAIN[2])) == (CscsArrived(WAIT, PLAIN[2:]), CscsLeft(WAIT, PLAIN[:1]))
    state = after(state, CscsLeft(WAIT, PLAIN[:1]), utc=110.0)
    assert state.progress(WAIT).arrived == {PLAIN[1]: 100.0}
    assert settle(state, at_standby(*PLAIN[:2])) == (CscsArrived(WAIT, PLAIN[:1]),)


def test_who_is_not_heard_any_more_or_is_waived_has_neither_left_nor_arrived() -> None:
    state = after(opened(), StepApproved(WAIT, "the procedure", 1), CscsArrived(WAIT, PLAIN[:1]))
    deaf = replace(view(PLAIN[0], SummaryState.STANDBY), liveness=Liveness.FEED_DOWN, verdict=Verdict.UNKNOWN)
    assert settle(state, fleet(deaf)) == ()
    state = after(state, CscsWaived(PLAIN[1:2], OPERATOR, "not installed"))
    assert settle(state, at_standby(*PLAIN[:2])) == ()


def test_a_csc_that_leaves_its_target_is_missing_again_in_the_wait() -> None:
    state = after(opened(), StepApproved(WAIT, "the procedure", 1), CscsArrived(WAIT, PLAIN), utc=50.0)
    everybody = run_view(state, at_standby(*PLAIN)).wait
    assert everybody is not None
    assert (everybody.missing, everybody.arrivals) == ((), (50.0, 50.0, 50.0))
    one_left = at_standby(*PLAIN[1:])
    state = after(state, *settle(state, one_left), utc=60.0)
    left = run_view(state, one_left).wait
    assert left is not None
    assert (left.missing, left.arrivals) == (PLAIN[:1], (50.0, 50.0))


def test_who_is_waived_is_not_counted_among_those_at_target() -> None:
    state = after(opened(), StepApproved(WAIT, "the procedure", 1), CscsWaived(PLAIN[:2], OPERATOR, "broken"))
    shown = run_view(state, at_standby(*PLAIN[2:]))
    assert shown.wait is not None
    assert (shown.wait.there, shown.wait.total, shown.wait.waived, shown.wait.missing) == (1, 3, PLAIN[:2], ())
    assert next(row.evidence for row in shown.rows if row.step == WAIT) == "1/3, 2 waived"


def test_a_waiver_outlives_lost_and_offline_of_the_same_csc() -> None:
    state = after(opened(), StepApproved(WAIT, "the procedure", 1), CscsWaived(PLAIN[:1], OPERATOR, "broken"))
    for seen in (Effective.LOST, Effective.OFFLINE, Effective.LOST, Effective.STANDBY, Effective.FAULT):
        shown = fleet(view(PLAIN[0], effective=seen), *(view(csc, SummaryState.STANDBY) for csc in PLAIN[1:]))
        state = after(state, *settle(state, shown))
        waiting = run_view(state, shown).wait
        assert waiting is not None
        assert waiting.missing == ()
        assert PLAIN[0] in state.waived


def test_a_journal_tells_of_each_wait_that_ended_when_who_arrived_to_stay() -> None:
    told = [
        (5.0, CscsArrived(WAIT, (C,))),
        (10.0, StepApproved(WAIT, "the procedure", 1)),
        (11.0, CscsArrived(WAIT, (A, B))),
        (40.0, CscsLeft(WAIT, (A,))),
        (70.0, CscsArrived(WAIT, (A,))),
        (80.0, CscsLeft(WAIT, (C,))),
        (90.0, RunResumed(OPERATOR, 1)),
        (95.0, StepDone(WAIT)),
    ]
    assert list(runs(told)) == [EarlierStep(WAIT, {IA: 60.0, IB: 1.0})]
    assert list(runs(told[:-1])) == [], "a wait that goes on is no earlier run"


def test_a_step_that_acts_tells_when_each_of_its_items_was_reached() -> None:
    step, other = StepId("cscs"), numbered(0)
    told = [
        (10.0, StepApproved(step, OPERATOR, 1)),
        (15.0, ItemEnded(step, IA, Outcome.FAILED, "no")),
        (40.0, ItemEnded(step, IA, Outcome.REACHED, "yes")),
        (41.0, ItemEnded(step, other, Outcome.REACHED, "yes")),
        (42.0, ItemEnded(step, IB, Outcome.UNKNOWN, "?")),
        (50.0, StepDone(step)),
    ]
    assert list(runs(told)) == [EarlierStep(step, {IA: 30.0, other: 31.0})]


def test_a_journal_without_arrivals_tells_of_no_night() -> None:
    assert list(runs([(1.0, StepApproved(WAIT, "the procedure", 1)), (9.0, StepDone(WAIT))])) == []


def test_nights_are_learned_together_for_each_csc() -> None:
    found = [EarlierStep(WAIT, {IA: 60.4, IB: 1.0}), EarlierStep(WAIT, {IA: 30.0})]
    assert learned(found) == (ArrivalsLearned(WAIT, 2, ((IA, (30, 60)), (IB, (1,)))),)
    assert learned([]) == ()


EARLIER = ArrivalsLearned(WAIT, 3, ((IA, (100, 200, 600)), (IB, (50, 60, 70))))


@pytest.mark.parametrize(
    ("missing", "elapsed", "eta"),
    [
        ((IA, IB), 0.0, Eta(3, 200.0)),
        ((IA,), 150.0, Eta(3, 400.0)),
        ((IA,), 300.0, Eta(3, 600.0)),
        ((IA, IB), 80.0, Eta(3, 200.0, overdue=((IB, 60.0),))),
        ((IA,), 600.0, Eta(3, None, overdue=((IA, 200.0),))),
        ((IC,), 10.0, Eta(3, None, unseen_before=(IC,))),
        ((), 10.0, Eta(3)),
    ],
)
def test_the_last_of_those_missing_is_expected_as_on_the_nights_that_took_longer_than_now(
    missing: tuple[ItemId, ...], elapsed: float, eta: Eta
) -> None:
    assert expected(missing, EARLIER, elapsed) == eta


def test_without_an_earlier_night_nothing_is_foretold() -> None:
    assert expected((IA,), None, 10.0) == Eta(0, unseen_before=(IA,))


def test_what_was_learned_is_shown_beside_the_wait_and_outlives_a_resume() -> None:
    state = after(opened(), EARLIER, StepApproved(WAIT, "the procedure", 1), RunResumed(OPERATOR, 7))
    shown = run_view(state, at_standby(A)).wait
    assert shown is not None
    assert shown.earlier == EARLIER


def test_who_was_lost_before_the_run_acted_is_found_once_and_is_shown_while_it_is_lost() -> None:
    lost = fleet(*(view(csc, effective=Effective.LOST) for csc in PLAIN[:2]))
    found = lost_before(opened(), snapshot_of(lost))
    assert found == (LostFound(PLAIN[:2]),)
    state = after(opened(), *found, RunResumed(OPERATOR, 7))
    assert lost_before(state, snapshot_of(lost)) == ()
    assert run_view(state, lost).lost == frozenset(PLAIN[:2])
    back = fleet(view(A, SummaryState.STANDBY), replace(view(B, effective=Effective.LOST), changed_at=9.0))
    assert run_view(state, back).lost == frozenset(), "one is there, the other was up in between"


def test_the_card_that_asks_about_who_was_lost_before_tells_it_of_which_group() -> None:
    lost = fleet(*(view(csc, effective=Effective.LOST) for csc in PLAIN[:2]))
    state = after(opened(), LostFound(PLAIN[:2]), StepApproved(StepId("cscs"), OPERATOR, 1))
    state = after(state, *(ItemEnded(StepId("cscs"), csc_item(csc), Outcome.FAILED, "does not beat") for csc in PLAIN))
    card = run_view(state, lost).card
    assert card is not None
    assert [(row.csc, row.lost_of) for row in card.asking] == [(csc, "MT" if csc in PLAIN[:2] else "") for csc in PLAIN]


def test_who_is_lost_after_the_run_acted_was_not_lost_before() -> None:
    lost = fleet(view(A, effective=Effective.LOST))
    assert lost_before(opened(), snapshot_of(fleet())) == ()
    assert lost_before(after(opened(), StepApproved(StepId("watcher"), OPERATOR, 1)), snapshot_of(lost)) == ()

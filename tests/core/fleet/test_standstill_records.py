"""Standstills that touch nobody share records, and whoever knows records alone sees the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.core.fleet.cell import LONG_AGO
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.records import StandstillNoted
from deploydash.core.fleet.standstill import TOGETHER_S, total_s
from deploydash.core.model import Effective, Liveness
from tests.core.fleet.test_standstill import OFFLINE, all_beating, leap
from tests.support.builders import Watched, beat, roster, told
from tests.support.clock import START_UTC


def test_a_machine_that_stalls_every_second_makes_one_record_in_ten_seconds_that_carries_them_all() -> None:
    watched = all_beating("ESS:106")
    for number in range(60):
        leap(watched, 0.75)
        watched.until(watched.now + 0.25)
        watched.see(beat("ESS:106", f"7/{121 + number}", watched.now))
        shown = watched.snapshot().standstill
        assert shown is not None
        assert shown.at == watched.now - 0.25, "the header shows each"
        assert watched.view("ESS:106").liveness is Liveness.BEATING
    watched.until(watched.now + 12)
    records = noted(watched)
    assert len(records) == 7
    assert sum(1 + len(one.joined) for one in records) == 60
    assert sum(total_s(one) for one in records) == pytest.approx(45.0)
    told_last = [line.change for line in watched.snapshot().events if line.subject == "deploydash"][-1]
    assert told_last == "stood still 9 times, 6.8 s in all"


def test_what_is_shown_tells_every_standstill_of_the_last_half_minute_once() -> None:
    watched = all_beating("ESS:106")
    for seconds in (3.0, 0.75):
        leap(watched, seconds)
    shown = watched.snapshot().standstill
    assert shown is not None
    assert (shown.at, shown.lasted_s, shown.lately) == (23.75, 0.75, ((23.0, 3.0), (23.75, 0.75)))
    watched.until(watched.now + 12)
    again = watched.snapshot().standstill
    assert again is not None
    assert again.lately == shown.lately, "a record made later is no other standstill"
    watched.until(53.5)
    leap(watched, 0.75)
    last = watched.snapshot().standstill
    assert last is not None
    assert last.lately == ((54.25, 0.75),)


@pytest.mark.parametrize(
    ("state", "before", "records"), [("OFFLINE", 0.0, 10), ("OFFLINE", 4.5, 30), ("DISABLED", 3.0, 8)]
)
def test_a_machine_that_stalls_every_second_while_something_is_awaited_records_them_before_observers_think_it_over(
    state: str, before: float, records: int
) -> None:
    """What is awaited for five seconds more never comes, as nobody listens for so long: one record in six seconds."""
    watched = all_beating("ESS:106", until=0)
    watched.until(30.0)
    watched.see(told("ESS:106", state, 30.0, life="9/1"))
    watched.until(30.0 + before)
    folded = Fleet(roster("ESS:106 STANDBY"), 0.0, OFFLINE)
    done = 0
    for _ in range(60):
        leap(watched, 0.75)
        watched.until(watched.now + 0.25)
        for record in watched.records[done:]:
            folded.apply(record)
        done = len(watched.records)
        alone = folded.snapshot(watched.now, START_UTC + watched.now).cscs[0]
        held = watched.view("ESS:106")
        assert (alone.effective, alone.verdict) == (held.effective, held.verdict)
        assert held.effective is not Effective.LOST
    assert len(noted(watched)) == records
    watched.until(watched.now + 12)
    assert sum(1 + len(one.joined) for one in noted(watched)) == 60


def test_a_standstill_that_touches_somebody_is_recorded_at_once_with_those_before_it() -> None:
    watched = all_beating("ESS:106")
    for _ in range(3):
        leap(watched, 0.75)
    leap(watched, 13.0)
    records = noted(watched)
    assert [(len(one.touched), len(one.joined)) for one in records] == [(0, 0), (1, 2)]
    assert watched.view("ESS:106").liveness is Liveness.FEED_DOWN


def noted(watched: Watched) -> list[StandstillNoted]:
    return [one for one in watched.records if isinstance(one, StandstillNoted)]


@given(
    st.lists(st.tuples(st.sampled_from([0.25, 1.0, 3.0, 8.0, 30.0]), st.sampled_from([0.6, 0.9, 2.0, 4.9, 13.0]))),
    st.sampled_from([None, "OFFLINE", "DISABLED"]),
    st.integers(0, 8),
)
@settings(max_examples=200)
def test_joining_records_changes_nothing_but_their_number(
    stalls: list[tuple[float, float]], reported: str | None, turn: int
) -> None:
    """Beside a fleet that records each: the same views at every moment; from the records alone, too."""
    joining, each = all_beating("ESS:106", "Watcher"), all_beating("ESS:106", "Watcher")
    both = (joining, each)
    folded = Fleet(roster("ESS:106 STANDBY", "Watcher STANDBY"), 0.0, OFFLINE)
    done = 0
    for number, (pause, seconds) in enumerate(stalls):
        for watched in both:
            if number == turn and reported is not None:
                watched.see(told("ESS:106", reported, watched.now, life="9/1"))
            each.fleet._ledger.recorded_at = LONG_AGO
            leap(watched, seconds)
            watched.until(watched.now + pause)
            if number % 2:
                watched.see(beat("Watcher", f"7/{200 + number}", watched.now))
        assert joining.snapshot().cscs == each.snapshot().cscs
        assert joining.snapshot().standstill == each.snapshot().standstill
        for record in joining.records[done:]:
            folded.apply(record)
        done = len(joining.records)
        alone = folded.snapshot(joining.now, START_UTC + joining.now)
        shown = [(view.liveness, view.effective, view.inferred, view.verdict) for view in alone.cscs]
        held = joining.snapshot().cscs
        assert shown == [(view.liveness, view.effective, view.inferred, view.verdict) for view in held]
    joining.until(joining.now + 12)
    records = noted(joining)
    assert [span for one in records for span in (*one.joined, (one.since, one.at))] == [
        (one.since, one.at) for one in noted(each)
    ]
    often = TOGETHER_S if reported is None else 1.0
    assert sum(not one.touched for one in records) <= 2 + (joining.now - 20.0) / often

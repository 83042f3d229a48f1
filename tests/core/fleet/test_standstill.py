"""A standstill of our own is a gap of ours: no silence, no inferred state, no loss is made of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    BeatsReadBack,
    ExitAcknowledged,
    FetchesResumed,
    FetchesStopped,
    StatesReadBack,
    StoodStill,
    TopicsListed,
)
from deploydash.core.fleet.records import BeatsChanged, StandstillNoted
from deploydash.core.model import CscId, Effective, FeedName, FeedState, Liveness, Phase, Target, Verdict
from tests.support.builders import Watched, beat, feed, logged_beat, roster, told
from tests.support.clock import START_UTC

OFFLINE = Phase(Target.parse("OFFLINE"))
NAMES = ("ESS:104", "ESS:106", "Watcher")
STATES = ("STANDBY", "ENABLED", "FAULT")
COMPONENTS = frozenset({"ESS", "Watcher"})


def stood(since: float, at: float, where: str = "") -> StoodStill:
    return StoodStill(since, at - since, where, at)


def all_beating(*names: str, until: float = 20.0) -> Watched:
    """A fleet in STANDBY whose CSCs beat once a second until so many seconds after the start."""
    watched = Watched(Fleet(roster(*(f"{name} STANDBY" for name in names)), 0.0, OFFLINE))
    watched.see(feed(FeedName.KAFKA, FeedState.UP, 0.0), TopicsListed(COMPONENTS, 0.0), FetchesResumed(COMPONENTS, 0.0))
    watched.see(*(StatesReadBack(component, 0.0) for component in sorted(COMPONENTS)))
    watched.see(*(told(name, "STANDBY", 0.0, life="7/1") for name in names))
    for second in range(int(until) + 1):
        watched.until(float(second))
        watched.see(*(beat(name, f"7/{second + 100}", float(second)) for name in names))
    return watched


def leap(watched: Watched, seconds: float) -> None:
    """Let the process stand still: no tick comes, and the standstill is noticed first of all."""
    since, watched.now = watched.now, watched.now + seconds
    watched.see(stood(since, watched.now))


def test_thirteen_seconds_in_which_we_stood_still_make_nobody_offline() -> None:
    watched = all_beating("ESS:106")
    leap(watched, 13.0)
    watched.until(watched.now + 0.25)
    view = watched.view("ESS:106")
    assert (view.liveness, view.effective, view.verdict) == (
        Liveness.FEED_DOWN,
        Effective.STANDBY,
        Verdict.UNKNOWN,
    )
    assert view.reason.render(watched.now) == "deploydash stood still for 13 s; last seen STANDBY"
    assert not watched.snapshot().decided


def test_a_heartbeat_received_after_it_ends_the_doubt() -> None:
    watched = all_beating("ESS:106")
    leap(watched, 13.0)
    watched.until(33.5)
    watched.see(beat("ESS:106", "7/133", 33.5))
    view = watched.view("ESS:106")
    assert (view.liveness, view.effective) == (Liveness.BEATING, Effective.STANDBY)
    assert watched.snapshot().decided


def test_a_heartbeat_that_came_while_we_stood_still_is_none_that_shows_life_now() -> None:
    watched = all_beating("ESS:106")
    leap(watched, 13.0)
    watched.until(33.25)
    watched.see(beat("ESS:106", "7/121", 33.25, delay=12.0))
    assert watched.view("ESS:106").liveness is Liveness.FEED_DOWN


def test_who_ended_while_we_stood_still_is_silent_after_a_whole_limit_of_listening_and_not_before() -> None:
    watched = all_beating("ESS:106", "Watcher")
    leap(watched, 13.0)
    seen = set()
    while watched.now < 46.0:
        watched.until(watched.now + 0.5)
        watched.see(beat("Watcher", f"7/{1000 + int(watched.now * 2)}", watched.now))
        view = watched.view("ESS:106")
        seen.add(view.liveness)
        if watched.now < 43.0:
            assert view.liveness is Liveness.FEED_DOWN
    assert seen == {Liveness.FEED_DOWN, Liveness.SILENT}
    assert (watched.view("ESS:106").effective, watched.view("ESS:106").inferred) == (Effective.OFFLINE, True)


def test_a_short_standstill_touches_nobody_and_is_told_all_the_same() -> None:
    watched = all_beating("ESS:106")
    leap(watched, 0.8)
    snapshot = watched.snapshot()
    assert watched.view("ESS:106").liveness is Liveness.BEATING
    assert snapshot.standstill is not None
    assert snapshot.standstill.lasted_s == pytest.approx(0.8)
    assert snapshot.standstill.waiting == 0
    assert snapshot.events[-1].subject == "deploydash"
    assert snapshot.events[-1].change == "stood still 0.8 s"


def test_many_short_standstills_one_after_the_other_make_no_silence() -> None:
    watched = all_beating("ESS:106", until=1)
    for _ in range(10):
        leap(watched, 1.5)
        watched.until(watched.now + 0.25)
        assert watched.view("ESS:106").liveness in (Liveness.BEATING, Liveness.FEED_DOWN)


def test_who_was_silent_before_a_long_standstill_is_as_last_seen_until_we_have_listened_anew() -> None:
    watched = all_beating("ESS:106", until=0)
    watched.until(15.0)
    assert watched.view("ESS:106").liveness is Liveness.SILENT
    leap(watched, 60.0)
    view = watched.view("ESS:106")
    assert (view.liveness, view.effective, view.inferred, view.verdict) == (
        Liveness.FEED_DOWN,
        Effective.OFFLINE,
        True,
        Verdict.UNKNOWN,
    )
    watched.until(watched.now + 12.5)
    assert watched.view("ESS:106").verdict is Verdict.AT_TARGET


def test_after_an_exit_of_ours_a_standstill_of_four_seconds_is_no_silence() -> None:
    watched = all_beating("ESS:106")
    watched.see(ExitAcknowledged(CscId.parse("ESS:106"), 20.0))
    leap(watched, 4.0)
    watched.until(watched.now + 0.25)
    assert watched.view("ESS:106").liveness is Liveness.FEED_DOWN


def test_offline_is_reported_and_beats_go_on_while_we_stand_still_is_no_csc_that_does_not_end() -> None:
    watched = all_beating("ESS:106")
    watched.see(told("ESS:106", "OFFLINE", 20.0, life="7/2"))
    watched.until(21.0)
    watched.see(beat("ESS:106", "7/121", 21.0))
    leap(watched, 4.5)
    watched.see(beat("ESS:106", "7/122", watched.now))
    view = watched.view("ESS:106")
    assert (view.verdict, view.reason.text) == (Verdict.MOVING, "says OFFLINE, waiting for silence")


def test_a_process_that_came_up_while_we_stood_still_has_the_time_of_its_first_heartbeat_anew() -> None:
    watched = all_beating("ESS:106", until=0)
    watched.until(30.0)
    watched.see(told("ESS:106", "DISABLED", 30.0, life="9/1"))
    watched.until(35.0)
    leap(watched, 1.0)
    watched.until(42.5)
    reason = watched.view("ESS:106").reason
    assert (reason.text, reason.since) == ("reports DISABLED, waiting for its first heartbeat for {age}", 30.0)
    watched.until(43.5)
    assert watched.view("ESS:106").effective is Effective.LOST


@pytest.mark.parametrize("how", ["we stood still", "fetches were not answered"])
def test_two_processes_are_two_after_a_gap_in_which_nobody_was_heard(how: str) -> None:
    watched = all_beating("ESS:106", until=1)
    for turn in range(12):
        watched.until(1.5 + turn / 2)
        watched.see(beat("ESS:106", f"{7 + turn % 2}/{102 + turn}", watched.now))
    assert watched.view("ESS:106").duplicate
    if how == "we stood still":
        leap(watched, 30.0)
    else:
        watched.see(FetchesStopped(COMPONENTS, watched.now, watched.now, "no leader"))
        watched.until(watched.now + 30)
        watched.see(FetchesResumed(COMPONENTS, watched.now))
    watched.until(watched.now + 0.25)
    watched.see(beat("ESS:106", "8/200", watched.now))
    view = watched.view("ESS:106")
    assert (view.duplicate, view.verdict) == (True, Verdict.OFF_TARGET)


def test_a_start_that_stands_still_between_the_log_and_the_first_heartbeat_makes_nobody_silent() -> None:
    watched = Watched(Fleet(roster("ESS:106 STANDBY", "Watcher STANDBY"), 0.0, OFFLINE))
    watched.see(feed(FeedName.KAFKA, FeedState.UP, 0.0), TopicsListed(COMPONENTS, 0.0), FetchesResumed(COMPONENTS, 0.0))
    watched.see(*(StatesReadBack(component, 0.0) for component in sorted(COMPONENTS)))
    watched.see(told("ESS:106", "STANDBY", 0.0, life="7/1", live=False, age=900.0))
    watched.see(logged_beat("ESS:106", "7/100", 0.5, age=0.9), beat("Watcher", "9/5", 0.5))
    leap(watched, 70.0)
    watched.see(BeatsReadBack("ESS", watched.now, START_UTC - 60, append_time=True))
    watched.until(watched.now + 0.25)
    view = watched.view("ESS:106")
    assert view.liveness in (Liveness.UNSEEN, Liveness.FEED_DOWN)
    assert (view.verdict, watched.snapshot().decided) == (Verdict.UNKNOWN, False)


def test_the_header_and_the_banner_tell_it_while_somebody_waits_because_of_it() -> None:
    watched = all_beating("ESS:106", "Watcher")
    leap(watched, 13.0)
    assert watched.snapshot().banner == "deploydash stood still for 13 s; 2 CSCs wait for a heartbeat"
    watched.see(beat("ESS:106", "7/133", watched.now), beat("Watcher", "7/133", watched.now))
    snapshot = watched.snapshot()
    assert snapshot.banner == ""
    assert snapshot.standstill is not None
    watched.until(watched.now + 31)
    assert watched.snapshot().standstill is None


def test_what_held_us_up_is_named_in_the_event() -> None:
    watched = all_beating("ESS:106")
    watched.now += 2.0
    watched.see(stood(20.0, 22.0, "config/script_check.py line 40"))
    assert "held up in config/script_check.py line 40" in watched.snapshot().events[-1].detail


# What must hold wherever a gap falls.


@dataclass(frozen=True)
class Gap:
    """From when on, and for how long, nothing is received: because of us, or because fetches are not answered."""

    begin: float
    seconds: float
    ours: bool
    lag: float


GAPS = st.lists(
    st.builds(
        Gap,
        st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.5, 6.0, 9.75, 12.0, 14.0, 18.5, 25.0, 31.0]),
        st.sampled_from([0.75, 1.5, 2.75, 3.5, 5.0, 9.5, 13.0, 61.0]),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([0.25, 0.75, 1.5]),
    ),
    min_size=1,
    max_size=4,
)


class World:
    """CSCs that beat once a second for ever, and a process that stands still now and then.

    Nothing that was sent in a gap is received before ``lag`` seconds after it; ticks come at once.
    """

    STEP = 0.25

    def __init__(self, phase: Phase, exits_at: float | None) -> None:
        self.watched = Watched(Fleet(roster(*(f"{name} STANDBY" for name in NAMES)), 0.0, phase))
        self._exits_at = exits_at
        self._sent = 0.0
        self._began = False
        self._deaf_until = 0.0

    def run(self, gaps: list[Gap], until: float) -> None:
        left = sorted(gaps, key=lambda gap: gap.begin)
        while self.watched.now < until:
            if left and left[0].begin <= self.watched.now:
                self._gap(left.pop(0))
            self._step()

    def _gap(self, gap: Gap) -> None:
        watched, since = self.watched, self.watched.now
        if gap.ours:
            watched.now += gap.seconds
            watched.see(stood(since, watched.now))
            watched.until(watched.now + self.STEP)
        elif self._began:
            watched.see(FetchesStopped(COMPONENTS, since, since, "no leader"))
            watched.until(since + gap.seconds)
            watched.see(FetchesResumed(COMPONENTS, watched.now))
        self._deaf_until = watched.now + gap.lag
        self.check()

    def _step(self) -> None:
        watched = self.watched
        watched.until(watched.now + self.STEP)
        if watched.now < self._deaf_until:
            self.check()
            return
        if not self._began:
            self._start()
        self._receive()
        if self._exits_at is not None and watched.now >= self._exits_at:
            self._exits_at = None
            watched.see(ExitAcknowledged(CscId.parse(NAMES[0]), watched.now))
        self.check()

    def _start(self) -> None:
        watched, now = self.watched, self.watched.now
        self._began = True
        self._sent = now - 0.25
        watched.see(feed(FeedName.KAFKA, FeedState.UP, now), TopicsListed(COMPONENTS, now))
        watched.see(FetchesResumed(COMPONENTS, now))
        for number, (name, state) in enumerate(zip(NAMES, STATES, strict=True)):
            watched.see(told(name, state, now, life="7/1", live=False, age=900.0))
            watched.see(logged_beat(name, f"7/{1000 + int(now)}", now, age=0.3 + number / 10))
        for component in sorted(COMPONENTS):
            watched.see(StatesReadBack(component, now), BeatsReadBack(component, now, START_UTC + now - 60, True))

    def _receive(self) -> None:
        watched = self.watched
        for number, name in enumerate(NAMES):
            offset = number * 0.3
            second = int(self._sent - offset) + 1
            while second + offset <= watched.now:
                delay = watched.now - second - offset
                watched.see(beat(name, f"7/{1001 + second}", watched.now, delay=delay))
                second += 1
        self._sent = watched.now

    def check(self) -> None:
        snapshot = self.watched.snapshot()
        for view in snapshot.cscs:
            assert view.liveness is not Liveness.SILENT
            assert not view.inferred
            assert view.effective not in (Effective.OFFLINE, Effective.LOST)
            if snapshot.target == "OFFLINE":
                assert view.verdict is not Verdict.AT_TARGET


@given(GAPS, st.sampled_from([Phase(), OFFLINE]), st.sampled_from([None, 5.0, 13.75, 26.0]))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_gap_of_ours_wherever_it_falls_makes_a_silence_while_all_beat_on(
    gaps: list[Gap], phase: Phase, exits_at: float | None
) -> None:
    world = World(phase, exits_at)
    world.run(gaps, 45.0 + sum(gap.seconds for gap in gaps))
    records = world.watched.records
    assert [one for one in records if isinstance(one, BeatsChanged) and one.liveness is Liveness.SILENT] == []
    stood_still = sum(1 + len(one.joined) for one in records if isinstance(one, StandstillNoted))
    assert stood_still == sum(gap.ours for gap in gaps)
    assert {view.liveness for view in world.watched.snapshot().cscs} == {Liveness.BEATING}
    assert world.watched.snapshot().decided

"""Beats that the broker took after our start, but before we had connected: read from the log, and as good as heard."""

from __future__ import annotations

import pytest

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    BeatsRead,
    BeatsReadBack,
    BeatsUnreadable,
    FetchesResumed,
    StatesReadBack,
    TopicsListed,
)
from deploydash.core.model import FeedName, FeedState, Liveness
from tests.support.builders import Watched, beat, feed, logged_beat, roster, told
from tests.support.clock import START_UTC

BOTH = frozenset({"Test", "ESS"})


def connected_at(at: float) -> Watched:
    """Watch Test:1 and ESS:1 since 0, connected only now, when ESS:1 is heard live."""
    watched = Watched(Fleet(roster("Test:1", "ESS:1"), 0.0), at)
    watched.see(feed(FeedName.KAFKA, FeedState.UP, at), TopicsListed(BOTH, at), FetchesResumed(BOTH, at))
    watched.see(told("Test:1", "STANDBY", at, age=60.0, live=False), told("ESS:1", "STANDBY", at, age=60.0, live=False))
    watched.see(StatesReadBack("Test", at), StatesReadBack("ESS", at))
    watched.see(BeatsReadBack("ESS", at, START_UTC + at - 60.0, append_time=False))
    watched.see(beat("ESS:1", "8/100", at), beat("ESS:1", "8/101", at))
    return watched


def read_back(watched: Watched) -> None:
    at = watched.now
    watched.see(BeatsReadBack("Test", at, START_UTC + at - 60.0, append_time=True))


def test_a_beat_appended_since_our_start_is_life_at_once() -> None:
    watched = connected_at(0.8)
    watched.see(logged_beat("Test:1", "7/100", 0.8, age=0.5))
    read_back(watched)
    assert watched.view("Test:1").liveness is Liveness.BEATING
    assert watched.view("Test:1").beat_at == pytest.approx(0.3)
    assert watched.snapshot().decided


def test_a_beat_appended_before_our_start_is_none() -> None:
    watched = connected_at(0.8)
    watched.see(logged_beat("Test:1", "7/100", 0.8, age=0.9))
    read_back(watched)
    assert watched.view("Test:1").liveness is Liveness.UNSEEN
    assert not watched.snapshot().decided


def test_without_a_live_beat_the_log_has_no_reference() -> None:
    watched = Watched(Fleet(roster("Test:1"), 0.0), 0.8)
    test = frozenset({"Test"})
    watched.see(feed(FeedName.KAFKA, FeedState.UP, 0.8), TopicsListed(test, 0.8), FetchesResumed(test, 0.8))
    watched.see(logged_beat("Test:1", "7/100", 0.8, age=0.1))
    read_back(watched)
    assert watched.view("Test:1").liveness is Liveness.UNSEEN


def test_one_that_fell_silent_after_such_a_beat_is_late_and_silent_in_its_time() -> None:
    watched = connected_at(0.8)
    watched.see(logged_beat("Test:1", "7/100", 0.8, age=0.5))
    read_back(watched)
    watched.until(5.0)
    assert watched.view("Test:1").liveness is Liveness.BEATING
    watched.until(5.5)
    assert watched.view("Test:1").liveness is Liveness.LATE
    watched.until(10.5)
    assert watched.view("Test:1").liveness is Liveness.SILENT
    assert watched.view("Test:1").reason.render(watched.now) == "OFFLINE inferred: last state STANDBY, no beat for 10 s"


def test_the_next_beat_of_such_a_csc_is_no_restart() -> None:
    watched = connected_at(0.8)
    watched.see(logged_beat("Test:1", "7/100", 0.8, age=0.5))
    read_back(watched)
    watched.until(1.3)
    watched.see(beat("Test:1", "7/101", 1.3))
    assert watched.view("Test:1").restarts == 0
    assert watched.view("Test:1").effective == "STANDBY"


def test_a_heartbeat_that_waits_for_its_schema_hides_whose_it_is_only_until_it_is_read() -> None:
    watched = Watched(Fleet(roster("ESS:1", "ESS:2"), 0.0), 0.8)
    ess = frozenset({"ESS"})
    watched.see(feed(FeedName.KAFKA, FeedState.UP, 0.8), TopicsListed(ess, 0.8), FetchesResumed(ess, 0.8))
    watched.see(
        told("ESS:1", "STANDBY", 0.8, age=60.0, live=False), told("ESS:2", "STANDBY", 0.8, age=60.0, live=False)
    )
    watched.see(StatesReadBack("ESS", 0.8))
    watched.see(BeatsReadBack("ESS", 0.8, START_UTC + 0.8 - 60.0, append_time=True))
    watched.see(BeatsUnreadable("ESS", None, "schema 7 is asked for", 0.8, START_UTC + 0.8, waits=True))
    assert not watched.snapshot().decided
    watched.see(beat("ESS:1", "8/100", 0.8), BeatsRead("ESS", 0.8))
    watched.until(1.0)
    assert watched.view("ESS:1").liveness is Liveness.BEATING
    assert watched.view("ESS:2").liveness is Liveness.SILENT
    assert watched.snapshot().decided


def test_what_nobody_can_read_hides_it_after_that_too() -> None:
    watched = Watched(Fleet(roster("ESS:1", "ESS:2"), 0.0), 0.8)
    ess = frozenset({"ESS"})
    watched.see(feed(FeedName.KAFKA, FeedState.UP, 0.8), TopicsListed(ess, 0.8), FetchesResumed(ess, 0.8))
    watched.see(StatesReadBack("ESS", 0.8), BeatsReadBack("ESS", 0.8, START_UTC + 0.8 - 60.0, append_time=True))
    watched.see(BeatsUnreadable("ESS", None, "schema 7 is asked for", 0.8, START_UTC + 0.8, waits=True))
    watched.see(BeatsUnreadable("ESS", None, "null value", 0.8, START_UTC + 0.8), BeatsRead("ESS", 0.8))
    watched.until(6.0)
    assert watched.view("ESS:1").liveness is Liveness.UNREADABLE

"""Clocks of senders that are wrong: what arrives counts in the order in which it arrives."""

from __future__ import annotations

import pytest

from deploydash.core.fleet.commands import Inspect
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    ConfigurationTold,
    FetchesResumed,
    Observation,
    OverridesTold,
    SimulationModeTold,
    StatesReadBack,
    StateTold,
    TopicsListed,
    VersionsTold,
)
from deploydash.core.fleet.snapshot import CscDetail
from deploydash.core.model import CscId, Effective, FeedName, FeedState, SummaryState
from tests.support.builders import Watched, beat, error, feed, log, roster, substate, told
from tests.support.clock import START_UTC

DAYS_30 = 30 * 86_400.0
ESS = CscId("ESS", 104)


def watch(csc: str = "ESS:104 ENABLED") -> Watched:
    watched = Watched(Fleet(roster(csc), 0.0))
    name = frozenset({csc.split(maxsplit=1)[0].split(":", maxsplit=1)[0]})
    watched.see(feed(FeedName.KAFKA, FeedState.UP, 0.0), TopicsListed(name, 0.0), FetchesResumed(name, 0.0))
    watched.see(*(StatesReadBack(component, 0.0) for component in name))
    return watched


def detail(watched: Watched) -> CscDetail:
    watched.fleet.order(Inspect(ESS))
    found = watched.snapshot().detail
    assert found is not None
    return found


def reported(value: str, sent_utc: float | None, at: float, *, live: bool) -> tuple[Observation, ...]:
    number = int(value)
    return (
        VersionsTold(ESS, value, value, sent_utc, at, live),
        SimulationModeTold(ESS, number, sent_utc, at, live),
        ConfigurationTold(ESS, value, value, sent_utc, at, live),
        OverridesTold(ESS, (value,), sent_utc, at, live),
    )


def details_of(watched: Watched) -> tuple[object, ...]:
    found = detail(watched)
    return found.csc_version, found.simulation_mode, found.configurations, *watched.view("ESS:104").overrides


@pytest.mark.parametrize("stamp", [START_UTC + DAYS_30, START_UTC - DAYS_30, None])
def test_what_is_reported_while_a_clock_is_wrong_hides_nothing_that_is_reported_later(stamp: float | None) -> None:
    watched = watch()
    watched.see(*reported("1", stamp, 0.0, live=True))
    watched.until(60.0)
    watched.see(*reported("2", START_UTC + 60.0, 60.0, live=True))
    assert details_of(watched) == ("2", 2, "2", "2")


def test_what_is_read_back_after_it_arrived_live_replaces_nothing_whatever_its_stamp() -> None:
    watched = watch()
    watched.see(*reported("2", START_UTC, 0.0, live=True))
    watched.see(*reported("1", START_UTC + DAYS_30, 0.5, live=False))
    watched.see(told("ESS:104", "ENABLED", 0.0), told("ESS:104", "FAULT", 0.5, age=-DAYS_30, live=False))
    watched.see(error("ESS:104", 0, 0.0), error("ESS:104", 101, 0.5, age=-DAYS_30, live=False))
    assert details_of(watched) == ("2", 2, "2", "2")
    assert watched.view("ESS:104").reported is SummaryState.ENABLED
    assert watched.view("ESS:104").error is None


def test_what_a_new_connection_reads_back_is_newer_than_what_the_lost_one_had() -> None:
    watched = watch()
    watched.see(beat("ESS:104", "7/100", 0.0), told("ESS:104", "ENABLED", 0.0, life="7/3", age=-DAYS_30))
    watched.see(error("ESS:104", 101, 0.0, age=-DAYS_30), *reported("1", START_UTC + DAYS_30, 0.0, live=True))
    watched.until(5.0)
    watched.see(feed(FeedName.KAFKA, FeedState.DOWN, 5.0))
    watched.until(20.0)
    watched.see(feed(FeedName.KAFKA, FeedState.CONNECTING, 20.0), feed(FeedName.KAFKA, FeedState.UP, 20.0))
    watched.see(beat("ESS:104", "7/120", 20.5), told("ESS:104", "DISABLED", 21.0, life="7/4", age=11, live=False))
    watched.see(error("ESS:104", 0, 21.0, age=11, live=False), *reported("2", START_UTC + 10.0, 21.0, live=False))
    assert watched.view("ESS:104").reported is SummaryState.DISABLED
    assert watched.view("ESS:104").error is None
    assert details_of(watched) == ("2", 2, "2", "2")


def test_a_process_that_starts_anew_with_the_right_clock_is_believed() -> None:
    watched = watch()
    for at in range(4):
        watched.see(beat("ESS:104", f"1/{100 + at}", float(at), delay=-DAYS_30))
    watched.see(told("ESS:104", "FAULT", 3.0, life="1/5", age=-DAYS_30), error("ESS:104", 101, 3.0, age=-DAYS_30))
    watched.until(10.0)
    watched.see(beat("ESS:104", "1/1", 10.0), told("ESS:104", "STANDBY", 10.1, life="1/1"))
    watched.see(told("ESS:104", "DISABLED", 12.0, life="1/2"), told("ESS:104", "ENABLED", 13.0, life="1/3"))
    view = watched.view("ESS:104")
    assert (view.effective, view.restarts, view.error) == (Effective.ENABLED, 1, None)


def test_a_camera_that_starts_anew_with_the_right_clock_is_believed_of_its_substate() -> None:
    watched = watch("MTCamera OFFLINE/AVAILABLE")
    watched.see(beat("MTCamera", "1/100", 0.0, delay=-DAYS_30))
    watched.see(substate("MTCamera", "AVAILABLE", 0.0, life="1/9", age=-DAYS_30))
    watched.until(8.0)
    watched.see(beat("MTCamera", "1/1", 8.0), substate("MTCamera", "PUBLISH_ONLY", 8.1, life="1/1"))
    substate_now = watched.view("MTCamera").substate
    assert substate_now is not None
    assert substate_now.name == "PUBLISH_ONLY"


@pytest.mark.parametrize("stamp", [START_UTC + DAYS_30, None])
def test_an_error_that_is_logged_later_is_the_one_that_counts(stamp: float | None) -> None:
    watched = watch()
    age = 0.0 if stamp is None else START_UTC - stamp
    first = log("ESS:104", "first", 0.0, level=40, age=age)
    watched.see(first if stamp is not None else type(first)(ESS, 40, "first", None, 0.0, live=True))
    watched.until(60.0)
    watched.see(log("ESS:104", "second", 60.0, level=40))
    logged = watched.view("ESS:104").logged
    assert logged is not None
    assert logged.message == "second"
    assert [line.message for line in detail(watched).logs] == ["first", "second"]


def test_log_messages_and_states_stand_in_the_order_in_which_they_were_told() -> None:
    watched = watch()
    watched.see(log("ESS:104", "live", 0.2), told("ESS:104", "ENABLED", 0.2, life="7/4"))
    for number in (1, 2):
        watched.see(log("ESS:104", f"read back {number}", 0.5, age=-DAYS_30 * (2 - number), live=False))
    watched.see(told("ESS:104", "DISABLED", 0.5, life="7/3", age=-DAYS_30, live=False))
    assert [line.message for line in detail(watched).logs] == ["read back 1", "read back 2", "live"]


def test_a_state_without_a_time_is_a_state() -> None:
    watched = watch()
    watched.see(beat("ESS:104", "7/100", 0.0, create_time=True))
    timeless = told("ESS:104", "ENABLED", 0.0)
    watched.see(StateTold(ESS, timeless.state, timeless.process, None, 0.0, timeless.source, live=True))
    view = watched.view("ESS:104")
    assert (view.reported, view.reported_utc) == (SummaryState.ENABLED, None)
    assert [utc for utc, _, _ in detail(watched).states] == [None]
    watched.until(1.0)
    watched.see(told("ESS:104", "FAULT", 1.0, life="7/4"))
    assert watched.view("ESS:104").reported is SummaryState.FAULT

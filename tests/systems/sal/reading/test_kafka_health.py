"""What the feed says of itself, from values."""

from __future__ import annotations

from deploydash.core.fleet.observations import FeedChanged, FetchesResumed, FetchesStopped, Observation
from deploydash.core.model import FeedState
from deploydash.systems.sal.reading.health import Answers, Health
from deploydash.systems.sal.reading.measure import Meter

ALL = frozenset({"ATDome", "ESS"})


def health() -> Health:
    return Health("kafka:9094 (site file)", "lsst.sal.")


def change(told: list[Observation]) -> FeedChanged:
    [one] = [what for what in told if isinstance(what, FeedChanged)]
    return one


def test_it_is_up_once_fetches_are_answered_and_says_so_once() -> None:
    one = health()
    assert change(one.update(Answers(ALL, [], {}), 1.0)).state is FeedState.CONNECTING
    told = one.update(Answers(ALL, ALL, {}), 2.0)
    assert change(told).state is FeedState.UP
    assert change(told).detail == "kafka:9094 (site file)"
    assert FetchesResumed(ALL, 2.0) in told
    assert one.update(Answers(ALL, ALL, {}), 3.0) == []


def test_a_component_whose_fetches_stop_degrades_and_is_named() -> None:
    one = health()
    one.update(Answers(ALL, ALL, {}), 1.0)
    told = one.update(Answers(ALL, ALL, {"ESS": ("it has no leader", 1.5)}), 4.0)
    assert FetchesStopped(frozenset({"ESS"}), 4.0, 1.5, "it has no leader") in told
    assert change(told).state is FeedState.DEGRADED
    assert "ESS" in change(told).detail
    assert "it has no leader" in change(told).detail
    back = one.update(Answers(ALL, ALL, {}), 6.0)
    assert FetchesResumed(frozenset({"ESS"}), 6.0) in back
    assert change(back).state is FeedState.UP


def test_when_none_is_answered_it_is_down_and_tells_why_once_known() -> None:
    one = health()
    one.update(Answers(ALL, ALL, {}), 1.0)
    gone = Answers(ALL, ALL, dict.fromkeys(ALL, ("silence", 2.0)), lost=ALL)
    told = one.update(gone, 4.0)
    assert change(told).state is FeedState.DOWN
    assert one.lost_since == 4.0
    one.trouble = "kafka:9094 (site file): connection refused"
    assert change(one.update(gone, 5.0)).detail == "kafka:9094 (site file): connection refused"
    assert one.lost_since == 4.0
    assert change(one.update(Answers(ALL, ALL, {}), 6.0)).state is FeedState.UP
    assert one.lost_since is None


def test_heartbeats_that_cannot_be_read_are_no_lost_broker() -> None:
    one = health()
    told = one.update(Answers(ALL, ALL, dict.fromkeys(ALL, ("their schema is not known yet", 2.0))), 4.0)
    assert change(told).state is FeedState.DEGRADED
    assert "their schema is not known yet" in change(told).detail
    assert one.lost_since is None


def test_an_account_that_sees_no_topic_is_told_apart_from_one_that_may_not_read() -> None:
    blind = change(health().update(Answers(frozenset(), [], {}), 1.0))
    assert blind.state is FeedState.DEGRADED
    assert "no topic lsst.sal.*" in blind.detail
    assert "DESCRIBE" in blind.detail
    refused = change(health().update(Answers(ALL, [], {}, refused=ALL), 1.0))
    assert refused.state is FeedState.DOWN
    assert blind.detail != refused.detail
    assert "may not read" in refused.detail
    some = change(health().update(Answers(ALL, ["ESS"], {}, refused=["ATDome"]), 1.0))
    assert some.state is FeedState.DEGRADED
    assert "ATDome" in some.detail


def test_long_lists_are_counted() -> None:
    many = frozenset(f"C{number}" for number in range(9))
    told = health().update(Answers(many | {"ESS"}, ["ESS"], dict.fromkeys(many, ("silence", 0.0))), 1.0)
    assert "C0, C1, C2 and 6 more" in change(told).detail


def test_the_skew_is_the_least_delay_and_the_lag_what_is_above_it() -> None:
    meter = Meter(0.0)
    meter.note(10, 100.2, 0.5)
    meter.note(10, 100.05, 0.6)
    meter.note(20, 100.3, 0.9)
    measured = meter.take(2.0)
    assert measured.rate == 20.0
    assert measured.skew_s == 100.05
    assert measured.lag_s is not None
    assert round(measured.lag_s, 6) == 0.25
    assert meter.take(3.0).lag_s is None
    assert meter.take(40.0).skew_s is None


def test_the_producers_times_measure_the_rate_alone() -> None:
    meter = Meter(0.0)
    meter.note(5, None, 0.5)
    measured = meter.take(1.0)
    assert (measured.rate, measured.lag_s, measured.skew_s) == (5.0, None, None)

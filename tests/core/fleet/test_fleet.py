"""The fleet beyond the truth table: orders, events, the detail, counts, what it costs."""

from __future__ import annotations

import pytest

from deploydash.core.fleet.commands import CompareWith, Inspect
from deploydash.core.fleet.facts import Fact
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatsReadBack,
    ConfigurationTold,
    FactRead,
    FeedMeasured,
    FetchesResumed,
    Process,
    RecordsUndecodable,
    SimulationModeTold,
    StatesReadBack,
    TopicsListed,
    VersionsTold,
)
from deploydash.core.fleet.records import BeatsChanged, FeedReported, ProcessNoticed, UndecodableNoticed
from deploydash.core.fleet.snapshot import EventLine, GroupView, LogLine
from deploydash.core.model import (
    CscId,
    CscSpec,
    Effective,
    FeedName,
    FeedState,
    Limits,
    Phase,
    Source,
    SummaryState,
    Target,
    TargetKind,
    Verdict,
)
from tests.support.builders import Watched, beat, error, feed, log, roster, spec, told
from tests.support.clock import START_UTC


def watch(*cscs: str | CscSpec, phase: Phase | None = None) -> Watched:
    """A fleet whose Kafka is up and read, at 0."""
    expected = roster(*cscs)
    watched = Watched(Fleet(expected, 0.0, phase or Phase()))
    components = frozenset(one.csc.name for one in expected.cscs)
    watched.see(
        feed(FeedName.KAFKA, FeedState.UP, 0.0, "127.0.0.1:9094"),
        TopicsListed(components, 0.0),
        FetchesResumed(components, 0.0),
        *(StatesReadBack(component, 0.0) for component in sorted(components)),
        *(BeatsReadBack(component, 0.0, START_UTC, append_time=False) for component in sorted(components)),
    )
    return watched


def start(watched: Watched, *lines: str) -> None:
    """Have CSCs beat and say a state now: ``ESS:104 ENABLED``."""
    for line in lines:
        csc, state = line.split()
        watched.see(beat(csc, "7/100", watched.now), told(csc, state, watched.now))


def lines_of(watched: Watched, *subjects: str) -> list[tuple[str, str, str, bool]]:
    events = watched.snapshot().events
    return [(line.subject, line.change, line.detail, line.calm) for line in events if line.subject in subjects]


def test_a_beat_of_a_beating_csc_makes_no_record_and_no_garbage() -> None:
    watched = watch("ESS:104 STANDBY")
    start(watched, "ESS:104 STANDBY")
    first = watched.fleet.observe(beat("ESS:104", "7/101", 1.0), 1.0)
    assert first == ()
    assert watched.fleet.observe(beat("ESS:104", "7/102", 2.0), 2.0) is first


def test_records_are_returned_before_they_count() -> None:
    watched = watch("ESS:104 STANDBY")
    records = watched.fleet.observe(beat("ESS:104", "7/100", 0.0), 0.0)
    assert [type(record) for record in records] == [ProcessNoticed, BeatsChanged]
    assert watched.view("ESS:104").liveness == "unseen"
    for record in records:
        watched.fleet.apply(record)
    assert watched.view("ESS:104").liveness == "beating"


def test_each_csc_may_have_its_own_limits() -> None:
    watched = watch(
        spec("Watcher ENABLED", limits=Limits(20.0, 30.0)), spec("ESS:104 ENABLED", limits=Limits(0.5, 1.0))
    )
    start(watched, "Watcher ENABLED", "ESS:104 ENABLED")
    watched.until(1.0)
    assert watched.view("ESS:104").effective is Effective.LOST
    watched.until(19.75)
    assert watched.view("Watcher").liveness == "beating"
    watched.until(30.0)
    assert watched.view("Watcher").effective is Effective.LOST


@pytest.mark.parametrize(
    ("wanted", "name", "verdict"),
    [
        (TargetKind.STARTUP, "startup", Verdict.OFF_TARGET),
        (TargetKind.SHUTDOWN, "shutdown", Verdict.OFF_TARGET),
        (Target(SummaryState.ENABLED), "ENABLED", Verdict.AT_TARGET),
        (None, "none", Verdict.NO_TARGET),
    ],
)
def test_another_target_is_compared_with_at_once(
    wanted: TargetKind | Target | None, name: str, verdict: Verdict
) -> None:
    watched = watch("ESS:104 STANDBY")
    start(watched, "ESS:104 ENABLED")
    watched.fleet.order(CompareWith(Phase(wanted)))
    snapshot = watched.snapshot()
    assert snapshot.target == name
    assert snapshot.cscs[0].verdict is verdict
    assert snapshot.cscs[0].changed_at is None


@pytest.mark.parametrize(
    ("kind", "end", "target"),
    [
        (TargetKind.STARTUP, "DISABLED", "STANDBY"),
        (TargetKind.END, "DISABLED", "STANDBY"),
        (TargetKind.END, "ENABLED", "ENABLED"),
        (TargetKind.SHUTDOWN, "DISABLED", "OFFLINE"),
    ],
)
def test_a_replaced_start_up_target_holds_to_the_end_unless_something_is_wanted_there(
    kind: TargetKind, end: str, target: str
) -> None:
    csc = CscId("MTM1M3")
    spec = CscSpec(csc, "MT", Target.parse("DISABLED"), Target.parse(end), Target.parse("OFFLINE"))
    assert Phase(kind).target(spec, {csc: Target.parse("STANDBY")}) == Target.parse(target)


def test_a_change_is_dated_but_what_was_found_at_the_start_is_not() -> None:
    watched = watch("ESS:104 ENABLED")
    start(watched, "ESS:104 ENABLED")
    watched.until(3.0)
    assert watched.view("ESS:104").changed_at is None
    watched.see(told("ESS:104", "FAULT", 3.0, life="7/4"))
    assert watched.view("ESS:104").changed_at == 3.0


def test_a_state_that_the_broker_took_late_is_not_believed_but_a_new_process_is() -> None:
    watched = watch("ESS:104 ENABLED")
    start(watched, "ESS:104 ENABLED")
    watched.until(3.0)
    watched.see(told("ESS:104", "DISABLED", 3.0, life="7/4"))
    watched.see(told("ESS:104", "STANDBY", 3.5, life="7/2", age=1.0))
    assert watched.view("ESS:104").reported is SummaryState.DISABLED
    watched.see(told("ESS:104", "STANDBY", 4.0, life="7/1"))
    assert watched.view("ESS:104").reported is SummaryState.STANDBY


def test_what_was_found_at_the_start_is_no_event() -> None:
    watched = watch("ESS:104 ENABLED", "ESS:106 ENABLED")
    start(watched, "ESS:104 ENABLED", "ESS:106 FAULT")
    watched.until(2.0)
    assert [line.subject for line in watched.snapshot().events] == ["kafka"]


def test_what_departs_from_the_target_has_a_line_of_its_own() -> None:
    watched = watch("ESS:104 ENABLED", "ESS:106 ENABLED")
    start(watched, "ESS:104 ENABLED", "ESS:106 ENABLED")
    watched.until(2.0)
    watched.see(error("ESS:104", 101, 2.0, report="encoder lost"), told("ESS:104", "FAULT", 2.0, life="7/4"))
    watched.see(told("ESS:106", "STANDBY", 2.0, life="7/4"))
    assert lines_of(watched, "ESS:104", "ESS:106") == [
        ("ESS:104", "ENABLED → FAULT", "says FAULT, error 101", False),
        ("ESS:106", "ENABLED → STANDBY", "says STANDBY", False),
    ]


def test_what_another_system_reports_is_an_event_only_of_a_csc_that_is_not_where_it_is_wanted() -> None:
    watched = watch("ESS:104 ENABLED", "ESS:106 ENABLED")
    start(watched, "ESS:104 ENABLED", "ESS:106 FAULT")
    watched.until(2.0)
    for csc in ("ESS:104", "ESS:106"):
        for ok in (True, False):
            fact = Fact("cluster", f"cluster/{csc}", csc, ok, "", "its pod", START_UTC)
            watched.see(FactRead(fact, 2.0))
    changes = [line.change for line in watched.snapshot().events if "cluster/" in line.change]
    assert changes == ["cluster/ESS:106 departs"]


def test_what_goes_as_planned_is_one_line_a_group() -> None:
    watched = watch(*(spec(f"ESS:{index} ENABLED", group="Envsys") for index in range(1, 6)))
    start(watched, *(f"ESS:{index} STANDBY" for index in range(1, 6)))
    watched.until(2.0)
    watched.see(told("ESS:1", "DISABLED", 2.0, life="7/4"))
    assert lines_of(watched, "ESS:1", "Envsys") == [("ESS:1", "STANDBY → DISABLED", "as planned", True)]
    number = watched.snapshot().events[-1].number
    for index in (2, 3, 4):
        watched.see(told(f"ESS:{index}", "DISABLED", 2.0, life="7/4"))
    watched.see(told("ESS:1", "ENABLED", 2.0, life="7/5"))
    assert lines_of(watched, "ESS:1", "Envsys") == [
        ("Envsys", "4 of 5 DISABLED", "as planned", True),
        ("ESS:1", "DISABLED → ENABLED", "as planned", True),
    ]
    assert [line.number for line in watched.snapshot().events[-2:]] == [number, number + 1]


def test_a_line_of_a_group_is_closed_by_a_pause() -> None:
    watched = watch("ESS:1 ENABLED", "ESS:2 ENABLED")
    for index in (1, 2):
        start(watched, f"ESS:{index} STANDBY")
    watched.until(2.0)
    watched.see(told("ESS:1", "DISABLED", 2.0, life="7/4"))
    watched.snapshot()
    for second in range(3, 30):
        watched.see(beat("ESS:1", f"7/{100 + second}", second), beat("ESS:2", f"7/{100 + second}", second))
        watched.until(second)
    watched.see(told("ESS:2", "DISABLED", 29.0, life="7/4"))
    assert [line[:2] for line in lines_of(watched, "ESS:1", "ESS:2", "Test")] == [
        ("ESS:1", "STANDBY → DISABLED"),
        ("ESS:2", "STANDBY → DISABLED"),
    ]


def test_a_line_says_when_in_utc() -> None:
    watched = watch("ESS:104 ENABLED")
    start(watched, "ESS:104 ENABLED")
    watched.until(5.0)
    watched.see(told("ESS:104", "FAULT", 5.0, life="7/4"))
    watched.snapshot()
    watched.until(9.0)
    assert watched.snapshot().events[-1].utc == START_UTC + 5.0


def test_only_the_last_500_lines_are_kept_and_their_numbers_go_on() -> None:
    watched = watch("ESS:104 ENABLED")
    start(watched, "ESS:104 ENABLED")
    for number in range(600):
        watched.see(told("ESS:104", "FAULT" if number % 2 else "ENABLED", 0.0, life=f"7/{number + 10}"))
        watched.snapshot()
    events = watched.snapshot().events
    assert len(events) == 500
    assert [line.number for line in events] == list(range(events[0].number, events[0].number + 500))
    assert events[0].number > 1


def test_feeds_that_come_and_go_are_told_with_their_reason() -> None:
    watched = watch("ESS:104 ENABLED")
    watched.until(1.0)
    watched.see(feed(FeedName.EFD, FeedState.DOWN, 1.0, "http://efd: refused"))
    watched.see(feed(FeedName.EFD, FeedState.DOWN, 1.0, "http://efd: still refused"))
    watched.see(feed(FeedName.SCHEMA_REGISTRY, FeedState.UP, 1.0, "http://registry"))
    assert lines_of(watched, "efd", "schema registry") == [
        ("efd", "off → down", "http://efd: refused", False),
        ("schema registry", "connecting → up", "http://registry", True),
    ]
    view = {one.feed: one for one in watched.snapshot().feeds}[FeedName.EFD]
    assert (view.state, view.detail, view.since) == (FeedState.DOWN, "http://efd: still refused", 1.0)


def test_the_header_shows_what_a_feed_measured_until_it_measures_again() -> None:
    watched = watch("ESS:104 ENABLED")
    watched.see(FeedMeasured(FeedName.KAFKA, 1.0, 117.0, 0.2, -0.1))
    watched.see(feed(FeedName.KAFKA, FeedState.DEGRADED, 1.0, "one broker gone"))
    kafka = watched.snapshot().feeds[0]
    assert (kafka.state, kafka.rate, kafka.lag_s, kafka.skew_s) == (FeedState.DEGRADED, 117.0, 0.2, -0.1)


def test_the_same_news_of_a_feed_is_no_record() -> None:
    watched = watch("ESS:104 ENABLED")
    news = feed(FeedName.KAFKA, FeedState.DEGRADED, 1.0, "one broker gone")
    watched.see(news, news)
    assert sum(isinstance(record, FeedReported) for record in watched.records) == 2


def test_a_topic_that_cannot_be_decoded_is_named_once_and_counted_on() -> None:
    watched = watch("ESS:104 ENABLED")
    topic = "lsst.sal.ESS.logevent_summaryState"
    watched.see(RecordsUndecodable(topic, 2, "unknown schema id 7", 0.0))
    watched.see(RecordsUndecodable(topic, 3, "truncated", 0.0))
    snapshot = watched.snapshot()
    assert [(one.topic, one.records, one.example) for one in snapshot.undecodable] == [
        (topic, 5, "unknown schema id 7")
    ]
    assert lines_of(watched, topic) == [(topic, "undecodable", "unknown schema id 7", False)]
    watched.see(RecordsUndecodable(topic, 4, "still asked for", 0.0, waiting=True))
    assert [entry.records for entry in watched.snapshot().undecodable] == [9]
    watched.see(RecordsUndecodable(topic, 0, "", 0.0, waiting=True))
    assert [entry.records for entry in watched.snapshot().undecodable] == [5]
    assert sum(isinstance(record, UndecodableNoticed) for record in watched.records) == 1


def test_topics_that_cannot_be_decoded_share_a_line_that_grows_and_names_each_once() -> None:
    watched = watch("ESS:104 ENABLED")
    names = [f"lsst.sal.{name}.logevent_errorCode" for name in ("ATDome", "ATAOS", "MTDome")]
    watched.see(RecordsUndecodable(names[0], 1, "null value", 0.0))
    number = watched.snapshot().events[-1].number
    for topic in names * 2:
        watched.see(RecordsUndecodable(topic, 1, "null value", 0.0))
    grown = "ATDome.logevent_errorCode, ATAOS.logevent_errorCode, MTDome.logevent_errorCode"
    assert lines_of(watched, *names, "3 topics") == [("3 topics", "undecodable records", grown, False)]
    assert watched.snapshot().events[-1].number == number
    for many in range(20):
        watched.see(RecordsUndecodable(f"lsst.sal.Test{many}.logevent_errorCode", 1, "null value", 0.0))
    ((_, _, detail, _),) = lines_of(watched, "23 topics")
    assert detail.startswith(grown)
    assert detail.endswith("Test4.logevent_errorCode and 15 more")
    assert len(watched.snapshot().undecodable) == 23


def test_a_topic_that_goes_bad_after_a_quiet_time_has_a_line_of_its_own() -> None:
    watched = watch("ESS:104 ENABLED")
    early, late = "lsst.sal.ATDome.logevent_errorCode", "lsst.sal.MTDome.logevent_errorCode"
    watched.see(RecordsUndecodable(early, 1, "null value", 0.0))
    watched.until(21.0)
    watched.see(RecordsUndecodable(late, 1, "no schema 71", 21.0))
    assert lines_of(watched, early, late) == [
        (early, "undecodable", "null value", False),
        (late, "undecodable", "no schema 71", False),
    ]


def test_a_restart_and_a_duplicate_are_told_by_name() -> None:
    watched = watch("ESS:104 STANDBY")
    start(watched, "ESS:104 STANDBY")
    watched.until(4.0)
    watched.see(beat("ESS:104", "7/1", 4.0), beat("ESS:104", "7/101", 4.5), beat("ESS:104", "7/2", 5.0))
    assert [line[1] for line in lines_of(watched, "ESS:104")] == ["restarted", "duplicate"]
    for second in range(6, 20):
        watched.until(second)
        watched.see(beat("ESS:104", f"7/{second}", second))
    assert lines_of(watched, "ESS:104")[-1] == ("ESS:104", "duplicate ended", "one process sends heartbeats on", True)


def test_a_csc_that_starts_anew_after_its_end_is_no_restart_to_worry_about() -> None:
    watched = watch("ESS:104 STANDBY")
    start(watched, "ESS:104 OFFLINE")
    watched.until(20.0)
    watched.see(beat("ESS:104", "7/1", 20.0), told("ESS:104", "STANDBY", 20.0, life="7/1"))
    assert lines_of(watched, "ESS:104") == [("ESS:104", "OFFLINE → STANDBY", "as planned", True)]


def test_an_unexpected_csc_is_told_and_stands_at_the_end() -> None:
    watched = watch(spec("ESS:104 STANDBY", group="Envsys"), spec("Watcher ENABLED", group="Observatory"))
    watched.see(beat("Foo", "5/1", 0.0), beat("ESS:999", "6/1", 0.0))
    snapshot = watched.snapshot()
    assert [str(view.csc) for view in snapshot.cscs] == ["ESS:104", "Watcher", "Foo", "ESS:999"]
    assert [view.group for view in snapshot.cscs] == ["Envsys", "Observatory", "Unexpected", "Envsys"]
    assert snapshot.summary.unexpected == (CscId("Foo"), CscId("ESS", 999))
    assert snapshot.groups == (GroupView("Envsys", 0, 1), GroupView("Observatory", 0, 1), GroupView("Unexpected", 0, 0))
    assert [line[:2] for line in lines_of(watched, "Foo", "ESS:999")] == [("Foo", "appeared"), ("ESS:999", "appeared")]


def test_a_script_proves_nothing_of_the_feed_and_is_shown_nowhere() -> None:
    watched = watch("ESS:104 STANDBY", phase=Phase(Target(SummaryState.OFFLINE)))
    for second in range(12):
        watched.until(second)
        watched.see(beat("Script:100001", f"5/{second + 1}", second))
        watched.see(told("Script:100001", "ENABLED", second), error("Script:100001", 1, second))
        watched.see(log("Script:100001", "hello", second))
    assert watched.view("ESS:104").reason.text == "never seen: no beat for {age}, no record in Kafka"
    assert [str(view.csc) for view in watched.snapshot().cscs] == ["ESS:104"]
    assert watched.snapshot().events[-1].subject == "kafka"


def test_nothing_is_shown_in_detail_until_somebody_looks() -> None:
    watched = watch("ESS:104 STANDBY")
    assert watched.snapshot().detail is None
    watched.fleet.order(Inspect(CscId("ESS", 104)))
    assert watched.snapshot().detail is not None
    watched.fleet.order(Inspect(CscId("Foo")))
    assert watched.snapshot().detail is None
    watched.fleet.order(Inspect(None))
    assert watched.snapshot().detail is None


def test_the_detail_holds_all_that_was_told() -> None:
    watched = watch("ESS:104 STANDBY")
    csc = CscId("ESS", 104)
    watched.fleet.order(Inspect(csc))
    start(watched, "ESS:104 STANDBY")
    watched.see(
        told("ESS:104", "OFFLINE", 0.0, life="6/9", age=500, live=False),
        told("ESS:104", "ENABLED", 0.0, life="7/4"),
        log("ESS:104", "second", 0.0, age=1),
        log("ESS:104", "first", 0.0, level=40, age=2, live=False),
        VersionsTold(csc, "1.2", "24.1", START_UTC, 0.0, live=True),
        VersionsTold(csc, "1.1", "24.0", START_UTC - 100, 0.0, live=False),
        SimulationModeTold(csc, 1, START_UTC, 0.0, live=True),
        SimulationModeTold(csc, 0, START_UTC - 100, 0.0, live=False),
        ConfigurationTold(csc, "_init.yaml,_summit.yaml", "v7", START_UTC, 0.0, live=True),
        ConfigurationTold(csc, "_init.yaml", "v6", START_UTC - 100, 0.0, live=False),
    )
    detail = watched.snapshot().detail
    assert detail is not None
    assert detail.states == (
        (START_UTC, SummaryState.STANDBY, Source.KAFKA),
        (START_UTC, SummaryState.ENABLED, Source.KAFKA),
    )
    assert detail.logs == (LogLine(START_UTC - 2, 40, "first"), LogLine(START_UTC - 1, 20, "second"))
    assert (detail.csc_version, detail.xml_version, detail.simulation_mode) == ("1.2", "24.1", 1)
    assert (detail.configurations, detail.configuration_version) == ("_init.yaml,_summit.yaml", "v7")
    assert detail.origin == 7


def test_an_error_in_the_log_is_in_the_view_of_every_csc_and_what_is_less_is_not() -> None:
    watched = watch("ESS:104 STANDBY", "ESS:105 STANDBY")
    watched.see(log("ESS:104", "cannot open\n  port", 1.0, level=40), log("ESS:105", "hello", 1.0, level=20))
    assert watched.view("ESS:104").logged == LogLine(START_UTC + 1, 40, "cannot open port")
    assert watched.view("ESS:105").logged is None


def test_a_log_that_runs_on_or_repeats_itself_makes_one_record_in_30_seconds() -> None:
    watched = watch("ESS:104 STANDBY")
    watched.see(log("ESS:104", "first", 1.0, level=40))
    for number in range(60):
        watched.see(log("ESS:104", f"traceback {number}", 1.1 + number / 10, level=50))
    assert watched.view("ESS:104").logged == LogLine(START_UTC + 1, 40, "first")
    watched.see(log("ESS:104", "first", 40.0, level=40))
    assert watched.view("ESS:104").logged == LogLine(START_UTC + 1, 40, "first")
    watched.see(log("ESS:104", "another", 41.0, level=40), log("ESS:104", "old", 41.0, level=40, age=90.0, live=False))
    assert watched.view("ESS:104").logged == LogLine(START_UTC + 41, 40, "another")


def test_the_strip_of_beats_tells_missed_from_unwatched_seconds() -> None:
    watched = watch("ESS:104 STANDBY")
    watched.fleet.order(Inspect(CscId("ESS", 104)))
    for second in range(31):
        watched.until(second)
        if not 10 <= second < 20:
            watched.see(beat("ESS:104", f"7/{second + 1}", second + 0.0))
        if second == 24:
            watched.see(feed(FeedName.KAFKA, FeedState.DOWN, 24.5))
        if second == 27:
            watched.see(feed(FeedName.KAFKA, FeedState.UP, 27.0))
    watched.see(BeatArrived(CscId("ESS", 104), Process(7, 34), 30.0, None, 0.0, count=3))
    detail = watched.snapshot().detail
    assert detail is not None
    beats = detail.beats
    assert len(beats) == 60
    assert set(beats[:30]) == {-1}
    assert beats[30:40] == (1,) * 10
    assert beats[40:50] == (0,) * 10
    assert beats[50:54] == (1,) * 4
    assert beats[59] == 5


def test_a_fleet_that_expects_nothing_is_decided() -> None:
    assert Watched(Fleet(roster(), 0.0)).snapshot().decided


def test_an_idle_snapshot_shares_everything_with_the_one_before() -> None:
    watched = watch("ESS:104 STANDBY", "ESS:106 STANDBY")
    start(watched, "ESS:104 STANDBY")
    before = watched.snapshot()
    watched.see(beat("ESS:104", "7/101", 0.5))
    after = watched.snapshot()
    assert after.number == before.number + 1
    assert after.cscs is before.cscs
    assert after.events is before.events


def big(count: int) -> tuple[Watched, list[CscId]]:
    specs = [spec(f"C{number // 40}:{number % 40 + 1} ENABLED") for number in range(count)]
    watched = watch(*specs)
    for one in specs:
        start(watched, f"{one.csc} ENABLED")
    watched.snapshot()
    return watched, [one.csc for one in specs]


def test_the_seconds_of_a_farewell_pass_in_a_fleet_that_only_follows_records() -> None:
    watched = watch("ESS:104 OFFLINE")
    start(watched, "ESS:104 OFFLINE")
    follower = Fleet(roster("ESS:104 OFFLINE"), 0.0)
    for record in watched.records:
        follower.apply(record)
    assert follower.snapshot(5.0, 0.0).cscs[0].verdict is Verdict.MOVING
    assert follower.snapshot(5.1, 0.0).cscs[0].verdict is Verdict.OFF_TARGET


def test_an_event_line_is_what_a_reader_needs() -> None:
    watched = watch("ESS:104 ENABLED")
    start(watched, "ESS:104 ENABLED")
    watched.until(1.0)
    watched.see(told("ESS:104", "FAULT", 1.0, life="7/4"))
    line = watched.snapshot().events[-1]
    assert line == EventLine(2, START_UTC + 1.0, "ESS:104", "ENABLED → FAULT", "says FAULT", False, Effective.FAULT)

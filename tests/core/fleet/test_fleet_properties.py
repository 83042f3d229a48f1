"""What must hold for any order of observations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    BeatsReadBack,
    EfdAnswered,
    FetchesResumed,
    FetchesStopped,
    Observation,
    StatesReadBack,
    StatesUnreadable,
    StoodStill,
    TopicsListed,
    Unreadable,
)
from deploydash.core.fleet.snapshot import CscView, Snapshot
from deploydash.core.model import (
    CscId,
    Effective,
    FeedName,
    FeedState,
    Liveness,
    Phase,
    Source,
    SummaryState,
    Target,
    Verdict,
)
from tests.support.builders import Watched, beat, error, feed, logged_beat, roster, spec, substate, told, unreadable
from tests.support.clock import START_UTC

ROSTER = roster(
    spec("ESS:104 STANDBY", group="Env"),
    spec("ESS:106 ENABLED", group="Env"),
    spec("Watcher ENABLED", group="Obs"),
    spec("MTCamera OFFLINE/AVAILABLE", group="MT", camera=True),
    spec("GIS OFFLINE", group="Obs"),
)
Moment = partial[Observation] | partial[tuple[Observation, ...]]
History = list[tuple[float, Observation]]

NAMES = ["ESS:104", "ESS:106", "Watcher", "MTCamera", "GIS", "ESS:999", "Script:100001"]
COMPONENTS = ["ESS", "Watcher", "MTCamera", "GIS"]
PHASES = [Phase(), Phase(None), Phase(Target.parse("OFFLINE")), Phase(Target.parse("STANDBY"))]

cscs = st.sampled_from(NAMES)
lives = st.builds("{}/{}".format, st.integers(7, 8), st.integers(1, 9))
components = st.frozensets(st.sampled_from(COMPONENTS), min_size=1)
ages = st.sampled_from([0.0, 0.5, 3.0, 7.0, 20.0, 60.0, 90.0])
states = st.sampled_from(list(SummaryState.__members__))
unread = st.builds(
    Unreadable, st.sampled_from([None, 104, 0]), st.integers(0, 9), st.sampled_from(["a", "b"]), st.booleans()
)


def made(
    make: Callable[..., Observation | tuple[Observation, ...]], **drawn: st.SearchStrategy[Any]
) -> st.SearchStrategy[Moment]:
    """Draw everything of an observation but the time."""
    return st.builds(partial, st.just(make), **drawn)


def read_back(component: str, at: float, *, append_time: bool, complete: bool) -> Observation:
    return BeatsReadBack(component, at, START_UTC + at - 60, append_time, complete)


def stopped(components: frozenset[str], at: float) -> Observation:
    return FetchesStopped(components, at, max(0.0, at - 3), "no leader")


def unread_beat(name: str, live: bool, at: float) -> Observation:
    return unreadable(name, at, "null value", live=live)


def unread_states(component: str, newest: tuple[Unreadable, ...], at: float) -> Observation:
    return StatesUnreadable(component, "summaryState", newest, at)


def stood_still(seconds: float, at: float) -> Observation:
    return StoodStill(at - seconds, seconds, "", at)


def next_beat(csc: str, origin: int, at: float) -> Observation:
    """A beat of a process that has beaten on since 100 s before we started."""
    return beat(csc, f"{origin}/{1000 + int(at * 10)}", at)


def two_processes(csc: str, at: float) -> tuple[Observation, ...]:
    return tuple(next_beat(csc, origin, at + turn / 10) for turn, origin in enumerate((7, 8, 7, 8)))


def next_state(csc: str, state: str, at: float) -> Observation:
    return told(csc, state, at, life=f"7/{10 + int(at)}")


def usual_start(states_told: tuple[str, ...]) -> History:
    """Kafka up and read, each CSC's last state, and a beat of each."""
    listed = frozenset(COMPONENTS)
    return [
        (0.0, one)
        for one in (
            feed(FeedName.KAFKA, FeedState.UP, 0.0),
            TopicsListed(listed, 0.0),
            FetchesResumed(listed, 0.0),
            *(
                told(csc, state, 0.0, life="7/3", age=500.0, live=False)
                for csc, state in zip(NAMES, states_told, strict=False)
            ),
            *(StatesReadBack(component, 0.0) for component in COMPONENTS),
            *(BeatsReadBack(component, 0.0, START_UTC, append_time=False) for component in COMPONENTS),
            *(next_beat(str(one.csc), 7, 0.0) for one in ROSTER.cscs),
        )
    ]


STARTS = st.one_of(st.just(History()), *[st.tuples(*[states] * 5).map(usual_start)] * 3)
MOMENTS: st.SearchStrategy[Moment] = st.one_of(
    *[made(next_beat, csc=cscs, origin=st.just(7))] * 4,
    *[made(next_beat, csc=cscs, origin=st.just(8))] * 2,
    made(two_processes, csc=cscs),
    *[made(next_state, csc=cscs, state=states)] * 3,
    made(beat, csc=cscs, life=lives, create_time=st.booleans()),
    made(logged_beat, csc=cscs, life=lives, age=ages),
    made(told, csc=cscs, state=states, life=lives, age=ages, live=st.booleans(), order=st.integers(0, 9)),
    made(told, csc=cscs, state=states, life=st.none(), age=ages, live=st.just(False), source=st.just(Source.EFD)),
    made(substate, csc=st.just("MTCamera"), name=st.sampled_from(["AVAILABLE", "PUBLISH_ONLY"]), life=lives),
    *[made(unread_beat, name=st.sampled_from(["ESS", "ESS:104", "Watcher"]), live=st.booleans())] * 2,
    made(unread_states, component=st.sampled_from(COMPONENTS), newest=st.lists(unread, max_size=2).map(tuple)),
    made(error, csc=cscs, code=st.sampled_from([0, 101]), live=st.booleans()),
    made(read_back, component=st.sampled_from(COMPONENTS), append_time=st.booleans(), complete=st.booleans()),
    made(StatesReadBack, component=st.sampled_from(COMPONENTS)),
    made(EfdAnswered, cscs=st.frozensets(cscs.map(CscId.parse))),
    made(TopicsListed, components=components),
    made(stopped, components=components),
    made(FetchesResumed, components=components),
    *[made(stood_still, seconds=st.sampled_from([0.6, 3.0, 13.0]))] * 2,
    made(feed, name=st.sampled_from(list(FeedName)), state=st.sampled_from(list(FeedState))),
)
PAUSES = st.sampled_from([0.0, 0.0, 0.25, 1.0, 4.0, 11.0])


def in_time(start: History, steps: list[tuple[float, Moment]]) -> History:
    at = 0.0
    history = [*start]
    for pause, moment in steps:
        at += pause
        made_now = moment(at=at)
        history += [(at, one) for one in (made_now if isinstance(made_now, tuple) else (made_now,))]
    return history


HISTORIES: st.SearchStrategy[History] = st.builds(in_time, STARTS, st.lists(st.tuples(PAUSES, MOMENTS), max_size=25))
"""Observations in the order of their arrival, with pauses long enough for late and silent."""


def watch(history: History, phase: Phase = PHASES[0]) -> Watched:
    watched = Watched(Fleet(ROSTER, 0.0, phase), tick=1.0)
    for at, observation in history:
        watched.until(at)
        watched.see(observation)
    return watched


USUAL = settings(max_examples=300)


@given(HISTORIES, st.sampled_from(PHASES))
@USUAL
def test_only_what_beats_or_may_be_silent_is_ever_at_a_target(history: History, phase: Phase) -> None:
    watched = watch(history, phase)
    for pause in (0.0, 3.0, 12.0):
        watched.until(watched.now + pause)
        for view in watched.snapshot().cscs:
            if view.verdict is Verdict.AT_TARGET and view.liveness not in (Liveness.BEATING, Liveness.LATE):
                assert view.liveness in (Liveness.SILENT, Liveness.UNSEEN)
                assert view.target == Target(SummaryState.OFFLINE)
            if view.verdict is Verdict.AT_TARGET and view.target is not None:
                assert view.effective == view.target.state.name
                assert not view.duplicate


@given(HISTORIES, st.sampled_from(PHASES))
@USUAL
def test_the_counts_add_up_and_agree_with_the_views(history: History, phase: Phase) -> None:
    snapshot = watch(history, phase).snapshot()
    summary = snapshot.summary
    expected = [view for view in snapshot.cscs if view.expected]
    counted = [summary.at_target, summary.moving, summary.off_target, summary.unknown, summary.no_target]
    assert sum(counted) == summary.expected == len(ROSTER.cscs) == len(expected)
    assert counted == [
        sum(view.verdict == verdict for view in expected)
        for verdict in ("at_target", "moving", "off_target", "unknown", "no_target")
    ]
    assert summary.unexpected == tuple(view.csc for view in snapshot.cscs if not view.expected)
    assert {csc.name for csc in summary.unexpected} <= {"ESS"}
    for group in snapshot.groups:
        members = [view for view in expected if view.group == group.name]
        assert group.at_target == sum(view.verdict is Verdict.AT_TARGET for view in members)
        assert group.total == sum(view.verdict is not Verdict.NO_TARGET for view in members)


@given(HISTORIES)
@USUAL
def test_records_alone_give_the_same_facts(history: History) -> None:
    watched = watch(history)
    watched.until(watched.now + 4.0)
    folded = Fleet(ROSTER, 0.0)
    for record in watched.records:
        folded.apply(record)
    live = watched.snapshot()
    unsure = frozenset(view.csc for view in live.cscs if view.reason.text.endswith(A_SECOND_ONE))
    assert durable(folded.snapshot(watched.now, 0.0), unsure) == durable(live, unsure)


A_SECOND_ONE = "a second process could still show"
"""Only live heartbeats tell how long a CSC has been listened to, so who only observes does not wait for this."""


def durable(snapshot: Snapshot, unsure: frozenset[CscId]) -> tuple[object, ...]:
    """Leave out what only live heartbeats tell, with whatever counts it, and when it was looked at."""
    feeds = [(feed.feed, feed.state, feed.detail, feed.since) for feed in snapshot.feeds]
    views = [durable_view(view) for view in snapshot.cscs if view.csc not in unsure]
    return views, feeds, None if unsure else (snapshot.summary, snapshot.groups)


def durable_view(view: CscView) -> CscView:
    exact = view.liveness not in (Liveness.BEATING, Liveness.FEED_DOWN)
    return replace(view, changed_at=None, beat_at=view.beat_at if exact else None)


@given(HISTORIES)
@USUAL
def test_a_view_that_did_not_change_is_the_same_object(history: History) -> None:
    watched = Watched(Fleet(ROSTER, 0.0), tick=1.0)
    before = watched.snapshot()

    def looked() -> None:
        nonlocal before
        after = watched.snapshot()
        assert after.number == before.number + 1
        assert len(after.cscs) >= len(before.cscs)
        for old, new in zip(before.cscs, after.cscs, strict=False):
            assert old.csc == new.csc
            assert (old is new) == (old == new)
        before = after

    for at, observation in history:
        # A look at each tick: what changes there and back between two looks is another object that is equal.
        while watched.now + 1.0 < at:
            watched.until(watched.now + 1.0)
            looked()
        watched.until(at)
        looked()
        watched.see(observation)
        looked()


@given(HISTORIES)
@USUAL
def test_a_feed_that_is_down_makes_nothing_silent_and_nothing_at_target(
    history: History,
) -> None:
    watched = watch(history)
    watched.see(feed(FeedName.KAFKA, FeedState.DOWN, watched.now))
    frozen = watched.snapshot()
    watched.until(watched.now + 100)
    later = watched.snapshot()
    assert {view.liveness for view in later.cscs} == {Liveness.FEED_DOWN}
    assert later.summary.at_target == later.summary.off_target == later.summary.moving == 0
    assert [view.effective for view in later.cscs] == [view.effective for view in frozen.cscs]


@given(HISTORIES, st.integers(0, 15))
@USUAL
def test_while_records_arrive_that_cannot_be_read_nobody_of_the_component_is_silent(
    history: History, seconds: int
) -> None:
    watched = watch(history, Phase(Target.parse("OFFLINE")))
    for _ in range(seconds + 1):
        watched.see(unread_beat("ESS", True, watched.now))
        watched.until(watched.now + 1.0)
    for view in watched.snapshot().cscs:
        if view.csc.name == "ESS" and view.liveness not in (Liveness.BEATING, Liveness.LATE):
            assert view.liveness in (Liveness.UNREADABLE, Liveness.UNSEEN, Liveness.FEED_DOWN)
            assert view.verdict in (Verdict.UNKNOWN, Verdict.NO_TARGET) or view.duplicate


@given(HISTORIES, st.sampled_from([None, 104]))
@USUAL
def test_a_state_that_cannot_be_read_leaves_nobody_at_a_target_by_an_older_one(
    history: History, index: int | None
) -> None:
    watched = watch(history, Phase(Target.parse("OFFLINE")))
    watched.see(unread_states("ESS", (Unreadable(index, 100, "null value"),), watched.now))
    for pause in (0.0, 3.0, 20.0):
        watched.until(watched.now + pause)
        view = watched.view("ESS:104")
        assert view.reported is None
        assert view.verdict is not Verdict.AT_TARGET


@given(HISTORIES)
@USUAL
def test_ticks_find_nothing_more_where_no_time_passes(history: History) -> None:
    watched = watch(history)
    watched.until(watched.now + 0.25)
    assert watched.fleet.tick(watched.now) == ()


def test_the_histories_reach_every_liveness_and_verdict() -> None:
    reached: set[object] = set()

    @given(HISTORIES)
    @settings(max_examples=400, derandomize=True)
    def collect(history: History) -> None:
        watched = watch(history)
        for view in watched.snapshot().cscs:
            reached.update((view.liveness, view.verdict, view.effective, ("duplicate", view.duplicate)))

    collect()
    verdicts = {Verdict.AT_TARGET, Verdict.OFF_TARGET, Verdict.UNKNOWN, Verdict.NO_TARGET}
    assert reached >= {*Liveness, *Effective, *verdicts, ("duplicate", True)}

"""Whatever bytes arrive as values: none of them is silence, and none leaves an older state standing as the last."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import (
    BeatArrived,
    BeatsUnreadable,
    FetchesResumed,
    Observation,
    StatesReadBack,
    StatesUnreadable,
    StateTold,
    TopicsListed,
)
from deploydash.core.model import FeedName, FeedState, Liveness, Phase, SummaryState, Target, Verdict
from tests.support.builders import Watched, feed, roster, told
from tests.support.clock import START_UTC
from tests.support.records import Entry
from tests.systems.sal.reading.test_kafka_intake import BEATS, STATES, Registry, Way, value

ESS = frozenset({"ESS"})
NAMES = ("ESS:1", "ESS:2")
GOOD = {BEATS: value(1, 1, 5), STATES: value(2, 1, 9, state=SummaryState.ENABLED)}


def broken(good: bytes) -> st.SearchStrategy[bytes | None]:
    """Draw anything: noise, a good frame around noise, a good record cut, grown or changed in one byte, nothing."""
    places = st.integers(0, len(good) - 1)
    return st.one_of(
        st.none(),
        st.binary(max_size=60),
        st.binary(max_size=60).map(lambda noise: good[:5] + noise),
        places.map(lambda end: good[:end]),
        st.binary(min_size=1, max_size=4).map(lambda more: good + more),
        st.tuples(places, st.integers(1, 255)).map(
            lambda drawn: good[: drawn[0]] + bytes([good[drawn[0]] ^ drawn[1]]) + good[drawn[0] + 1 :]
        ),
        st.integers(0, 2**32 - 1).map(lambda number: b"\0" + number.to_bytes(4, "big") + good[5:]),
    )


def arriving(way: Way, watched: Watched, partition: object, values: list[bytes | None]) -> list[Observation]:
    """Have values arrive live now; return what they told."""
    begin, stamp = 100 + int(watched.now) * 10, int((START_UTC + watched.now) * 1000)
    batch = {partition: [Entry(begin + place, one, stamp) for place, one in enumerate(values)]}
    before = len(way.inbox.batches)
    take = way.intake.beats if partition is BEATS else way.intake.events_told
    asyncio.run(take(batch, watched.now))  # type: ignore[arg-type]
    news = [one for told_now in way.inbox.batches[before:] for one in told_now]
    watched.see(*news)
    return news


def begun() -> tuple[Way, Watched]:
    """A site that should be OFFLINE, whose two CSCs told STANDBY long ago."""
    registry = Registry()
    asyncio.run(registry.schema(1))
    asyncio.run(registry.schema(2))
    watched = Watched(Fleet(roster(*(f"{name} OFFLINE" for name in NAMES)), 0.0, Phase(Target.parse("OFFLINE"))))
    watched.see(
        feed(FeedName.KAFKA, FeedState.UP, 0.0),
        TopicsListed(ESS, 0.0),
        FetchesResumed(ESS, 0.0),
        *(told(name, "STANDBY", 0.0, age=500.0, live=False, order=place) for place, name in enumerate(NAMES)),
        StatesReadBack("ESS", 0.0),
    )
    return Way(registry), watched


USUAL = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(st.lists(st.lists(broken(GOOD[BEATS]), min_size=1, max_size=3), min_size=14, max_size=14))
@USUAL
def test_any_bytes_on_a_heartbeat_topic_are_a_beat_or_a_heartbeat_that_cannot_be_read(
    seconds: list[list[bytes | None]],
) -> None:
    way, watched = begun()
    for values in seconds:
        news = arriving(way, watched, BEATS, values)
        readable = sum(one.count for one in news if isinstance(one, BeatArrived))
        unread = [one for one in news if isinstance(one, BeatsUnreadable)]
        assert readable == len(values) or unread
        watched.until(watched.now + 1.0)
    always = all(one.index is None for one in way.inbox.of(BeatsUnreadable)) and not way.inbox.of(BeatArrived)
    for view in watched.snapshot().cscs:
        if always and view.expected:
            assert view.liveness is Liveness.UNREADABLE
            assert view.verdict is Verdict.UNKNOWN


@given(st.lists(broken(GOOD[STATES]), min_size=1, max_size=4))
@USUAL
def test_any_bytes_on_a_state_topic_are_a_state_or_hide_the_one_before(values: list[bytes | None]) -> None:
    way, watched = begun()
    watched.until(20.0)
    assert {view.verdict for view in watched.snapshot().cscs} == {Verdict.AT_TARGET}, "STANDBY, and silent"
    news = arriving(way, watched, STATES, values)
    if any(isinstance(one, StateTold) for one in news):
        return
    marked = {mark.index for mark in way.inbox.of(StatesUnreadable)[-1].newest}
    for view in watched.snapshot().cscs:
        if marked - {1, 2} or view.csc.index in marked:
            assert (view.reported, view.verdict) == (None, Verdict.UNKNOWN)
    assert marked

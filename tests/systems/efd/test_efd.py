"""The EFD feed on a real InfluxDB with authentication, filled as Telegraf fills the EFD."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from deploydash.core.fleet.observations import EfdAnswered, FeedChanged, Process, StateTold, SubstateTold
from deploydash.core.model import CameraSubstate, CscId, FeedName, FeedState, Source, SummaryState
from deploydash.session.clock import SystemClock
from deploydash.systems.efd.feed import EfdFeed
from deploydash.systems.settings import EfdSettings
from tests.servers.efd import EfdWriter
from tests.servers.influx import PASSWORDS, InfluxServer
from tests.support.collected import running

pytestmark = pytest.mark.server

ESS, OTHER_ESS, WATCHER, CAMERA = CscId("ESS", 104), CscId("ESS", 105), CscId("Watcher"), CscId("ATCamera")
NOON = 1_763_640_000.25
WEEK = 7 * 86_400.0


def _settings(influx: InfluxServer, **changes: Any) -> EfdSettings:
    given = {"url": influx.url, "database": "efd", "username": "reader", "password": PASSWORDS["reader"]}
    return EfdSettings(**{**given, "source": "site file", **changes})


def _feed(influx: InfluxServer, subname: str = "sal", *, timeout: float = 10.0, **changes: Any) -> EfdFeed:
    settings = _settings(influx, **changes)
    return EfdFeed(settings, SystemClock(), subname=subname, timeout=timeout, back_off=(0.05,), probe_every=0.2)


async def _why_down(feed: EfdFeed) -> str:
    async with running(feed) as inbox:
        await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
        return inbox.health().detail


async def test_the_last_state_of_each_csc_is_told_from_one_request(influx: InfluxServer, subname: str) -> None:
    efd = EfdWriter(influx, subname)
    efd.tell_state(ESS, SummaryState.STANDBY, at_utc=NOON - 300 * WEEK, origin=7, seq=1)
    efd.tell_state(ESS, SummaryState.ENABLED, at_utc=NOON, origin=8, seq=4)
    efd.tell_state(OTHER_ESS, SummaryState.FAULT, at_utc=NOON - 200 * WEEK, origin=9, seq=2)
    efd.tell_state(CscId("ESS", 1), SummaryState.DISABLED, at_utc=NOON + 60)
    efd.tell_state(WATCHER, SummaryState.OFFLINE, at_utc=NOON + 1, origin=10, seq=3)
    feed = _feed(influx, subname)
    never = CscId("MTMount")
    async with running(feed) as inbox:
        feed.request(frozenset({ESS, OTHER_ESS}))
        feed.request(frozenset({WATCHER, never}))
        await inbox.until(lambda: inbox.of(EfdAnswered))
        (answered,) = inbox.of(EfdAnswered)
        assert answered.cscs == {ESS, OTHER_ESS, WATCHER, never}
        at = answered.at
        assert inbox.of(StateTold) == [
            StateTold(ESS, SummaryState.ENABLED, Process(8, 4), NOON, at, Source.EFD, live=False),
            StateTold(OTHER_ESS, SummaryState.FAULT, Process(9, 2), NOON - 200 * WEEK, at, Source.EFD, live=False),
            StateTold(WATCHER, SummaryState.OFFLINE, Process(10, 3), NOON + 1, at, Source.EFD, live=False),
        ]
        assert [change.state for change in inbox.of(FeedChanged)] == [FeedState.CONNECTING, FeedState.UP]
        assert inbox.health().detail == f"{influx.url} (site file)"
    assert feed.name is FeedName.EFD


async def test_a_camera_is_asked_for_its_substate_too(influx: InfluxServer, subname: str) -> None:
    efd = EfdWriter(influx, subname)
    efd.tell_state(CAMERA, SummaryState.OFFLINE, at_utc=NOON)
    efd.tell_substate(CAMERA, CameraSubstate.PUBLISH_ONLY, at_utc=NOON - 1)
    efd.tell_substate(CAMERA, CameraSubstate.AVAILABLE, at_utc=NOON + 2, origin=5, seq=6)
    feed = _feed(influx, subname)
    async with running(feed) as inbox:
        feed.request(frozenset({CAMERA}))
        await inbox.until(lambda: inbox.of(EfdAnswered))
        (told,) = inbox.of(SubstateTold)
        assert told == SubstateTold(
            CAMERA, CameraSubstate.AVAILABLE, Process(5, 6), NOON + 2, told.at, Source.EFD, live=False
        )
        assert [told.state for told in inbox.of(StateTold)] == [SummaryState.OFFLINE]


async def test_no_name_can_end_the_query_it_stands_in(influx: InfluxServer, subname: str) -> None:
    efd = EfdWriter(influx, subname)
    efd.tell_state(WATCHER, SummaryState.ENABLED, at_utc=NOON)
    evil = [
        CscId('x"; DROP DATABASE efd; SELECT "y'),
        CscId('x\\"; DROP DATABASE efd; SELECT "y'),
        CscId("x\n; DROP DATABASE efd"),
        CscId("x' OR '1'='1"),
    ]
    feed = _feed(influx, subname, username="admin", password=PASSWORDS["admin"])
    async with running(feed) as inbox:
        feed.request(frozenset([*evil, WATCHER]))
        await inbox.until(lambda: inbox.of(EfdAnswered))
        assert inbox.of(EfdAnswered)[0].cscs == {*evil, WATCHER}
        assert [told.csc for told in inbox.of(StateTold)] == [WATCHER]


async def test_a_thousand_cscs_and_more_are_all_answered(influx: InfluxServer, subname: str) -> None:
    efd = EfdWriter(influx, subname)
    efd.tell_state(CscId("ESS", 2345), SummaryState.ENABLED, at_utc=NOON)
    many = frozenset(CscId("ESS", index) for index in range(1, 2500))
    feed = _feed(influx, subname)
    async with running(feed) as inbox:
        feed.request(many)
        await inbox.until(lambda: sum(len(batch.cscs) for batch in inbox.of(EfdAnswered)) == len(many))
        assert frozenset().union(*(batch.cscs for batch in inbox.of(EfdAnswered))) == many
        assert [told.csc.index for told in inbox.of(StateTold)] == [2345]


async def test_refusals_are_told_apart(influx: InfluxServer) -> None:
    wrong = await _why_down(_feed(influx, password="wrong"))
    assert wrong == (
        f"{influx.url} does not accept user 'reader' with this password (check EFD_USERNAME and EFD_PASSWORD)"
    )
    nameless = await _why_down(_feed(influx, username="", password=""))
    assert "wants a user and a password (export EFD_USERNAME and EFD_PASSWORD)" in nameless
    foreign = await _why_down(_feed(influx, database="other"))
    assert "does not let user 'reader' read database 'other'" in foreign
    absent = await _why_down(_feed(influx, database="other", username="admin", password=PASSWORDS["admin"]))
    assert "has no database 'other' (correct efd.database in the site file)" in absent
    elsewhere = await _why_down(_feed(influx, url=f"{influx.url}/somewhere"))
    assert "does not answer as InfluxDB does: HTTP 404 (check the EFD's address" in elsewhere
    for words in (wrong, nameless, foreign, absent, elsewhere):
        assert PASSWORDS["reader"] not in words


async def test_an_efd_that_is_gone_comes_back_with_the_answer(own_influx: InfluxServer) -> None:
    EfdWriter(own_influx).tell_state(ESS, SummaryState.ENABLED, at_utc=NOON)
    own_influx.stop()
    feed = _feed(own_influx)
    async with running(feed) as inbox:
        feed.request(frozenset({ESS}))
        await inbox.until(lambda: inbox.health().state is FeedState.DOWN)
        assert inbox.health().detail == (
            f"{own_influx.url} cannot be reached: Connection refused"
            " (see that InfluxDB runs there; the address is from the site file)"
        )
        assert not inbox.of(EfdAnswered)
        own_influx.restart()
        await inbox.until(lambda: inbox.of(EfdAnswered))
        assert inbox.health().state is FeedState.UP
        assert [told.state for told in inbox.of(StateTold)] == [SummaryState.ENABLED]
        own_influx.stop()
        await inbox.until(lambda: inbox.health().state is FeedState.DOWN)


async def test_an_efd_that_hangs_is_given_up_in_time(own_influx: InfluxServer) -> None:
    own_influx.freeze()
    assert "did not answer within 0.3 s" in await _why_down(_feed(own_influx, timeout=0.3))
    own_influx.thaw()
    feed = _feed(own_influx)
    async with running(feed) as inbox:
        await inbox.until(lambda: inbox.health().state is FeedState.UP)


async def test_credentials_are_in_no_url_that_is_logged(
    own_influx: InfluxServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    feed = _feed(own_influx)
    async with running(feed) as inbox:
        feed.request(frozenset({ESS}))
        await inbox.until(lambda: inbox.of(EfdAnswered))
    server_log = own_influx.log()
    assert "POST /query" in server_log
    assert "/query HTTP" in caplog.text or httpx2.URL(own_influx.url).host in caplog.text
    for log in (server_log, caplog.text):
        assert PASSWORDS["reader"] not in log
    assert PASSWORDS["reader"] not in repr(feed._settings)


async def test_without_an_address_the_feed_is_off(clock: SystemClock) -> None:
    feed = EfdFeed(EfdSettings("", "", "site file"), clock)
    async with running(feed) as inbox:
        feed.request(frozenset({ESS}))
        await inbox.until(lambda: inbox.batches)
        assert [(change.state, change.detail) for change in inbox.of(FeedChanged)] == [
            (FeedState.OFF, "the site file names no EFD")
        ]


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()

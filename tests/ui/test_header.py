"""The lines around the grid at every width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import EventLine, FeedView
from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.ui.draw.glyphs import ASCII, UNICODE
from deploydash.ui.draw.header import clock, feeds_line, header
from deploydash.ui.draw.ink import Ink, Surface, plain
from deploydash.ui.draw.lines import banner, event, groups_lines, keys_line, message, reason_of, rule, selection
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.keys import Scope
from tests.support import snapshots
from tests.support.snapshots import NOW, UTC

MOMENT = Moment(NOW, UTC, UNICODE)
WIDTHS = [60, 80, 100, 120, 200, 250]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rehearsal", [False, True])
def test_the_header_fills_its_line_and_names_site_and_time_at_every_width(width: int, rehearsal: bool) -> None:
    text = plain(header(snapshots.busy(rehearsal=rehearsal), UTC, width, UNICODE, 20))
    assert len(text) == width
    assert "SUMMIT" in text
    assert "21:04:12Z" in text
    assert ("REHEARSAL ×20" in text) is rehearsal


def test_the_sites_time_stands_beside_utc_by_its_own_rules() -> None:
    assert "".join(span.text for span in clock(UTC, "America/Santiago")[0]) == "18:04:12 Santiago  21:04:12Z "
    winter = UTC + 180 * 86_400
    assert "".join(span.text for span in clock(winter, "America/Santiago")[0]).startswith("17:04:12 ")
    assert len(clock(UTC, "UTC")) == 1
    assert len(clock(UTC, "Not/AZone")) == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_feeds_fit_their_line(width: int) -> None:
    assert len(plain(feeds_line(snapshots.busy(), width, NOW, UNICODE))) == width


@pytest.mark.parametrize(
    ("state", "words", "ink"),
    [
        (FeedState.UP, "● kafka 243/s 0.2 s", Ink.GOOD),
        (FeedState.CONNECTING, "◌ kafka connecting", Ink.ACCENT),
        (FeedState.DEGRADED, "◐ kafka degraded", Ink.WARN),
        (FeedState.DOWN, "✖ kafka down 12 s", Ink.BAD),
        (FeedState.OFF, "○ kafka off", Ink.DIM),
    ],
)
def test_a_feed_says_its_state_by_sign_and_word(state: FeedState, words: str, ink: Ink) -> None:
    feed = FeedView(FeedName.KAFKA, state, "", NOW - 12, 243.0, 0.2)
    line = feeds_line(snapshots.busy(feed_views=(feed,)), 120, NOW, UNICODE)
    assert words in plain(line)
    assert line.spans[1].ink is ink


def test_a_foreign_address_is_red_and_says_where_it_came_from() -> None:
    detail = "other:9092 (LSST_KAFKA_BROKER_ADDR), not one of the site's hosts"
    line = feeds_line(
        snapshots.busy(feed_views=(FeedView(FeedName.KAFKA, FeedState.UP, detail, NOW),)), 120, NOW, UNICODE
    )
    assert next(span for span in line.spans if "LSST_KAFKA_BROKER_ADDR" in span.text).ink is Ink.BAD


ENVIRONMENT = snapshots.feeds(
    kafka=FeedView(FeedName.KAFKA, FeedState.UP, "127.0.0.1:9094 (LSST_KAFKA_BROKER_ADDR)", NOW, 243.0, 0.2),
    schema_registry=FeedView(
        FeedName.SCHEMA_REGISTRY, FeedState.UP, "http://127.0.0.1:8081 (LSST_SCHEMA_REGISTRY_URL)", NOW
    ),
)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_an_address_from_the_environment_says_so_calmly_and_hides_no_feed(width: int) -> None:
    line = feeds_line(snapshots.busy(feed_views=ENVIRONMENT), width, NOW, UNICODE)
    assert next(span for span in line.spans if "LSST_KAFKA_BROKER_ADDR" in span.text).ink is Ink.DIM
    assert all(name in plain(line) for name in ("● kafka", "● registry", "● efd"))
    assert ("(LSST_SCHEMA_REGISTRY_URL)" in plain(line)) is (width > 80)


@pytest.mark.parametrize("state", list(FeedState))
def test_a_variable_that_is_only_advice_is_no_source(state: FeedState) -> None:
    detail = "127.0.0.1:9094 (site file): refused (LSST_KAFKA_BROKER_ADDR would win)"
    feed = FeedView(FeedName.KAFKA, state, detail, NOW)
    assert "LSST" not in plain(feeds_line(snapshots.busy(feed_views=(feed,)), 120, NOW, UNICODE))


@pytest.mark.parametrize(("skew", "shown"), [(0.9, False), (1.4, True), (-3.0, True), (None, False)])
def test_a_skew_is_shown_beyond_a_second(skew: float | None, shown: bool) -> None:
    feed = FeedView(FeedName.KAFKA, FeedState.UP, "", NOW, 1.0, 0.1, skew)
    assert ("our clock" in plain(feeds_line(snapshots.busy(feed_views=(feed,)), 120, NOW, UNICODE))) is shown


@pytest.mark.parametrize("width", [60, 79, 80, 99])
def test_group_bars_stay_within_their_width_and_show_every_count(width: int) -> None:
    shown = [plain(line) for line in groups_lines(snapshots.busy().groups, width, UNICODE)]
    assert all(len(line) <= width for line in shown)
    text = "\n".join(shown)
    for group in snapshots.busy().groups:
        assert f"{group.at_target}/{group.total}" in text


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_events_rules_footers_and_answers_stay_within_their_width(width: int, glyphs: object) -> None:
    signs = UNICODE if glyphs is UNICODE else ASCII
    moment = replace(MOMENT, glyphs=signs)
    lines = [rule("Events", width, signs), keys_line(Scope.GRID, width, {}, Surface.BAR)]
    lines += [event(line, UTC, width, signs) for line in snapshots.some_events()]
    lines += [selection(view, moment, width) for view in snapshots.busy_views()]
    lines += message("a long answer " * 40, width)
    assert max(len(plain(line)) for line in lines) <= width
    footer = plain(keys_line(Scope.GRID, width, {}, Surface.BAR))
    assert "? help" in footer


WHY = "Kafka is down: kafka.example.org:9094 (site file): the broker's certificate is not trusted: self-signed (name "
WHY += "the file of the authority that signed it; if it should be trusted, is this the right broker?)"
LAST = "; everything is shown as it was last seen"


@pytest.mark.parametrize(("width", "rows"), [(80, 3), (99, 3), (120, 2), (200, 2)])
@pytest.mark.parametrize("times", [1, 4])
def test_a_banner_wraps_and_never_loses_what_to_make_of_the_screen(width: int, rows: int, times: int) -> None:
    shown = [plain(line) for line in banner(WHY * times + LAST, width, UNICODE)]
    assert len(shown) <= rows
    assert {len(line) for line in shown} == {width}
    assert " ".join(" ".join(shown).split()).endswith(LAST)
    assert shown[0].startswith(" ✖ Kafka is down: kafka.example.org:9094")


def test_a_banner_of_one_clause_is_cut_at_its_end_and_a_short_one_takes_one_line() -> None:
    long = banner("suspect the feed " * 40, 80, ASCII)
    assert [len(plain(line)) for line in long] == [80, 80, 80]
    assert "~" in plain(long[-1])
    assert len(banner("7 CSCs went quiet together: suspect the feed, not the observatory", 120, UNICODE)) == 1
    assert banner("", 80, UNICODE) == []


def test_what_went_as_planned_is_dim_and_what_did_not_is_bright() -> None:
    calm = EventLine(1, UTC - 60, "AT", "13 of 13 OFFLINE", "as planned", calm=True)
    alarm = snapshots.some_events()[2]
    assert {span.ink for span in event(calm, UTC, 120, UNICODE).spans} == {Ink.DIM}
    assert Ink.LETTER_FAULT in {span.ink for span in event(alarm, UTC, 120, UNICODE).spans}


def test_a_calm_event_is_seen_for_seconds_and_then_fades() -> None:
    fresh = EventLine(1, UTC - 1, "AT", "13 of 13 OFFLINE", "as planned", calm=True)
    assert Ink.TEXT in {span.ink for span in event(fresh, UTC, 120, UNICODE).spans}
    assert Ink.TEXT not in {span.ink for span in event(fresh, UTC + 10, 120, UNICODE).spans}


def test_a_reason_carries_the_report_the_target_and_the_stranger() -> None:
    dome = snapshots.faulted(snapshots.view(CscId("MTDome")))
    assert reason_of(dome, MOMENT) == "says FAULT, error 101 “shutter drive: encoder lost”; target STANDBY"
    assert "target" not in reason_of(snapshots.lost(snapshots.view(CscId("MTDome"))), MOMENT)
    stranger = replace(snapshots.view(CscId("ESS", 999)), expected=False)
    assert reason_of(stranger, MOMENT) == "says STANDBY; not in the site file"
    assert reason_of(dome, replace(MOMENT, glyphs=ASCII)).isascii()


def test_a_topic_as_subject_shows_component_and_event() -> None:
    line = EventLine(1, UTC, "lsst.sal.ESS.logevent_summaryState", "undecodable", "no schema 71", calm=False)
    assert "ESS.logevent_summar…" in plain(event(line, UTC, 120, UNICODE))

"""Maintenance windows over ten years: the clocks of Chile and of the Pacific change in them on different days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from deploydash.systems.practices.windows import Opening, Rule, announced, opening, openings

PACIFIC, CHILE = "America/Los_Angeles", "America/Santiago"
TELESCOPE = Rule(2, True, time(14), PACIFIC, timedelta(hours=1), timedelta(hours=4))
OTHERS = Rule(3, False, time(15), PACIFIC, timedelta(hours=1), timedelta(hours=3))
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 10 * 366 * 86400).map(lambda seconds: BEGIN + timedelta(seconds=seconds))


@given(MOMENTS)
def test_the_next_telescope_window_is_a_first_wednesday_at_two_in_the_pacific(now: datetime) -> None:
    for found in islice(openings(TELESCOPE, now), 3):
        local = found.about.astimezone(ZoneInfo(PACIFIC))
        assert (local.weekday(), local.day <= 7, local.time()) == (2, True, time(14))
        assert found.opens < found.about.astimezone(UTC) < found.closes
        assert found.closes >= now
        assert found.closes - found.opens == timedelta(hours=5)


@given(MOMENTS)
def test_no_window_is_left_out_and_one_that_is_open_comes_first(now: datetime) -> None:
    weekly = list(islice(openings(OTHERS, now), 4))
    days = [found.about.date() for found in weekly]
    assert [later - earlier for earlier, later in pairwise(days)] == [timedelta(days=7)] * 3
    before = opening(OTHERS, days[0] - timedelta(days=7))
    assert before.closes < now, "the one before is over"
    months = [found.about for found in islice(openings(TELESCOPE, now), 13)]
    assert len({(each.year, each.month) for each in months}) == 13, "one in each month"
    assert months == sorted(months)


@given(MOMENTS)
def test_it_is_late_afternoon_in_chile_whatever_both_clocks_do(now: datetime) -> None:
    found = next(iter(openings(TELESCOPE, now)))
    assert 17 <= found.about.astimezone(ZoneInfo(CHILE)).hour <= 19


def test_a_change_of_a_clock_moves_the_utc_hour_and_not_the_local_one() -> None:
    march = opening(TELESCOPE, date(2026, 3, 4)).about.astimezone(UTC)
    april = opening(TELESCOPE, date(2026, 4, 1)).about.astimezone(UTC)
    assert (march.hour, april.hour) == (22, 21), "the Pacific went to summer time on 8 March 2026"
    chile = [
        opening(TELESCOPE, day).about.astimezone(ZoneInfo(CHILE)).hour for day in (date(2026, 4, 1), date(2026, 5, 6))
    ]
    assert chile == [18, 17], "Chile went to winter time on 4 April 2026"


@given(st.dates(date(2025, 1, 1), date(2034, 12, 31)), st.times().map(lambda each: each.replace(microsecond=0)))
def test_an_announced_day_is_its_own_window_until_it_ends_at_the_site(day: date, start: time) -> None:
    found = announced(day, start, CHILE, timedelta(hours=1))
    midnight = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(CHILE)).astimezone(UTC)
    assert found.closes == midnight
    assert not found.holds(midnight + timedelta(seconds=1))
    assert not found.holds(found.opens - timedelta(seconds=1))
    assert isinstance(found, Opening)

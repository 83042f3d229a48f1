"""Days and times as they are typed, and what they stand for."""

from __future__ import annotations

import datetime as dt

import pytest

from deploydash.core.run.dates import day_of, not_a_day, not_a_start, start_of

TODAY = dt.date(2026, 12, 2)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-12-24", "2026-12-24"),
        (" 2026-12-24 ", "2026-12-24"),
        ("thu", "2026-12-03"),
        ("Thursday", "2026-12-03"),
        ("wed", "2026-12-09"),
        ("tues", "2026-12-08"),
        ("+1", "2026-12-03"),
        ("-2", "2026-11-30"),
        ("+30", "2027-01-01"),
        ("today", "2026-12-02"),
        ("tomorrow", "2026-12-03"),
        ("th", "th"),
        ("1", "1"),
        ("soon", "soon"),
        ("", ""),
    ],
)
def test_a_day_is_meant_by_its_date_its_name_or_how_far_it_is(typed: str, meant: str) -> None:
    assert day_of(typed, TODAY) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("08:30", "08:30"),
        ("8:30", "08:30"),
        ("830", "08:30"),
        ("0830", "08:30"),
        ("8", "08:00"),
        ("2359", "23:59"),
        ("24", "24"),
        ("0860", "0860"),
        ("noon", "noon"),
        ("", ""),
    ],
)
def test_a_time_is_meant_by_its_digits(typed: str, meant: str) -> None:
    assert start_of(typed) == meant


def test_what_means_neither_is_refused_in_words() -> None:
    assert [not_a_day("2026-12-03"), not_a_start("08:30")] == ["", ""]
    assert "'soon' is no day" in not_a_day("soon")
    assert "'2026-13-03' is no day" in not_a_day("2026-13-03")
    assert [not_a_start(text) == "" for text in ("8:30", "24:00", "08:60")] == [False] * 3

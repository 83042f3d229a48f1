"""Sentences count, list and time things in one way."""

from __future__ import annotations

from deploydash.core.model import CscId
from deploydash.core.words import and_list, clock, counted, first_of, listed


def test_plurals_are_right() -> None:
    assert [counted(number, "CSC") for number in (0, 1, 2)] == ["0 CSCs", "1 CSC", "2 CSCs"]
    assert counted(2, "entry", "entries") == "2 entries"


def test_cscs_of_one_component_stand_together() -> None:
    cscs = [CscId("ATDome"), CscId("ESS", 302), CscId("Watcher"), CscId("ESS", 104)]
    assert listed(cscs) == "ATDome, ESS:104 302, Watcher"
    assert listed([]) == ""


def test_the_last_of_a_list_follows_an_and() -> None:
    assert [and_list(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_a_long_list_is_cut_and_says_so() -> None:
    assert [first_of("abcd"[:many], 3) for many in range(5)] == ["", "a", "a, b", "a, b, c", "a, b, c and 1 more"]


def test_a_time_is_utc() -> None:
    assert clock(1_800_000_123.9) == "08:02:03Z"

"""Telling processes apart by their heartbeats, and merging runs of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploydash.core.fleet.beats import Lives, Placed, merge_runs
from tests.support.builders import beat, process

LIMIT = 10.0


def place_all(lives: Lives, *beats: tuple[float, str]) -> list[Placed]:
    """Place beats given as (time, origin/number), each stamped when it arrives."""
    return [lives.place(process(life), 1000.0 + at, at, LIMIT) for at, life in beats]


def test_a_rising_number_of_one_origin_is_one_process() -> None:
    lives = Lives()
    placed = place_all(lives, (0, "7/1"), (1, "7/2"), (2, "7/5"))
    assert placed == [Placed.FIRST, Placed.CONTINUES, Placed.CONTINUES]
    assert lives.others == []


@pytest.mark.parametrize("life", ["7/1", "31/1", "31/900"])
def test_a_fall_of_the_number_or_another_origin_is_another_process(life: str) -> None:
    lives = Lives()
    assert place_all(lives, (0, "7/500"), (4, life))[-1] is Placed.NEW
    assert lives.earlier is not None
    assert lives.earlier.seq == 500


def test_one_change_of_process_is_no_duplicate() -> None:
    lives = Lives()
    place_all(lives, (0, "7/500"), (4, "7/1"), (5, "7/2"), (6, "7/3"))
    assert not lives.interleaved


def test_two_series_that_take_turns_are_a_duplicate() -> None:
    lives = Lives()
    placed = place_all(lives, (0, "7/500"), (0.5, "8/1"), (1, "7/501"))
    assert placed[-1] is Placed.RETURNED
    assert not lives.interleaved
    place_all(lives, (1.5, "8/2"))
    assert lives.interleaved


def test_two_processes_of_one_origin_that_beat_in_step_are_a_duplicate() -> None:
    lives = Lives()
    for second in range(6):
        place_all(lives, (second, f"7/{second + 5}"), (second + 0.5, f"7/{second + 5}"))
    assert lives.interleaved


def test_a_process_that_stopped_is_forgotten_after_the_limit() -> None:
    lives = Lives()
    place_all(lives, (0, "7/500"), (0.5, "8/1"), (1, "7/501"), (1.5, "8/2"))
    lives.forget(10.9, LIMIT)
    assert [series.origin for series in lives.others] == [7]
    lives.forget(11.0, LIMIT)
    assert lives.others == []
    assert not lives.interleaved or lives.series is not None


def test_a_restarted_process_that_passes_its_predecessors_number_stays_the_same() -> None:
    lives = Lives()
    placed = place_all(lives, (0, "7/3"), (4, "7/1"), (5, "7/2"), (6, "7/3"), (7, "7/4"), (8, "7/5"))
    assert placed == [Placed.FIRST, Placed.NEW, *[Placed.CONTINUES] * 4]


def test_a_copy_of_an_older_beat_that_arrives_late_is_no_other_process() -> None:
    lives = Lives()
    lives.place(process("7/5"), 1005.0, 5.0, LIMIT)
    assert lives.place(process("7/4"), 1004.0, 5.1, LIMIT) is Placed.CONTINUES
    assert lives.place(process("7/5"), 1005.0, 5.2, LIMIT) is Placed.CONTINUES
    assert lives.series is not None
    assert lives.series.seq == 5


def test_an_equal_number_with_a_later_stamp_is_another_process() -> None:
    lives = Lives()
    lives.place(process("7/1"), 1000.0, 0.0, LIMIT)
    assert lives.place(process("7/1"), 1004.0, 4.0, LIMIT) is Placed.NEW


def test_a_run_of_one_process_is_merged_into_its_last_beat() -> None:
    run = [beat("ESS:104", f"7/{number}", number) for number in (5, 6, 7)]
    assert list(merge_runs(run)) == [beat("ESS:104", "7/7", 7, count=3)]


def test_runs_of_several_cscs_are_merged_side_by_side() -> None:
    mixed = [beat(csc, f"7/{number}", number) for number in (5, 6) for csc in ("ESS:104", "ESS:106")]
    merged = list(merge_runs(mixed))
    assert merged == [beat("ESS:104", "7/6", 6, count=2), beat("ESS:106", "7/6", 6, count=2)]


@pytest.mark.parametrize("lives", [("7/5", "7/5"), ("7/5", "7/4"), ("7/5", "8/6"), ("7/5", "7/7")])
def test_nothing_is_merged_across_what_may_be_another_process(lives: tuple[str, str]) -> None:
    beats = [beat("ESS:104", life, float(at)) for at, life in enumerate(lives)]
    assert list(merge_runs(beats)) == beats


def test_a_process_behind_a_break_is_never_hidden_by_its_own_run() -> None:
    beats = [beat("ESS:104", f"7/{number}", at) for at, number in enumerate([3, 4, 1, 2, 3, 4, 5])]
    assert [(one.process.seq_num, one.count) for one in merge_runs(beats)] == [(4, 2), (1, 1), (5, 4)]


@given(st.lists(st.tuples(st.sampled_from(["A", "B:1"]), st.integers(1, 2), st.integers(1, 6)), max_size=30))
def test_merging_loses_no_beat_and_no_change_of_process(drawn: list[tuple[str, int, int]]) -> None:
    beats = [beat(csc, f"{origin}/{number}", float(at)) for at, (csc, origin, number) in enumerate(drawn)]
    merged = list(merge_runs(beats))
    assert sum(one.count for one in merged) == len(beats)
    for csc in {one.csc for one in beats}:
        spread = [
            (one.process.origin, one.process.seq_num - one.count + 1 + nth)
            for one in merged
            if one.csc == csc
            for nth in range(one.count)
        ]
        assert spread == [(one.process.origin, one.process.seq_num) for one in beats if one.csc == csc]

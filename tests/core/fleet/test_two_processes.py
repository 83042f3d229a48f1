"""Two processes that beat as one CSC, as a start meets them: nobody is at a target before they could be seen."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from deploydash.core.fleet.cell import Cell
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.ledger import Ledger
from deploydash.core.fleet.observations import (
    BeatFoundInLog,
    BeatsReadBack,
    FetchesResumed,
    LoggedBeat,
    StatesReadBack,
    TopicsListed,
)
from deploydash.core.fleet.snapshot import CscView
from deploydash.core.fleet.views import view_of
from deploydash.core.model import CscId, FeedName, FeedState, Phase, SummaryState, Target
from tests.support.builders import TAI_MINUS_UTC, Watched, beat, feed, logged_beat, process, roster, told
from tests.support.clock import START_UTC

TURNS = ("7/100", "8/40", "7/101", "8/41", "7/102", "8/42")


def starting(*components: str) -> Watched:
    """A fleet whose states are read, before anything of its heartbeats."""
    watched = Watched(
        Fleet(roster(*(f"{name} STANDBY" for name in components)), 0.0, Phase(Target(SummaryState.STANDBY)))
    )
    names = frozenset(name.partition(":")[0] for name in components)
    watched.see(
        feed(FeedName.KAFKA, FeedState.UP, 0.0, "127.0.0.1:9094"),
        TopicsListed(names, 0.0),
        FetchesResumed(names, 0.0),
        *(StatesReadBack(name, 0.0) for name in sorted(names)),
        *(told(name, "STANDBY", 0.0, live=False) for name in components),
    )
    return watched


def found(csc: str, *lives: str, age: float = 0.5, apart: float = 0.5, create_time: bool = False) -> BeatFoundInLog:
    """The last beats of a log, ``apart`` seconds from each other, the newest ``age`` seconds old."""
    ages = [age + apart * later for later in range(len(lives))][::-1]
    sent = [START_UTC - one for one in ages]
    lately = tuple(
        LoggedBeat(process(life), utc + TAI_MINUS_UTC, None if create_time else utc)
        for life, utc in zip(lives, sent, strict=True)
    )
    return replace(logged_beat(csc, lives[-1], 0.0, age=age, create_time=create_time), lately=lately)


def read(component: str, *, append_time: bool = True, reaches: float = inf, at: float = 0.0) -> BeatsReadBack:
    return BeatsReadBack(component, at, START_UTC - 60.0, append_time, reaches_s=reaches)


def undecided(watched: Watched) -> bool:
    """Whether nobody is told to be at a target, and the start goes on."""
    at_target = [view for view in watched.snapshot().cscs if view.verdict == "at_target"]
    return not at_target and not watched.snapshot().decided


def beating(watched: Watched, until: int, *, create_time: bool = False) -> None:
    """ATDome alone beats, from now on."""
    for second in range(int(watched.now) + 1, until + 1):
        watched.until(second)
        watched.see(beat("ATDome", f"7/{103 + second}", second, create_time=create_time))


def test_whoever_waits_to_be_decided_is_not_judged_anew_with_each_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = starting("ATDome")
    watched.see(beat("ATDome", "7/102", 0.0), beat("ATDome", "7/103", 0.0))
    assert undecided(watched)
    judged: list[CscId] = []

    def counted(ledger: Ledger, cell: Cell, now: float) -> CscView:
        judged.append(cell.csc)
        return view_of(ledger, cell, now)

    monkeypatch.setattr("deploydash.core.fleet.fleet.view_of", counted)
    beating(watched, 9)
    assert undecided(watched)
    assert judged == []
    beating(watched, 11)
    assert not undecided(watched)
    assert judged == [CscId("ATDome")]


def test_heartbeats_decide_nothing_while_the_log_behind_them_is_not_known_until_they_were_heard_for_the_limit() -> None:
    watched = starting("ATDome")
    watched.see(beat("ATDome", "7/103", 0.0))
    assert undecided(watched)
    beating(watched, 9)
    assert undecided(watched)
    watched.until(10.25)
    assert watched.snapshot().decided
    assert watched.view("ATDome").verdict == "at_target"


@pytest.mark.parametrize("append_time", [True, False])
def test_a_log_that_was_cut_is_as_good_as_so_many_seconds_of_listening(append_time: bool) -> None:
    watched = starting("ATDome")
    cut = found("ATDome", "7/101", "7/102", create_time=not append_time)
    watched.see(cut, read("ATDome", append_time=append_time, reaches=3.0))
    watched.see(beat("ATDome", "7/103", 0.0, create_time=not append_time))
    beating(watched, 6, create_time=not append_time)
    assert undecided(watched)
    watched.until(7.25)
    assert watched.snapshot().decided


def test_of_a_log_that_reaches_back_one_heartbeat_decides() -> None:
    for append_time in (True, False):
        watched = starting("ATDome")
        watched.see(found("ATDome", "7/90", "7/102", create_time=not append_time))
        watched.see(read("ATDome", append_time=append_time, reaches=12.0))
        assert undecided(watched)
        watched.see(beat("ATDome", "7/103", 0.0, create_time=not append_time))
        assert watched.snapshot().decided
        assert watched.view("ATDome").verdict == "at_target"


def test_a_second_process_that_beats_every_five_seconds_is_seen_in_the_log() -> None:
    for create_time in (True, False):
        for last in range(5):
            lives, beats = [], {last: 0, last + 5: 1, last + 10: 2}
            for age in range(14, -1, -1):
                lives.append(f"7/{102 - age}")
                if age in beats:
                    lives.append(f"8/{40 - beats[age]}")
            watched = starting("ATDome")
            turns = found("ATDome", *lives, apart=14 / len(lives), create_time=create_time)
            watched.see(turns, read("ATDome", append_time=not create_time))
            watched.see(beat("ATDome", "7/103", 0.0, create_time=create_time))
            assert watched.view("ATDome").duplicate, (create_time, last)


def test_two_processes_of_one_origin_are_told_apart_by_their_numbers_in_the_log() -> None:
    for create_time in (True, False):
        for turns in (
            ("7/1000", "7/40", "7/1001", "7/41", "7/1002", "7/42", "7/1003"),
            ("7/100", "7/99", "7/101", "7/100", "7/102", "7/101", "7/103"),
            ("7/100", "7/100", "7/101", "7/101", "7/102", "7/102", "7/103"),
        ):
            watched = starting("ATDome")
            watched.see(found("ATDome", *turns, create_time=create_time), read("ATDome", append_time=not create_time))
            live = "7/1004" if turns[-1] == "7/1003" else "7/104"
            watched.see(beat("ATDome", live, 0.0, create_time=create_time))
            assert watched.view("ATDome").duplicate, (turns, create_time)


def test_late_copies_of_one_process_in_the_log_are_no_second_one() -> None:
    lately = [("7/100", 4.0), ("7/101", 3.0), ("7/100", 4.0), ("7/101", 3.0), ("7/102", 2.0), ("7/101", 3.0)]
    beats = tuple(LoggedBeat(process(life), START_UTC - age + TAI_MINUS_UTC, START_UTC - 2.0) for life, age in lately)
    watched = starting("ATDome")
    watched.see(replace(logged_beat("ATDome", "7/102", 0.0, age=2.0), lately=beats), read("ATDome"))
    watched.see(beat("ATDome", "7/104", 0.0))
    assert not watched.view("ATDome").duplicate


def test_clocks_of_two_machines_that_differ_hide_neither_of_two_where_the_producers_time_is_all_there_is() -> None:
    beats = []
    for number in range(4):
        for life, ahead in ((f"7/{100 + number}", 0.0), (f"8/{40 + number}", -3600.0)):
            beats.append(LoggedBeat(process(life), START_UTC - 4.0 + number + ahead + TAI_MINUS_UTC, None))
    watched = starting("ATDome")
    newest = logged_beat("ATDome", "8/43", 0.0, age=0.5, create_time=True)
    watched.see(replace(newest, lately=tuple(beats)), read("ATDome", append_time=False))
    watched.see(beat("ATDome", "7/104", 0.0, create_time=True))
    assert watched.view("ATDome").duplicate


def test_one_that_crashes_again_and_again_is_not_two() -> None:
    lives = ("5/1", "5/2", "6/1", "6/2", "7/1", "7/2", "8/1", "8/2")
    for create_time in (True, False):
        watched = starting("ATDome")
        crashes = found("ATDome", *lives, apart=6.0, create_time=create_time)
        watched.see(crashes, read("ATDome", append_time=not create_time))
        watched.see(beat("ATDome", "8/3", 0.0, create_time=create_time))
        assert not watched.view("ATDome").duplicate, create_time


def test_two_that_took_turns_until_one_ended_longer_ago_than_the_limit_are_one() -> None:
    lately = [("7/80", 23.0), ("8/40", 22.5), ("7/81", 22.0), ("8/41", 21.5), ("7/82", 21.0), ("7/102", 1.0)]
    for create_time in (True, False):
        watched = starting("ATDome")
        watched.see(logged_beat("ATDome", "7/102", 0.0, age=1.0, create_time=create_time, lately=lately))
        watched.see(read("ATDome", append_time=not create_time), beat("ATDome", "7/103", 0.0, create_time=create_time))
        assert not watched.view("ATDome").duplicate, create_time


def test_two_that_beat_since_our_start_are_seen_in_the_log_before_any_heartbeat_of_theirs_is_received() -> None:
    watched = starting("ATDome", "ESS:1")
    watched.until(1.0)
    watched.see(beat("ESS:1", "5/1", 1.0), replace(found("ATDome", *TURNS), appended_utc=START_UTC + 0.5))
    watched.see(read("ESS"), read("ATDome"))
    view = watched.view("ATDome")
    assert (view.liveness, view.verdict, view.reason.text) == ("beating", "off_target", "two processes beat as ATDome")


def test_two_that_began_while_kafka_was_lost_are_seen_in_what_was_appended_meanwhile() -> None:
    watched = starting("ATDome")
    watched.see(read("ATDome"), beat("ATDome", "7/103", 0.0))
    beating(watched, 5)
    watched.see(feed(FeedName.KAFKA, FeedState.DOWN, 5.0))
    watched.until(19.0)
    watched.see(feed(FeedName.KAFKA, FeedState.CONNECTING, 19.0), feed(FeedName.KAFKA, FeedState.UP, 19.0))
    watched.see(beat("ATDome", "7/122", 19.0))
    assert undecided(watched)
    turns = [("7/117", 4.5), ("8/1", 4.0), ("7/118", 3.5), ("8/2", 3.0), ("7/119", 2.5), ("8/3", 2.0)]
    watched.see(logged_beat("ATDome", "8/3", 19.0, age=2.0, lately=turns), read("ATDome", at=19.0))
    watched.see(beat("ATDome", "7/123", 19.0))
    assert not undecided(watched)
    assert watched.view("ATDome").duplicate


def test_one_series_in_the_last_seconds_of_the_log_is_one_process() -> None:
    watched = starting("ATDome")
    watched.see(found("ATDome", "7/100", "7/101", "7/102"), read("ATDome"), beat("ATDome", "7/103", 0.0))
    assert watched.snapshot().decided
    assert watched.view("ATDome").verdict == "at_target"


def test_two_that_take_turns_in_the_log_are_seen_with_the_first_heartbeat_received() -> None:
    for append_time in (True, False):
        watched = starting("ATDome")
        turns = found("ATDome", *TURNS, create_time=not append_time)
        watched.see(turns, read("ATDome", append_time=append_time), beat("ATDome", "7/103", 0.0))
        view = watched.view("ATDome")
        assert (view.verdict, view.reason.text) == ("off_target", "two processes beat as ATDome")
        assert watched.snapshot().decided


def test_a_restart_in_the_log_is_no_second_process() -> None:
    watched = starting("ATDome")
    watched.see(found("ATDome", "7/100", "7/101", "8/1", "8/2"), read("ATDome"), beat("ATDome", "8/3", 0.0))
    assert not watched.view("ATDome").duplicate


def test_two_that_took_turns_before_both_died_are_not_the_one_that_beats_now() -> None:
    watched = starting("ATDome")
    watched.see(found("ATDome", *TURNS, age=9_000.0), read("ATDome"), beat("ATDome", "9/1", 0.0))
    assert not watched.view("ATDome").duplicate


def test_it_ends_when_one_of_them_has_been_silent_for_its_limit() -> None:
    watched = starting("ATDome")
    watched.see(found("ATDome", *TURNS), read("ATDome"), beat("ATDome", "7/103", 0.0))
    for second in range(1, 10):
        watched.until(second)
        watched.see(beat("ATDome", f"7/{103 + second}", second))
    assert watched.view("ATDome").duplicate
    watched.until(11.0)
    assert not watched.view("ATDome").duplicate
    assert watched.snapshot().events[-1].detail == "one process sends heartbeats on"


def test_both_ended_is_not_one_that_beats_on() -> None:
    watched = starting("ATDome", "ESS:1")
    watched.see(found("ATDome", *TURNS), read("ATDome"), beat("ATDome", "7/103", 0.0), beat("ESS:1", "5/1", 0.0))
    for second in range(1, 14):
        watched.until(second)
        watched.see(beat("ESS:1", f"5/{1 + second}", second))
    assert not watched.view("ATDome").duplicate
    assert "one process sends heartbeats on" not in [line.detail for line in watched.snapshot().events]


def test_a_component_whose_fetches_were_never_answered_is_not_decided_by_its_log() -> None:
    watched = Watched(Fleet(roster("ATDome STANDBY", "ESS:1 STANDBY"), 0.0, Phase(Target(SummaryState.STANDBY))))
    watched.see(
        feed(FeedName.KAFKA, FeedState.UP, 0.0, "127.0.0.1:9094"),
        TopicsListed(frozenset({"ATDome", "ESS"}), 0.0),
        FetchesResumed(frozenset({"ESS"}), 0.0),
        StatesReadBack("ATDome", 0.0),
        StatesReadBack("ESS", 0.0),
        told("ATDome", "STANDBY", 0.0, live=False),
        told("ESS:1", "STANDBY", 0.0, live=False),
        logged_beat("ATDome", "7/100", 0.0, age=13.0),
        read("ATDome"),
        read("ESS"),
        beat("ESS:1", "5/1", 0.0),
    )
    watched.until(0.5)
    view = watched.view("ATDome")
    assert "no answer for its heartbeats" not in view.reason.text
    assert not watched.snapshot().decided
    watched.see(FetchesResumed(frozenset({"ATDome"}), 0.5))
    watched.until(0.75)
    assert (watched.view("ATDome").effective, watched.snapshot().decided) == ("OFFLINE", True)


@pytest.mark.parametrize("append_time", [True, False])
def test_the_log_tells_of_two_when_it_is_read_after_the_first_heartbeats_were_received(append_time: bool) -> None:
    for heard in (("7/103",), ("7/103", "7/104"), ("7/103", "8/43")):
        watched = starting("ATDome")
        for number, life in enumerate(heard):
            watched.until(number / 2)
            watched.see(beat("ATDome", life, number / 2, create_time=not append_time))
        watched.see(found("ATDome", *TURNS, create_time=not append_time), read("ATDome", append_time=append_time))
        assert watched.view("ATDome").duplicate, heard


@pytest.mark.parametrize("append_time", [True, False])
def test_a_restart_between_the_log_and_the_first_heartbeats_is_one_process(append_time: bool) -> None:
    for before in (True, False):
        watched = starting("ATDome")
        last = found("ATDome", "7/98", "7/99", "7/100", apart=1.0, age=1.0, create_time=not append_time)
        log = (last, read("ATDome", append_time=append_time))
        if before:
            watched.see(*log)
        for second in range(3):
            watched.until(second)
            watched.see(beat("ATDome", f"8/{1 + second}", second, create_time=not append_time))
        if not before:
            watched.see(*log)
        assert not watched.view("ATDome").duplicate

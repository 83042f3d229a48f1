"""Two processes that beat as one CSC, as a start meets them: nobody is at a target before they could be seen."""

from __future__ import annotations

from dataclasses import replace

from deploydash.core.fleet import Fleet
from deploydash.core.model import FeedName, FeedState, Phase, SummaryState, Target
from deploydash.core.observations import BeatFoundInLog, BeatsReadBack, FetchesResumed, StatesReadBack, TopicsListed
from tests.support.builders import Watched, beat, feed, logged_beat, process, roster, told
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


def found(csc: str, *lives: str, age: float = 1.0, create_time: bool = False) -> BeatFoundInLog:
    """The last beats of a log, the newest ``age`` seconds old."""
    before = tuple((process(life), 0.0) for life in lives[:-1])
    return replace(logged_beat(csc, lives[-1], 0.0, age=age, create_time=create_time), before=before)


def read(component: str, *, append_time: bool = True) -> BeatsReadBack:
    return BeatsReadBack(component, 0.0, START_UTC - 60.0, append_time)


def test_one_heartbeat_decides_nothing_while_the_log_behind_it_is_not_known() -> None:
    watched = starting("ATDome")
    watched.see(beat("ATDome", "7/103", 0.0))
    assert not watched.snapshot().decided
    watched.until(1.0)
    watched.see(beat("ATDome", "7/104", 1.0))
    assert watched.snapshot().decided


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
    assert watched.snapshot().events[-1].detail == "one process beats on"


def test_both_ended_is_not_one_that_beats_on() -> None:
    watched = starting("ATDome", "ESS:1")
    watched.see(found("ATDome", *TURNS), read("ATDome"), beat("ATDome", "7/103", 0.0), beat("ESS:1", "5/1", 0.0))
    for second in range(1, 14):
        watched.until(second)
        watched.see(beat("ESS:1", f"5/{1 + second}", second))
    assert not watched.view("ATDome").duplicate
    assert "one process beats on" not in [line.detail for line in watched.snapshot().events]


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

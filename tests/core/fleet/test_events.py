"""The event list: what is planned, what departs, and when a line says it was."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from deploydash.core.fleet.commands import JudgeByRun
from deploydash.core.fleet.fleet import Fleet
from deploydash.core.fleet.observations import BeatsReadBack, CommandSeen, FetchesResumed, StatesReadBack, TopicsListed
from deploydash.core.model import CscId, FeedName, FeedState, Phase, SummaryState, Target
from tests.support.builders import Watched, beat, feed, log, roster, spec, told
from tests.support.clock import START_UTC

AT_OFFLINE = Phase(Target(SummaryState.OFFLINE))
AT_STANDBY = Phase(Target(SummaryState.STANDBY))
AT_NOTHING = Phase(None)


def watch(*names: str, phase: Phase, group: str = "MT") -> Watched:
    """A fleet of one group whose Kafka is up and read, at 0."""
    expected = roster(*(spec(name, group=group) for name in names))
    watched = Watched(Fleet(expected, 0.0, phase))
    components = frozenset(one.csc.name for one in expected.cscs)
    watched.see(
        feed(FeedName.KAFKA, FeedState.UP, 0.0, "127.0.0.1:9094"),
        TopicsListed(components, 0.0),
        FetchesResumed(components, 0.0),
        *(StatesReadBack(component, 0.0) for component in sorted(components)),
        *(BeatsReadBack(component, 0.0, START_UTC, append_time=False) for component in sorted(components)),
    )
    return watched


class Fleetlet:
    """CSCs that beat once a second until they are killed."""

    def __init__(self, watched: Watched, **states: str) -> None:
        self.watched = watched
        self._beating = dict.fromkeys(states, 100)
        for name, state in states.items():
            watched.see(beat(name, "7/100", watched.now), told(name, state, watched.now))

    def kill(self, *names: str) -> None:
        for name in names:
            del self._beating[name]

    def until(self, at: float) -> None:
        while self.watched.now < at:
            self.watched.until(min(at, self.watched.now + 1.0))
            for name, number in self._beating.items():
                self._beating[name] = number + 1
                self.watched.see(beat(name, f"7/{number + 1}", self.watched.now))


def changes(watched: Watched, names: Iterable[str]) -> list[tuple[str, str, str]]:
    lines = watched.snapshot().events
    return [(line.subject, line.change, line.detail) for line in lines if line.subject in set(names)]


def test_a_killed_csc_that_starts_again_is_waited_for_and_nothing_of_it_was_planned() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_OFFLINE)
    fleet = Fleetlet(watched, MTDome="ENABLED", MTMount="ENABLED")
    fleet.kill("MTDome")
    fleet.until(15.0)
    assert watched.view("MTDome").effective == "LOST"
    watched.see(told("MTDome", "STANDBY", 15.0, life="8/1"))
    starting = watched.view("MTDome")
    assert (starting.effective, starting.verdict) == ("UNKNOWN", "unknown")
    assert starting.reason.render(15.0) == "reports STANDBY, waiting for its first heartbeat for 0 s"
    fleet.until(18.0)
    watched.see(beat("MTDome", "8/1", 18.0))
    assert watched.view("MTDome").effective == "STANDBY"
    assert changes(watched, ["MTDome"])[1:] == [("MTDome", "LOST → STANDBY", "says STANDBY")]


def test_a_process_that_reports_a_state_and_never_beats_is_silent_after_its_limit() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_OFFLINE)
    fleet = Fleetlet(watched, MTDome="ENABLED", MTMount="ENABLED")
    fleet.kill("MTDome")
    fleet.until(15.0)
    watched.see(told("MTDome", "STANDBY", 15.0, life="8/1"))
    fleet.until(24.0)
    assert watched.view("MTDome").effective == "UNKNOWN"
    assert not watched.snapshot().decided
    fleet.until(26.0)
    silent = watched.view("MTDome")
    assert (silent.effective, silent.inferred) == ("OFFLINE", True)
    assert watched.snapshot().decided


def test_what_was_lost_is_back_by_nobodys_plan_even_at_its_target() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="ENABLED", MTMount="STANDBY")
    fleet.kill("MTDome")
    fleet.until(15.0)
    watched.see(beat("MTDome", "8/1", 15.0), told("MTDome", "STANDBY", 15.0, life="8/1"))
    assert changes(watched, ["MTDome"])[-1] == ("MTDome", "LOST → STANDBY", "says STANDBY")


def test_a_crash_that_ends_at_the_target_is_not_planned() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="ENABLED", MTMount="STANDBY")
    fleet.kill("MTDome")
    fleet.until(3.0)
    watched.see(beat("MTDome", "8/1", 3.0), told("MTDome", "STANDBY", 3.0, life="8/1"))
    assert [line[1:] for line in changes(watched, ["MTDome"])] == [
        ("restarted", "another process sends heartbeats; the state of the previous one is discarded"),
        ("ENABLED → STANDBY", "says STANDBY"),
    ]


def test_an_exit_by_somebody_else_departs_from_standby() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="STANDBY", MTMount="STANDBY")
    fleet.until(2.0)
    watched.see(told("MTDome", "OFFLINE", 2.0, life="7/4"))
    assert changes(watched, ["MTDome", "MT"]) == [
        ("MTDome", "STANDBY → OFFLINE", "says OFFLINE, waiting for silence"),
    ]


def test_an_exit_by_this_run_is_planned_at_whatever_target() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="STANDBY", MTMount="STANDBY")
    fleet.until(2.0)
    watched.fleet.order(JudgeByRun(stopped={}, moving=frozenset({CscId("MTDome")})))
    watched.see(told("MTDome", "OFFLINE", 2.0, life="7/4"))
    assert changes(watched, ["MTDome", "MT"]) == [("MTDome", "STANDBY → OFFLINE", "as planned")]


OTHER = "ops2@console"


def commanded(name: str, at: float) -> CommandSeen:
    return CommandSeen(CscId.parse(name), OTHER, "COMPLETE", at)


@pytest.mark.parametrize("acknowledged", ["before", "after"])
@pytest.mark.parametrize(
    ("phase", "state", "to"),
    [(AT_STANDBY, "FAULT", "STANDBY"), (AT_STANDBY, "DISABLED", "STANDBY"), (AT_NOTHING, "STANDBY", "DISABLED")],
)
def test_what_somebody_else_commanded_is_not_planned_even_where_the_phase_wants_it(
    acknowledged: str, phase: Phase, state: str, to: str
) -> None:
    watched = watch("MTDome", "MTMount", phase=phase)
    fleet = Fleetlet(watched, MTDome=state, MTMount="STANDBY")
    fleet.until(2.0)
    if acknowledged == "before":
        watched.see(commanded("MTDome", 2.0))
        fleet.until(3.0)
        watched.see(told("MTDome", to, 3.0, life="7/4"))
    else:
        watched.see(told("MTDome", to, 2.0, life="7/4"))
        watched.snapshot()
        fleet.until(3.0)
        watched.see(commanded("MTDome", 3.0))
    assert sorted(changes(watched, ["MTDome"])) == [
        ("MTDome", f"{state} → {to}", f"last commanded by {OTHER}"),
        ("MTDome", "commanded by another", f"{OTHER}: COMPLETE"),
    ]
    assert not any(line.calm for line in watched.snapshot().events if line.subject == "MTDome")


def test_who_was_commanded_by_another_is_counted_with_the_planned_ones_no_more() -> None:
    watched = watch("MTDome", "MTMount", "MTPtg", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="DISABLED", MTMount="DISABLED", MTPtg="DISABLED")
    fleet.until(2.0)
    for name in ("MTDome", "MTMount", "MTPtg"):
        watched.see(told(name, "STANDBY", 2.0, life="7/4"))
    assert changes(watched, ["MT"]) == [("MT", "3 of 3 STANDBY", "as planned")]
    watched.see(commanded("MTDome", 2.0))
    assert changes(watched, ["MT"]) == [("MT", "2 of 3 STANDBY", "as planned")]
    assert ("MTDome", "DISABLED → STANDBY", f"last commanded by {OTHER}") in changes(watched, ["MTDome"])
    watched.see(commanded("MTPtg", 2.0))
    assert changes(watched, ["MT", "MTMount"]) == [("MTMount", "DISABLED → STANDBY", "as planned")]


def test_a_command_of_others_long_before_or_while_ours_is_under_way_explains_nothing() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="DISABLED", MTMount="DISABLED")
    fleet.until(2.0)
    watched.see(commanded("MTDome", 2.0))
    fleet.until(8.0)
    watched.fleet.order(JudgeByRun(stopped={}, moving=frozenset({CscId("MTMount")})))
    watched.see(told("MTDome", "STANDBY", 8.0, life="7/4"), told("MTMount", "STANDBY", 8.0, life="7/4"))
    watched.see(commanded("MTMount", 8.0))
    assert ("MT", "2 of 2 STANDBY", "as planned") in changes(watched, ["MT"])


def test_where_the_phase_wants_nothing_nothing_is_called_planned_and_a_group_has_one_line() -> None:
    watched = watch("MTDome", "MTMount", phase=AT_NOTHING)
    fleet = Fleetlet(watched, MTDome="STANDBY", MTMount="STANDBY")
    fleet.until(2.0)
    watched.see(told("MTDome", "DISABLED", 2.0, life="7/4"), told("MTMount", "DISABLED", 2.0, life="7/4"))
    assert changes(watched, ["MT", "MTDome", "MTMount"]) == [("MT", "2 of 2 DISABLED", "no target in this phase")]


def test_a_line_of_a_group_says_when_the_last_of_them_went_and_stands_where_that_belongs() -> None:
    watched = watch("MTDome", "MTMount", "MTPtg", phase=AT_OFFLINE)
    fleet = Fleetlet(watched, MTDome="STANDBY", MTMount="STANDBY", MTPtg="STANDBY")
    fleet.until(2.0)
    watched.see(told("MTDome", "OFFLINE", 2.0, life="7/4"))
    fleet.kill("MTDome")
    fleet.until(7.0)
    watched.see(told("MTPtg", "FAULT", 7.0, life="7/4"))
    watched.snapshot()
    fleet.until(13.0)
    watched.see(told("MTMount", "OFFLINE", 13.0, life="7/4"))
    lines = watched.snapshot().events[-2:]
    assert [(line.subject, line.change, line.utc) for line in lines] == [
        ("MTPtg", "STANDBY → FAULT", START_UTC + 7.0),
        ("MT", "2 of 3 OFFLINE", START_UTC + 13.0),
    ]


def test_a_departure_has_a_line_of_its_own_and_is_counted_with_the_others_no_more() -> None:
    watched = watch("MTDome", "MTMount", "MTPtg", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="DISABLED", MTMount="DISABLED", MTPtg="DISABLED")
    fleet.until(2.0)
    watched.see(told("MTDome", "STANDBY", 2.0, life="7/4"))
    fleet.until(3.0)
    watched.see(told("MTDome", "ENABLED", 3.0, life="7/5"))
    fleet.until(4.0)
    watched.see(told("MTMount", "STANDBY", 4.0, life="7/4"), told("MTPtg", "STANDBY", 4.0, life="7/4"))
    assert changes(watched, ["MT", "MTDome", "MTMount", "MTPtg"]) == [
        ("MTDome", "DISABLED → STANDBY", "as planned"),
        ("MTDome", "STANDBY → ENABLED", "says ENABLED"),
        ("MT", "2 of 3 STANDBY", "as planned"),
    ]


@pytest.mark.parametrize("said_at", [2.0, 4.0])
def test_an_error_that_the_dead_process_logged_is_no_reason_for_the_living_one(said_at: float) -> None:
    watched = watch("MTDome", "MTMount", phase=AT_STANDBY)
    fleet = Fleetlet(watched, MTDome="ENABLED", MTMount="STANDBY")
    fleet.until(2.0)
    if said_at < 3.0:
        watched.see(log("MTDome", "drive 3 lost", 2.0, level=40))
    fleet.kill("MTDome")
    fleet.until(4.0)
    if said_at > 3.0:
        watched.see(log("MTDome", "drive 3 lost", 4.0, level=40))
    fleet.until(6.0)
    watched.see(beat("MTDome", "8/1", 6.0), told("MTDome", "STANDBY", 6.0, life="8/1"))
    logged = watched.view("MTDome").logged
    assert (logged is None) is (said_at < 3.0)

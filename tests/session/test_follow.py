"""An observer sees what the lead's records say, and nothing of it can act."""

from dataclasses import dataclass

import pytest

from deploydash.core.model import CscId, CscSpec, Liveness, Roster, Source, SummaryState, Target
from deploydash.core.records import BeatsChanged, StateRecorded
from deploydash.core.run_records import RunHeld, RunOpened, RunResumed, StepApproved
from deploydash.core.run_state import StepStatus
from deploydash.core.runbook import StepId
from deploydash.session.follow import Follower
from tests.support.clock import START_UTC, ManualClock
from tests.support.runs import OPERATOR, WATCHER, small_runbook

STANDBY = Target(SummaryState.STANDBY)
ROSTER = Roster("summit", True, (CscSpec(WATCHER, "Observatory", STANDBY, STANDBY, STANDBY),), ("Observatory",))
OPENED = RunOpened("summit-x", "summit", "full-cycle", "c0045", OPERATOR, rehearsal=True)


@dataclass(frozen=True)
class Line:
    utc: float
    record: object


def beats(csc: CscId, liveness: Liveness, at: float) -> BeatsChanged:
    return BeatsChanged(csc, liveness, listening=False, beat_at=at, at_least=False, has_beaten=True, at=at)


def told(csc: CscId, state: SummaryState, at: float) -> StateRecorded:
    return StateRecorded(csc, state, START_UTC, Source.KAFKA, 7, 1, live=True, current=True, at=at)


@pytest.fixture(name="clock")
def manual() -> ManualClock:
    return ManualClock()


def follower(clock: ManualClock) -> Follower:
    return Follower(ROSTER, small_runbook(), list, clock)


def test_the_grid_and_the_run_are_the_leads(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(
        [
            Line(START_UTC - 10, OPENED),
            Line(START_UTC - 10, beats(WATCHER, Liveness.BEATING, 90_000.0)),
            Line(START_UTC - 10, told(WATCHER, SummaryState.ENABLED, 90_000.0)),
            Line(START_UTC - 5, StepApproved(StepId("watcher"), OPERATOR, 3)),
        ]
    )
    snapshot = seen.snapshot()
    assert snapshot.cscs[0].effective.value == "ENABLED"
    assert snapshot.run is not None
    assert {row.step: row.status for row in snapshot.run.rows}[StepId("watcher")] is StepStatus.UNDER_WAY


def test_ages_are_the_leads_whatever_our_own_monotonic_clock_shows(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take([Line(START_UTC, OPENED), Line(START_UTC, beats(WATCHER, Liveness.BEATING, 90_000.0))])
    clock.advance(30.0)
    seen.take([Line(START_UTC + 30, BeatsChanged(WATCHER, Liveness.SILENT, False, 90_010.0, False, True, 90_030.0))])
    clock.advance(11.0)
    snapshot = seen.snapshot()
    view = snapshot.cscs[0]
    assert view.beat_at is not None
    assert snapshot.at - view.beat_at == pytest.approx(31.0)


def test_after_a_resume_the_fleet_is_told_anew_and_the_run_goes_on(clock: ManualClock) -> None:
    seen = follower(clock)
    seen.take(
        [
            Line(START_UTC, OPENED),
            Line(START_UTC, told(WATCHER, SummaryState.ENABLED, 90_000.0)),
            Line(START_UTC + 1, RunHeld("ops2")),
            Line(START_UTC + 60, RunResumed(OPERATOR, 8)),
            Line(START_UTC + 61, beats(WATCHER, Liveness.BEATING, 12.0)),
        ]
    )
    snapshot = seen.snapshot()
    assert snapshot.cscs[0].reported is None
    assert snapshot.run is not None
    assert snapshot.run.held_by == "ops2"

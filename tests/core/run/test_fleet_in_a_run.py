"""What a run lets the fleet judge by: other targets, whom it stopped from outside, who has a command under way."""

from __future__ import annotations

from deploydash.core.fleet.commands import CompareWith, JudgeByRun
from deploydash.core.model import CscId, Effective, Phase, SummaryState, Target, TargetKind, Verdict
from tests.core.fleet.test_fleet import start, watch


def test_who_was_stopped_from_outside_is_not_lost_until_it_came_up_again() -> None:
    watched = watch("ESS:104 STANDBY", "ESS:105 STANDBY", phase=Phase(TargetKind.SHUTDOWN))
    start(watched, "ESS:104 ENABLED", "ESS:105 ENABLED")
    ess = CscId("ESS", 104)
    watched.until(5.0)
    watched.fleet.order(JudgeByRun({ess: "k8s-clean at 19:40 UTC"}, frozenset()))
    watched.until(41.0)
    stopped, lost = watched.snapshot().cscs
    assert (stopped.effective, stopped.verdict) == (Effective.OFFLINE, Verdict.AT_TARGET)
    assert stopped.reason.text == "stopped by k8s-clean at 19:40 UTC"
    assert lost.effective is Effective.LOST
    start(watched, "ESS:104 ENABLED")
    watched.until(80.0)
    assert watched.view("ESS:104").effective is Effective.LOST, "the next silence is its own"


def test_who_has_a_command_of_ours_under_way_is_moving_and_not_off_its_target() -> None:
    watched = watch("ESS:104 STANDBY", phase=Phase(TargetKind.SHUTDOWN))
    start(watched, "ESS:104 STANDBY")
    assert watched.view("ESS:104").verdict is Verdict.OFF_TARGET
    watched.fleet.order(JudgeByRun({}, frozenset({CscId("ESS", 104)})))
    assert watched.view("ESS:104").verdict is Verdict.MOVING
    watched.fleet.order(CompareWith(Phase(Target(SummaryState.OFFLINE))))
    assert watched.view("ESS:104").verdict is Verdict.MOVING, "choosing a comparison ends no command"
    watched.fleet.order(JudgeByRun({}, frozenset()))
    assert watched.view("ESS:104").verdict is Verdict.OFF_TARGET


def test_only_those_that_a_run_is_about_are_judged() -> None:
    watched = watch("ESS:104 STANDBY", "ESS:105 STANDBY")
    start(watched, "ESS:104 ENABLED", "ESS:105 ENABLED")
    watched.fleet.order(CompareWith(Phase(), {}, frozenset({CscId("ESS", 104)})))
    ours, other = watched.snapshot().cscs
    assert (ours.verdict, other.verdict) == (Verdict.OFF_TARGET, Verdict.NO_TARGET)
    summary, group = watched.snapshot().summary, watched.snapshot().groups[0]
    assert (summary.off_target, summary.no_target) == (1, 1)
    assert (group.at_target, group.total) == (0, 1)
    watched.fleet.order(CompareWith(Phase(TargetKind.SHUTDOWN)))
    assert watched.view("ESS:105").verdict is Verdict.NO_TARGET, "choosing a comparison does not widen the run"


def test_a_start_up_target_that_an_answer_replaces_is_judged_by_until_it_is_taken_back() -> None:
    watched = watch("ESS:104 STANDBY", "ESS:105 STANDBY")
    start(watched, "ESS:104 ENABLED", "ESS:105 STANDBY")
    watched.fleet.order(CompareWith(Phase(), {CscId("ESS", 104): Target(SummaryState.ENABLED)}))
    replaced, other = watched.snapshot().cscs
    assert (replaced.target, replaced.verdict) == (Target(SummaryState.ENABLED), Verdict.AT_TARGET)
    assert (other.target, other.verdict) == (Target(SummaryState.STANDBY), Verdict.AT_TARGET)
    watched.fleet.order(CompareWith(Phase(TargetKind.SHUTDOWN)))
    assert watched.view("ESS:104").verdict is Verdict.OFF_TARGET
    watched.fleet.order(CompareWith(Phase()))
    assert watched.view("ESS:104").verdict is Verdict.AT_TARGET, "choosing a comparison replaces nothing"
    watched.fleet.order(CompareWith(Phase(), {}))
    assert watched.view("ESS:104").verdict is Verdict.OFF_TARGET

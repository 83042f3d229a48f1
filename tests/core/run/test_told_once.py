"""A card says each condition once, and a run that is closed is over."""

from __future__ import annotations

from deploydash.core.model import FeedName, FeedState
from deploydash.core.procedure.names import WHOLE, StepId
from deploydash.core.run.gate import reasons
from deploydash.core.run.records import ItemSignedOff, RunClosed, StepApproved, StepDone
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import run_view
from deploydash.report.story import _steps
from tests.support.runbooks import runbook
from tests.support.runs import OPERATOR, after, fleet, opened

PLAN = runbook("summit", "full-cycle")


def sentences(step: str, kafka: FeedState = FeedState.UP) -> list[str]:
    return [reason.sentence for reason in reasons(PLAN.step(StepId(step)), opened(PLAN), fleet(kafka=kafka))]


def test_what_a_rule_says_is_not_said_by_the_runbook_again() -> None:
    assert sum("Watcher" in sentence for sentence in sentences("cscs")) == 1
    assert sum("shutdown set" in sentence for sentence in sentences("queues")) == 1


def test_a_lost_feed_is_told_once() -> None:
    said = sentences("cscs", FeedState.DOWN)
    assert sum("kafka" in sentence.lower() for sentence in said) == 2, "the registry is down with it here"
    both = fleet(kafka=FeedState.DOWN)
    both = type(both)(both.views, {**both.feeds, FeedName.SCHEMA_REGISTRY: FeedState.UP}, 0.0, 0.0, 1)
    said = [reason.sentence for reason in reasons(PLAN.step(StepId("cscs")), opened(PLAN), both)]
    assert sum("kafka" in sentence.lower() for sentence in said) == 1


def test_the_step_that_closes_is_done_when_the_run_is_closed() -> None:
    state = after(opened(PLAN), RunClosed(OPERATOR))
    row = next(row for row in run_view(state, fleet()).rows if row.step == "close")
    assert row.status is StepStatus.DONE


def test_what_people_did_took_the_time_since_it_could_begin() -> None:
    first, second = StepId("announce-start"), StepId("m2-closed-loop")
    state = opened(PLAN)
    for step, utc in ((first, 100.0), (second, 700.0)):
        signed = ItemSignedOff(step, WHOLE, "ops", OPERATOR)
        state = after(state, StepApproved(step, OPERATOR, 1), signed, StepDone(step), utc=state.opened_utc + utc)
    took = {line.step: line.seconds for line in _steps(state, {})}
    assert took[second] == 600.0

"""Lanes side by side: where each stands, and whose card is on top."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import SummaryState, Target
from deploydash.core.procedure.names import MAIN, Lane, StepId, csc_item
from deploydash.core.procedure.preconditions import StepsSettled
from deploydash.core.procedure.runbook import Runbook, Step, StepKind, Tier
from deploydash.core.run.arm import Arm
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.records import (
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RunHeld,
    RunRecord,
    StepApproved,
    StepDone,
    StepSkipped,
)
from deploydash.core.run.state import RunState, StepStatus
from deploydash.core.views.run_view import LaneHead, Own, card_step, lane_card, lane_heads, run_view
from tests.support.runs import (
    OPERATOR,
    PLAIN,
    QUEUES,
    WATCHER,
    after,
    csc_items,
    csc_step,
    down,
    fleet,
    opened,
    small_runbook,
)

WAIT, REPOS, MERGE = StepId("standby"), StepId("repos"), StepId("merge")
SIDE, CAMERAS = Lane("repos"), Lane("cameras")
ENABLED = Target(SummaryState.ENABLED)
QUIET = fleet(down(WATCHER))


def book() -> Runbook:
    """The small runbook with two acting steps in a lane of their own; they wait for the CSCs to be down."""
    small = small_runbook()
    repos = replace(csc_step("repos", PLAIN[:1], ENABLED, ("cscs",)), lane=SIDE)
    merge = replace(csc_step("merge", PLAIN[1:2], ENABLED, ("repos",)), lane=SIDE)
    return replace(small, phases=(replace(small.phases[0], steps=(*small.phases[0].steps, repos, merge)),))


def done(*names: str) -> tuple[RunRecord, ...]:
    return tuple(
        record for name in names for record in (StepApproved(StepId(name), OPERATOR, 1), StepDone(StepId(name)))
    )


def a_run(*records: RunRecord) -> RunState:
    return after(opened(book()), *records)


WAITING = (*done("watcher", "cscs", "queues", "bridges-stop", "bridges-start"), StepApproved(WAIT, "the procedure", 1))


def under_way(name: str) -> tuple[RunRecord, ...]:
    step = book().step(StepId(name))
    return StepApproved(step.id, OPERATOR, 1), ItemsDispatched(step.id, csc_items(step.cscs), OPERATOR)


def failed(name: str) -> tuple[RunRecord, ...]:
    csc = book().step(StepId(name)).cscs[0]
    return (*under_way(name), ItemEnded(StepId(name), csc_item(csc), Outcome.FAILED, "no"))


def on_top(state: RunState, seen: FleetView = QUIET) -> str:
    step = card_step(state, seen)
    assert step is not None
    return step.id


@pytest.mark.parametrize(
    ("records", "on_card"),
    [
        ((), "watcher"),
        (WAITING, "repos"),
        ((*WAITING, RunHeld("ops2")), "standby"),
        ((*WAITING, *done("repos")), "merge"),
        ((*WAITING, *under_way("repos")), "repos"),
        ((*WAITING, *failed("repos")), "repos"),
        ((*WAITING, *done("repos", "merge")), "standby"),
        ((*WAITING, StepSkipped(REPOS, OPERATOR, "no"), *under_way("merge")), "merge"),
        ((*done("watcher"), *under_way("cscs")), "cscs"),
        ((*done("watcher"), *under_way("cscs"), *failed("repos")), "repos"),
        ((*under_way("repos"), *failed("cscs")), "cscs"),
    ],
    ids=[
        "the first",
        "a wait hides no step of another lane that may go",
        "held, so that nothing may go",
        "the next of that lane",
        "one under way in it",
        "one that asks",
        "nothing else",
        "what is under way before what only waits",
        "what is under way",
        "what asks before what is under way",
        "what asks first",
    ],
)
def test_the_card_on_top_is_the_one_that_needs_the_lead_first(records: tuple[RunRecord, ...], on_card: str) -> None:
    assert on_top(a_run(*records)) == on_card


def test_a_chosen_card_is_on_top_whatever_asks() -> None:
    step = card_step(a_run(*WAITING, *failed("repos")), QUIET, StepId("watcher"))
    assert step is not None
    assert step.id == "watcher"


@pytest.mark.parametrize(
    ("records", "gone_to", "stands"),
    [
        (WAITING, "repos", "repos"),
        ((*WAITING, *under_way("repos")), "repos", "repos"),
        ((*WAITING, *done("repos")), "repos", "merge"),
        ((*WAITING, *done("repos", "merge")), "merge", None),
    ],
    ids=[
        "before it begins",
        "until it has ended",
        "then the next of that lane that needs the lead",
        "and what is next where none does",
    ],
)
def test_a_lane_that_was_gone_to_goes_on_by_itself(
    records: tuple[RunRecord, ...], gone_to: str, stands: str | None
) -> None:
    assert lane_card(a_run(*records), QUIET, StepId(gone_to)) == stands


def test_a_step_that_may_not_go_does_not_hide_the_wait() -> None:
    state = a_run(*done("watcher", "queues", "bridges-stop", "bridges-start"), StepApproved(WAIT, "the procedure", 1))
    skipped = after(state, StepSkipped(StepId("cscs"), OPERATOR, "no"))
    assert on_top(state, fleet()) == "standby", "neither the CSCs nor what follows them may go"
    assert on_top(skipped, fleet()) == "repos"


def heads(state: RunState, seen: FleetView = QUIET, *armed: StepId) -> dict[Lane, LaneHead]:
    found = lane_heads(state, seen, {step: Arm(step, Tier.MODERATE, 0.0) for step in armed})
    return {head.lane: head for head in found}


def test_each_lane_has_one_head_its_first_step_that_is_not_settled() -> None:
    found = heads(a_run())
    assert found == {
        MAIN: LaneHead(MAIN, StepId("watcher"), StepStatus.PENDING, True),
        CAMERAS: LaneHead(CAMERAS, StepId("bridges-stop"), StepStatus.PENDING, True),
        SIDE: LaneHead(SIDE, REPOS, StepStatus.PENDING, False),
    }
    assert [head.step for head in lane_heads(a_run(), QUIET, {})] == ["watcher", "bridges-stop", "repos"]


def test_a_head_waits_for_the_lead_where_it_asks_or_may_go_or_a_person_acts_and_not_where_it_waits() -> None:
    found = heads(a_run(*WAITING))
    assert found == {
        MAIN: LaneHead(MAIN, WAIT, StepStatus.UNDER_WAY, False),
        SIDE: LaneHead(SIDE, REPOS, StepStatus.PENDING, True),
    }
    moving = heads(a_run(*WAITING, *under_way("repos")))
    assert moving[SIDE] == LaneHead(SIDE, REPOS, StepStatus.UNDER_WAY, False)
    asks = heads(a_run(*WAITING, *failed("repos")))
    assert asks[SIDE] == LaneHead(SIDE, REPOS, StepStatus.ASKING, True)
    by_hand = heads(a_run(StepApproved(StepId("bridges-stop"), OPERATOR, 1)))
    assert by_hand[CAMERAS] == LaneHead(CAMERAS, StepId("bridges-stop"), StepStatus.UNDER_WAY, True)
    held = heads(a_run(*WAITING, RunHeld("ops2")))
    assert not held[SIDE].waits_for_lead


def test_a_wait_that_has_not_begun_waits_for_nobody() -> None:
    state = a_run(*done("watcher", "cscs", "queues"))
    assert heads(state)[MAIN] == LaneHead(MAIN, WAIT, StepStatus.PENDING, False)


def test_what_is_armed_is_told_of_each_lane() -> None:
    found = heads(a_run(*WAITING), QUIET, REPOS)
    assert (found[SIDE].armed, found[MAIN].armed) == (True, False)
    shown = run_view(a_run(*WAITING), QUIET, Own(arms={REPOS: Arm(REPOS, Tier.MODERATE, 0.0)}))
    assert {head.lane: head.armed for head in shown.heads} == {MAIN: False, SIDE: True}


def test_lanes_go_side_by_side_and_steps_of_one_after_the_other() -> None:
    state = a_run(*done("watcher"), *under_way("cscs"))
    again: Step = replace(csc_step("repos", QUEUES[:1], ENABLED), lane=MAIN)
    other = replace(again, lane=SIDE)
    in_lane = run_view(with_step(state, again), QUIET, Own(chosen=REPOS)).card
    beside = run_view(with_step(state, other), QUIET, Own(chosen=REPOS)).card
    assert in_lane is not None
    assert beside is not None
    assert "cscs is under way in the same lane" in [reason.sentence for reason in in_lane.reasons if not reason.met]
    assert beside.is_open


def with_step(state: RunState, step: Step) -> RunState:
    phase = state.runbook.phases[0]
    steps = tuple(step if each.id == step.id else each for each in phase.steps)
    return replace(state, runbook=replace(state.runbook, phases=(replace(phase, steps=steps),)))


def test_a_settled_wait_is_no_head_and_the_last_lane_that_ends_leaves_none() -> None:
    ended = a_run(*WAITING, StepDone(WAIT), *done("repos", "merge"))
    assert heads(ended) == {}
    assert card_step(ended, QUIET) is None
    assert StepsSettled((REPOS,)) in book().step(MERGE).preconditions
    assert book().step(WAIT).kind is StepKind.WAIT

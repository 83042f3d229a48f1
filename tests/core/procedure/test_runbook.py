"""A resolved runbook answers what applies, what is compared and what a condition says."""

from __future__ import annotations

import dataclasses

import pytest

from deploydash.core.model import CscId, FeedName, Phase, SummaryState, Target, TargetKind
from deploydash.core.procedure.runbook import (
    Answered,
    Choice,
    Condition,
    CscAt,
    CscItem,
    CscsDown,
    DebtsPaid,
    FeedsUp,
    Lane,
    ManualItem,
    Option,
    Precondition,
    Runbook,
    RunPhase,
    Step,
    StepId,
    StepKind,
    StepsSettled,
    System,
    Tier,
)

STANDBY = Target(SummaryState.STANDBY)
M1M3 = CscId("MTM1M3")
STEP = Step(StepId("stop"), "Stop it", StepKind.MANUAL, System.SSH, Tier.MODERATE, Lane.MAIN, "it is gone")
CHOICE = Choice(
    "m1m3",
    "Is it stopped?",
    (
        Option("kept", "no"),
        Option("stopped", "yes", ((M1M3, STANDBY),), (("finish", Phase(STANDBY)),)),
    ),
    StepId("stop"),
)
FINISH = RunPhase("finish", "finish", Phase(TargetKind.END), (STEP,))
BOOK = Runbook("book", "a book", "tiny", False, (M1M3,), (), (M1M3,), (CHOICE,), (FINISH,))


@pytest.mark.parametrize(
    ("answers", "applies"),
    [
        ({}, None),
        ({"a": "yes"}, None),
        ({"a": "no"}, False),
        ({"b": "no"}, False),
        ({"a": "yes", "b": "yes"}, True),
        ({"a": "perhaps", "b": "yes"}, True),
        ({"a": "yes", "b": "no"}, False),
    ],
)
def test_a_step_applies_once_every_question_it_hangs_on_is_answered_so(
    answers: dict[str, str], applies: bool | None
) -> None:
    step = dataclasses.replace(STEP, when=(Condition("a", ("yes", "perhaps")), Condition("b", ("yes",))))
    assert step.applies(answers) is applies


def test_a_step_without_conditions_always_applies() -> None:
    assert STEP.applies({}) is True


def test_an_answer_replaces_start_up_targets_and_what_a_phase_compares_with() -> None:
    assert BOOK.startup_targets({}) == {}
    assert BOOK.startup_targets({"m1m3": "kept"}) == {}
    assert BOOK.startup_targets({"m1m3": "stopped"}) == {M1M3: STANDBY}
    assert BOOK.wanted(FINISH, {}) == Phase(TargetKind.END)
    assert BOOK.wanted(FINISH, {"m1m3": "stopped"}) == Phase(STANDBY)
    other = dataclasses.replace(FINISH, id="wait", wanted=Phase(None))
    assert BOOK.wanted(other, {"m1m3": "stopped"}) == Phase(None)


def test_a_step_is_found_by_its_id() -> None:
    assert BOOK.step(StepId("stop")) is STEP
    with pytest.raises(KeyError):
        BOOK.step(StepId("start"))


def test_the_cscs_of_a_step_are_named_once_whatever_its_items_are() -> None:
    watcher = CscId("Watcher")
    items = (CscItem(watcher, STANDBY), ManualItem("a host", ("do it",), (M1M3, watcher)), ManualItem("another", ()))
    assert dataclasses.replace(STEP, items=items).cscs == (watcher, M1M3)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (StepsSettled((StepId("a"),)), "a is settled"),
        (StepsSettled((StepId("a"), StepId("b"), StepId("c"))), "a, b and c are settled"),
        (CscsDown("the Watcher", (CscId("Watcher"),)), "the Watcher is down or waived"),
        (CscAt(CscId("MTM2"), Target(SummaryState.ENABLED)), "MTM2 is ENABLED"),
        (FeedsUp((FeedName.KAFKA,)), "kafka is up"),
        (FeedsUp((FeedName.KAFKA, FeedName.SCHEMA_REGISTRY)), "kafka and schema registry are up"),
        (Answered("m1m3"), "the question 'm1m3' is answered"),
        (DebtsPaid(), "no debt is open"),
    ],
)
def test_a_condition_is_a_sentence(condition: Precondition, sentence: str) -> None:
    assert condition.sentence == sentence


def test_a_condition_on_an_answer_is_a_sentence() -> None:
    assert Condition("cameras", ("cycle", "restart")).sentence == "cameras is cycle or restart"

"""A resolved runbook answers what applies, what is compared and what a condition says."""

from __future__ import annotations

import dataclasses

import pytest

from deploydash.core.model import CscId, FeedName, Phase, SummaryState, Target, TargetKind
from deploydash.core.procedure.csc_work import transition
from deploydash.core.procedure.items import CscEffect, last_effects
from deploydash.core.procedure.names import MAIN, StepId, SystemName, numbered
from deploydash.core.procedure.preconditions import (
    Answered,
    CscAt,
    CscsDown,
    DebtsPaid,
    FactHolds,
    FeedsUp,
    Precondition,
    StepsSettled,
)
from deploydash.core.procedure.runbook import Choice, Condition, Option, Runbook, RunPhase, Step, StepKind, Tier
from tests.support.runs import person

STANDBY = Target(SummaryState.STANDBY)
M1M3 = CscId("MTM1M3")
STEP = Step(StepId("stop"), "Stop it", StepKind.MANUAL, SystemName("ssh"), Tier.MODERATE, MAIN, "it is gone")
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
    both = (CscEffect(M1M3, STANDBY), CscEffect(watcher, STANDBY))
    items = (transition(watcher, STANDBY), person(0, "a host", "do it", effects=both), person(1, "another"))
    step = dataclasses.replace(STEP, items=items)
    assert step.cscs == (watcher, M1M3)
    assert [item.csc for item in items] == [watcher, None, None]
    assert [item.cscs for item in items] == [(watcher,), (M1M3, watcher), ()]
    waits = dataclasses.replace(STEP, kind=StepKind.WAIT, awaits=(*both, *both))
    assert waits.cscs == (M1M3, watcher)


def test_an_item_is_found_by_its_name() -> None:
    item = person(0, "a host", "do it")
    step = dataclasses.replace(STEP, items=(item,))
    assert step.item(item.id) is item
    assert step.item(numbered(1)) is None
    assert item.by_person
    assert not transition(M1M3, STANDBY).by_person


def test_of_two_effects_on_one_csc_the_later_is_to_be_seen() -> None:
    watcher, off = CscId("Watcher"), Target(SummaryState.OFFLINE)
    effects = (CscEffect(M1M3, off), CscEffect(watcher, off), CscEffect(M1M3, STANDBY))
    assert set(last_effects(effects)) == {CscEffect(M1M3, STANDBY), CscEffect(watcher, off)}


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (StepsSettled((StepId("a"),)), "a is settled"),
        (StepsSettled((StepId("a"), StepId("b"), StepId("c"))), "a, b and c are settled"),
        (CscsDown("the Watcher", (CscId("Watcher"),)), "the Watcher is down or waived"),
        (CscAt(CscId("MTM2"), Target(SummaryState.ENABLED)), "MTM2 is ENABLED"),
        (FeedsUp((FeedName.KAFKA,)), "kafka is up"),
        (FeedsUp((FeedName.KAFKA, FeedName.SCHEMA_REGISTRY)), "kafka and schema registry are up"),
        (FactHolds("exposure-log", "the exposure log is quiet"), "the exposure log is quiet"),
        (Answered("m1m3"), "the question 'm1m3' is answered"),
        (DebtsPaid(), "no debt is open"),
    ],
)
def test_a_condition_is_a_sentence(condition: Precondition, sentence: str) -> None:
    assert condition.sentence == sentence


def test_a_condition_on_an_answer_is_a_sentence() -> None:
    assert Condition("cameras", ("cycle", "restart")).sentence == "cameras is cycle or restart"

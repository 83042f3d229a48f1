"""The words in angle brackets: known from the run, from what was written down, or told by the lead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import (
    WHOLE,
    Lane,
    ManualItem,
    Runbook,
    RunPhase,
    Step,
    StepId,
    StepKind,
    System,
    Tier,
)
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.orders import SetPlaceholders
from deploydash.core.run.placeholders import filled_in, missing_placeholders, placeholders_of
from deploydash.core.run.records import CscsWaived, ItemSignedOff, PlaceholderSet
from deploydash.core.run.state import RunState
from tests.support.runs import OPERATOR, after, fleet, opened, small_runbook

TICKETS = StepId("tickets")
MERGE = StepId("merge")


def by_hand(name: StepId, *commands: str, fills: str = "") -> Step:
    items = (ManualItem("github", commands),)
    kind, system = StepKind.MANUAL, System.GITHUB
    return Step(name, name, kind, system, Tier.MILD, Lane.MAIN, "it is so", items, records=fills, fills=fills)


@pytest.fixture
def run() -> RunState:
    """A run whose ticket names the branch of a later merge."""
    steps = (by_hand(TICKETS, "create <cycle>", fills="branch"), by_hand(MERGE, "merge <branch> on <date>: <broken>"))
    small = small_runbook()
    book: Runbook = replace(
        small,
        phases=(RunPhase("prepare", "prepare", small.phases[0].wanted, steps),),
        blanks=("branch", "broken", "cycle", "date", "run"),
    )
    return opened(book)


def commands(state: RunState, name: StepId) -> tuple[str, ...]:
    [item] = filled_in(state.runbook.step(name), placeholders_of(state)).items
    assert isinstance(item, ManualItem)
    return item.commands


def test_the_cycle_is_known_from_the_opening(run: RunState) -> None:
    assert commands(run, TICKETS) == ("create c0045",)


def test_a_run_without_a_cycle_waits_for_it(run: RunState) -> None:
    assert run.opened is not None
    bare = replace(run, opened=replace(run.opened, cycle=""))
    assert missing_placeholders(bare.runbook.step(TICKETS), bare) == ("cycle",)


def test_what_a_step_had_written_down_stands_in_later_commands(run: RunState) -> None:
    signed_off = after(run, ItemSignedOff(TICKETS, WHOLE, "Ana", OPERATOR, "CAP-123"))
    assert commands(signed_off, MERGE) == ("merge CAP-123 on <date>: none",)
    assert missing_placeholders(signed_off.runbook.step(MERGE), signed_off) == ("date",)


def test_a_remark_of_several_words_fills_in_nothing(run: RunState) -> None:
    signed_off = after(run, ItemSignedOff(TICKETS, WHOLE, "Ana", OPERATOR, "CAP-123; rm -rf ."))
    assert missing_placeholders(signed_off.runbook.step(MERGE), signed_off) == ("branch", "date")


def test_what_the_lead_tells_comes_before_what_was_written_down(run: RunState) -> None:
    told = after(
        run, ItemSignedOff(TICKETS, WHOLE, "Ana", OPERATOR, "CAP-1"), PlaceholderSet("branch", "CAP-2", OPERATOR)
    )
    assert placeholders_of(told)["branch"] == "CAP-2"


def test_those_left_broken_are_named_with_their_reasons(run: RunState) -> None:
    waived = after(
        run,
        PlaceholderSet("branch", "b", OPERATOR),
        PlaceholderSet("date", "2026-12-03", OPERATOR),
        CscsWaived((CscId("CBP"), CscId("ESS", 104)), OPERATOR, "not installed"),
    )
    assert commands(waived, MERGE) == ("merge b on 2026-12-03: CBP (not installed); ESS:104 (not installed)",)
    assert missing_placeholders(waived.runbook.step(MERGE), waived) == ()


def test_telling_words_is_journaled_with_who_told_them(run: RunState) -> None:
    decided = decide(SetPlaceholders((("date", " 2026-12-03 "), ("branch", "x"))), run, fleet(), OPERATOR)
    assert decided == (PlaceholderSet("date", "2026-12-03", OPERATOR), PlaceholderSet("branch", "x", OPERATOR))


@pytest.mark.parametrize(
    ("word", "text", "why"),
    [
        ("moon", "full", "<moon> is no word that this runbook waits for"),
        ("broken", "nothing", "<broken> is no word that this runbook waits for"),
        ("date", "  ", "<date> needs a text in one line, without angle brackets"),
        ("date", "a\nb", "<date> needs a text in one line, without angle brackets"),
        ("date", "<start>", "<date> needs a text in one line, without angle brackets"),
    ],
)
def test_a_word_that_is_none_or_a_text_that_is_none_is_refused(run: RunState, word: str, text: str, why: str) -> None:
    assert decide(SetPlaceholders(((word, text),)), run, fleet(), OPERATOR) == Refused(why)

"""The words in angle brackets: known from the run, from what was written down, or told by the lead."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import MAIN, WHOLE, StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Debt, Runbook, RunPhase, Step, StepKind, Tier
from deploydash.core.run.decide import Refused, decide
from deploydash.core.run.orders import SetPlaceholders, SignOff
from deploydash.core.run.placeholders import filled_in, missing_placeholders, placeholders_of
from deploydash.core.run.records import CscsWaived, ItemEnded, ItemSignedOff, Outcome, PlaceholderSet, RequestIntended
from deploydash.core.run.state import RunState
from tests.support.runs import OPERATOR, after, fleet, opened, person, small_runbook

TICKETS = StepId("tickets")
MERGE = StepId("merge")


def by_hand(name: StepId, *commands: str, fills: str = "") -> Step:
    items = (person(0, "github", *commands),)
    kind, system = StepKind.MANUAL, SystemName("github")
    return Step(name, name, kind, system, Tier.MILD, MAIN, "it is so", items, records=fills, fills=fills)


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
    return item.manual


def test_the_cycle_is_known_from_the_opening(run: RunState) -> None:
    assert commands(run, TICKETS) == ("create c0045",)


def test_a_run_without_a_cycle_waits_for_it(run: RunState) -> None:
    assert run.opened is not None
    bare = replace(run, opened=replace(run.opened, cycle=""))
    assert missing_placeholders(bare.runbook.step(TICKETS), bare) == ("cycle",)


def test_what_a_debt_puts_back_is_the_word_though_a_retry_reads_what_was_changed(run: RunState) -> None:
    step = by_hand(TICKETS, "set NONE", fills="compatibility")
    phase = replace(run.runbook.phases[0], steps=(step,))
    state = replace(run, runbook=replace(run.runbook, phases=(phase,)))
    item = step.items[0].id
    owed = Debt("registry/compatibility", "the level", (MERGE,), restore="FORWARD")
    state = after(
        state,
        RequestIntended(TICKETS, item, "PUT /config", owes=owed),
        ItemEnded(TICKETS, item, Outcome.REACHED, "it reads NONE", (("compatibility", "NONE"),)),
    )
    assert placeholders_of(state)["compatibility"] == "FORWARD"
    assert placeholders_of(after(state, PlaceholderSet("compatibility", "FULL", OPERATOR)))["compatibility"] == "FULL"


def test_the_weekday_follows_from_the_date_unless_the_lead_has_told_it(run: RunState) -> None:
    dated = after(run, PlaceholderSet("date", "2026-12-03", OPERATOR))
    assert placeholders_of(dated)["weekday"] == "Thursday"
    assert placeholders_of(after(dated, PlaceholderSet("weekday", "Friday", OPERATOR)))["weekday"] == "Friday"
    assert "weekday" not in placeholders_of(after(run, PlaceholderSet("date", "on Thursday", OPERATOR)))


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("the key is OPS-1", "one word is wanted: it is filled into later commands as <branch>"),
        ("https://x/OPS-1", "no link is wanted: <branch> is filled into later commands as it stands"),
        (" OPS-1 ", ""),
    ],
)
def test_what_later_commands_are_made_of_is_refused_where_it_would_spoil_them(
    run: RunState, note: str, why: str
) -> None:
    decision = decide(SignOff(TICKETS, "Ana", WHOLE, note), run, fleet(), OPERATOR)
    assert (decision.why if isinstance(decision, Refused) else "") == why


def test_what_a_step_had_written_down_stands_in_later_commands(run: RunState) -> None:
    signed_off = after(run, ItemSignedOff(TICKETS, WHOLE, "Ana", OPERATOR, "CAP-123"))
    assert commands(signed_off, MERGE) == ("merge CAP-123 on <date>: none",)
    assert missing_placeholders(signed_off.runbook.step(MERGE), signed_off) == ("date",)


def merging(*values: tuple[str, str], outcome: Outcome = Outcome.REACHED) -> ItemEnded:
    return ItemEnded(TICKETS, numbered(0), outcome, "merged", values)


def test_what_an_item_made_known_stands_in_later_commands(run: RunState) -> None:
    merged = after(run, merging(("number", "12"), ("branch", "tickets/CAP-123")))
    assert commands(merged, MERGE) == ("merge tickets/CAP-123 on <date>: none",)


@pytest.mark.parametrize(
    "ended",
    [
        merging(("sha", "1f2e")),
        merging(("branch", "two words")),
        merging(("branch", "CAP-123"), outcome=Outcome.FAILED),
        merging(("branch", "CAP-123"), outcome=Outcome.UNKNOWN),
    ],
)
def test_what_is_no_such_value_or_of_an_item_that_did_not_end_well_fills_in_nothing(
    run: RunState, ended: ItemEnded
) -> None:
    assert missing_placeholders(run.runbook.step(MERGE), after(run, ended)) == ("branch", "date")


def test_what_a_person_wrote_down_comes_before_what_an_item_made_known(run: RunState) -> None:
    both = after(run, merging(("branch", "a")), ItemSignedOff(TICKETS, WHOLE, "Ana", OPERATOR, "b"))
    assert placeholders_of(both)["branch"] == "b"


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
        ("moon", "full", "<moon> is no placeholder of this runbook"),
        ("broken", "nothing", "<broken> is no placeholder of this runbook"),
        ("date", "  ", "<date> needs one line of text, without < and >"),
        ("date", "a\nb", "<date> needs one line of text, without < and >"),
        ("date", "<start>", "<date> needs one line of text, without < and >"),
    ],
)
def test_a_word_that_is_none_or_a_text_that_is_none_is_refused(run: RunState, word: str, text: str, why: str) -> None:
    assert decide(SetPlaceholders(((word, text),)), run, fleet(), OPERATOR) == Refused(why)


def test_a_word_in_a_spec_is_filled_in_as_json_writes_it(run: RunState) -> None:
    item = Item(numbered(0), "rewrite <date>", SystemName("made-up"), '{"text": "of <date>"}', manual=("echo <date>",))
    book = run.runbook
    steps = (replace(book.step(TICKETS), kind=StepKind.ACTION, items=(item,)),)
    state = replace(run, runbook=replace(book, phases=(replace(book.phases[0], steps=steps),)))
    assert missing_placeholders(state.runbook.step(TICKETS), state) == ("date",)
    told = after(state, PlaceholderSet("date", 'a "b" \\', OPERATOR))
    [filled] = filled_in(told.runbook.step(TICKETS), placeholders_of(told)).items
    assert json.loads(filled.spec) == {"text": 'of a "b" \\'}
    assert (filled.label, filled.manual) == ('rewrite a "b" \\', ('echo a "b" \\',))

"""What is typed ahead, into dialogs and over armed cards, and what is pasted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.events import Paste
from textual.widgets import Input

from deploydash.core.run.orders import (
    Answer,
    ArmStep,
    Fire,
    Retry,
    TypeName,
    Waive,
)
from deploydash.ui.screens.form import Form
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run
from tests.support.runs import csc_items
from tests.ui.test_run_keys import CSCS, ESS, MTDOME, WATCHER, press


async def test_a_dialog_filled_faster_than_it_is_drawn_has_each_text_in_its_field() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await press(screen, ("asterisk", "w"))
        screen.burst(*"hangs", "enter", "2", "enter")
        await screen.until(lambda: bool(screen.inbox.orders))
        assert screen.inbox.orders == [Waive((MTDOME, ESS), "hangs", 2)]
        await screen.until(lambda: screen.app.screen is screen.run)
        await screen.pilot.pause()
        await screen.read()
        await press(screen, ("w",))
        screen.burst(*"one", "tab", "3", "backspace", "2", "enter")
        await screen.until(lambda: len(screen.inbox.orders) == 2)
        assert screen.inbox.orders[1] == Waive((MTDOME, ESS), "one", 2)


async def test_letters_type_in_a_dialog_and_act_nowhere() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await press(screen, ("w", "'HRqax"))
        assert screen.app.screen.query_one(Input).value == "HRqax"
        assert screen.inbox.orders == []


async def test_keys_typed_before_a_card_opened_are_discarded() -> None:
    async with running_run(SCENES["watcher"](), read=False) as screen:
        await screen.press("a")
        await screen.sees("the card has just changed; look once more")
        assert screen.inbox.orders == []
        await screen.read()
        await screen.press("a")
        assert screen.inbox.orders == [ArmStep(WATCHER, 1)]
        await screen.publish(SCENES["asking"]())
        await screen.press("r")
        assert screen.inbox.orders == [ArmStep(WATCHER, 1)], "r was typed for the card before"
        await screen.read()
        await screen.press("r")
        assert screen.inbox.proposed == [Retry(CSCS, csc_items((MTDOME,)))]


async def test_an_answer_typed_before_a_dialog_opened_is_discarded() -> None:
    async with running_run(SCENES["question"]()) as screen:
        await screen.press("d", "enter")
        await screen.sees("this dialog has just opened")
        assert screen.inbox.orders == []
        await screen.read()
        await screen.press("enter")
        assert screen.inbox.orders == [Answer("cameras", "cycle")]


async def test_the_name_of_the_site_typed_ahead_or_pasted_is_taken_by_enter_only() -> None:
    async with running_run(SCENES["cscs"]()) as screen:
        await screen.press("a")
        await screen.publish(SCENES["naming"]())
        await screen.until(lambda: isinstance(screen.app.screen, Form))
        screen.burst(*"summit")
        await screen.until(lambda: screen.app.screen.query_one(Input).value == "summit")
        await screen.pilot.pause()
        assert screen.inbox.orders == [ArmStep(CSCS, 1)], "nobody had read the dialog"
        await screen.read()
        await screen.press("enter")
        assert screen.inbox.orders == [ArmStep(CSCS, 1), TypeName("summit", CSCS)]
    async with running_run(SCENES["naming"]()) as screen:
        await screen.until(lambda: isinstance(screen.app.screen, Form))
        await screen.read()
        screen.app.post_message(Paste("summit"))
        await screen.until(lambda: screen.app.screen.query_one(Input).value == "summit")
        await screen.pilot.pause()
        assert screen.inbox.orders == []
        await screen.press("enter")
        assert screen.inbox.orders == [TypeName("summit", CSCS)]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_under_a_dialog_no_key_is_shown_that_does_not_work_there(size: tuple[int, int]) -> None:
    async with running_run(SCENES["asking"](), width=size[0], height=size[1]) as screen:
        await screen.sees("r retry")
        assert "H  HOLD" in screen.text()
        await press(screen, ("w",))
        await screen.sees("takes it")
        await screen.until(lambda: "ctrl+g  HOLD" in screen.text())
        gone = ("r retry", "s skip", "space mark", "H  HOLD", "m note", "? help", "a arm")
        assert [words for words in gone if words in screen.text()] == []
        await press(screen, ("escape",))
        await screen.sees("r retry")
        assert "H  HOLD" in screen.text()


async def test_an_enter_out_of_habit_behind_the_name_of_the_site_is_told_that_it_goes_by_itself() -> None:
    async with running_run(SCENES["naming"]()) as screen:
        await screen.until(lambda: isinstance(screen.app.screen, Form))
        await screen.read()
        await screen.type("summit")
        await screen.until(lambda: screen.app.screen is screen.run)
        await screen.publish(SCENES["going"]())
        await screen.press("enter")
        await screen.sees("it goes by itself when the count has ended; Esc cancels")
        assert screen.inbox.orders == [TypeName("summit", CSCS)]


async def test_an_answer_typed_for_the_question_before_is_discarded() -> None:
    first = SCENES["question"]()
    assert first.run is not None
    assert first.run.card is not None
    one = first.run.card.choices[0]
    two = replace(one, id="another", question="And what else?")
    card = replace(first.run.card, choices=(one, two))
    async with running_run(replace(first, run=replace(first.run, card=card))) as screen:
        await press(screen, ("j", "enter"))
        answered = replace(card, answers=(*card.answers, (one.id, "restart")))
        await screen.publish(replace(first, run=replace(first.run, card=answered)))
        await screen.press("enter")
        await screen.sees("the card has just changed; look once more")
        assert screen.inbox.orders == [Answer("cameras", "restart")]
        await screen.read()
        await screen.press("enter")
        assert screen.inbox.orders == [Answer("cameras", "restart"), Answer("another", "cycle")], "the safe one again"


async def test_what_is_typed_ahead_reaches_the_dialog_that_the_key_before_it_opened() -> None:
    async with running_run(SCENES["by-hand"]()) as screen:
        screen.burst("d", *"Ana", "tab")
        await screen.until(lambda: isinstance(screen.app.screen, Form))
        await screen.until(lambda: screen.app.screen.query_one(Input).value == "Ana")
        screen.burst("escape", "O")
        await screen.until(lambda: screen.app.screen is screen.run)
        await screen.sees("the card has just changed; look once more")
        assert (screen.inbox.orders, screen.inbox.proposed) == ([], [])


async def test_what_was_typed_for_a_dialog_that_went_away_by_itself_acts_nowhere() -> None:
    async with running_run(SCENES["cscs"]()) as screen:
        await screen.press("a")
        await screen.publish(SCENES["naming"]())
        await screen.until(lambda: isinstance(screen.app.screen, Form))
        screen.clock.advance(25.0)
        screen.source.publish(SCENES["cscs"]())
        await screen.until(lambda: screen.app.screen is screen.run)
        screen.burst(*"aO")
        await screen.sees("the card has just changed; look once more")
        assert screen.inbox.orders == [ArmStep(CSCS, 1)]


async def test_an_armed_card_keeps_its_promise_wherever_the_arrows_are() -> None:
    async with running_run(SCENES["armed"]()) as screen:
        await press(screen, ("tab", "tab"))
        await screen.sees("the arrows move in the grid")
        await press(screen, ("n",))
        await screen.sees("card, Enter once more sends it.")
        await screen.press("enter")
        await screen.sees("the card is armed: Enter once more sends it")
        assert screen.inbox.orders == []
        assert screen.app.screen is screen.run
        await screen.press("enter")
        assert screen.inbox.orders == [Fire(WATCHER)]


async def test_a_gives_the_arrows_back_to_the_card() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        await press(screen, ("tab", "tab", "n", "a"))
        await screen.publish(SCENES["armed"]())
        await screen.read()
        await screen.press("enter")
        assert screen.inbox.orders == [ArmStep(WATCHER, 1), Fire(WATCHER)]


async def test_a_filter_over_an_armed_card_says_what_its_enter_is() -> None:
    async with running_run(SCENES["armed"](), width=160) as screen:
        await press(screen, ("slash", "'mtdome", "enter"))
        await screen.sees("the card is armed: Enter comes to it, Enter once more sends it")
        await press(screen, ("enter", "enter"))
        assert screen.inbox.orders == [Fire(WATCHER)]


PASTES = {
    "one line": ("OSW-1234", "OSW-1234", ""),
    "one line with its end": ("OSW-1234\r\n", "OSW-1234", ""),
    "several lines": ("OSW-1\nOSW-2\nOSW-3", "", "what was pasted has 3 lines and this field takes one"),
    "control characters": ("a\x1bH\x07b", "a␛H␇b", ""),
}


@pytest.mark.parametrize("name", PASTES)
async def test_a_paste_is_text_that_is_shown_whole_or_refused_in_words(name: str) -> None:
    text, value, said = PASTES[name]
    async with running_run(SCENES["watcher"]()) as screen:
        await press(screen, ("m",))
        screen.app.post_message(Paste(text))
        field = screen.app.screen.query_one(Input)
        await screen.until(lambda: field.value == value)
        await screen.sees(said)
        assert screen.inbox.orders == []


async def test_a_paste_where_nothing_takes_one_acts_nowhere() -> None:
    async with running_run(SCENES["watcher"](), width=160) as screen:
        screen.app.post_message(Paste("HaO"))
        await screen.sees("nothing here takes what was pasted")
        assert screen.inbox.orders == []

"""The lead's keys on items one by one: armed, signed off, retried, told to stop, sent another way, added, answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from textual.events import Paste
from textual.widgets import Input

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import WHOLE, StepId, SystemName, numbered
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run.composing import Composed, ItemOffer, OfferField
from deploydash.core.run.orders import AddItem, AnswerItem, ArmStep, Control, Fire, Retry, SignOff, Skip
from deploydash.core.run.records import AnswerOffered, QuestionAsked, RunHeld
from deploydash.systems.sal.steps import UNNAMED, script_item
from deploydash.ui.screens import item_add
from deploydash.ui.screens.form import Form
from deploydash.ui.screens.step import StepScreen
from tests.config.test_script_check import ANCHORS, CHECK
from tests.support import item_scenes
from tests.support.fake_desk import FakeDesk
from tests.support.item_scenes import CSCS, QUEUES, SCRIPT_SCENES, TESTING
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run
from tests.support.runs import FIRST_ADDED, csc_items
from tests.ui.test_run_keys import Case, press

MTDOME, ESS = CscId("MTDome"), CscId("ESS", 303)
WATCHER = SCENES["watcher"]
POINT = script_item(UNNAMED, QUEUES[1], "maintel/point_azel.py", True, "{el: 80}")
TYPED = ("A", "'ScriptQueue:2", "enter", "'maintel/point_azel.py", "enter", "'{el: 80}", "enter")


def running() -> Published:
    return item_scenes.scripts(*item_scenes.let_go())


def by_fallback(number: int, *cscs: CscId) -> Item:
    run = SCRIPT_SCENES["other-route"]().run
    assert run is not None
    assert run.card is not None
    items = tuple(row.item for row in run.card.rows if row.csc in cscs)
    made = FakeDesk().compose_fallback(run.card.fallbacks[number], items).item
    assert made is not None
    return made


CASES = {
    "a arms a step of scripts": Case(SCRIPT_SCENES["scripts"], ("a",), (ArmStep(TESTING, 1),)),
    "Enter lets it go": Case(SCRIPT_SCENES["scripts-armed"], ("enter",), (Fire(StepId("minimal-testing")),)),
    "it may be ticked by name as a whole instead": Case(
        SCRIPT_SCENES["scripts"], ("d", "'Ana", "enter"), (SignOff(TESTING, "Ana", WHOLE),)
    ),
    "r retries the script that failed": Case(
        SCRIPT_SCENES["scripts-failed"], ("r",), (), (Retry(TESTING, (numbered(0),)),)
    ),
    "a script that failed is ticked with why": Case(
        SCRIPT_SCENES["scripts-failed"],
        ("d", "shift+tab", "'Ana", "enter", "'by LOVE", "enter"),
        (SignOff(TESTING, "Ana", numbered(0), "by LOVE"),),
    ),
    "s skips the step": Case(SCRIPT_SCENES["scripts-failed"], ("s", "'no time", "enter"), (Skip(TESTING, "no time"),)),
    "what a person does in between is ticked without a note": Case(
        SCRIPT_SCENES["scripts-by-hand"], ("d", "'Ana", "enter"), (SignOff(TESTING, "Ana", numbered(2)),)
    ),
    "Enter asks for it, too": Case(
        SCRIPT_SCENES["scripts-by-hand"], ("enter", "'Ana", "enter"), (SignOff(TESTING, "Ana", numbered(2)),)
    ),
    "the default of p leaves everything": Case(running, ("p", "enter"), ()),
    "p stops the script": Case(running, ("p", "4", "enter"), (), (Control(TESTING, numbered(0), "stop"),)),
    "p pauses its queue": Case(running, ("p", "2", "enter"), (), (Control(TESTING, numbered(0), "pause"),)),
    "p resumes the queue that a failure paused, at the place where it always stands": Case(
        SCRIPT_SCENES["scripts-failed"], ("p", "3", "enter"), (), (Control(TESTING, numbered(0), "resume"),)
    ),
    "what stops a script stands where it always does, and is not taken once it is over": Case(
        SCRIPT_SCENES["scripts-failed"], ("p", "4", "enter"), ()
    ),
    "p stops the script of another route": Case(
        SCRIPT_SCENES["routed"], ("p", "4", "enter"), (), (Control(CSCS, FIRST_ADDED, "stop"),)
    ),
    "the default of o sends nothing": Case(SCRIPT_SCENES["other-route"], ("o", "enter"), ()),
    "o sends the one under the cursor by the first fallback": Case(
        SCRIPT_SCENES["other-route"],
        ("o", "down", "enter"),
        (),
        (AddItem(CSCS, by_fallback(0, MTDOME), csc_items((MTDOME,))),),
    ),
    "o sends those marked by another fallback": Case(
        SCRIPT_SCENES["other-route"],
        ("asterisk", "o", "down", "down", "enter"),
        (),
        (AddItem(CSCS, by_fallback(1, MTDOME, ESS), csc_items((MTDOME, ESS))),),
    ),
    "A shows the item that was typed, and Enter alone sends nothing": Case(
        WATCHER, (*TYPED, "enter"), (), (AddItem(item_scenes.WATCHER, POINT),)
    ),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
async def test_the_key_orders_what_the_card_says(case: Case) -> None:
    async with running_run(case.scene()) as screen:
        await press(screen, case.keys)
        await screen.until(lambda: len(screen.inbox.orders) >= len(case.orders))
        await screen.until(lambda: len(screen.inbox.proposed) >= len(case.proposed))
        assert tuple(screen.inbox.orders) == case.orders
        assert tuple(screen.inbox.proposed) == case.proposed
        assert screen.app.is_running


@dataclass(frozen=True, slots=True)
class Said:
    """A scene, keys, and words that stand on the screen afterwards."""

    scene: Callable[[], Published]
    keys: tuple[str, ...]
    words: str


SAID = {
    "nothing to stop yet": Said(SCRIPT_SCENES["scripts"], ("p",), "minimal-testing has begun nothing yet"),
    "no item to tell anything on a card of CSCs": Said(WATCHER, ("p",), "watcher has begun nothing yet"),
    "no fallback while all go": Said(WATCHER, ("o",), "no fallback"),
    "a running script is not ticked": Said(running, ("d",), "auxtel/enable_atcs.py is under way: stop it first (p)"),
    "nor armed again": Said(running, ("a",), "nothing to arm: its items are worked on"),
    "Enter does not arm": Said(SCRIPT_SCENES["scripts"], ("enter",), "minimal-testing is armed first: a"),
    "why it asks": Said(SCRIPT_SCENES["scripts-failed"], ("i",), "decision about auxtel/enable_atcs.py: failed: ATMCS"),
    "held": Said(SCENES["held"], ("A",), "the run is held by ops2@laptop; R releases it"),
    "what is done": Said(SCRIPT_SCENES["scripts-by-hand"], ("k", "d"), "auxtel/enable_latiss.py is done"),
}


@pytest.mark.parametrize("said", [pytest.param(said, id=name) for name, said in SAID.items()])
async def test_a_key_that_may_not_act_says_why_and_orders_nothing(said: Said) -> None:
    async with running_run(said.scene(), width=160) as screen:
        await press(screen, said.keys)
        await screen.until(lambda: said.words in " ".join(screen.text().split()))
        assert screen.inbox.orders == []


async def test_the_card_follows_the_script_that_runs_until_the_arrows_move_it() -> None:
    async with running_run(running()) as screen:
        await screen.sees("RUNNING as Script:200001, 3:10")
        await screen.sees("enabling ATMCS")
        again = (item_scenes.done(0), *item_scenes.running(1, 200_002, paused=True))
        await screen.publish(item_scenes.scripts(*item_scenes.let_go(), *again))
        await screen.sees("RUNNING as Script:200002")
        await screen.sees("paused: nothing further of its kind starts")
        await press(screen, ("j",))
        assert screen.run.focus_on.row == 2


async def test_v_shows_every_script_with_its_whole_configuration() -> None:
    async with running_run(SCRIPT_SCENES["scripts"](), height=90) as screen:
        await screen.press("V")
        await screen.until(lambda: isinstance(screen.app.screen, StepScreen))
        await screen.sees("lsst.sal.ScriptQueue.command_add salIndex=2 isStandard=true path=auxtel/enable_atcs.py")
        await screen.sees("cmd: play")
        await screen.sees("parameters: {playlist: bias, repeat: true}")


async def test_a_fallback_shows_exactly_what_is_added_and_says_why_it_cannot_be() -> None:
    async with running_run(SCRIPT_SCENES["other-route"]()) as screen:
        await press(screen, ("asterisk", "o"))
        await screen.sees("For 2 CSCs: MTDome, ESS:303")
        await press(screen, ("down", "enter"))
        await screen.sees("Exactly this is sent")
        await screen.sees("- ['MTDome', OFFLINE]")
        await screen.sees("- ['ESS:303', OFFLINE]")
        assert screen.inbox.orders == []
    async with running_run(SCRIPT_SCENES["other-route"]()) as screen:
        no = Composed(None, ("ScriptQueue:1 is STANDBY: it takes scripts only when ENABLED",))
        screen.inbox.compose_fallback = lambda *_: no  # type: ignore[method-assign]
        await press(screen, ("o", "down", "enter"))
        await screen.sees("ScriptQueue:1 is STANDBY: it takes scripts only when ENABLED")
        assert isinstance(screen.app.screen, Form)


async def test_a_dialog_about_a_fallback_goes_away_with_its_question() -> None:
    async with running_run(SCRIPT_SCENES["other-route"]()) as screen:
        await press(screen, ("o",))
        await screen.publish(SCRIPT_SCENES["routed"]())
        await screen.until(lambda: not isinstance(screen.app.screen, Form))
        await screen.sees("fallback for MTDome")
        assert screen.inbox.orders == []


async def test_a_long_configuration_is_scrolled_in_its_dialog() -> None:
    async with running_run(item_scenes.many()) as screen:
        await press(screen, ("asterisk", "o", "down", "enter"))
        await screen.sees("Exactly this is sent")
        await screen.sees("more lines: PgDn")
        await press(screen, ("pagedown",) * 16)
        await screen.sees("mute_alarms: false")
        await screen.sees("that is all of it: PgUp")


async def test_a_script_with_a_wrong_configuration_stays_in_its_dialog() -> None:
    async with running_run(WATCHER()) as screen:
        await press(screen, ("A", "enter", "'maintel/point_azel.py", "enter", "enter"))
        await screen.sees("'el' is missing")
        await press(screen, ("escape", "A", "'9", "enter", "enter", "enter"))
        await screen.sees("9 is no ScriptQueue here: ScriptQueue:1, ScriptQueue:2, ScriptQueue:3")
        assert screen.inbox.orders == []


async def test_the_screen_goes_on_while_a_script_is_checked_and_what_was_typed_since_is_not_added() -> None:
    async with running_run(WATCHER()) as screen:
        screen.inbox.may_check.clear()
        await press(screen, ("A", "enter", "'maintel/point_azel.py", "enter", "'el: 8", "enter"))
        await screen.sees("checking")
        await press(screen, ("'0",))
        await screen.sees("el: 80")
        screen.inbox.may_check.set()
        await screen.sees("something else was typed while it was checked; press enter again")
        await press(screen, ("enter",))
        await screen.sees("Exactly this is sent")
        assert screen.inbox.orders == []


HOSTILE = {
    "brackets": (f"{{a: {'[' * 330}{']' * 330}}}", "line 1: nested too deeply (at most 32 levels are read)"),
    "anchors": (ANCHORS.replace("\n", " "), "line 1: anchors and aliases (& and *) are not supported"),
    "merge keys": ("{base: &base {a: 1}, more: {<<: *base}}", "line 1: anchors and aliases (& and *)"),
    "size": ("el: 8" + "0" * 1_000_000, "the configuration has 1000005 characters; at most 20000 are taken"),
    "no end": ("[" * 19_000, "line 1: nested too deeply"),
    "a date that is none": ("when: 2026-13-45", "the configuration cannot be read: month must be in 1..12"),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_configuration_pasted_in_one_go_is_refused_in_words_and_the_screen_lives(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pasted, said = HOSTILE[kind]
    async with running_run(WATCHER()) as screen:
        monkeypatch.setattr(screen.inbox.sal, "_check", CHECK)
        await press(screen, ("A", "'ScriptQueue:2", "enter", "'maintel/point_azel.py", "enter"))
        field = screen.app.screen.query_one("#field-2", Input)
        field.post_message(Paste(pasted))
        await screen.until(lambda: field.value == pasted)
        await press(screen, ("enter",))
        await screen.sees(said)
        field.value = "{el: 80}"
        await press(screen, ("enter",))
        await screen.sees("Exactly this is sent")
        assert screen.inbox.orders == []


async def test_a_held_run_can_still_stop_its_script() -> None:
    held = item_scenes.scripts(*item_scenes.let_go(), RunHeld("ops2@laptop"))
    async with running_run(held) as screen:
        await press(screen, ("p", "4", "enter"))
        assert screen.inbox.proposed == [Control(TESTING, numbered(0), "stop")]


async def test_a_script_added_by_hand_is_seen_from_any_card() -> None:
    async with running_run(item_scenes.added_by_hand(), height=24, width=80) as screen:
        await screen.sees("added: maintel/point_… RUNNING 0:4")
        await press(screen, ("p",))
        await screen.sees("stop maintel/point_azel.py (Script:200009) in ScriptQueue:2")


async def test_an_observer_sees_scripts_and_orders_nothing() -> None:
    async with running_run(running(), observe=True) as screen:
        await press(screen, ("p",))
        await screen.sees("you observe; only the lead acts")
        await press(screen, ("A",))
        await screen.sees("you observe; only the lead acts")


def asks(tier: Tier = Tier.MODERATE) -> Published:
    answers = (AnswerOffered("stop", "give up", Tier.MILD), AnswerOffered("wipe", "delete what is left", tier))
    asked = QuestionAsked(TESTING, numbered(0), "Its directory is not empty. What now?", answers)
    return item_scenes.scripts(*item_scenes.let_go(), asked)


QUESTION = "Its directory is not empty. What now?"

ANSWERS = {
    "the default answers nothing": (Tier.MODERATE, ("d", "enter"), ""),
    "what is mild is answered at once": (Tier.MODERATE, ("d", "down", "enter"), "stop"),
    "Enter on the card asks, too": (Tier.MODERATE, ("enter", "down", "enter"), "stop"),
    "what is moderate goes through an arm": (Tier.MODERATE, ("d", "3", "enter", "enter"), "(wipe)"),
    "what is severe, too": (Tier.SEVERE, ("d", "3", "enter", "enter"), "(wipe)"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_item_that_asks_is_answered_by_keys(name: str) -> None:
    tier, keys, answer = ANSWERS[name]
    async with running_run(asks(tier)) as screen:
        await screen.sees("an item asks")
        await screen.sees("wipe: delete what is left")
        await press(screen, keys)
        wanted = [AnswerItem(TESTING, numbered(0), QUESTION, answer.strip("()"))] if answer else []
        at_once = [] if answer.startswith("(") else wanted
        await screen.until(lambda: screen.inbox.orders == at_once)
        await screen.until(lambda: screen.inbox.proposed == (wanted if answer.startswith("(") else []))


async def test_a_question_of_an_item_comes_first_and_its_dialog_goes_with_it() -> None:
    async with running_run(asks(), width=160) as screen:
        await press(screen, ("s",))
        await screen.sees(f"first answer (d): auxtel/enable_atcs.py asks: {QUESTION}")
        await press(screen, ("d",))
        await screen.publish(running())
        await screen.until(lambda: not isinstance(screen.app.screen, Form))
        assert screen.inbox.orders == []
        assert len(screen.bells) == 1


async def test_several_kinds_of_items_are_chosen_from_first() -> None:
    other = ItemOffer("other", SystemName("other"), "Something else", ("What else?",), (OfferField("what", "a name"),))
    async with running_run(WATCHER()) as screen:
        found = screen.inbox.offers()
        screen.inbox.offers = lambda: (*found, other)  # type: ignore[method-assign]
        await press(screen, ("A",))
        await screen.sees("What is to be added?")
        await press(screen, ("enter", "A", "down", "down", "enter"))
        await screen.sees("What else?")
        await press(screen, ("'x", "enter"))
        await screen.sees("nothing called 'other' is added here")
        assert screen.inbox.orders == []


async def test_a_check_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_add, "CHECK_S", 0.01)
    async with running_run(WATCHER()) as screen:
        screen.inbox.may_check.clear()
        await press(screen, TYPED)
        await screen.sees("the check takes longer than")
        screen.inbox.may_check.set()
        assert screen.inbox.orders == []

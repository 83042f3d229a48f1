"""The lead's keys on a run: each does what the card says, and a key that may not act says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import pytest

from deploydash.core.model import CscId
from deploydash.core.procedure.items import Item
from deploydash.core.procedure.names import WHOLE, ItemId, StepId, SystemName, csc_item, numbered
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.fleet_view import GateReason
from deploydash.core.run.orders import (
    Answer,
    Approve,
    ArmStep,
    Close,
    Disarm,
    EditText,
    EmergencyStop,
    Extend,
    Fire,
    Hold,
    Note,
    PassDebt,
    PayDebt,
    Release,
    Retry,
    SetPlaceholders,
    SignOff,
    Skip,
    TypeName,
    Waive,
    WaiveDebt,
)
from deploydash.core.run.records import Reply
from deploydash.core.views.run_view import ItemRow
from deploydash.ui.draw.run.asked import cscs_of, ids_of
from deploydash.ui.screens.detail import DetailScreen
from deploydash.ui.screens.form import Form
from deploydash.ui.screens.step import StepScreen
from tests.support import run_snapshots
from tests.support.run_snapshots import OPERATOR, SCENES
from tests.support.run_ui import RunUi, running_run
from tests.support.runs import csc_items
from tests.support.snapshots import NOW, UTC

WATCHER = StepId("watcher")
CSCS = StepId("cscs")
MTDOME = CscId("MTDome")
ESS = CscId("ESS", 303)


def red(*sentences: str, rule: bool = False, step: str = "watcher") -> Published:
    """The card of a step, the Watcher's if none is named, with red preconditions."""
    base = run_snapshots.at_step(step)
    assert base.run is not None
    assert base.run.card is not None
    reasons = tuple(GateReason(sentence, met=False, rule=rule, waits_for="something") for sentence in sentences)
    return replace(base, run=replace(base.run, card=replace(base.run.card, reasons=reasons, is_open=False)))


def mild() -> Published:
    """The Watcher's card as if it were mild."""
    base = SCENES["watcher"]()
    assert base.run is not None
    assert base.run.card is not None
    card = base.run.card
    return replace(base, run=replace(base.run, card=replace(card, step=replace(card.step, tier=Tier.MILD))))


def asked_rows(name: str) -> tuple[ItemRow, ...]:
    """Those that the card of a scene asks about."""
    run = SCENES[name]().run
    assert run is not None
    assert run.card is not None
    return run.card.asking


BEGINS = (
    "The upgrade of summit to c0045 begins now. Please have all hardware in a state in which its CSC may be shut down. "
    "Please do nothing on the control system without asking <coordinator> first, who coordinates."
)


@dataclass
class Case:
    """A scene, keys and typed words (words begin with a quote), and the orders that reach the desk."""

    scene: Callable[[], Published]
    keys: tuple[str, ...]
    orders: tuple[object, ...]
    proposed: tuple[object, ...] = ()
    emergency: tuple[Item, ...] = ()


STOP = Item(ItemId(""), "halt the environment", SystemName("orchestrator"))

TOMORROW = str(dt.datetime.fromtimestamp(UTC, ZoneInfo("America/Santiago")).date() + dt.timedelta(days=1))

CASES = {
    "a arms a moderate step and sends nothing": Case(SCENES["watcher"], ("a",), (ArmStep(WATCHER, 1),)),
    "Enter fires an armed card": Case(SCENES["armed"], ("enter",), (Fire(StepId("watcher")),)),
    "Esc disarms": Case(SCENES["armed"], ("escape",), (Disarm(StepId("watcher")),)),
    "a arms a severe step": Case(SCENES["cscs"], ("a",), (ArmStep(CSCS, 1),)),
    "the site's name is typed for a severe step": Case(
        SCENES["naming"], ("'summit", "enter"), (TypeName("summit", StepId("cscs")),)
    ),
    "its last letter takes it, and an Enter after it changes nothing": Case(
        SCENES["naming"], ("'summit",), (TypeName("summit", StepId("cscs")),)
    ),
    "Esc disarms while the name is typed": Case(SCENES["naming"], ("'sum", "escape"), (Disarm(StepId("cscs")),)),
    "Esc cancels the countdown": Case(SCENES["going"], ("escape",), (Disarm(StepId("cscs")),)),
    "one key is enough for a mild step": Case(mild, ("enter",), (Approve(WATCHER, 1),)),
    "r retries the one under the cursor": Case(SCENES["asking"], ("r",), (), (Retry(CSCS, csc_items((MTDOME,))),)),
    "down, r retries the next": Case(SCENES["asking"], ("j", "r"), (), (Retry(CSCS, csc_items((ESS,))),)),
    "those marked are retried together": Case(
        SCENES["asking"], ("space", "space", "r"), (), (Retry(CSCS, csc_items((MTDOME, ESS))),)
    ),
    "w waives a group that was LOST before as one decision": Case(
        SCENES["lost"],
        ("j", "j", "w", "'dead since Monday", "enter", "'30", "enter"),
        (Waive(cscs_of(row for row in asked_rows("lost") if row.lost_of == "Envsys"), "dead since Monday", 30),),
    ),
    "space marks a group that was LOST before, and once more takes it back": Case(
        SCENES["lost"],
        ("space", "j", "space", "space", "r"),
        (),
        (Retry(CSCS, ids_of(row for row in asked_rows("lost") if row.lost_of == "AT")),),
    ),
    "d signs off one that failed, with a note": Case(
        SCENES["asking"],
        ("j", "d", "shift+tab", "'Ana", "enter", "'by its team", "enter"),
        (SignOff(CSCS, "Ana", csc_item(ESS), "by its team"),),
    ),
    "d signs off those marked, each by itself": Case(
        SCENES["asking"],
        ("asterisk", "d", "shift+tab", "'Ana", "enter", "'by hand", "enter"),
        (SignOff(CSCS, "Ana", csc_item(MTDOME), "by hand"), SignOff(CSCS, "Ana", csc_item(ESS), "by hand")),
    ),
    "* marks all": Case(SCENES["asking"], ("asterisk", "r"), (), (Retry(CSCS, csc_items((MTDOME, ESS))),)),
    "w waives one by name with a reason": Case(
        SCENES["asking"], ("w", "'hangs", "enter"), (Waive((MTDOME,), "hangs", 1),)
    ),
    "w waives several with the typed count": Case(
        SCENES["asking"], ("asterisk", "w", "'hang", "enter", "'2", "enter"), (Waive((MTDOME, ESS), "hang", 2),)
    ),
    "s skips with a reason": Case(SCENES["watcher"], ("s", "'no need", "enter"), (Skip(WATCHER, "no need"),)),
    "d ticks the item under the cursor by name": Case(
        SCENES["by-hand"], ("d", "'Ana", "enter"), (SignOff(StepId("principals"), "Ana", numbered(1)),)
    ),
    "d ticks the whole step from its last line": Case(
        SCENES["by-hand"], ("G", "d", "'Ana", "enter"), (SignOff(StepId("principals"), "Ana", WHOLE),)
    ),
    "the last name given is offered, and Enter takes it": Case(
        SCENES["by-hand"], ("d", "enter"), (SignOff(StepId("principals"), "Ana", numbered(1)),)
    ),
    "S signs off all of it, as done by one": Case(
        run_snapshots.by_hand, ("S", "enter"), (SignOff(StepId("principals"), "ops1", WHOLE),)
    ),
    "the cursor is where something has to be typed, and what stands there is typed over": Case(
        SCENES["asking"],
        ("j", "d", "'by its team", "enter"),
        (SignOff(CSCS, "ops1", csc_item(ESS), "by its team"),),
    ),
    "who was named last is offered where a step asks who": Case(
        lambda: run_snapshots.at_step("builds"),
        ("d", "enter", "'the build team", "enter"),
        (SignOff(StepId("builds"), "ops1", WHOLE, "the build team"),),
    ),
    "what the commands wait for is asked before the sign-off, and what stays empty stays open": Case(
        lambda: run_snapshots.at_step("principals"),
        ("d", "'2026-12-03", "enter", "enter", "enter"),
        (SetPlaceholders((("date", "2026-12-03"),)), SignOff(StepId("principals"), "ops1", numbered(0))),
    ),
    "a day and a time are typed shorter, and stand in full before they are taken": Case(
        lambda: run_snapshots.at_step("principals"),
        ("d", "'+1", "enter", "'830", "enter", "enter", "enter"),
        (
            SetPlaceholders((("date", TOMORROW), ("start", "08:30"))),
            SignOff(StepId("principals"), "ops1", numbered(0)),
        ),
    ),
    "what a message says is edited over several lines before it goes": Case(
        lambda: run_snapshots.at_step("announce-start"),
        ("M", "' Enjoy.", "enter", "'<b> & more", "ctrl+s"),
        (EditText(StepId("announce-start"), numbered(0), f"{BEGINS} Enjoy.\n<b> & more"),),
    ),
    "Esc leaves what a message says as it was": Case(
        lambda: run_snapshots.at_step("announce-start"), ("M", "' Enjoy.", "escape"), ()
    ),
    "each owner is asked alone, and down goes to yes from a field": Case(
        lambda: run_snapshots.at_step("go-no-go"),
        ("d", "'Ana", "enter", "down", "enter"),
        (SignOff(StepId("go-no-go"), "Ana", numbered(0), "", Reply.YES),),
    ),
    "S asks each by name, and a line that stays empty stays open": Case(
        lambda: run_snapshots.at_step("go-no-go"),
        ("S", "'Ana", "enter", "enter", "'Bo", "enter", "enter", "enter"),
        (
            SignOff(StepId("go-no-go"), "Ana", numbered(0), "", Reply.YES),
            SignOff(StepId("go-no-go"), "Bo", numbered(2), "", Reply.YES),
        ),
    ),
    "a tick writes down what the step asks for": Case(
        lambda: run_snapshots.at_step("tickets"),
        ("d", "'Ana", "enter", "'OSW-7", "enter"),
        (SignOff(StepId("tickets"), "Ana", WHOLE, "OSW-7"),),
    ),
    "f sets the placeholders that the commands wait for": Case(
        lambda: run_snapshots.at_step("announce-day"),
        ("f", "'Thursday", "enter", "'2026-12-03", "enter", "enter", "enter"),
        (SetPlaceholders((("weekday", "Thursday"), ("date", "2026-12-03"), ("coordinator", "ops1"))),),
    ),
    "Enter on a step by hand asks who did it": Case(
        SCENES["by-hand"], ("enter", "'Bo", "enter"), (SignOff(StepId("principals"), "Bo", numbered(1)),)
    ),
    "the safe answer is the default of a choice": Case(
        SCENES["question"], ("d", "enter"), (Answer("cameras", "cycle"),)
    ),
    "Enter on the card takes the safe answer to a question": Case(
        SCENES["question"], ("enter",), (Answer("cameras", "cycle"),)
    ),
    "the arrows go to another answer on the card": Case(
        SCENES["question"], ("j", "enter"), (Answer("cameras", "restart"),)
    ),
    "another answer is chosen": Case(SCENES["question"], ("d", "down", "enter"), (Answer("cameras", "restart"),)),
    "O overrides red preconditions with a reason": Case(
        lambda: red("go-no-go is settled", "Kafka is up"),
        ("O", "'by phone", "enter"),
        (ArmStep(WATCHER, 1, ("go-no-go is settled", "Kafka is up"), "by phone"),),
    ),
    "O overrides what is red of a system's own list of items, such as a sync whose notice is missing": Case(
        lambda: red("notice was posted long enough ago", step="argo-small"),
        ("O", "'by phone", "enter"),
        (ArmStep(StepId("argo-small"), 1, ("notice was posted long enough ago",), "by phone"),),
    ),
    "H holds at once": Case(SCENES["watcher"], ("H",), (Hold(OPERATOR),)),
    "ctrl+g holds": Case(SCENES["watcher"], ("ctrl+g",), (Hold(OPERATOR),)),
    "ctrl+g holds while typing": Case(SCENES["watcher"], ("m", "'ab", "ctrl+g"), (Hold(OPERATOR),)),
    "ctrl+g holds while filtering": Case(SCENES["watcher"], ("slash", "'ab", "ctrl+g"), (Hold(OPERATOR),)),
    "H holds over a question": Case(SCENES["question"], ("d", "H"), (Hold(OPERATOR),)),
    "E stops at once": Case(SCENES["watcher"], ("E",), (EmergencyStop((STOP,)),), emergency=(STOP,)),
    "ctrl+t stops while typing": Case(
        SCENES["watcher"], ("m", "'ab", "ctrl+t"), (EmergencyStop((STOP,)),), emergency=(STOP,)
    ),
    "E stops nothing where nothing has an emergency stop": Case(SCENES["watcher"], ("E",), ()),
    "R shows what goes on when the run is released": Case(SCENES["held"], ("R", "enter"), (), (Release(),)),
    "m writes a note": Case(SCENES["watcher"], ("m", "'windy", "enter"), (Note("windy"),)),
    "e extends the wait by ten minutes": Case(SCENES["wait"], ("escape", "e"), (Extend(StepId("standby"), 600.0),)),
    "w waives a debt on the last card": Case(
        SCENES["closing"], ("w", "'told", "enter"), (WaiveDebt("announce-start", "told"),)
    ),
    "D passes a debt on by name": Case(
        SCENES["closing"],
        ("D", "down", "enter", "'Ana", "enter"),
        (PassDebt("announce-start", "Ana"),),
    ),
    "D records that a debt was undone": Case(
        SCENES["closing"],
        ("D", "down", "down", "enter", "'Ana", "enter"),
        (PayDebt("announce-start", "Ana"),),
    ),
    "D leaves a debt as it is unless something is chosen": Case(SCENES["by-hand"], ("D", "enter"), ()),
    "closing asks, and the default stays open": Case(lambda: run_snapshots.closing(owed=False), ("a", "enter"), ()),
    "closing is chosen": Case(lambda: run_snapshots.closing(owed=False), ("a", "down", "enter"), (Close(),)),
    "w in the grid waives the CSC selected there": Case(
        SCENES["watcher"], ("n", "w", "'broken", "enter"), (Waive((CscId("ATAOS"),), "broken", 1),)
    ),
    "Esc in a dialog orders nothing": Case(SCENES["asking"], ("w", "'reason", "escape"), ()),
    "leaving asks, and the default stays": Case(SCENES["watcher"], ("q", "enter"), ()),
}


async def press(screen: RunUi, keys: tuple[str, ...]) -> None:
    for key in keys:
        if key.startswith("'"):
            await screen.type(key[1:])
        else:
            await screen.press(key)
        await screen.read()


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
async def test_the_key_orders_what_the_card_says(case: Case) -> None:
    async with running_run(case.scene()) as screen:
        screen.inbox.emergency = case.emergency
        await press(screen, case.keys)
        await screen.until(lambda: len(screen.inbox.orders) >= len(case.orders))
        await screen.until(lambda: len(screen.inbox.proposed) >= len(case.proposed))
        assert tuple(screen.inbox.orders) == case.orders
        assert tuple(screen.inbox.proposed) == case.proposed
        assert screen.app.is_running


@pytest.mark.parametrize(
    ("scene", "keys", "answer"),
    [
        (SCENES["queues"], ("a",), "queues is closed: every CSC of this run's shutdown set"),
        (SCENES["queues"], ("O",), "a built-in rule is red"),
        (SCENES["watcher"], ("O",), "nothing to override"),
        (SCENES["watcher"], ("enter",), "watcher is armed first: a"),
        (SCENES["watcher"], ("d",), "watcher asks no question and ends by what is seen, not by a sign-off"),
        (SCENES["watcher"], ("f",), "the commands of this card wait for no placeholder"),
        (SCENES["watcher"], ("r",), "nothing to retry"),
        (SCENES["watcher"], ("o",), "no fallback"),
        (SCENES["watcher"], ("w",), "no CSC to waive: go to the grid"),
        (SCENES["watcher"], ("e",), "no wait is under way"),
        (SCENES["watcher"], ("R",), "the run is not held"),
        (SCENES["watcher"], ("space",), "nothing to mark"),
        (SCENES["watcher"], ("asterisk",), "nothing to mark"),
        (SCENES["watcher"], ("j",), "nothing to go through on this card"),
        (SCENES["watcher"], ("i",), "the gate of watcher is open; it waits for you"),
        (SCENES["queues"], ("i",), "queues is closed: every CSC"),
        (SCENES["asking"], ("i",), "cscs waits for your decision about 2: MTDome, ESS:303"),
        (SCENES["asking"], ("a",), "nothing to arm: items need a decision"),
        (SCENES["asking"], ("k",), "nothing above"),
        (SCENES["question"], ("a",), "first decide (d): Does the camera team"),
        (SCENES["by-hand"], ("a",), "principals is manual: d signs it off"),
        (SCENES["by-hand"], ("k", "d"), "is signed off already"),
        (SCENES["armed"], ("s",), "the card is armed; Esc disarms it first"),
        (SCENES["armed"], ("a",), "the card is armed"),
        (SCENES["held"], ("a",), "the run is held by ops2@laptop; R releases it"),
        (SCENES["held"], ("s",), "the run is held by ops2@laptop"),
        (SCENES["closing"], ("a",), "close is closed: no debt is open"),
        (lambda: red("a", "b"), ("a",), "watcher is closed: a; it waits for something; and 1 more"),
        (lambda: red("a", rule=True), ("O",), "a built-in rule is red"),
    ],
)
async def test_a_key_that_may_not_act_says_why_and_orders_nothing(
    scene: Callable[[], Published], keys: tuple[str, ...], answer: str
) -> None:
    async with running_run(scene(), width=160) as screen:
        await press(screen, keys)
        await screen.until(lambda: answer in " ".join(screen.text().split()))
        assert screen.inbox.orders == []


@pytest.mark.parametrize(
    ("scene", "keys", "answer"),
    [
        (SCENES["asking"], ("w", "enter"), "a waiver needs a reason"),
        (SCENES["asking"], ("d", "enter"), "write down why it counts as done"),
        (SCENES["asking"], ("asterisk", "w", "'x", "enter", "'3", "enter"), "type the count, 2"),
        (lambda: run_snapshots.at_step("tickets"), ("d", "enter", "enter"), "a sign-off needs the name of who did it"),
        (lambda: run_snapshots.at_step("tickets"), ("d", "'Ana", "enter", "enter"), "write down the ticket's key"),
        (SCENES["watcher"], ("s", "enter"), "skipping needs a reason"),
        (lambda: red("a"), ("O", "enter"), "an override needs a typed reason"),
        (SCENES["naming"], ("'sumit", "enter"), "type exactly summit"),
        (lambda: run_snapshots.at_step("go-no-go"), ("S", *("enter",) * 5), "nobody is named"),
        (lambda: run_snapshots.at_step("principals"), ("d", "'soon", "enter", "enter"), "'soon' is no day"),
        (lambda: run_snapshots.at_step("principals"), ("d", "enter", "'25", "enter"), "'25' is no time"),
        (lambda: run_snapshots.at_step("principals"), ("d", "enter", "'830", "enter"), "this is what it stands for"),
        (
            lambda: run_snapshots.at_step("tickets"),
            ("d", "'Ana", "enter", "'the key is OSW-7", "enter"),
            "one word is wanted: it is filled into later commands as <branch>",
        ),
        (
            lambda: run_snapshots.at_step("tickets"),
            ("d", "'Ana", "enter", "'https://x/OSW-7", "enter"),
            "no link is wanted: <branch> is filled into later commands",
        ),
        (SCENES["closing"], ("w", "enter"), "type why it stays as it is"),
    ],
)
async def test_a_dialog_with_something_missing_stays_and_says_what(
    scene: Callable[[], Published], keys: tuple[str, ...], answer: str
) -> None:
    async with running_run(scene()) as screen:
        await press(screen, keys)
        await screen.sees(answer)
        assert isinstance(screen.app.screen, Form)
        assert screen.inbox.orders == []


async def test_a_question_that_was_answered_is_asked_anew_by_the_palette_alone() -> None:
    async with running_run(run_snapshots.question(answered=True)) as screen:
        screen.run.act_again("")
        await screen.sees("Answered so far: restart.")
        await screen.read()
        await press(screen, ("enter",))
        assert screen.inbox.orders == [Answer("cameras", "cycle")]
    async with running_run(SCENES["watcher"]()) as screen:
        screen.run.act_again("")
        await screen.sees("watcher has no question that was answered")


async def test_a_hold_needs_no_reading_time() -> None:
    async with running_run(SCENES["watcher"](), read=False) as screen:
        await screen.press("H")
        assert screen.inbox.orders == [Hold(OPERATOR)]


async def test_a_refusal_is_said_in_the_message_line() -> None:
    async with running_run(SCENES["watcher"](), refusal="Kafka is down: what is shown is old") as screen:
        await screen.press("a")
        await screen.sees("Kafka is down: what is shown is old")


async def test_the_dialog_for_the_sites_name_opens_when_the_card_is_armed_and_goes_when_the_arm_dies() -> None:
    async with running_run(SCENES["cscs"]()) as screen:
        await screen.press("a")
        await screen.publish(SCENES["naming"]())
        await screen.until(lambda: isinstance(screen.app.screen, Form))
        assert "111 CSCs at SUMMIT" in screen.text()
        await screen.publish(SCENES["cscs"]())
        await screen.until(lambda: not isinstance(screen.app.screen, Form))
        assert screen.inbox.orders == [ArmStep(CSCS, 1)], "a dead arm is not disarmed again"


async def test_the_countdown_shows_the_seconds_that_are_left_for_esc() -> None:
    arm = Arm(CSCS, Tier.SEVERE, NOW - 5, NOW)
    async with running_run(run_snapshots.ready_cscs(arm), read=False) as screen:
        await screen.sees("Sent in 3 s  ·  Esc cancels")
        screen.clock.advance(1.2)
        await screen.sees("Sent in 2 s  ·  Esc cancels")
        await screen.press("escape")
        assert screen.inbox.orders == [Disarm(StepId("cscs"))]


async def test_an_armed_card_shows_how_long_it_lives_and_why_it_died() -> None:
    async with running_run(SCENES["armed"]()) as screen:
        await screen.sees("Armed  ·  1")
        await screen.sees("Nothing is sent yet. Enter sends it.")
        await screen.publish(run_snapshots.ready_watcher(message="disarmed: 20 s are over"))
        await screen.sees("Disarmed: 20 s are over")


async def test_tab_goes_through_card_runbook_grid_and_events() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        for pane in ("runbook", "grid", "events", "card"):
            await screen.press("tab")
            await screen.sees(f"the arrows move in the {pane}")
        await screen.press("shift+tab")
        await screen.sees("the arrows move in the events")


async def test_the_runbook_is_gone_through_and_esc_goes_back_to_what_is_next() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await press(screen, ("tab", "j"))
        assert screen.inbox.chosen == [StepId("stragglers")]
        await screen.sees("stragglers: Decide about those that failed")
        await screen.press("escape")
        assert screen.inbox.chosen == [StepId("stragglers"), None]
        assert screen.inbox.orders == []


async def test_enter_on_a_question_about_failures_opens_the_csc_and_n_the_next_one() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await press(screen, ("enter",))
        await screen.until(lambda: isinstance(screen.app.screen, DetailScreen))
        await screen.sees("MTDome")
        await screen.press("n")
        await screen.sees("ESS:303")


async def test_the_page_shows_every_command_and_name_and_still_holds() -> None:
    async with running_run(SCENES["cscs"]()) as screen:
        await screen.press("V")
        await screen.until(lambda: isinstance(screen.app.screen, StepScreen))
        await screen.sees("45 CSCs: disable, standby, exitControl")
        await screen.press("H")
        assert screen.inbox.orders == [Hold(OPERATOR)]
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.run)


async def test_leaving_is_possible_when_it_is_chosen() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        await press(screen, ("q", "down", "enter"))
        assert screen.app._exit


async def test_the_grid_keeps_its_keys() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await press(screen, ("n",))
        await screen.press("i")
        await screen.sees("MTDome off target")
        await screen.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, DetailScreen))
        await screen.press("escape")
        await screen.press("x")
        await screen.sees("not at target ·")

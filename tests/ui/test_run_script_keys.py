"""The lead's keys on scripts: a step of them armed, ticked, retried, its queue ordered about, and the other route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from textual.events import Paste
from textual.widgets import Input

from deploydash.core.model import CscId
from deploydash.core.procedure.runbook import WHOLE, ScriptItem, csc_items, numbered
from deploydash.core.published import Published
from deploydash.core.run.orders import AddScript, ArmStep, Control, Fire, Retry, SignOff, Skip, TakeRoute
from deploydash.core.run.records import RunHeld
from deploydash.ui.screens.form import Form
from deploydash.ui.screens.step import StepScreen
from tests.config.test_script_check import ANCHORS, CHECK
from tests.support import script_scenes
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run
from tests.support.runs import FIRST_ADDED
from tests.support.script_scenes import CSCS, QUEUES, SCRIPT_SCENES, TESTING
from tests.ui.test_run_keys import Case, press

MTDOME, ESS = CscId("MTDome"), CscId("ESS", 303)
WATCHER = SCENES["watcher"]
POINT = ScriptItem(QUEUES[1], "maintel/point_azel.py", standard=True, config="{el: 80}")
TYPED = ("A", "'ScriptQueue:2", "enter", "'maintel/point_azel.py", "enter", "'{el: 80}", "enter")


def running() -> Published:
    return script_scenes.scripts(*script_scenes.let_go())


CASES = {
    "a arms a step of scripts": Case(SCRIPT_SCENES["scripts"], ("a",), (ArmStep(TESTING, 1),)),
    "Enter lets it go": Case(SCRIPT_SCENES["scripts-armed"], ("enter",), (Fire(),)),
    "it may be ticked by name as a whole instead": Case(
        SCRIPT_SCENES["scripts"], ("d", "'Ana", "enter"), (SignOff(TESTING, "Ana", WHOLE),)
    ),
    "r retries the script that failed": Case(SCRIPT_SCENES["scripts-failed"], ("r",), (Retry(TESTING),)),
    "a script that failed is ticked with why": Case(
        SCRIPT_SCENES["scripts-failed"],
        ("d", "'Ana", "enter", "'by LOVE", "enter"),
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
    "p stops the script": Case(running, ("p", "down", "enter"), (Control(TESTING, numbered(0), "stopScripts"),)),
    "p pauses its queue": Case(running, ("p", "down", "down", "enter"), (Control(TESTING, numbered(0), "pause"),)),
    "p resumes the queue that a failure paused": Case(
        SCRIPT_SCENES["scripts-failed"], ("p", "down", "down", "enter"), (Control(TESTING, numbered(0), "resume"),)
    ),
    "p stops the script of another route": Case(
        SCRIPT_SCENES["routed"], ("p", "down", "enter"), (Control(CSCS, FIRST_ADDED, "stopScripts"),)
    ),
    "the default of o sends nothing": Case(SCRIPT_SCENES["other-route"], ("o", "enter"), ()),
    "o sends the one under the cursor by the queue of the runbook": Case(
        SCRIPT_SCENES["other-route"], ("o", "down", "enter"), (TakeRoute(CSCS, csc_items((MTDOME,)), QUEUES[0]),)
    ),
    "o sends those marked by another queue": Case(
        SCRIPT_SCENES["other-route"],
        ("asterisk", "o", "down", "down", "enter"),
        (TakeRoute(CSCS, csc_items((MTDOME, ESS)), QUEUES[1]),),
    ),
    "A adds a script by hand after a second look": Case(
        WATCHER, (*TYPED, "down", "enter"), (AddScript(script_scenes.WATCHER, POINT),)
    ),
    "the default of that look adds nothing": Case(WATCHER, (*TYPED, "enter"), ()),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
async def test_the_key_orders_what_the_card_says(case: Case) -> None:
    async with running_run(case.scene()) as screen:
        await press(screen, case.keys)
        await screen.until(lambda: len(screen.inbox.orders) >= len(case.orders))
        assert tuple(screen.inbox.orders) == case.orders
        assert screen.app.is_running


@dataclass(frozen=True, slots=True)
class Said:
    """A scene, keys, and words that stand on the screen afterwards."""

    scene: Callable[[], Published]
    keys: tuple[str, ...]
    words: str


SAID = {
    "nothing to stop yet": Said(SCRIPT_SCENES["scripts"], ("p",), "minimal-testing has added no script yet"),
    "no script on a card of CSCs": Said(WATCHER, ("p",), "no script of watcher is in a queue"),
    "no route while all go": Said(WATCHER, ("o",), "no other route"),
    "a running script is not ticked": Said(running, ("d",), "auxtel/enable_atcs.py is under way: stop it first (p)"),
    "nor armed again": Said(running, ("a",), "nothing to arm: its scripts go one after the other"),
    "Enter does not arm": Said(SCRIPT_SCENES["scripts"], ("enter",), "minimal-testing is armed first: a"),
    "why it asks": Said(SCRIPT_SCENES["scripts-failed"], ("i",), "decision about auxtel/enable_atcs.py: failed: ATMCS"),
    "held": Said(SCENES["held"], ("A",), "the run is held by ops2@laptop; R lets it go on"),
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
        await screen.sees("RUNNING as 200001, 3:10")
        await screen.sees("checkpoint enabling ATMCS")
        await screen.sees("log: Enabling all components")
        again = (script_scenes.done(0), *script_scenes.running(1, 200_002, paused=True))
        await screen.publish(script_scenes.scripts(*script_scenes.let_go(), *again))
        await screen.sees("RUNNING as 200002")
        await screen.sees("ScriptQueue:2 is paused")
        await press(screen, ("j",))
        assert screen.run.focus_on.row == 2


async def test_v_shows_every_script_with_its_whole_configuration() -> None:
    async with running_run(SCRIPT_SCENES["scripts"](), height=90) as screen:
        await screen.press("v")
        await screen.until(lambda: isinstance(screen.app.screen, StepScreen))
        await screen.sees("ScriptQueue:2 run_command.py")
        await screen.sees("cmd: play")
        await screen.sees("parameters: {playlist: bias, repeat: true}")
        await screen.sees("Each configuration was checked against its script's schema")


async def test_the_other_route_shows_exactly_what_is_added_and_which_queue_cannot() -> None:
    async with running_run(SCRIPT_SCENES["other-route"]()) as screen:
        await press(screen, ("asterisk", "o"))
        await screen.sees("set_summary_state.py (standard) for 2 CSCs")
        await screen.sees("- ['MTDome', OFFLINE]")
        await screen.sees("- ['ESS:303', OFFLINE]")
        await screen.sees("add it to ScriptQueue:1, as the runbook has it")
    down = script_scenes.asking(standby=(QUEUES[1],))
    async with running_run(down) as screen:
        await press(screen, ("o",))
        await screen.sees("not possible: ScriptQueue:2 is STANDBY: it takes scripts only")
        assert "add it to ScriptQueue:2" not in screen.text()


async def test_a_dialog_about_a_route_goes_away_with_its_question() -> None:
    async with running_run(SCRIPT_SCENES["other-route"]()) as screen:
        await press(screen, ("o",))
        await screen.publish(SCRIPT_SCENES["routed"]())
        await screen.until(lambda: not isinstance(screen.app.screen, Form))
        await screen.sees("other route: MTDome")
        assert screen.inbox.orders == []


async def test_a_long_configuration_is_scrolled_in_its_dialog() -> None:
    async with running_run(script_scenes.many()) as screen:
        await press(screen, ("asterisk", "o"))
        await screen.sees("more lines: PgDn")
        await press(screen, ("pagedown",) * 12)
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
        await screen.sees("Exactly this is added")
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
        monkeypatch.setattr(screen.inbox, "check_script", CHECK)
        await press(screen, ("A", "'ScriptQueue:2", "enter", "'maintel/point_azel.py", "enter"))
        field = screen.app.screen.query_one("#field-2", Input)
        field.post_message(Paste(pasted))
        await screen.until(lambda: field.value == pasted)
        await press(screen, ("enter",))
        await screen.sees(said)
        field.value = "{el: 80}"
        await press(screen, ("enter",))
        await screen.sees("Exactly this is added")
        assert screen.inbox.orders == []


async def test_a_held_run_can_still_stop_its_script() -> None:
    held = script_scenes.scripts(*script_scenes.let_go(), RunHeld("ops2@laptop"))
    async with running_run(held) as screen:
        await press(screen, ("p", "down", "enter"))
        assert screen.inbox.orders == [Control(TESTING, numbered(0), "stopScripts")]


async def test_a_script_added_by_hand_is_seen_from_any_card() -> None:
    async with running_run(script_scenes.added_by_hand(), height=24, width=80) as screen:
        await screen.sees("added: maintel/point_… RUNNING 0:4")
        await press(screen, ("p",))
        await screen.sees("stop maintel/point_azel.py (200009) in ScriptQueue:2")


async def test_an_observer_sees_scripts_and_orders_nothing() -> None:
    async with running_run(running(), observe=True) as screen:
        await press(screen, ("p",))
        await screen.sees("you observe; only the lead acts")
        await press(screen, ("A",))
        await screen.sees("you observe; only the lead acts")

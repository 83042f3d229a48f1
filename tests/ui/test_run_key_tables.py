"""The key tables of a run: help, bindings, what an observer may press, and any keys in any order."""

from __future__ import annotations

import random

import pytest

from deploydash.core.run.orders import Approve
from deploydash.ui.run_keys import EXACT, PAGE, PROPOSAL, RUN, WAIT
from deploydash.ui.screens.form import Form
from deploydash.ui.screens.run_help import RunHelpScreen
from tests.support.run_snapshots import OPERATOR, SCENES
from tests.support.run_ui import running_run


async def test_the_help_shows_every_key_of_the_run() -> None:
    async with running_run(SCENES["watcher"](), height=100) as screen:
        await screen.press("question_mark")
        await screen.until(lambda: isinstance(screen.app.screen, RunHelpScreen))
        for key in RUN:
            await screen.sees(key.help[:40])


def test_no_key_is_bound_twice_in_one_view() -> None:
    for table in (RUN, WAIT, PAGE, EXACT, PROPOSAL):
        names = [name for key in table for name in key.keys.split(",")]
        assert len(names) == len(set(names))


def test_no_function_key_and_no_terminal_control_is_the_only_binding() -> None:
    for table in (RUN, WAIT, PAGE, EXACT, PROPOSAL):
        for key in table:
            assert any(not name.startswith(("f1", "f2", "alt+", "ctrl+")) for name in key.keys.split(","))


@pytest.mark.parametrize("name", sorted(SCENES))
async def test_no_key_of_an_observer_orders_anything(name: str) -> None:
    async with running_run(SCENES[name](), observe=True) as screen:
        for key in ("a", "d", "r", "o", "w", "s", "O", "e", "m", "R"):
            await screen.press(key)
            assert not isinstance(screen.app.screen, Form)
        assert screen.inbox.orders == []
        assert screen.inbox.chosen == []
        if name not in {"wait", "late", "arrived"}:
            await screen.press("r")
            await screen.sees("you observe; only the lead acts")


async def test_an_observer_sees_whose_turn_it_is_and_may_ask_for_a_hold() -> None:
    asked: list[bool] = []
    async with running_run(SCENES["asking"](), observe=True, ask_hold=lambda: asked.append(True)) as screen:
        await screen.sees(f"The turn of {OPERATOR}")
        await screen.sees("you observe · lead")
        await screen.press("H")
        await screen.sees("the lead's process was asked to hold")
        await screen.press("ctrl+g")
        assert asked == [True, True]


async def test_an_observer_without_a_line_to_the_lead_is_told_so() -> None:
    async with running_run(SCENES["asking"](), observe=True) as screen:
        await screen.press("H")
        await screen.sees("cannot ask for a hold")


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_any_keys_in_any_order_while_cards_change_end_nothing_and_fire_nothing_unarmed(
    size: tuple[int, int],
) -> None:
    rng = random.Random(5)
    # E needs no arm, for it only stops.
    names = sorted({name for key in (*RUN, *WAIT, *PAGE) for name in key.keys.split(",")} - {"q", "E"})
    scenes = [scene() for scene in SCENES.values()]
    async with running_run(scenes[0], width=size[0], height=size[1]) as screen:
        for number in range(80):
            if number % 8 == 0:
                await screen.pilot.press("escape")  # a palette or a text field takes any number of keys
                screen.source.publish(rng.choice(scenes))
                await screen.pilot.pause()
            await screen.pilot.press(rng.choice(names))
            await screen.read()
        assert screen.app.is_running
        assert screen.app.failure is None
        armed = {"watcher", "cscs"}
        fired = [order for order in screen.inbox.orders if isinstance(order, Approve)]
        assert all(order.step not in armed for order in fired)
        assert screen.inbox.orders, "some of the keys did something"

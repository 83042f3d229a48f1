"""Every line of the key table does what it says, and a key that cannot act says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from deploydash.core.fleet.commands import CompareWith, Inspect
from deploydash.core.model import CscId, Phase, SummaryState, Target, TargetKind
from deploydash.ui.draw.glyphs import UNICODE
from deploydash.ui.draw.help import help_lines
from deploydash.ui.draw.ink import plain
from deploydash.ui.keys import KEYS, Scope
from deploydash.ui.screens.detail import DetailScreen
from deploydash.ui.screens.help import HelpScreen
from deploydash.ui.screens.watch import WatchScreen
from tests.support import snapshots
from tests.support.ui import Screen, running


def grid(screen: Screen) -> WatchScreen:
    found = next(each for each in screen.app.screen_stack if isinstance(each, WatchScreen))
    assert isinstance(found, WatchScreen)
    return found


def chosen(screen: Screen) -> str:
    watch = grid(screen)
    assert watch.snapshot is not None
    return "" if watch.selected is None else str(watch.snapshot.cscs[watch.selected].csc)


@dataclass
class Case:
    """Keys that lead there, and what holds after the key itself."""

    before: tuple[str, ...]
    holds: Callable[[Screen], bool]
    size: tuple[int, int] = (120, 40)


def scrolled(rows: int) -> Callable[[Screen], bool]:
    return lambda screen: (screen.app.screen.query_one("#page").scroll_offset.y > 0) is (rows > 0)


HELP = ("question_mark",)
DETAIL = ("n", "n", "enter")
CASES: dict[tuple[Scope, str, str], Case] = {
    (Scope.GRID, "filter", ""): Case((), lambda s: isinstance(s.app.focused, Input)),
    (Scope.GRID, "only", ""): Case((), lambda s: "not at target · 9 of 117" in s.text()),
    (Scope.GRID, "versions", ""): Case((), lambda s: "no CSC says yet what it runs" in s.text()),
    (Scope.GRID, "match", "1"): Case(("n",), lambda s: chosen(s) == "MTDome"),
    (Scope.GRID, "match", "-1"): Case(("n", "n"), lambda s: chosen(s) == "ATCamera"),
    (Scope.GRID, "detail", ""): Case(("n",), lambda s: s.source.ordered == [Inspect(CscId("ATCamera"))]),
    (Scope.GRID, "why", ""): Case(("n", "n"), lambda s: "MTDome off target: says FAULT, error 101" in s.text()),
    (Scope.GRID, "colours", ""): Case((), lambda s: "colours show the state itself" in s.text()),
    (Scope.GRID, "theme", ""): Case((), lambda s: s.app.palette.name == "okabe-ito"),
    (Scope.GRID, "compare", ""): Case((), lambda s: s.source.ordered == [CompareWith(Phase(TargetKind.END))]),
    (Scope.GRID, "move", "up"): Case(("j", "j"), lambda s: chosen(s) == "ATAOS"),
    (Scope.GRID, "move", "down"): Case(("j",), lambda s: chosen(s) == "ATBuilding"),
    (Scope.GRID, "move", "left"): Case(("j", "l"), lambda s: chosen(s) == "ATAOS"),
    (Scope.GRID, "move", "right"): Case(("j",), lambda s: chosen(s) == "CCCamera"),
    (Scope.GRID, "move", "first"): Case(("n", "n"), lambda s: chosen(s) == "ATAOS"),
    (Scope.GRID, "move", "last"): Case((), lambda s: chosen(s) == "Test:42"),
    (Scope.GRID, "move", "page_up"): Case(("G",), lambda s: chosen(s) == "ATMonochromator"),
    (Scope.GRID, "move", "page_down"): Case(("j",), lambda s: chosen(s) == "PMD:1"),
    (Scope.GRID, "pane", ""): Case((), lambda s: grid(s).in_events),
    (Scope.GRID, "palette", ""): Case((), lambda s: isinstance(s.app.screen, CommandPalette)),
    (Scope.GRID, "help", ""): Case((), lambda s: isinstance(s.app.screen, HelpScreen)),
    (Scope.GRID, "back", ""): Case(("n",), lambda s: chosen(s) == ""),
    (Scope.GRID, "quit", ""): Case((), lambda s: s.app._exit and s.app.return_code == 0),
    (Scope.DETAIL, "close", ""): Case(DETAIL, lambda s: isinstance(s.app.screen, WatchScreen)),
    (Scope.DETAIL, "match", "1"): Case(DETAIL, lambda s: s.source.ordered[-1] == Inspect(CscId("ESS", 106))),
    (Scope.DETAIL, "match", "-1"): Case(DETAIL, lambda s: s.source.ordered[-1] == Inspect(CscId("ATCamera"))),
    (Scope.DETAIL, "scroll", "1"): Case(DETAIL, scrolled(1), (80, 24)),
    (Scope.DETAIL, "scroll", "-1"): Case((*DETAIL, "j"), scrolled(0), (80, 24)),
    (Scope.DETAIL, "scroll", "10"): Case(DETAIL, scrolled(1), (80, 24)),
    (Scope.DETAIL, "scroll", "-10"): Case((*DETAIL, "j"), scrolled(0), (80, 24)),
    (Scope.DETAIL, "theme", ""): Case(DETAIL, lambda s: s.app.palette.name == "okabe-ito"),
    (Scope.DETAIL, "help", ""): Case(DETAIL, lambda s: isinstance(s.app.screen, HelpScreen)),
    (Scope.HELP, "close", ""): Case(HELP, lambda s: isinstance(s.app.screen, WatchScreen)),
    (Scope.HELP, "scroll", "1"): Case(HELP, scrolled(1), (80, 24)),
    (Scope.HELP, "scroll", "-1"): Case((*HELP, "j"), scrolled(0), (80, 24)),
    (Scope.HELP, "scroll", "10"): Case(HELP, scrolled(1), (80, 24)),
    (Scope.HELP, "scroll", "-10"): Case((*HELP, "j"), scrolled(0), (80, 24)),
    (Scope.HELP, "theme", ""): Case(HELP, lambda s: s.app.palette.name == "okabe-ito"),
}


def test_no_key_of_the_table_is_forgotten_here() -> None:
    assert {(key.scope, key.act, key.argument) for key in KEYS} == set(CASES)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, CASES[key.scope, key.act, key.argument], id=f"{key.scope}: {name}")
        for key in KEYS
        for name in key.keys.split(",")
    ],
)
async def test_the_key_does_what_the_table_says(name: str, case: Case) -> None:
    width, height = case.size
    async with running(snapshots.busy(), width=width, height=height) as screen:
        for key in case.before:
            await screen.press(key)
        assert not case.holds(screen), "it must not hold before the key"
        await screen.press(name)
        await screen.until(lambda: case.holds(screen))


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("i",), "no CSC is selected"),
        (("enter",), "no CSC is selected"),
        (("g", "k"), "nothing above"),
        (("g", "h"), "nothing on the left"),
        (("G", "j"), "nothing below"),
        (("G", "l"), "nothing on the right"),
        (("tab", "l"), "events have one column"),
        (("tab", "G", "j"), "nothing below"),
        (("tab", "g", "j", "j", "enter"), "Envsys is no CSC"),
        (("x", "l"), "this list has one column"),
        (("x", "g", "k"), "nothing above"),
        (("escape",), "nothing to go back from"),
        (("slash", "z", "z", "enter"), "nothing matches 'zz'"),
    ],
)
async def test_a_key_that_cannot_act_says_why(keys: tuple[str, ...], answer: str) -> None:
    async with running(snapshots.busy()) as screen:
        for key in keys:
            await screen.press(key)
        await screen.sees(answer)


async def test_when_all_is_well_next_says_so() -> None:
    async with running(snapshots.snapshot(snapshots.calm_views())) as screen:
        await screen.press("n")
        await screen.sees("no CSC is off target")
        await screen.press("x", "j")
        await screen.sees("the list is empty")


async def test_those_of_another_version_are_listed_alone_with_what_they_run() -> None:
    odd: dict[str, dict[str, Any]] = {
        "ATAOS": {"image": "c0044.006"},
        "ESS:104": {"xml_version": "27.0.0", "csc_version": "1.4"},
    }
    right: dict[str, Any] = {"image": "c0046", "xml_version": "28.0.1"}
    views = [replace(view, **(right | odd.get(str(view.csc), {}))) for view in snapshots.calm_views()]
    async with running(snapshots.snapshot(views)) as screen:
        await screen.press("X")
        await screen.sees("of another version · 2 of 117")
        await screen.sees("runs image c0044.006, not c0046")
        await screen.sees("reports XML 27.0.0, not 28.0.1 (version 1.4)")
        assert "ATDome" not in screen.text()
        await screen.press("x")
        await screen.sees("not at target · 0 of 117")
        await screen.press("X", "X", "x")
        await screen.sees("ATDome")
        screen.source.publish(snapshots.snapshot([replace(view, **right) for view in views]))
        await screen.press("X")
        await screen.sees("117 CSCs with heartbeats: none departs from image c0046, XML 28.0.1")


async def test_the_next_key_takes_an_answer_away() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("i")
        await screen.sees("no CSC is selected")
        await screen.press("j")
        await screen.until(lambda: "no CSC is selected" not in screen.text())


async def test_letters_type_while_the_filter_has_the_focus() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("slash")
        await screen.type("qxc lost")
        assert grid(screen).pattern == "qxc lost"
        assert screen.app.is_running
        assert not grid(screen).by_state


async def test_keys_on_the_heels_of_the_filter_act_in_their_order() -> None:
    async with running(snapshots.busy()) as screen:
        screen.burst("slash", *"mtdome", "enter", "enter")
        await screen.until(lambda: isinstance(screen.app.screen, DetailScreen))
        await screen.sees("MTDome ")
        assert (chosen(screen), grid(screen).pattern) == ("MTDome", "mtdome")
        await screen.press("escape")
        screen.burst("slash", *(["backspace"] * 6), *"ess", "enter", "x")
        await screen.until(lambda: grid(screen).pattern == "ess" and grid(screen).listing)


async def test_the_filter_finds_by_name_state_and_liveness_and_n_goes_round() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("slash")
        await screen.type("late")
        await screen.sees("2 match")
        await screen.press("enter")
        await screen.until(lambda: chosen(screen) == "MTVMS:2")
        await screen.press("n")
        assert chosen(screen) == "ESS:122"
        await screen.press("n")
        assert chosen(screen) == "MTVMS:2"
        await screen.press("N")
        assert chosen(screen) == "ESS:122"


async def test_escape_takes_back_one_level_at_a_time_and_never_leaves() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("slash")
        await screen.type("ess")
        await screen.press("enter", "tab", "question_mark")
        await screen.press("escape")
        assert isinstance(screen.app.screen, WatchScreen)
        assert grid(screen).in_events
        await screen.press("escape")
        assert grid(screen).pattern == ""
        await screen.press("escape")
        assert not grid(screen).in_events
        await screen.press("escape")
        assert chosen(screen) == ""
        for _ in range(5):
            await screen.press("escape")
        assert screen.app.is_running


async def test_enter_on_an_event_opens_its_csc() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("tab", "j", "enter")
        await screen.until(lambda: isinstance(screen.app.screen, DetailScreen))
        assert screen.source.ordered == [Inspect(CscId("ESS", 303))]


async def test_the_palette_compares_with_any_target() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("colon")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette))
        await screen.type("target standby")
        await screen.until(lambda: "(v)" not in screen.text() and "compare with target STANDBY" in screen.text())
        await screen.press("enter")
        await screen.until(lambda: bool(screen.source.ordered))
        assert screen.source.ordered == [CompareWith(Phase(Target(SummaryState.STANDBY)))]


async def test_ctrl_c_leaves_with_130_even_while_typing() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("slash", "a")
        await screen.press("ctrl+c")
        assert screen.app.return_code == 130


@pytest.mark.parametrize("keys", [HELP, DETAIL])
async def test_a_page_that_scrolls_says_how_much_is_below_until_its_end(keys: tuple[str, ...]) -> None:
    async with running(snapshots.busy(), width=80, height=24) as screen:
        await screen.press(*keys)
        await screen.sees("more below")
        assert "more below" in screen.lines()[-2]
        await screen.press(*["pagedown"] * 6)
        await screen.until(lambda: "more below" not in screen.text())
        await screen.press("k")
        await screen.sees("more below · 1 line · j, PgDn")
        await screen.pilot.resize_terminal(80, 90)
        await screen.until(lambda: "more below" not in screen.text())
        await screen.pilot.resize_terminal(80, 20)
        await screen.sees("more below")


def test_the_help_shows_every_key_of_its_view() -> None:
    for scope in (Scope.GRID, Scope.DETAIL):
        text = "\n".join(plain(line) for line in help_lines(scope, 100, UNICODE))
        for key in KEYS:
            if key.scope is scope:
                assert key.shown in text
                assert key.help in text


def test_no_key_is_bound_twice_in_one_view() -> None:
    for scope in Scope:
        names = [name for key in KEYS if key.scope is scope for name in key.keys.split(",")]
        assert len(names) == len(set(names))


def test_no_function_key_and_no_terminal_control_is_the_only_binding() -> None:
    taken = {"ctrl+a", "ctrl+b", "ctrl+q", "ctrl+s"}
    for key in KEYS:
        names = key.keys.split(",")
        assert any(name not in taken and not name.startswith(("f1", "f2", "alt+")) for name in names)

"""Direct commands, by keys: chosen, armed, sent, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import CscView
from deploydash.core.model import CscId, Effective, SummaryState
from deploydash.core.procedure.csc_work import direct_command
from deploydash.core.procedure.names import DIRECT, csc_item
from deploydash.core.procedure.runbook import Tier
from deploydash.core.published import Published
from deploydash.core.run.arm import Arm
from deploydash.core.run.fleet_view import FleetView
from deploydash.core.run.orders import ArmDirect, DirectCommand, Disarm, Fire, Hold, Waive
from deploydash.core.run.records import ItemAdded, ItemEnded, Outcome, RequestIntended, RunRecord
from deploydash.core.views.direct_view import direct_options, direct_rows
from deploydash.ui.run_keys import DIRECT_KEYS
from deploydash.ui.screens.direct import DirectScreen
from tests.support import snapshots
from tests.support.run_snapshots import OPERATOR, SCENES, folded, full_cycle, opened
from tests.support.run_ui import RunUi, running_run
from tests.support.snapshots import NOW, UTC

S = SummaryState
MTDOME, ATAOS, MTM1M3 = CscId("MTDome"), CscId("ATAOS"), CscId("MTM1M3")


def scene(*changes: tuple[CscId, SummaryState], base: Callable[[], Published] = SCENES["watcher"]) -> Published:
    """A scene in which these CSCs beat and are in these states."""
    shown, wanted = base(), dict(changes)
    views = tuple(snapshots.in_state(view, wanted[view.csc]) if view.csc in wanted else view for view in shown.cscs)
    return replace(shown, cscs=views)


def beside(
    base: Published,
    *cscs: CscId,
    records: tuple[RunRecord, ...] = (),
    armed: DirectCommand | None = None,
    message: str = "",
) -> Published:
    """The scene with what the keeper puts beside it while the dialog about these CSCs is open."""
    assert base.run is not None
    state = folded(full_cycle(), [opened(), *((UTC, record) for record in records)])
    card = direct_options(cscs, state, FleetView.of(base), "sal")
    if card is not None:
        arm = Arm(DIRECT, Tier.MODERATE, NOW) if armed is not None else None
        card = replace(card, armed=arm, order=armed, message=message)
    return replace(base, number=base.number + 1, run=replace(base.run, direct_card=card, direct=direct_rows(state)))


def _cscs(screen: RunUi) -> tuple[CscView, ...]:
    return screen.app.snapshot.cscs if screen.app.snapshot is not None else ()


async def to(screen: RunUi, csc: CscId) -> None:
    """Put the grid's cursor on a CSC by the filter."""
    if screen.run.pattern:
        await screen.press("escape")
    await screen.press("slash")
    await screen.type(str(csc))
    await screen.press("enter")
    wanted = next(item for item, view in enumerate(_cscs(screen)) if view.csc == csc)
    await screen.until(lambda: screen.run.selected == wanted)


async def open_on(screen: RunUi, base: Published, *cscs: CscId) -> None:
    await screen.press("C")
    await screen.until(lambda: screen.inbox.direct_options == [cscs])
    await screen.publish(beside(base, *cscs))
    await screen.sees("nothing: close")
    await screen.read()


async def test_a_fault_is_cleared_by_keys() -> None:
    base = scene((MTDOME, S.FAULT))
    async with running_run(base) as screen:
        await to(screen, MTDOME)
        await open_on(screen, base, MTDOME)
        text = screen.text()
        assert "lsst.sal.MTDome.command_standby" in text
        assert "not legal in FAULT: start, enable, disable, exitControl" in text
        assert screen.inbox.orders == []
        await screen.press("5", "enter")
        await screen.sees("Nothing is sent yet.")
        await screen.read()
        await screen.press("enter")
        await screen.sees("it is armed first: a")
        await screen.press("a")
        wish = DirectCommand((MTDOME,), "standby", (S.FAULT,), base.number + 1)
        assert screen.inbox.orders == [ArmDirect(wish)]
        await screen.publish(beside(base, MTDOME, armed=wish))
        await screen.sees("Direct command armed")
        await screen.read()
        await screen.press("enter")
        assert screen.inbox.orders == [ArmDirect(wish), Fire(DIRECT)]
        let_go = ItemAdded(DIRECT, direct_command(MTDOME, "standby"), OPERATOR, seen="FAULT")
        sent = RequestIntended(DIRECT, csc_item(MTDOME), "lsst.sal.MTDome.command_standby")
        await screen.publish(beside(base, MTDOME, records=(let_go, sent)))
        await screen.sees("direct command standby of MTDome: sent, not seen yet")
        ended = ItemEnded(DIRECT, csc_item(MTDOME), Outcome.UNKNOWN, "standby: no answer within 60 s")
        await screen.publish(beside(base, MTDOME, records=(let_go, sent, ended)))
        await screen.sees("direct command standby of MTDome: UNKNOWN, standby: no answer within 60 s")
        await screen.sees("never sent again by itself")
        await screen.press("escape")
        await screen.until(lambda: screen.inbox.direct_options[-1] == ())
        assert screen.inbox.orders == [ArmDirect(wish), Fire(DIRECT)]


async def test_the_safe_answer_is_the_default_and_closes() -> None:
    base = scene((MTDOME, S.FAULT))
    async with running_run(base) as screen:
        await to(screen, MTDOME)
        await open_on(screen, base, MTDOME)
        await screen.press("enter")
        await screen.until(lambda: screen.inbox.direct_options[-1] == ())
        assert screen.inbox.orders == []


async def test_start_asks_for_an_override_and_takes_no_path() -> None:
    base = scene((ATAOS, S.STANDBY))
    offers = ("bar.yaml", "foo.yaml")
    base = replace(base, cscs=tuple(replace(v, overrides=offers) if v.csc == ATAOS else v for v in base.cscs))
    async with running_run(base) as screen:
        await to(screen, ATAOS)
        await open_on(screen, base, ATAOS)
        await screen.press("2", "enter")
        await screen.sees("Offered: bar.yaml, foo.yaml.")
        await screen.read()
        await screen.type("../x")
        await screen.press("enter")
        await screen.sees("no path and no blank")
        for _ in "../x":
            await screen.press("backspace")
        await screen.type("baz")
        await screen.press("enter")
        await screen.sees("baz is not offered: bar.yaml, foo.yaml")
        for _ in "baz":
            await screen.press("backspace")
        await screen.type("bar.yaml")
        await screen.press("enter")
        await screen.sees("command_start configurationOverride=bar.yaml")
        await screen.read()
        await screen.press("a")
        wish = DirectCommand((ATAOS,), "start", (S.STANDBY,), base.number + 1, "bar.yaml")
        assert screen.inbox.orders == [ArmDirect(wish)]


async def test_a_protected_csc_asks_for_its_name() -> None:
    base = scene((MTM1M3, S.ENABLED))
    async with running_run(base) as screen:
        await to(screen, MTM1M3)
        await open_on(screen, base, MTM1M3)
        assert "MTM1M3 is protected: no bulk step touches it." in screen.text()
        await screen.press("4", "enter")
        await screen.sees("Direct command: disable")
        await screen.read()
        await screen.press("enter")
        await screen.sees("type MTM1M3 to confirm")
        await screen.type("MTM1M3")
        await screen.press("enter")
        await screen.sees("Nothing is sent yet.")
        await screen.read()
        await screen.press("a")
        wish = DirectCommand((MTM1M3,), "disable", (S.ENABLED,), base.number + 1, typed="MTM1M3")
        assert screen.inbox.orders == [ArmDirect(wish)]


async def test_those_marked_in_the_grid_are_commanded_together_by_their_count() -> None:
    base = scene((ATAOS, S.ENABLED), (MTDOME, S.ENABLED))
    async with running_run(base) as screen:
        for csc in (MTDOME, ATAOS):
            await to(screen, csc)
            await screen.press("space")
        await screen.sees("2 marked")
        assert "▪" in screen.text()
        await open_on(screen, base, ATAOS, MTDOME)
        await screen.press("4", "enter")
        await screen.sees("type 2")
        await screen.read()
        await screen.type("2")
        await screen.press("enter")
        await screen.sees("One command each")
        assert "lsst.sal.ATAOS.command_disable" in screen.text()
        await screen.read()
        await screen.press("a")
        wish = DirectCommand((ATAOS, MTDOME), "disable", (S.ENABLED, S.ENABLED), base.number + 1, typed="2")
        assert screen.inbox.orders == [ArmDirect(wish)]


async def test_those_marked_in_the_grid_are_waived_together_and_esc_takes_the_marks_away() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        for csc in (MTDOME, ATAOS):
            await to(screen, csc)
            await screen.press("space")
        await screen.press("w")
        await screen.read()
        await screen.type("both hang")
        await screen.press("enter")
        await screen.type("2")
        await screen.press("enter")
        assert screen.inbox.orders == [Waive((ATAOS, MTDOME), "both hang", 2)]
        await screen.press("escape", "escape")
        await screen.until(lambda: not screen.run.marked)


async def test_a_state_that_changes_disarms_says_so_and_asks_anew() -> None:
    base = scene((MTDOME, S.FAULT))
    async with running_run(base) as screen:
        await to(screen, MTDOME)
        await open_on(screen, base, MTDOME)
        await screen.press("5", "enter")
        wish = DirectCommand((MTDOME,), "standby", (S.FAULT,), base.number + 1)
        await screen.publish(beside(base, MTDOME, armed=wish))
        await screen.sees("Direct command armed")
        moved = scene((MTDOME, S.STANDBY))
        told = "disarmed: MTDome is STANDBY now; it was FAULT when you chose"
        await screen.publish(beside(moved, MTDOME, message=told))
        await screen.sees("MTDome is STANDBY now; it was FAULT when")
        await screen.sees("nothing: close")


async def test_esc_disarms_first_then_chooses_again_then_closes() -> None:
    base = scene((MTDOME, S.FAULT))
    async with running_run(base) as screen:
        await to(screen, MTDOME)
        await open_on(screen, base, MTDOME)
        await screen.press("5", "enter")
        wish = DirectCommand((MTDOME,), "standby", (S.FAULT,), base.number + 1)
        await screen.publish(beside(base, MTDOME, armed=wish))
        await screen.press("escape")
        assert screen.inbox.orders == [Disarm(DIRECT)]
        await screen.publish(beside(base, MTDOME))
        await screen.press("escape")
        await screen.sees("nothing: close")
        await screen.press("escape")
        await screen.until(lambda: not isinstance(screen.app.screen, DirectScreen))


async def test_hold_works_in_the_dialog() -> None:
    base = scene((MTDOME, S.FAULT))
    async with running_run(base) as screen:
        await to(screen, MTDOME)
        await open_on(screen, base, MTDOME)
        await screen.press("H")
        assert screen.inbox.orders == [Hold(OPERATOR)]


async def test_a_key_typed_before_the_dialog_showed_anything_is_discarded() -> None:
    base = scene((MTDOME, S.FAULT))
    async with running_run(base) as screen:
        await to(screen, MTDOME)
        await screen.press("C")
        await screen.publish(beside(base, MTDOME))
        await screen.press("5", "enter")
        await screen.sees("the card has just changed; look once more")
        assert screen.inbox.orders == []


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("watcher", "no CSC is chosen: tab goes to the grid"),
        ("armed", "the card is armed; Esc disarms it first"),
    ],
)
async def test_it_says_why_it_does_not_open(name: str, answer: str) -> None:
    async with running_run(SCENES[name](), width=160) as screen:
        await screen.press("C")
        await screen.sees(answer)
        assert screen.inbox.direct_options == []


async def test_an_observer_cannot_command() -> None:
    async with running_run(scene((MTDOME, S.FAULT)), observe=True) as screen:
        await to(screen, MTDOME)
        await screen.press("C")
        await screen.sees("you observe; only the lead acts")


async def test_the_card_that_asks_commands_the_one_under_its_cursor() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await screen.press("C")
        await screen.until(lambda: screen.inbox.direct_options == [(MTDOME,)])


async def test_the_board_of_the_wait_commands_the_one_under_its_cursor() -> None:
    base = SCENES["wait"]()
    async with running_run(base) as screen:
        await screen.press("C")
        await screen.until(lambda: bool(screen.inbox.direct_options))
        (asked,) = screen.inbox.direct_options
        assert base.run is not None
        assert base.run.wait is not None
        assert len(asked) == 1
        assert set(asked) <= set(base.run.wait.missing)


async def test_an_end_that_comes_later_is_told_on_the_screen_and_in_the_detail() -> None:
    base = scene((MTDOME, S.FAULT))
    let_go = ItemAdded(DIRECT, direct_command(MTDOME, "standby"), OPERATOR, seen="FAULT")
    ended = ItemEnded(DIRECT, csc_item(MTDOME), Outcome.FAILED, "standby: failed: no")
    async with running_run(beside(base, records=(let_go,))) as screen:
        await screen.publish(beside(beside(base), records=(let_go, ended)))
        await screen.sees("direct command standby of MTDome: FAILED, standby: failed: no")
        await to(screen, MTDOME)
        await screen.press("enter")
        await screen.sees("direct ")
        await screen.sees("direct command standby of MTDome: FAILED")


async def test_at_80_by_24_the_exact_command_and_the_keys_are_there() -> None:
    base = scene((MTDOME, S.FAULT))
    async with running_run(base, width=80, height=24) as screen:
        await to(screen, MTDOME)
        await open_on(screen, base, MTDOME)
        await screen.press("5", "enter")
        text = screen.text()
        assert "lsst.sal.MTDome.command_standby" in text
        assert "a arm" in text


def test_every_key_of_the_dialog_has_a_method() -> None:
    for key in DIRECT_KEYS:
        assert hasattr(DirectScreen, f"act_{key.act}"), key


def test_effective_fault_is_what_the_scene_shows() -> None:
    shown = scene((MTDOME, S.FAULT))
    assert next(view for view in shown.cscs if view.csc == MTDOME).effective is Effective.FAULT

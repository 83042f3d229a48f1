"""The wait: its own screen, its sentence, its board, and that it never passes by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC as UTC_ZONE
from datetime import datetime

import pytest

from deploydash.core.fleet.snapshot import CscDetail, CscView, LogLine
from deploydash.core.model import CscId, Effective, Liveness
from deploydash.core.procedure.names import StepId
from deploydash.core.published import Published
from deploydash.core.run.orders import Extend, Finish, Hold, Waive
from deploydash.core.run.records import ArrivalsLearned
from deploydash.core.views.run_view import Card
from deploydash.core.views.wait_view import WaitView
from deploydash.ui.draw.glyphs import UNICODE
from deploydash.ui.draw.ink import plain
from deploydash.ui.draw.run.eta import card_eta
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.run.wait import blocking_sentence, helps, likely_reason, stragglers
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.screens.detail import DetailScreen
from deploydash.ui.screens.wait import WaitScreen
from tests.support import run_snapshots, snapshots
from tests.support.run_snapshots import OPERATOR, SCENES
from tests.support.run_ui import RunUi, running_run
from tests.support.snapshots import NOW, UTC

WAIT = StepId("standby")
ESS = snapshots.view(CscId("ESS", 104))


def reading(snapshot: Published) -> Reading:
    assert snapshot.run is not None
    return Reading.of(snapshot.run, snapshot, Moment(NOW, UTC, UNICODE))


def wait_of(snapshot: Published) -> WaitView:
    assert snapshot.run is not None
    assert snapshot.run.wait is not None
    return snapshot.run.wait


def in_front(screen: RunUi) -> bool:
    return isinstance(screen.app.screen, WaitScreen)


async def test_the_wait_opens_by_itself_once_and_esc_goes_back_to_the_run() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        await screen.publish(run_snapshots.waiting())
        await screen.until(lambda: in_front(screen))
        await screen.press("escape")
        await screen.until(lambda: screen.app.screen is screen.run)
        await screen.publish(run_snapshots.waiting(waived=False))
        assert screen.app.screen is screen.run
        await screen.read()
        await screen.press("enter")
        await screen.until(lambda: in_front(screen))


async def test_the_wait_opens_after_a_dialog_that_was_open_when_it_began() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        await screen.press("m")
        await screen.publish(run_snapshots.waiting())
        assert not in_front(screen)
        await screen.press("escape")
        await screen.until(lambda: in_front(screen))


def test_those_that_are_missing_stand_longest_first_with_a_likely_reason() -> None:
    snapshot = run_snapshots.waiting()
    found = stragglers(reading(snapshot), wait_of(snapshot))
    assert [(str(one.csc), round(one.missing_s), one.reason) for one in found] == [
        ("MTHexapod:2", 1052, "no heartbeat received yet: no process has been seen"),
        ("MTM2", 550, "was ENABLED, then its heartbeats stopped"),
        ("ATWhiteLight", 362, "code 101 “shutter drive: encoder lost”"),
        ("ESS:309", 255, "restarted 3 times"),
        ("MTCamera", 90, "target OFFLINE/AVAILABLE"),
    ]


@pytest.mark.parametrize(
    ("view", "reason", "help_"),
    [
        (snapshots.never_seen(ESS), "no heartbeat received yet", "started at all"),
        (snapshots.faulted(ESS), "code 101", "standby clears it"),
        (replace(snapshots.faulted(ESS), error=None), "no error code reported", "standby clears it"),
        (snapshots.lost(ESS), "was ENABLED, then its heartbeats stopped", "start it again"),
        (replace(ESS, restarts=4), "restarted 4 times", "again and again"),
        (
            replace(snapshots.lost(ESS), logged=LogLine(UTC - 75, 40, "cannot open port")),
            "then its heartbeats stopped; log 21:02: cannot open port",
            "start it again",
        ),
        (replace(ESS, duplicate=True), "two processes send heartbeats", "stop one of the two"),
        (replace(snapshots.lost(ESS), restarts=1), "restarted 1 time", "start it again"),
    ],
)
def test_the_likely_reason_is_what_the_csc_shows_and_something_helps(view: CscView, reason: str, help_: str) -> None:
    assert reason in likely_reason(view, reading(run_snapshots.waiting()))
    assert help_ in helps(view)


def test_one_restart_is_one_time() -> None:
    assert likely_reason(replace(ESS, restarts=1), reading(run_snapshots.waiting())) == "restarted 1 time"


def test_the_last_log_message_of_the_one_looked_at_is_a_reason() -> None:
    base = run_snapshots.waiting()
    logs = (LogLine(UTC - 9, 20, "older"), LogLine(UTC - 5, 40, "cannot\nbind port"))
    detail = replace(snapshots.detail_of(CscId("ESS", 309)), logs=logs)
    assert isinstance(detail, CscDetail)
    snapshot = replace(base, detail=detail)
    board = {str(one.csc): one.reason for one in stragglers(reading(snapshot), wait_of(snapshot))}
    assert board["ESS:309"] == "restarted 3 times; log 21:04: cannot bind port"


def test_the_first_line_says_who_blocks_since_when_what_helps_and_which_key() -> None:
    snapshot = run_snapshots.waiting()
    assert blocking_sentence(reading(snapshot), wait_of(snapshot)) == (
        "MTHexapod:2 and 4 more block: no heartbeat yet, waited for 17:32. "
        "What usually helps: see whether its process was started at all. "
        "Press w to waive by name, e for 10 min more, H to hold."
    )


def test_a_state_is_told_since_it_began_and_not_since_the_wait() -> None:
    base = run_snapshots.waiting()
    csc = CscId("MTHexapod", 2)
    views = tuple(
        replace(view, liveness=Liveness.BEATING, effective=Effective.OFFLINE, changed_at=NOW - 3_600)
        if view.csc == csc
        else view
        for view in base.cscs
    )
    snapshot = replace(base, cscs=views)
    said = blocking_sentence(reading(snapshot), wait_of(snapshot))
    assert said.startswith("MTHexapod:2 and 4 more block: OFFLINE since 20:04:12 UTC, waited for 17:32. ")


def test_a_csc_that_leaves_its_target_is_back_on_the_board() -> None:
    before = run_snapshots.waiting(missing=False)
    assert wait_of(before).missing == ()
    views = [
        replace(snapshots.lost(view, 12), changed_at=NOW - 12) if str(view.csc) == "MTDome" else view
        for view in before.cscs
    ]
    assert before.run is not None
    after = replace(
        before, cscs=tuple(views), run=replace(before.run, wait=replace(wait_of(before), missing=(CscId("MTDome"),)))
    )
    assert [(str(one.csc), one.missing_s) for one in stragglers(reading(after), wait_of(after))] == [("MTDome", 12.0)]
    assert {view.effective for view in views if str(view.csc) == "MTDome"} == {Effective.LOST}


def lost_before() -> Published:
    """Return the wait in which the dome's group was LOST before the run opened and has not come back."""
    shown = run_snapshots.waiting()
    gone = frozenset((CscId("ATDome"), CscId("ATDomeTrajectory"), CscId("MTDome")))
    views = tuple(snapshots.lost(view, 9_000) if view.csc in gone else view for view in shown.cscs)
    assert shown.run is not None
    wait = wait_of(shown)
    run = replace(shown.run, lost=gone, wait=replace(wait, missing=(*wait.missing, *sorted(gone))))
    return replace(shown, cscs=views, run=run)


def test_who_was_lost_before_the_run_opened_is_one_line_for_each_group() -> None:
    snapshot = lost_before()
    board = {one.name: (one.reason, len(one.cscs)) for one in stragglers(reading(snapshot), wait_of(snapshot))}
    assert board["2 of AT"] == ("LOST before the run opened: ATDome, ATDomeTrajectory", 2)
    assert board["MTDome"][1] == 1
    assert len(board) == 7
    assert "MTHexapod:2 and 7 more block" in blocking_sentence(reading(snapshot), wait_of(snapshot))


async def test_a_line_of_several_is_marked_and_waived_as_one_decision() -> None:
    async with running_run(lost_before()) as screen:
        await screen.sees("8 not at target")
        await screen.read()
        row = next(line for line in screen.lines() if "2 of AT" in line and "block" not in line)
        assert "LOST before the run opened" in row
        names = [one.name for one in stragglers(reading(lost_before()), wait_of(lost_before()))]
        await screen.press(*["j"] * names.index("2 of AT"), "w")
        await screen.sees("Waive 2 CSCs by name")
        for step in (screen.type("power-down"), screen.press("enter"), screen.type("2"), screen.press("enter")):
            await screen.read()
            await step
        assert screen.inbox.orders == [Waive((CscId("ATDome"), CscId("ATDomeTrajectory")), "power-down", 2)]


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        (("e",), Extend(WAIT, 600.0)),
        (("H",), Hold(OPERATOR)),
        (("w", "'gone", "enter"), Waive((CscId("MTHexapod", 2),), "gone", 1)),
        (("j", "j", "w", "'gone", "enter"), Waive((CscId("ATWhiteLight"),), "gone", 1)),
        (
            ("space", "space", "w", "'gone", "enter", "'2", "enter"),
            Waive((CscId("MTHexapod", 2), CscId("MTM2")), "gone", 2),
        ),
    ],
)
async def test_the_keys_of_the_wait_order_what_they_say(keys: tuple[str, ...], order: object) -> None:
    async with running_run(run_snapshots.waiting()) as screen:
        await screen.until(lambda: in_front(screen))
        await screen.read()
        for key in keys:
            await (screen.type(key[1:]) if key.startswith("'") else screen.press(key))
            await screen.read()
        assert screen.inbox.orders == [order]


async def test_the_wait_never_passes_by_itself_and_enter_ends_it_when_nobody_is_missing() -> None:
    async with running_run(run_snapshots.waiting()) as screen:
        await screen.until(lambda: in_front(screen))
        await screen.publish(run_snapshots.waiting(missing=False))
        await screen.sees("All CSCs at target")
        screen.clock.advance(3_600.0)
        await screen.pilot.pause(0.05)
        assert screen.inbox.orders == []
        await screen.press("enter")
        assert screen.inbox.orders == [Finish(WAIT)]


async def test_an_enter_meant_for_the_board_does_not_end_the_wait_when_the_last_one_arrives() -> None:
    async with running_run(run_snapshots.waiting()) as screen:
        await screen.until(lambda: in_front(screen))
        await screen.read()
        await screen.publish(run_snapshots.waiting(missing=False))
        await screen.press("enter")
        await screen.sees("the card has just changed")
        assert screen.inbox.orders == []


async def test_a_key_typed_before_the_wait_opened_is_discarded() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        await screen.publish(run_snapshots.waiting(missing=False))
        await screen.until(lambda: in_front(screen))
        await screen.press("enter", "e")
        assert screen.inbox.orders == []
        await screen.read()
        await screen.press("enter")
        assert screen.inbox.orders == [Finish(WAIT)]


async def test_enter_on_the_board_opens_the_csc() -> None:
    async with running_run(run_snapshots.waiting()) as screen:
        await screen.until(lambda: in_front(screen))
        await screen.read()
        await screen.press("enter")
        await screen.until(lambda: isinstance(screen.app.screen, DetailScreen))
        await screen.press("n", "escape")
        await screen.until(lambda: in_front(screen))


async def test_the_limit_is_in_journal_time_and_what_was_extended_counts() -> None:
    async with running_run(run_snapshots.waiting(1_830.0, extended=600.0)) as screen:
        await screen.sees("of 40:00")
        assert "The limit is over" not in screen.text()
        screen.clock.advance(600.0)
        await screen.sees("The limit is over")


async def test_who_was_waived_stands_there_with_the_reason_and_what_is_owed_too() -> None:
    async with running_run(run_snapshots.waiting()) as screen:
        await screen.sees("waived  CBP  “not installed this cycle”")
        await screen.sees("Debts: must be paid or waived before this run can close")
        await screen.sees("an end notice in #summit-announce")


@pytest.mark.parametrize(
    ("key", "answer"), [("w", "no CSC to waive"), ("space", "at target or waived"), ("j", "at target or waived")]
)
async def test_a_key_without_anybody_missing_says_so(key: str, answer: str) -> None:
    async with running_run(run_snapshots.waiting(missing=False)) as screen:
        await screen.until(lambda: in_front(screen))
        await screen.read()
        await screen.press(key)
        await screen.sees(answer)
        assert screen.inbox.orders == []


async def test_the_bell_rings_once_when_the_last_arrives_and_once_at_the_limit() -> None:
    async with running_run(run_snapshots.waiting(1_700.0)) as screen:
        await screen.until(lambda: in_front(screen))
        screen.bells.clear()
        screen.clock.advance(98.0)
        await screen.publish(run_snapshots.waiting(1_700.0, waived=False))
        assert screen.bells == []
        screen.clock.advance(3.0)
        await screen.publish(run_snapshots.waiting(1_700.0))
        assert len(screen.bells) == 1
        await screen.publish(run_snapshots.waiting(1_700.0, waived=False))
        assert len(screen.bells) == 1
        await screen.publish(run_snapshots.waiting(1_700.0, missing=False))
        assert len(screen.bells) == 2
        await screen.publish(run_snapshots.waiting(1_700.0, missing=False, waived=False))
        assert len(screen.bells) == 2


async def test_b_turns_the_bell_off() -> None:
    async with running_run(run_snapshots.waiting()) as screen:
        await screen.until(lambda: in_front(screen))
        await screen.sees("bell: on")
        await screen.press("b")
        await screen.sees("bell: off")
        screen.bells.clear()
        await screen.publish(run_snapshots.waiting(missing=False))
        assert screen.bells == []


async def test_an_observer_sees_the_same_wait_and_cannot_act() -> None:
    async with running_run(run_snapshots.waiting(), observe=True) as screen:
        await screen.until(lambda: in_front(screen))
        await screen.read()
        await screen.sees("MTHexapod:2 and 4 more block")
        for key in ("w", "e", "R", "m"):
            await screen.press(key)
            await screen.sees("you observe; only the lead acts")
        await screen.press("escape")
        assert screen.inbox.orders == []


def learned_card(scene: str, seconds: int) -> tuple[Reading, Card]:
    here = reading(SCENES[scene]())
    assert here.run.card is not None
    took = tuple((row.item.id, (seconds,) * 3) for row in here.run.card.rows)
    return here, replace(here.run.card, earlier=ArrivalsLearned(here.run.card.step.id, 3, took))


def test_the_card_of_a_step_under_way_says_when_it_is_probably_over_by_earlier_runs() -> None:
    here, card = learned_card("asking", 600)
    moving = replace(card.rows[0], done=False, asks=False)
    card = replace(card, rows=(moving, *card.rows[1:]))
    started = next(row.started_utc for row in here.run.rows if row.step == card.step.id)
    assert started is not None
    [line] = card_eta(here, card, 60)
    assert plain(line).strip() == f"eta {datetime.fromtimestamp(started + 600, UTC_ZONE):%H:%M} from 3 earlier runs"
    assert card_eta(here, replace(card, earlier=None), 60) == []


def test_the_card_of_a_step_to_come_says_how_long_it_took() -> None:
    here, card = learned_card("watcher", 95)
    assert [plain(line) for line in card_eta(here, card, 60)] == ["took 1:35 in 3 earlier runs"]

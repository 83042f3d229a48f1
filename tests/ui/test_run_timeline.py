"""The timeline: what each CSC was in over the run, seen at a glance and asked about by keys alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploydash.core.fleet.records import BeatsChanged, ErrorRecorded, FeedReported, StateRecorded
from deploydash.core.model import CscId, FeedName, FeedState, Liveness, Source, SummaryState
from deploydash.core.procedure.names import StepId, csc_item
from deploydash.core.run.orders import Hold
from deploydash.core.run.records import (
    ItemEnded,
    ItemsDispatched,
    Outcome,
    RequestAnswered,
    RequestIntended,
    StepApproved,
    StepDone,
)
from deploydash.core.views.timeline import Line, Timeline
from deploydash.errors import UserError
from deploydash.ui.draw.run.timeline import SCALES, Window, frame, moved, zoomed
from deploydash.ui.screens.timeline import TimelineScreen
from tests.support import run_snapshots, snapshots
from tests.support.goldens import assert_golden
from tests.support.run_snapshots import OPENED, OPERATOR, SCENES
from tests.support.run_ui import RunUi, running_run
from tests.support.runs import csc_items
from tests.support.snapshots import UTC

GOLDEN = Path(__file__).parents[1] / "data" / "ui" / "run"
SIZES = [(200, 50), (120, 40), (80, 24)]
CSCS = StepId("cscs")
MTDOME = CscId("MTDome")
DOWN = UTC - 1_200


def night() -> list[Line]:
    """The Summit goes down by groups; MTDome falls into FAULT, ESS:303 is lost, and Kafka was away for a minute."""
    lines: list[Line] = [run_snapshots.opened()]
    for csc, _ in snapshots.summit():
        lines += [_beats(csc, Liveness.BEATING, OPENED + 2), _state(csc, SummaryState.ENABLED, OPENED + 2)]
    lines += [_kafka(FeedState.UP, OPENED + 2), _kafka(FeedState.DOWN, UTC - 1_700), _kafka(FeedState.UP, UTC - 1_640)]
    lines += [_beats(csc, Liveness.BEATING, UTC - 1_639) for csc, _ in snapshots.summit()]
    lines.append((DOWN, StepApproved(CSCS, OPERATOR, 9)))
    lines.append((DOWN, ItemsDispatched(CSCS, csc_items(tuple(csc for csc, _ in snapshots.summit())), OPERATOR)))
    for number, (csc, _) in enumerate(snapshots.summit()):
        at = DOWN + 3 * number
        if csc == MTDOME:
            lines += [
                (at, RequestIntended(CSCS, csc_item(csc), "lsst.sal.MTDome.command_disable")),
                _state(csc, SummaryState.FAULT, at + 4),
                (at + 4, ErrorRecorded(csc, 101, "shutter drive: encoder lost", at + 4, live=True, at=at + 4)),
                (at + 5, RequestAnswered(CSCS, csc_item(csc), False, "encoder lost")),
                (at + 5, ItemEnded(CSCS, csc_item(csc), Outcome.FAILED, "refused in FAULT")),
            ]
        elif csc != CscId("ESS", 303):
            lines += [_state(csc, SummaryState.STANDBY, at + 2), _state(csc, SummaryState.OFFLINE, at + 8)]
            lines.append(_beats(csc, Liveness.SILENT, at + 20))
    lines.append(_beats(CscId("ESS", 303), Liveness.SILENT, DOWN + 600))
    lines.append((UTC - 60, StepDone(CSCS)))
    return sorted(lines, key=lambda line: line[0])


def _state(csc: CscId, told: SummaryState, utc: float) -> Line:
    return utc, StateRecorded(csc, told, utc, Source.KAFKA, 7, 1, live=True, current=True, at=utc)


def _beats(csc: CscId, liveness: Liveness, utc: float) -> Line:
    return utc, BeatsChanged(csc, liveness, listening=False, beat_at=utc, at_least=False, has_beaten=True, at=utc)


def _kafka(state: FeedState, utc: float) -> Line:
    return utc, FeedReported(FeedName.KAFKA, state, "no broker answers" if state is FeedState.DOWN else "", utc)


class FakeHistory:
    """Tells the night; ``fault`` makes the journal unreadable."""

    def __init__(self, fault: str = "", lines: int | None = None) -> None:
        self.timeline = Timeline(run_snapshots.full_cycle(), SCENES["asking"]().roster)
        self.timeline.take(night()[:lines])
        self.fault = fault

    def read_on(self) -> Timeline:
        if self.fault:
            raise UserError(self.fault)
        return self.timeline


async def opened(screen: RunUi) -> None:
    await screen.press("t")
    await screen.until(lambda: isinstance(screen.app.screen, TimelineScreen))
    await screen.sees("a column")
    await screen.pilot.pause()


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_the_timeline_looks_as_it_was_approved(width: int, height: int) -> None:
    async with running_run(SCENES["asking"](), width=width, height=height, history=FakeHistory()) as screen:
        await opened(screen)
        assert_golden(GOLDEN / f"timeline-{width}x{height}.txt", screen.text())


async def test_what_happened_at_a_time_is_found_with_the_arrows_and_n() -> None:
    async with running_run(SCENES["asking"](), history=FakeHistory()) as screen:
        await press(screen, "tab", "tab", "n")
        await opened(screen)
        assert "▸ MTDome" in screen.text(), "it begins with the CSC under the grid's cursor"
        await press(screen, "N")
        await screen.sees("MTDome: failed, refused in FAULT")
        await screen.sees("MTDome tells error 101: shutter drive: encoder lost")
        await screen.sees("under way: cscs")
        await press(screen, "N")
        await screen.sees("· MTDome · ENABLED")
        await screen.sees("lsst.sal.MTDome.command_disable")
        await press(screen, "g")
        await screen.sees("20:23:07  MTDome says ENABLED")


async def press(screen: RunUi, *keys: str) -> None:
    for key in keys:
        await screen.press(key)
        await screen.read()


async def test_zooming_keeps_the_moment_under_the_cursor() -> None:
    async with running_run(SCENES["asking"](), history=FakeHistory()) as screen:
        await opened(screen)
        await press(screen, "N", "plus", "plus", "plus")
        front = screen.app.screen
        assert isinstance(front, TimelineScreen)
        shown = front._frame()
        assert shown is not None
        assert shown.step_s == 10.0
        assert shown.at <= DOWN + 20 < shown.at + shown.step_s
        await press(screen, "0")
        await screen.sees("30 s a column")
        await press(screen, "minus")
        await screen.sees("the whole run is shown")


async def test_the_edges_are_told_and_the_newest_is_followed() -> None:
    async with running_run(SCENES["asking"](), history=FakeHistory()) as screen:
        await opened(screen)
        await press(screen, "right")
        await screen.sees("nothing is later than this")
        await press(screen, "g", "left")
        await screen.sees("the run began here")
        await press(screen, "G", "up")
        await screen.sees("that is the end of the list")
        front = screen.app.screen
        assert isinstance(front, TimelineScreen)
        before = front._frame()
        screen.clock.advance(60.0)
        front.second()
        after = front._frame()
        assert before is not None
        assert after is not None
        assert after.at >= before.at + 60.0 - after.step_s


@pytest.mark.parametrize("observe", [False, True])
async def test_it_is_there_for_observers_and_esc_goes_back_without_any_order(observe: bool) -> None:
    async with running_run(SCENES["asking"](), observe=observe, history=FakeHistory()) as screen:
        await opened(screen)
        await press(screen, "a", "r", "w", "d", "enter", "s")
        assert screen.inbox.orders == []
        if not observe:
            await press(screen, "H")
            assert screen.inbox.orders == [Hold(OPERATOR)]
        await press(screen, "escape")
        await screen.until(lambda: screen.app.screen is screen.run)


async def test_states_are_letters_where_there_are_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running_run(SCENES["asking"](), history=FakeHistory()) as screen:
        await press(screen, "tab", "tab", "n")
        await opened(screen)
        (line,) = [line for line in screen.lines() if line.startswith("▸ MTDome")]
        strip = line[26:].strip()
        assert strip.startswith("EEE")
        assert "ee" in strip, "what was only last seen so is in small letters"
        assert strip.rstrip().endswith("FFF")


async def test_from_the_wait_it_opens_and_comes_back_to_it() -> None:
    async with running_run(SCENES["wait"](), history=FakeHistory()) as screen:
        waiting = screen.app.screen
        await opened(screen)
        await press(screen, "t")
        await screen.until(lambda: screen.app.screen is waiting)


async def test_a_journal_that_cannot_be_read_is_said_in_words() -> None:
    async with running_run(SCENES["asking"](), history=FakeHistory("journal.jsonl:7: damaged")) as screen:
        await screen.press("t")
        await screen.sees("the journal cannot be read: journal.jsonl:7: damaged")
        await screen.press("left", "plus", "n", "j", "escape")
        await screen.until(lambda: screen.app.screen is screen.run)


@pytest.mark.parametrize("lines", [0, 1, 2, 30, 240])
async def test_a_run_that_has_just_begun_has_a_timeline_too(lines: int) -> None:
    async with running_run(SCENES["asking"](), history=FakeHistory(lines=lines)) as screen:
        await opened(screen)
        await press(screen, "left", "plus", "n", "N", "g", "G", "0")
        await screen.sees("no step was under way")
        assert screen.app.failure is None


async def test_without_a_journal_at_hand_it_says_so() -> None:
    async with running_run(SCENES["asking"]()) as screen:
        await screen.press("t")
        await screen.sees("no journal is at hand")


@pytest.mark.parametrize(("width", "height"), [(20, 5), (1, 1), (60, 10), (300, 80)])
async def test_no_size_breaks_it(width: int, height: int) -> None:
    async with running_run(SCENES["asking"](), history=FakeHistory()) as screen:
        await opened(screen)
        await screen.pilot.resize_terminal(width, height)
        await press(screen, "left", "plus", "n", "N", "g", "G", "j", "0")
        assert screen.app.failure is None


def test_a_frame_never_leaves_the_run_whatever_is_asked() -> None:
    timeline = FakeHistory().timeline
    for cells in (1, 7, 100):
        for scale in (None, *SCALES):
            for at in (None, 0.0, OPENED, DOWN, UTC + 9_999):
                window = Window(scale, DOWN, at)
                for _ in range(3):
                    shown = frame(window, timeline, UTC, cells)
                    assert 0 <= shown.cursor < cells
                    assert timeline.began - shown.step_s < shown.since <= UTC
                    window = zoomed(moved(window, shown, -3), shown, 1)


async def test_a_screen_that_is_being_left_is_drawn_no_more() -> None:
    """Its parts go one by one: whoever looks for one that has gone would end the app."""
    async with running_run(SCENES["asking"](), history=FakeHistory()) as screen:
        await opened(screen)
        timeline = screen.app.screen
        assert isinstance(timeline, TimelineScreen)
        assert timeline.is_there
        gone = screen.app.pop_screen()
        assert not timeline.is_there
        await gone
        await opened(screen)
        timeline = screen.app.screen
        assert isinstance(timeline, TimelineScreen)
        screen.app.exit()
        assert not timeline.is_there

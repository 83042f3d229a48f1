"""No text from outside reaches the terminal as anything but letters and signs, whichever screen shows it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.events import Paste
from textual.widgets import Input

from deploydash.core.fleet.snapshot import CscDetail, ErrorView, LogLine
from deploydash.core.model import CscId
from deploydash.core.outside_text import visible
from deploydash.core.published import Published
from deploydash.ui.draw.detail import detail_lines
from deploydash.ui.draw.glyphs import ASCII, UNICODE, showable
from deploydash.ui.draw.ink import plain
from deploydash.ui.draw.run.notify import notification
from deploydash.ui.draw.text import snapshot_text
from deploydash.ui.draw.tiles import Moment
from deploydash.ui.widgets.canvas import Canvas
from tests.support import snapshots
from tests.support.poison import ESCAPES, WIDE, poisoned
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run
from tests.support.snapshots import NOW, UTC
from tests.support.steering import steering
from tests.support.ui import Screen, running

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=80)


def assert_stands(screen: Screen) -> None:
    """Everything on the screen is letters and signs, and every line is as wide as its widget."""
    for strip in screen.app.screen._compositor.render_strips():
        assert steering(strip.text) == [], strip.text
    for canvas in screen.app.screen.query("Canvas").results(Canvas):  # type: ignore[type-abstract]
        for y in range(canvas.size.height):
            assert cell_len(canvas.render_line(y).text) == canvas.size.width


def hostile(snapshot: Published, text: str = f" {WIDE} {ESCAPES}") -> Published:
    found = poisoned(snapshot, text)
    return replace(found, roster=replace(found.roster, site=snapshot.roster.site))


@pytest.mark.parametrize("name", ["asking", "naming", "question", "by-hand", "held", "late", "closing"])
async def test_a_run_in_which_every_text_is_hostile_stands_on_every_screen(name: str) -> None:
    async with running_run(hostile(SCENES[name]())) as screen:
        assert_stands(screen)
        for key in ("question_mark", "escape", "tab", "tab", "enter"):
            await screen.press(key)
            assert_stands(screen)


@pytest.mark.parametrize(("width", "height"), [(200, 50), (120, 40), (80, 24), (40, 12)])
async def test_a_grid_in_which_every_text_is_hostile_stands_at_every_size(width: int, height: int) -> None:
    async with running(hostile(snapshots.busy()), width=width, height=height) as screen:
        assert_stands(screen)
        await screen.press("n", "enter")
        assert_stands(screen)


def detail_of(report: str) -> list[str]:
    view = snapshots.faulted(snapshots.view(CscId("ATDome")))
    view = replace(view, error=ErrorView(7, report, UTC - 3), overrides=(report,))
    known = CscDetail(
        csc=view.csc,
        beats=(1,) * 60,
        states=(),
        origin=4711,
        csc_version=report,
        xml_version=report,
        simulation_mode=0,
        configurations=report,
        configuration_version=report,
        logs=(LogLine(UTC - 2, 40, report),),
    )
    return [plain(line) for line in detail_lines(view, known, Moment(NOW, UTC, UNICODE), 80)]


def test_the_detail_page_shows_the_end_of_a_wide_report() -> None:
    lines = detail_of("漢字かな " * 12 + "LAST WORDS")
    assert sum("LAST WORDS" in line for line in lines) >= 5, "\n".join(lines)
    assert all(cell_len(line) <= 80 for line in lines)


@given(ANY_TEXT)
def test_no_report_steers_the_detail_page_or_is_wider_than_it(report: str) -> None:
    for line in detail_of(report):
        assert cell_len(visible(line)) <= 80
        assert steering(showable(line, UNICODE)) == []


@given(ANY_TEXT)
def test_no_text_steers_what_status_prints(text: str) -> None:
    shown = poisoned(snapshots.snapshot(snapshots.calm_views()[:12]), text)
    assert steering(snapshot_text(shown)) == []
    assert snapshot_text(shown, glyphs=ASCII).isascii()


@given(ANY_TEXT)
def test_what_a_poor_terminal_shows_is_ascii_and_takes_as_many_cells(text: str) -> None:
    shown = showable(text, ASCII)
    assert shown.isascii()
    assert steering(shown) == []
    assert len(shown) == cell_len(visible(text))


@given(ANY_TEXT)
def test_no_text_ends_a_notification_or_begins_another_sequence(text: str) -> None:
    sequence = notification(text, {"TERM": "xterm-256color"})
    assert sequence.startswith("\x1b]9;deploydash:")
    assert sequence.endswith("\x07")
    assert steering(sequence[1:-1]) == []


async def test_what_is_pasted_into_a_field_is_visible_there_and_whatever_is_made_of_it() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("slash")
        field = screen.app.screen.query_one("#filter", Input)
        field.post_message(Paste("AT\x1b[2J\u202eDome"))
        await screen.until(lambda: field.value == "AT␛[2J‹U+202E›Dome")
        assert_stands(screen)


async def test_not_even_a_widget_of_others_lets_an_escape_through() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("colon")
        await screen.until(lambda: bool(screen.app.screen.query(Input)))
        screen.app.screen.query_one(Input).value = ESCAPES
        await asyncio.sleep(0)
        await screen.pilot.pause()
        assert "TITLE" in screen.text()
        assert_stands(screen)

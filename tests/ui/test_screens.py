"""What stands on the screen, at three sizes and through an evening."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from deploydash.core.fleet.commands import Inspect
from deploydash.core.fleet.snapshot import FeedView
from deploydash.core.model import CscId, FeedName, FeedState
from deploydash.core.published import Published
from deploydash.ui.app import DeploydashApp
from deploydash.ui.draw.ink import Line
from deploydash.ui.keys import KEYS
from deploydash.ui.screens.watch import WatchScreen
from tests.support import snapshots
from tests.support.goldens import assert_golden
from tests.support.show_ui import scene
from tests.support.snapshots import NOW, FakeSource
from tests.support.ui import Screen, running

GOLDEN = Path(__file__).parents[1] / "data" / "ui" / "golden"


def watch(screen: Screen) -> WatchScreen:
    assert isinstance(screen.app.screen, WatchScreen)
    return screen.app.screen


@pytest.mark.parametrize(("width", "height"), [(200, 50), (120, 40), (80, 24)])
@pytest.mark.parametrize("name", ["busy", "calm", "rehearsal", "feed-down"])
async def test_the_whole_screen_looks_as_it_was_approved(name: str, width: int, height: int) -> None:
    async with running(scene(name), width=width, height=height, speed=20 if name == "rehearsal" else None) as screen:
        assert_golden(GOLDEN / f"{name}-{width}x{height}.txt", screen.text())


@pytest.mark.parametrize(("width", "height"), [(120, 40), (160, 45), (200, 50), (250, 60)])
async def test_all_117_cscs_stand_on_one_screen_from_120x40_on(width: int, height: int) -> None:
    async with running(snapshots.busy(), width=width, height=height) as screen:
        grid = watch(screen).query_one("#grid")
        assert grid.size.height >= len(watch(screen).query_one("Grid").arrangement.rows)  # type: ignore[attr-defined]
        text = screen.text()
        for csc, _ in snapshots.summit():
            assert csc.name in text
            assert not csc.index or str(csc.index) in text


async def test_a_change_of_size_changes_the_design_and_keeps_the_cursor() -> None:
    async with running(snapshots.busy(), width=200, height=50) as screen:
        await screen.press("n", "n")
        chosen = watch(screen).selected
        assert "Not at target" in screen.text()
        await screen.pilot.resize_terminal(80, 24)
        await screen.sees("not at target · 9 of 117")
        await screen.pilot.resize_terminal(120, 40)
        await screen.until(lambda: "ATMonochromator" in screen.text() and "not at target ·" not in screen.text())
        assert watch(screen).selected == chosen is not None


async def test_an_impossibly_small_terminal_is_survived() -> None:
    async with running(snapshots.busy(), width=20, height=5) as screen:
        await screen.pilot.resize_terminal(1, 1)
        await screen.pilot.pause(0.05)
        await screen.pilot.resize_terminal(120, 40)
        await screen.sees("ATMonochromator")


async def test_the_start_card_says_that_nothing_was_written_and_goes_by_itself() -> None:
    async with running(scene("listening")) as screen:
        await screen.sees("Nothing has been contacted for writing")
        await screen.sees("41/117")
        assert "ATAOS" in screen.text(), "the grid is there already"
        screen.source.publish(snapshots.busy())
        await screen.until(lambda: "Nothing has been contacted" not in screen.text())


async def test_the_start_card_goes_when_half_are_decided_and_the_header_says_that_we_still_listen() -> None:
    async with running(scene("listening")) as screen:
        await screen.sees("Nothing has been contacted for writing")
        views = [snapshots.listening(view) if n > 110 else view for n, view in enumerate(snapshots.calm_views())]
        screen.source.publish(snapshots.snapshot(views, decided=False, number=2))
        await screen.until(lambda: "Nothing has been contacted" not in screen.text())
        assert "listening" in screen.lines()[1]


async def test_the_start_card_can_be_put_away_before() -> None:
    async with running(scene("listening")) as screen:
        await screen.sees("listening")
        await screen.press("escape")
        await screen.until(lambda: "Nothing has been contacted" not in screen.text())


async def test_while_nothing_is_known_at_all_the_screen_stands_and_keys_say_so() -> None:
    async with running(None) as screen:
        await screen.press("j")
        await screen.sees("waiting for the first snapshot")


async def test_a_feed_that_is_down_is_blamed_and_every_tile_looks_stale() -> None:
    async with running(scene("feed-down")) as screen:
        assert "Kafka is down: 127.0.0.1:9094 (site file): connection refused" in screen.lines()[2]
        assert "everything is shown as it was last seen" in screen.lines()[3]
        assert "down 12 s" in screen.lines()[1]
        assert "S? ATAOS" in screen.text()
        assert "L?303" in screen.text()


async def test_a_feed_that_comes_back_takes_the_banner_away() -> None:
    async with running(scene("feed-down")) as screen:
        screen.source.publish(snapshots.busy())
        await screen.until(lambda: "S  ATAOS" in screen.text() and "Kafka is down" not in screen.text())


async def test_a_rehearsal_cannot_be_mistaken() -> None:
    async with running(snapshots.busy(rehearsal=True), speed=20) as screen:
        assert "REHEARSAL ×20" in screen.lines()[0]
        assert "╱╱╱╱" in screen.lines()[0]
    async with running(snapshots.busy()) as screen:
        assert "REHEARSAL" not in screen.text()


async def test_an_address_that_is_not_the_sites_own_stands_in_the_header() -> None:
    detail = "other:9092 (LSST_KAFKA_BROKER_ADDR), not one of the site's hosts"
    kafka = FeedView(FeedName.KAFKA, FeedState.UP, detail, NOW, 10.0, 0.1)
    async with running(snapshots.busy(feed_views=snapshots.feeds(kafka=kafka))) as screen:
        assert "other:9092 (LSST_KAFKA_BROKER_ADDR)" in screen.lines()[1]


async def test_a_clock_that_is_off_by_more_than_a_second_is_told() -> None:
    kafka = FeedView(FeedName.KAFKA, FeedState.UP, "", NOW, 10.0, 0.1, -1.4)
    async with running(snapshots.busy(feed_views=snapshots.feeds(kafka=kafka))) as screen:
        assert "our clock 1.4 s behind" in screen.lines()[1]


async def test_only_the_newest_of_many_snapshots_is_shown() -> None:
    async with running(snapshots.busy()) as screen:
        calm = snapshots.snapshot(snapshots.calm_views(), number=99)
        for number in range(50):
            screen.source.publish(snapshots.busy(number=number + 2))
        screen.source.publish(calm)
        await screen.until(lambda: screen.app.snapshot is calm)
        await screen.sees("117/117")


async def test_a_csc_that_appears_during_the_night_appears_in_the_grid_and_the_cursor_stays() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("n")
        stranger = replace(snapshots.view(CscId("ESS", 999), "Envsys"), expected=False)
        grown = snapshots.snapshot([*snapshots.busy_views(), stranger], number=2)
        before = watch(screen).selected
        screen.source.publish(grown)
        await screen.sees("ESS:999")
        assert "Unexpected" in screen.text()
        assert watch(screen).selected == before


async def test_an_age_goes_on_by_itself() -> None:
    async with running(snapshots.busy(), width=80, height=24) as screen:
        assert "no beat for 15 min 0 s" in screen.text() or " 41s" in screen.text()
        screen.source.clock.advance(10)  # type: ignore[union-attr]
        await screen.sees(" 51s")


async def test_the_detail_asks_for_one_csc_while_it_is_open() -> None:
    async with running(snapshots.busy()) as screen:
        await screen.press("n", "n", "enter")
        await screen.sees("Last minute of heartbeats")
        text = screen.text()
        for words in ("MTDome", "origin 4711", "v6", "23.1.0", "encoder 3: retrying", "2 min 41 s ago, from Kafka"):
            assert words in text
        assert screen.source.ordered == [Inspect(CscId("MTDome"))]
        await screen.press("n")
        await screen.sees("ESS:106")
        assert screen.source.ordered[-1] == Inspect(CscId("ESS", 106))
        await screen.press("escape")
        await screen.until(lambda: screen.source.ordered[-1] == Inspect(None))


async def test_ten_thousand_cscs_scroll() -> None:
    async with running(scene("many")) as screen:
        assert "9991/10000" in screen.lines()[0]
        await screen.press("G")
        last = snapshots.many(10_000)[-1][0].name
        await screen.sees(last)
        await screen.press("pageup", "g")
        await screen.sees("S  ATAOS")


async def test_a_storm_over_ten_thousand_draws_only_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    first = scene("many")
    async with running(first) as screen:
        grid = watch(screen).query_one("Grid")
        made: list[int] = []
        line_at = grid.line_at  # type: ignore[attr-defined]

        def counted(y: int) -> Line:
            made.append(y)
            return line_at(y)  # type: ignore[no-any-return]

        monkeypatch.setattr(grid, "line_at", counted)
        changed: Published = replace(
            first, cscs=tuple(replace(view, restarts=1) for view in first.cscs), number=2, events=()
        )
        screen.source.publish(changed)
        await screen.until(lambda: screen.app.snapshot is changed)
        await screen.until(lambda: bool(made))
        assert len(made) <= 3 * grid.size.height


async def test_snapshots_that_come_before_the_first_layout_are_shown_all_the_same() -> None:
    class Hasty(FakeSource):
        def subscribe(self, subscriber: Callable[[Published], None], /) -> Callable[[], None]:
            end = super().subscribe(subscriber)
            for number in range(3):
                self.publish(snapshots.busy(number=number))
            return end

    app = DeploydashApp(Hasty())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(app, FakeSource(), pilot)
        app._take(snapshots.busy(number=7))
        app._show()
        app._take(snapshots.snapshot(snapshots.calm_views(), number=8))
        app._show()
        await screen.sees("117/117")
        assert app.failure is None


async def test_the_app_can_be_left_before_its_screen_is_there() -> None:
    class Impatient(FakeSource):
        def subscribe(self, subscriber: Callable[[Published], None], /) -> Callable[[], None]:
            app.exit()
            return super().subscribe(subscriber)

    app = DeploydashApp(Impatient(snapshots.busy()))
    await app.run_async(headless=True, mouse=False, size=(120, 40))
    assert app.failure is None
    assert app.return_code == 0


async def test_a_banner_that_grows_takes_another_line_and_gives_it_back() -> None:
    short = snapshots.busy(banner="Kafka is down: no answer")
    long = snapshots.busy(banner=f"Kafka is down: {'no answer ' * 12}", number=2)
    async with running(short, width=100) as screen:
        below = screen.lines()[3]
        screen.source.publish(long)
        await screen.until(lambda: screen.lines()[4] == below)
        assert screen.lines()[2].startswith(" ✖ Kafka is down")
        screen.source.publish(replace(short, number=3))
        await screen.until(lambda: screen.lines()[3] == below)


async def test_a_fault_of_the_screen_ends_it_without_a_traceback_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a fault on purpose")

    app = DeploydashApp(FakeSource(snapshots.busy()))
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the app raises when its context ends
        async with app.run_test(size=(120, 40)) as pilot:
            monkeypatch.setattr(app.screen, "act_only", broken)
            await pilot.press("x")
    assert isinstance(app.failure, ZeroDivisionError)
    assert app.return_code == 1
    told = capfd.readouterr()
    assert "Traceback" not in told.out + told.err


@pytest.mark.parametrize("seed", range(2))
async def test_any_keys_in_any_order_during_a_storm_never_break_the_screen(seed: int) -> None:
    rng = random.Random(seed)
    names = sorted({name for key in KEYS for name in key.keys.split(",") if key.act != "quit"} - {"q"})
    async with running(snapshots.busy(), width=rng.choice([80, 120, 200]), height=rng.choice([24, 40, 50])) as screen:
        for _ in range(60):
            await screen.pilot.press(rng.choice([*names, "a", "E", "1", "space", "f5"]))
            current = screen.source.current
            assert current is not None
            clock = screen.source.clock
            screen.source.publish(snapshots.shaken(current, rng, 9, clock.monotonic(), clock.utc()))
            if rng.random() < 0.05:
                await screen.pilot.resize_terminal(rng.randint(2, 220), rng.randint(2, 60))
        await screen.pilot.pause()
        assert screen.app.failure is None
        assert screen.app.is_running

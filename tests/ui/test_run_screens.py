"""What stands on the screen of a run, at three sizes, and what a small mirror sees of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import run_snapshots, snapshots
from tests.support.goldens import assert_golden
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run

GOLDEN = Path(__file__).parents[1] / "data" / "ui" / "run"
SIZES = [(200, 50), (120, 40), (80, 24)]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", ["asking", "cscs", "queues", "by-hand", "held", "wait", "late"])
async def test_the_whole_screen_looks_as_it_was_approved(name: str, width: int, height: int) -> None:
    async with running_run(SCENES[name](), width=width, height=height) as screen:
        assert_golden(GOLDEN / f"{name}-{width}x{height}.txt", screen.text())


@pytest.mark.parametrize("name", ["armed", "naming", "going", "question", "many", "arrived", "closing"])
async def test_every_question_looks_as_it_was_approved_on_a_small_screen(name: str) -> None:
    async with running_run(SCENES[name](), width=80, height=24) as screen:
        assert_golden(GOLDEN / f"{name}-80x24.txt", screen.text())


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "asking",
            ("Your turn  ·  2 need a decision", "MTDome  FAULT 2:4", "refused in FAULT", "r retry MTDome"),
        ),
        ("asking", ("ESS:303  LOST", "w waive by name…", "s skip the step…", "▲ cscs")),
        ("watcher", ("Your turn", "Send the Watcher to OFFLINE", "1 CSC → OFFLINE at SUMMIT", "a arm", "· watcher")),
        ("cscs", ("111 CSCs → OFFLINE at SUMMIT", "kept running MTM1M3", "✔ 3 preconditions are met", "a arm")),
        ("queues", ("Closed  ·  waits", "✘ every CSC of this run's", "waits for MTDome")),
        ("by-hand", ("manual, 1 of 5 done", "▸· M1M3 and M2", "d sign off…")),
        ("question", ("Does the camera team", "d decide…")),
        ("held", ("HOLD  by ops2@laptop: nothing further is sent", "R release…")),
        ("wait", ("MTHexapod:2 and 4 more block: no heartbeat yet, waited for 17:3", "What usually helps", "Press w")),
        ("wait", ("111 of 117 at target", "elapsed 17:3", "of 30:00", "ATWhiteLight")),
        ("late", ("The limit is over", "0:3", "over", "e for 10 min more, H to hold")),
        ("arrived", ("All CSCs are at target or waived.", "Press Enter to end the wait")),
    ],
)
async def test_a_mirror_that_sees_only_the_top_left_80x24_sees_who_is_asked_what(
    name: str, words: tuple[str, ...], width: int, height: int
) -> None:
    async with running_run(SCENES[name](), width=width, height=height) as screen:
        seen = "\n".join(line[:80] for line in screen.lines()[:24])
        for each in words:
            assert each in seen, seen


@pytest.mark.parametrize(("width", "height"), [(120, 40), (200, 50)])
@pytest.mark.parametrize("name", ["asking", "held"])
async def test_all_117_cscs_stand_beside_the_card_from_120x40_on(name: str, width: int, height: int) -> None:
    async with running_run(SCENES[name](), width=width, height=height) as screen:
        grid = screen.run.query_one("Grid")
        assert grid.size.height >= len(grid.arrangement.rows)  # type: ignore[attr-defined]
        right = "\n".join(line[46:] for line in screen.lines())
        for csc, _ in snapshots.summit():
            assert csc.name in right


async def test_a_hold_is_on_the_third_line_from_edge_to_edge_and_goes_with_the_release() -> None:
    async with running_run(SCENES["watcher"]()) as screen:
        assert " HOLD  by" not in screen.text()
        await screen.publish(run_snapshots.held())
        await screen.until(lambda: screen.lines()[2].startswith(" HOLD  by ops2@laptop"))
        await screen.sees("RELEASE")
        looks = {segment.style.bgcolor for segment in screen.app.screen._compositor.render_strips()[2] if segment.style}
        assert len(looks) == 1, "one background from edge to edge"
        await screen.publish(SCENES["watcher"]())
        await screen.until(lambda: "HOLD  by" not in screen.text())


async def test_the_design_changes_with_the_size_and_the_card_stays() -> None:
    async with running_run(SCENES["asking"](), width=200, height=50) as screen:
        for width, height in ((80, 24), (120, 40), (20, 5), (1, 1), (200, 50), (80, 24)):
            await screen.pilot.resize_terminal(width, height)
            await screen.pilot.pause(0.05)
        await screen.sees("2 need a decision")
        assert "Debts and progress" not in screen.text()


async def test_another_run_phase_shows_what_is_done_and_what_is_to_come() -> None:
    async with running_run(SCENES["wait"](), width=200, height=50) as screen:
        assert "✔ deploy ▶ wait · finish" in screen.lines()[0]
        assert "full cycle upgrade c0045" in screen.lines()[0]
        assert "0:41:0" in screen.lines()[0]
        assert "lead ops1@summit-console" in screen.lines()[1]


def test_watching_alone_loads_nothing_of_a_run() -> None:
    code = (
        "import sys; import deploydash.ui.app;"
        "print([name for name in sys.modules if name.startswith(('deploydash.ui.run',"
        "'deploydash.ui.draw.run.', 'deploydash.ui.screens.run',"
        "'deploydash.ui.screens.wait', 'deploydash.ui.screens.step'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

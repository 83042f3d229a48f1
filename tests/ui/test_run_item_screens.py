"""What a card that lists its items looks like at two sizes, and that a small mirror sees who is asked what."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.goldens import assert_golden
from tests.support.item_scenes import SCRIPT_SCENES
from tests.support.run_ui import running_run

GOLDEN = Path(__file__).parents[1] / "data" / "ui" / "run"
SIZES = [(120, 40), (80, 24)]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", ["scripts", "scripts-running", "scripts-failed", "scripts-by-hand", "routed"])
async def test_a_card_with_a_list_of_items_looks_as_it_was_approved(name: str, width: int, height: int) -> None:
    async with running_run(SCRIPT_SCENES[name](), width=width, height=height) as screen:
        assert_golden(GOLDEN / f"{name}-{width}x{height}.txt", screen.text())


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scripts", ("Your turn", "23 items at SUMMIT", "▸· auxtel/enable_atcs.py", "a arm", "sign all off…")),
        ("scripts-armed", ("Armed  ·  16 s left", "Nothing is sent yet. Enter sends it.", "▸· auxtel/enable_atcs.py")),
        (
            "scripts-running",
            ("▶ auxtel/enable_atcs.py", "RUNNING as Script:200001, 3:10", "enabling ATMCS", "p pause"),
        ),
        (
            "scripts-failed",
            ("1 needs a decision", "failed: ATMCS in FAULT; it left", "r retry it", "s skip the step…"),
        ),
        ("scripts-by-hand", ("manual", "✔ auxtel/enable_latiss.py", "▸· auxtel_housekeeping.py", "d sign it off…")),
        (
            "routed",
            (
                "fallback for MTDome",
                "set_summary_state.py",
                "RUNNING as Script:100007",
                "1 will need a decision",
            ),
        ),
    ],
)
async def test_the_top_left_80x24_says_what_goes_and_what_is_asked(
    name: str, words: tuple[str, ...], width: int, height: int
) -> None:
    async with running_run(SCRIPT_SCENES[name](), width=width, height=height) as screen:
        seen = "\n".join(line[:80] for line in screen.lines()[:24])
        for each in words:
            assert each in seen, seen

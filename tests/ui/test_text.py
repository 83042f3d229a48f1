"""A snapshot as plain text."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploydash.ui.draw.glyphs import ASCII
from deploydash.ui.draw.text import snapshot_text
from tests.support import snapshots
from tests.support.goldens import assert_golden
from tests.support.show_ui import scene

GOLDEN = Path(__file__).parents[1] / "data" / "ui" / "golden"


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_text_looks_as_it_was_approved(width: int) -> None:
    assert_golden(GOLDEN / f"text-{width}.txt", snapshot_text(snapshots.busy(rehearsal=True), width=width))


@pytest.mark.parametrize("width", [20, 60, 79, 133, 250])
def test_no_line_is_wider_than_asked_for_and_every_csc_is_there(width: int) -> None:
    text = snapshot_text(snapshots.busy(), width=width)
    assert max(len(line) for line in text.splitlines()) <= max(60, width)
    for csc, _ in snapshots.summit():
        assert csc.name in text


def test_there_is_no_escape_sequence_unless_colour_is_asked_for() -> None:
    assert "\x1b" not in snapshot_text(snapshots.busy())
    assert "\x1b[" in snapshot_text(snapshots.busy(), colour=True)


def test_with_ascii_signs_everything_is_ascii() -> None:
    assert snapshot_text(snapshots.busy(), glyphs=ASCII).isascii()


def test_a_dead_feed_and_an_undecided_grid_say_so() -> None:
    assert "Kafka is down: 127.0.0.1:9094" in snapshot_text(scene("feed-down"))
    assert "not everything is decided yet" in snapshot_text(scene("listening"))
    assert "no CSC is off target" in snapshot_text(scene("calm"))

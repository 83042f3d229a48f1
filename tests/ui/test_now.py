"""The page "what now": what waits, runs, is late, is owed and comes next, at every moment and at 80 columns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.fleet.snapshot import FeedView
from deploydash.core.model import FeedState
from deploydash.core.procedure.names import Lane, StepId
from deploydash.core.run.fleet_view import GateReason
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import LaneHead
from deploydash.ui.draw.glyphs import UNICODE
from deploydash.ui.draw.ink import plain
from deploydash.ui.draw.run.now import now_lines
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.tiles import Moment
from tests.support.run_snapshots import SCENES
from tests.support.snapshots import NOW, UTC

PARTS = ["Waits for you", "Runs", "Late, or not as it should be", "Owed", "Comes next"]


def reading(scene: str) -> Reading:
    snapshot = SCENES[scene]()
    assert snapshot.run is not None
    return Reading.of(snapshot.run, snapshot, Moment(NOW, UTC, UNICODE))


def parts(found: Reading, width: int = 78) -> dict[str, str]:
    """Each part with its text."""
    told: dict[str, str] = {}
    title = ""
    for line in map(plain, now_lines(found, width)):
        if line.startswith("  ") and line[2:3].strip() and line.strip():
            title = line.strip().rstrip("0123456789").strip()
            told[title] = ""
        else:
            told[title] = f"{told[title]} {line.strip()}".strip()
    return told


@pytest.mark.parametrize("scene", SCENES)
def test_every_question_is_answered_at_every_moment_and_no_line_is_too_wide(scene: str) -> None:
    found = reading(scene)
    assert list(parts(found)) == PARTS
    assert all(parts(found).values()), "a part without any says so"
    assert max(len(plain(line)) for line in now_lines(found, 78)) <= 78


def test_what_asks_for_the_lead_and_what_runs_stand_apart() -> None:
    told = parts(reading("asking"))
    assert "your turn" in told["Waits for you"]
    assert "Send every other CSC to OFFLINE" in told["Runs"]


def test_a_wait_says_how_long_is_left_and_since_when_it_is_late() -> None:
    assert "the limit is over in" in parts(reading("wait"))["Late, or not as it should be"]
    late = parts(reading("late"))
    assert "the limit was over 0:30 ago" in late["Late, or not as it should be"]
    assert "late," in late["Waits for you"]


def test_a_feed_that_is_down_a_hold_and_another_lane_are_named() -> None:
    found = reading("watcher")
    down = tuple(replace(feed, state=FeedState.DOWN, detail="refused") for feed in found.snapshot.feeds[:1])
    assert isinstance(down[0], FeedView)
    assert "kafka down: refused" in parts(replace(found, snapshot=replace(found.snapshot, feeds=down)))[PARTS[2]]
    assert "held by" in parts(reading("held"))["Waits for you"]
    head = LaneHead(Lane("cameras"), StepId("bridges-stop"), StepStatus.PENDING, waits_for_lead=True)
    there = replace(found, run=replace(found.run, heads=(*found.run.heads, head)))
    assert "lane cameras" in parts(there)["Waits for you"]


def test_what_has_to_be_put_back_is_owed() -> None:
    found = reading("watcher")
    told = parts(replace(found, run=replace(found.run, debts=("the bridge of ATCamera",))))
    assert told["Owed"].endswith("the bridge of ATCamera")
    assert parts(replace(found, run=replace(found.run, debts=())))["Owed"] == "nothing to undo"


def test_what_comes_next_says_what_shuts_its_gate_and_stands_where_it_pushes_nothing_away() -> None:
    found = reading("watcher")
    card = found.run.card
    assert card is not None
    shut = GateReason("kafka and kubernetes are up", met=False, waits_for="kubernetes down")
    head = LaneHead(card.step.lane, card.step.id, StepStatus.PENDING, waits_for_lead=False)
    run = replace(found.run, card=replace(card, reasons=(shut,), is_open=False, armed=None), heads=(head,))
    assert parts(replace(found, run=run))["Comes next"].endswith(f"{card.step.title}: shut: kubernetes down")
    many = tuple(replace(head, step=row.step) for row in found.run.rows if row.step != card.step.id)[:9]
    lines = list(map(plain, now_lines(replace(found, run=replace(run, heads=many)), 78)))
    assert next(at for at, line in enumerate(lines) if line.startswith("  Owed")) < 20

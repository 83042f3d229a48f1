"""Several lanes at once: the header, the card's title, the keys that go from one to another, the line of each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploydash.core.procedure.names import Lane, StepId
from deploydash.core.published import Published
from deploydash.core.run.state import StepStatus
from deploydash.core.views.run_view import LaneHead, RunView
from deploydash.ui.draw.run.lanes import lanes_of, next_lane
from tests.support.run_snapshots import SCENES
from tests.support.run_ui import running_run

MAIN, CAMERAS = Lane("main"), Lane("cameras")
BRIDGES = StepId("bridges-stop")
SIZES = [(200, 50), (120, 40), (80, 24)]


def other_lane(
    *, armed: bool = False, status: StepStatus = StepStatus.PENDING, waits: bool = True, evidence: str = ""
) -> Published:
    """The Watcher's card while another lane waits for the lead, or works."""
    base = SCENES["watcher"]()
    assert base.run is not None
    heads = tuple(head for head in base.run.heads if head.lane == MAIN)
    other = LaneHead(CAMERAS, BRIDGES, status, waits_for_lead=waits, armed=armed)
    began = base.run.opened_utc + 2_400.0
    rows = tuple(
        replace(row, status=status, evidence=evidence, started_utc=began if evidence else None)
        if row.step == BRIDGES
        else row
        for row in base.run.rows
    )
    return replace(base, run=replace(base.run, heads=(*heads, other), rows=rows))


def number(run: RunView, lane: Lane) -> int:
    """The number of a lane."""
    return lanes_of(run).index(lane) + 1


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_the_header_names_the_lanes_that_need_the_lead_and_the_card_its_own(width: int, height: int) -> None:
    scene = other_lane()
    assert scene.run is not None
    main, cameras = number(scene.run, MAIN), number(scene.run, CAMERAS)
    async with running_run(scene, width=width, height=height) as screen:
        assert f"▲ {main}:main · {cameras}:cameras" in screen.lines()[1]
        await screen.sees("─ Your turn  ·  lane main ─")
        await screen.publish(other_lane(armed=True))
        assert f"▲ {main}:main · {cameras}:cameras armed" in screen.lines()[1]


@pytest.mark.parametrize("key", ["right_square_bracket", "left_square_bracket", "number"])
async def test_a_key_goes_to_the_lane_and_esc_back(key: str) -> None:
    scene = other_lane()
    assert scene.run is not None
    async with running_run(scene) as screen:
        await screen.press(str(number(scene.run, CAMERAS)) if key == "number" else key)
        await screen.read()
        assert screen.inbox.chosen == [BRIDGES]
        assert screen.inbox.by_lane
        await screen.sees("lane cameras: Stop the camera OCS bridges")
        await screen.press("escape")
        assert screen.inbox.chosen == [BRIDGES, None]
        assert screen.inbox.orders == []


async def test_one_lane_alone_is_not_named_and_its_keys_say_so() -> None:
    base = other_lane()
    assert base.run is not None
    eight = lanes_of(base.run)[:8]
    rows = tuple(row for row in base.run.rows if row.lane in eight)
    alone = replace(base, run=replace(base.run, heads=base.run.heads[:1], rows=rows))
    async with running_run(alone) as screen:
        assert "▲" not in screen.lines()[1]
        await screen.sees("─ Your turn ─")
        for key in ("right_square_bracket", "left_square_bracket"):
            await screen.press(key)
            await screen.sees("no other lane needs you")
        await screen.press(str(number(base.run, CAMERAS)))
        await screen.sees("lane cameras: every step is settled")
        await screen.press("9")
        await screen.sees("no lane has the number 9; the lanes are 1 ")
        assert screen.inbox.chosen == []


def test_next_and_previous_go_round_by_number_and_pass_over_lanes_that_need_nothing() -> None:
    base = other_lane().run
    assert base is not None
    steps = {lane: next(row.step for row in base.rows if row.lane == lane) for lane in lanes_of(base)}
    lanes = [MAIN, *(lane for lane in lanes_of(base) if lane != MAIN)]
    assert len(lanes) >= 2
    third = Lane("third")
    rows = (*base.rows, replace(base.rows[-1], lane=third, step=StepId("last")))
    assert base.card is not None
    main = LaneHead(MAIN, base.card.step.id, StepStatus.PENDING, waits_for_lead=True)
    quiet = LaneHead(lanes[1], steps[lanes[1]], StepStatus.UNDER_WAY, waits_for_lead=False)
    last = LaneHead(third, StepId("last"), StepStatus.PENDING, waits_for_lead=True)
    run = replace(base, rows=rows, heads=(last, quiet, main))
    assert next_lane(run, 1) == last
    assert next_lane(run, -1) == last
    busy = replace(quiet, waits_for_lead=True)
    run = replace(run, heads=(last, busy, main))
    ahead = sorted((busy, last), key=lambda head: lanes_of(run).index(head.lane))
    after = [head for head in ahead if lanes_of(run).index(head.lane) > lanes_of(run).index(MAIN)]
    assert next_lane(run, 1) == (after or ahead)[0]
    assert next_lane(replace(run, heads=(main,)), 1) is None


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_a_lane_at_work_beside_the_card_is_one_line(width: int, height: int) -> None:
    scene = other_lane(status=StepStatus.UNDER_WAY, waits=False, evidence="1/3")
    assert scene.run is not None
    async with running_run(scene, width=width, height=height) as screen:
        found = [line for line in screen.lines()[2:] if "bridges-stop" in line and "1/3" in line]
        assert len(found) == 1
        assert "1:07" in found[0]

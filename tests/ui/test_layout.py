"""Where everything stands: nothing is lost, nothing is cut, the order never moves."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploydash.core.model import CscId
from deploydash.ui.draw.layout import pack
from deploydash.ui.draw.pieces import Kind, Layout, Piece, blocks_of
from deploydash.ui.draw.walk import step
from tests.support.snapshots import many, summit

ORDER = ("AT", "MT", "Envsys", "Calibration", "Observatory", "Test")
TILES = {Kind.SINGLE, Kind.CHIP}

names = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=1, max_size=30)
cscs = st.builds(CscId, names, st.integers(0, 99_999))
rosters = st.lists(st.tuples(cscs, st.sampled_from(ORDER)), min_size=1, max_size=80, unique_by=lambda pair: pair[0])


def tiles(layout: Layout) -> list[Piece]:
    return [piece for row in layout.rows for piece in row if piece.kind in TILES]


@given(rosters, st.integers(60, 250), st.integers(0, 60))
@settings(max_examples=150)
def test_no_index_is_cut_off_and_nobody_is_lost_at_any_size(
    roster: list[tuple[CscId, str]], width: int, height: int
) -> None:
    layout = pack(blocks_of(roster, ORDER), width, height)
    assert sorted(piece.items[0] for piece in tiles(layout)) == list(range(len(roster)))
    for piece in tiles(layout):
        index = roster[piece.items[0]][0].index
        if piece.kind is Kind.CHIP:
            assert piece.label == str(index)
            assert len(piece.label) + 2 <= piece.width, "letter, mark and index need their place"
        assert piece.x + piece.width <= width, "the edge would cut it"


@given(rosters, st.integers(60, 250), st.integers(0, 60))
@settings(max_examples=100)
def test_nothing_stands_on_anything_else(roster: list[tuple[CscId, str]], width: int, height: int) -> None:
    for row in pack(blocks_of(roster, ORDER), width, height).rows:
        for one, other in pairwise(row):
            assert one.x + one.width < other.x + (one.kind is Kind.FAMILY), "a cell is left for the cursor"


@pytest.mark.parametrize(("width", "height"), [(120, 27), (120, 30), (152, 37), (76, 30), (250, 50)])
def test_the_summit_fits_where_the_screen_has_room(width: int, height: int) -> None:
    layout = pack(blocks_of(summit(), ORDER), width, height)
    assert len(layout.rows) <= height
    assert len(tiles(layout)) == 117


@pytest.mark.parametrize("width", [60, 76, 80, 120, 152, 200, 250])
def test_within_a_column_the_rosters_order_holds(width: int) -> None:
    for height in (10, 30, 60):
        layout = pack(blocks_of(summit(), ORDER), width, height)
        groups = [piece.label for row in layout.rows for piece in sorted(row) if piece.kind is Kind.TITLE]
        if len(layout.rows) > height:
            assert groups == [name for name in ORDER if name in groups]
        by_column: dict[int, list[int]] = {}
        for row in layout.rows:
            for piece in row:
                if piece.kind is Kind.SINGLE and len(layout.rows) <= height:
                    by_column.setdefault(piece.x, []).append(piece.items[0])
        assert all(items == sorted(items) for items in by_column.values())


def test_a_family_is_written_once_and_a_title_never_stands_last_in_its_column() -> None:
    layout = pack(blocks_of(summit(), ORDER), 76, 30)
    assert [piece.label for row in layout.rows for piece in row if piece.kind is Kind.FAMILY].count("ESS") == 1
    for piece in layout.rows[29] if len(layout.rows) > 29 else ():
        assert piece.kind is not Kind.TITLE


def test_groups_that_are_not_listed_come_last() -> None:
    blocks = blocks_of([(CscId("Zed"), "Else"), (CscId("ATAOS"), "AT")], ORDER)
    assert [block.name for block in blocks] == ["AT", "Else"]


def test_ten_thousand_are_packed_and_all_are_there() -> None:
    layout = pack(blocks_of(many(10_000), ()), 120, 30)
    assert len(tiles(layout)) == 10_000


@pytest.mark.parametrize(("width", "height"), [(120, 30), (80, 13), (200, 40), (76, 30)])
def test_every_tile_can_be_reached_with_the_arrows(width: int, height: int) -> None:
    layout = pack(blocks_of(summit(), ORDER), width, height)
    seen, edge = {0}, [0]
    while edge:
        here = edge.pop()
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            there = step(layout, here, dx, dy)
            if there is not None and there not in seen:
                seen.add(there)
                edge.append(there)
    assert seen == set(range(117))


def test_without_a_cursor_the_first_step_goes_to_the_first_tile() -> None:
    assert step(pack(blocks_of(summit(), ORDER), 120, 30), None, 0, 1) == 0


def test_nothing_at_all_is_packed_into_nothing() -> None:
    assert pack((), 120, 30).rows == ()
    assert step(pack((), 120, 30), None, 1, 0) is None

"""Only the cells that changed are written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from deploydash.ui.widgets.canvas import NEAR, changed_cells

STYLES = [Style(bold=True), Style(color="red"), Style(color="blue", bgcolor="black")]
strips = st.lists(st.tuples(st.text("ab ", min_size=0, max_size=8), st.sampled_from(STYLES)), max_size=12)


def strip(parts: list[tuple[str, Style]], width: int) -> Strip:
    return Strip([Segment(text, style) for text, style in parts]).adjust_cell_length(width, STYLES[0])


def cells(line: Strip) -> list[tuple[str, Style | None]]:
    return [(letter, style) for text, style, _ in line for letter in text]


@given(strips, strips, st.integers(1, 60))
def test_writing_the_runs_over_the_old_line_gives_the_new_line(
    old: list[tuple[str, Style]], new: list[tuple[str, Style]], width: int
) -> None:
    before, after = strip(old, width), strip(new, width)
    drawn = cells(before)
    for x, length in changed_cells(before, after):
        drawn[x : x + length] = cells(after)[x : x + length]
    assert drawn == cells(after)


@given(strips, st.integers(1, 60))
def test_an_unchanged_line_costs_nothing(parts: list[tuple[str, Style]], width: int) -> None:
    assert changed_cells(strip(parts, width), strip(parts, width)) == []


def test_changes_far_apart_are_written_apart_and_near_ones_together() -> None:
    style = STYLES[0]
    old = Strip([Segment("a" * 40, style)])
    far = Strip([Segment("b" + "a" * 38 + "b", style)])
    near = Strip([Segment("b" + "a" * (NEAR - 2) + "b" + "a" * (40 - NEAR), style)])
    assert changed_cells(old, far) == [(0, 1), (39, 1)]
    assert changed_cells(old, near) == [(0, NEAR)]


def test_cells_of_another_style_between_changed_ones_are_passed_over() -> None:
    style, other = Style(bold=True), Style(italic=True)
    old = Strip([Segment("aa", style), Segment("  ", other), Segment("aa", style)])
    new = Strip([Segment("bb", style), Segment("  ", other), Segment("bb", style)])
    assert changed_cells(old, new) == [(0, 2), (4, 2)]


def test_a_line_with_wide_characters_is_written_whole() -> None:
    style = STYLES[0]
    assert changed_cells(Strip([Segment("日本", style)]), Strip([Segment("日木", style)])) == [(0, 4)]

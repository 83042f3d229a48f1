"""Where everything of the grid stands: families and tiles packed into columns. Pure geometry; the order never moves.

Preferred first: every group whole in one column; then groups that flow from column to column; then, when there
is more than one screen, one band a group, to be scrolled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from deploydash.cells import cells
from deploydash.ui.draw.pieces import (
    ANY,
    INDENT,
    Block,
    Kind,
    Layout,
    Row,
    label_of,
    pitch_of,
    rows_of,
    sections_of,
    title_of,
)

GAP = 2
"""Cells between columns; the one left of a tile belongs to the cursor."""

AGE = 5
"""Cells for a blank and the longest age."""

LEAST_CHIP = 4
"""No tile takes fewer cells, so that more of them than this need not be tried on one screen."""

WIDEST = 34
"""Columns are not stretched beyond this many cells."""


def pack(blocks: Sequence[Block], width: int, height: int) -> Layout:
    """Pack the groups into ``width`` x ``height`` cells; taller than that where it cannot be helped."""
    labels = [cells(label_of(family)) for block in blocks for family in block.families] or [0]
    chips = [pitch_of(family) for block in blocks for family in block.families if len(family.items) > 1] or [0]
    least = max(INDENT + min(max(labels), WIDEST - INDENT), INDENT + max(chips))
    natural = max(least, min(WIDEST, INDENT + max(labels) + AGE))
    if sum(len(family.items) for block in blocks for family in block.families) <= width // LEAST_CHIP * height:
        for columns in (
            _whole(blocks, width, height, natural),
            _whole(blocks, width, height, least),
            _flowing(blocks, width, height, least),
        ):
            if columns is not None:
                return _finish(columns)
    return _finish(_bands(blocks, width, least, natural))


def _shift(row: Row, x: int, column: int) -> Row:
    return tuple(piece._replace(x=piece.x + x, column=piece.column if column == ANY else column) for piece in row)


def _widths(width: int, least: int) -> Iterable[tuple[int, int]]:
    """Return (number of columns, their width) from the most columns to one."""
    usable = width - 2
    for count in range(max(1, (usable + GAP) // (least + GAP)), 0, -1):
        yield count, min(WIDEST, (usable - (count - 1) * GAP) // count)


Columns = list[tuple[int, list[Row]]]


def _whole(blocks: Sequence[Block], width: int, height: int, least: int) -> Columns | None:
    """Return columns in which every group stands whole, as even as can be, or None."""
    for count, each in _widths(width, least):
        if count > len(blocks) or each < least:
            continue
        parts = [[row for section in sections_of(block, each) for row in section] for block in blocks]
        cuts = _even([len(rows) for rows in parts], count, height)
        if cuts is not None:
            return [
                (1 + number * (each + GAP), _stacked(parts[start:end]))
                for number, (start, end) in enumerate(pairwise((*cuts, len(parts))))
            ]
    return None


def _even(heights: Sequence[int], count: int, limit: int) -> tuple[int, ...] | None:
    """Return where columns begin so that groups of these heights stand evenly in at most ``count`` of them, or None.

    Even is the least sum of squares; a blank line stands between two groups of a column.
    """
    if sum(heights) > count * limit:
        return None
    best: dict[int, tuple[int, tuple[int, ...]]] = {0: (0, ())}
    for _ in range(count):
        reached = dict(best)
        for start, (cost, cuts) in best.items():
            tall = -1
            for end in range(start + 1, len(heights) + 1):
                tall += 1 + heights[end - 1]
                if tall > limit:
                    break
                total = cost + tall * tall
                if end not in reached or total < reached[end][0]:
                    reached[end] = (total, (*cuts, start))
        best = reached
    return best[len(heights)][1] if len(heights) in best else None


def _stacked(parts: Sequence[list[Row]]) -> list[Row]:
    """Return groups under each other with a blank line between."""
    rows: list[Row] = []
    for part in parts:
        rows += [(), *part] if rows else part
    return rows


def _flowing(blocks: Sequence[Block], width: int, height: int, least: int) -> Columns | None:
    """Return the fewest columns in which groups flow on from column to column, or None."""
    for count, each in sorted(_widths(width, least)):
        if each < least:
            continue
        total = sum(len(section) for block in blocks for section in sections_of(block, each))
        for tallest in range(max(1, total // count), height + 1):
            columns = _flow(blocks, each, tallest)
            if len(columns) <= count and all(len(column) <= tallest for _, column in columns):
                return columns
    return None


def _flow(blocks: Sequence[Block], each: int, tallest: int) -> Columns:
    columns: Columns = [(1, [])]
    for block in blocks:
        for number, section in enumerate(sections_of(block, each)):
            x, column = columns[-1]
            blank = 1 if column and number == 0 else 0
            if column and len(column) + blank + len(section) > tallest:
                columns.append((x + each + GAP, list(section)))
            else:
                column += [()] * blank + section
    return columns


def _bands(blocks: Sequence[Block], width: int, least: int, natural: int) -> Columns:
    """Return one column of bands as wide as the screen: a group's title, then its families side by side."""
    usable = width - 2
    count = max(1, min((usable + GAP) // (least + GAP), round((usable + GAP) / (natural + GAP))))
    each = min(WIDEST, (usable - (count - 1) * GAP) // count)
    rows: list[Row] = []
    for block in blocks:
        rows += [()] if rows else []
        rows.append(title_of(block, min(usable, 2 * WIDEST)))
        small: list[list[Row]] = []
        for family in block.families:
            parts = rows_of(family, each)
            if len(parts) > 3:
                rows += _abreast(small, each, count)
                rows += rows_of(family, usable)
                small = []
            else:
                small.append(parts)
        rows += _abreast(small, each, count)
    return [(1, rows)]


def _abreast(parts: Sequence[list[Row]], each: int, count: int) -> list[Row]:
    """Return families side by side in ``count`` columns of even height, read downwards."""
    total = sum(len(rows) for rows in parts)
    for tallest in range(-(-total // count), total + 1):
        columns: list[list[Row]] = [[]]
        for rows in parts:
            if columns[-1] and len(columns[-1]) + len(rows) > tallest:
                columns.append([])
            columns[-1] += rows
        if len(columns) <= count:
            return _merge([(number * (each + GAP), column) for number, column in enumerate(columns)])
    return []


def _merge(columns: Columns) -> list[Row]:
    depth = max((len(column) for _, column in columns), default=0)
    merged: list[Row] = []
    for y in range(depth):
        rows = [
            _shift(column[y], x, number if len(columns) > 1 else ANY)
            for number, (x, column) in enumerate(columns)
            if y < len(column)
        ]
        merged.append(tuple(piece for row in rows for piece in row))
    return merged


def _finish(columns: Columns) -> Layout:
    rows = tuple(_merge(columns))
    places = {
        piece.items[0]: (y, number)
        for y, row in enumerate(rows)
        for number, piece in enumerate(row)
        if piece.kind in {Kind.SINGLE, Kind.CHIP}
    }
    return Layout(rows, places)

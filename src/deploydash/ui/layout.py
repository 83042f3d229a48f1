"""Where everything of the grid stands: families and tiles packed into columns. Pure geometry; the order never moves.

Preferred first: every group whole in one column; then groups that flow from column to column; then, when there
is more than one screen, one band a group, to be scrolled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from deploydash.core.model import CscId

GAP = 2
"""Cells between columns; the one left of a tile belongs to the cursor."""

INDENT = 3
"""Cells of letter and mark before a name."""

AGE = 5
"""Cells for a blank and the longest age."""

WIDEST = 34
"""Columns are not stretched beyond this many cells."""


class Kind(Enum):
    """What is drawn at a place."""

    TITLE = "a group with its bar"
    SINGLE = "a CSC alone"
    FAMILY = "the name of an indexed component"
    CHIP = "one index of it"


class Piece(NamedTuple):
    """One thing to draw: its place in the row, its width, the CSCs in it (numbers in the snapshot's list).

    ``column`` is its column from the left, or ANY where the row goes across.
    """

    x: int
    width: int
    kind: Kind
    label: str
    items: tuple[int, ...]
    column: int = -1


ANY = -1

Row = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """An indexed component of one group with its indices in roster order, or a single CSC."""

    name: str
    items: tuple[int, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A display group."""

    name: str
    families: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows from the top, and where each CSC stands: (row, number in the row)."""

    rows: tuple[Row, ...]
    places: dict[int, tuple[int, int]]


def blocks_of(cscs: Iterable[tuple[CscId, str]], order: Sequence[str]) -> tuple[Block, ...]:
    """Return the groups in order (unlisted ones after them), with families where their first member stands."""
    groups: dict[str, dict[str, list[tuple[int, int]]]] = {name: {} for name in order}
    for item, (csc, group) in enumerate(cscs):
        groups.setdefault(group, {}).setdefault(csc.name, []).append((item, csc.index))
    return tuple(
        Block(
            group,
            tuple(
                Family(name, tuple(item for item, _ in members), tuple(index for _, index in members))
                for name, members in families.items()
            ),
        )
        for group, families in groups.items()
        if families
    )


def pack(blocks: Sequence[Block], width: int, height: int) -> Layout:
    """Pack the groups into ``width`` x ``height`` cells; taller than that where it cannot be helped."""
    labels = [len(_label(family)) for block in blocks for family in block.families] or [0]
    chips = [_pitch(family) for block in blocks for family in block.families if len(family.items) > 1] or [0]
    least = max(INDENT + min(max(labels), WIDEST - INDENT), INDENT + max(chips))
    natural = max(least, min(WIDEST, INDENT + max(labels) + AGE))
    for columns in (
        _whole(blocks, width, height, natural),
        _whole(blocks, width, height, least),
        _flowing(blocks, width, height, least),
    ):
        if columns is not None:
            return _finish(columns)
    return _finish(_bands(blocks, width, min(natural, width - 2)))


def _label(family: Family) -> str:
    if len(family.items) == 1 and family.indices[0]:
        return f"{family.name}:{family.indices[0]}"
    return family.name


def _pitch(family: Family) -> int:
    """Cells from one chip to the next: letter, mark, index and a gap, the same for a whole family."""
    return max(len(str(index)) for index in family.indices) + 3


def _rows(family: Family, width: int) -> list[Row]:
    """Return the rows of one family in a column of ``width`` cells."""
    label = _label(family)
    if len(family.items) == 1:
        return [(Piece(0, width, Kind.SINGLE, label, family.items),)]
    pitch = _pitch(family)
    inline = INDENT + len(label) + 1
    if inline + pitch * len(family.items) - 1 <= width:
        name = Piece(0, inline, Kind.FAMILY, label, ())
        return [(name, *_chips(family, range(len(family.items)), inline, pitch))]
    rows: list[Row] = [(Piece(0, width, Kind.FAMILY, label, family.items),)]
    across = max(1, (width - INDENT + 1) // pitch)
    for start in range(0, len(family.items), across):
        members = range(start, min(start + across, len(family.items)))
        rows.append(_chips(family, members, INDENT, pitch))
    return rows


def _chips(family: Family, members: Iterable[int], x: int, pitch: int) -> Row:
    return tuple(
        Piece(x + place * pitch, pitch - 1, Kind.CHIP, str(family.indices[member]), (family.items[member],))
        for place, member in enumerate(members)
    )


def _shift(row: Row, x: int, column: int) -> Row:
    return tuple(
        piece._replace(x=piece.x + x, column=piece.column if column == ANY else column) for piece in row
    )


def _title(block: Block, width: int) -> Row:
    items = tuple(item for family in block.families for item in family.items)
    return (Piece(0, width, Kind.TITLE, block.name, items),)


def _sections(block: Block, width: int) -> list[list[Row]]:
    """Return a group's rows in pieces that are never torn: the title stays with what follows it."""
    parts = [_rows(family, width) for family in block.families]
    sections: list[list[Row]] = [[_title(block, width), *parts[0][:2]]]
    sections += [[row] for row in parts[0][2:]]
    for rows in parts[1:]:
        sections.append(rows[:2])
        sections += [[row] for row in rows[2:]]
    return sections


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
        parts = [[row for section in _sections(block, each) for row in section] for block in blocks]
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
        total = sum(len(section) for block in blocks for section in _sections(block, each))
        for tallest in range(max(1, total // count), height + 1):
            columns = _flow(blocks, each, tallest)
            if len(columns) <= count and all(len(column) <= tallest for _, column in columns):
                return columns
    return None


def _flow(blocks: Sequence[Block], each: int, tallest: int) -> Columns:
    columns: Columns = [(1, [])]
    for block in blocks:
        for number, section in enumerate(_sections(block, each)):
            x, column = columns[-1]
            blank = 1 if column and number == 0 else 0
            if column and len(column) + blank + len(section) > tallest:
                columns.append((x + each + GAP, list(section)))
            else:
                column += [()] * blank + section
    return columns


def _bands(blocks: Sequence[Block], width: int, each: int) -> Columns:
    """Return one column of bands as wide as the screen: a group's title, then its families side by side."""
    usable = width - 2
    count = max(1, (usable + GAP) // (each + GAP))
    rows: list[Row] = []
    for block in blocks:
        rows += [()] if rows else []
        rows.append(_title(block, min(usable, 2 * WIDEST)))
        small: list[list[Row]] = []
        for family in block.families:
            parts = _rows(family, each)
            if len(parts) > 3:
                rows += _abreast(small, each, count)
                rows += _rows(family, usable)
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

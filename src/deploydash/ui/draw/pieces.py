"""What stands on the grid: groups, families, tiles, chips, and the rows they take in a column. Pure geometry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from deploydash.cells import cells
from deploydash.core.model import CscId

INDENT = 3
"""Cells of letter and mark before a name."""


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


def label_of(family: Family) -> str:
    """Return how a family's row is called: a single CSC with its index, if it has one."""
    if len(family.items) == 1 and family.indices[0]:
        return f"{family.name}:{family.indices[0]}"
    return family.name


def pitch_of(family: Family) -> int:
    """Cells from one chip to the next: letter, mark, index and a gap, the same for a whole family."""
    return max(len(str(index)) for index in family.indices) + 3


def rows_of(family: Family, width: int) -> list[Row]:
    """Return the rows of one family in a column of ``width`` cells."""
    label = label_of(family)
    if len(family.items) == 1:
        return [(Piece(0, width, Kind.SINGLE, label, family.items),)]
    pitch = pitch_of(family)
    inline = INDENT + cells(label) + 1
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


def title_of(block: Block, width: int) -> Row:
    """Return the row of a group's title."""
    items = tuple(item for family in block.families for item in family.items)
    return (Piece(0, width, Kind.TITLE, block.name, items),)


def sections_of(block: Block, width: int) -> list[list[Row]]:
    """Return a group's rows in pieces that are never torn: the title stays with what follows it."""
    parts = [rows_of(family, width) for family in block.families]
    sections: list[list[Row]] = [[title_of(block, width), *parts[0][:2]]]
    sections += [[row] for row in parts[0][2:]]
    for rows in parts[1:]:
        sections.append(rows[:2])
        sections += [[row] for row in rows[2:]]
    return sections

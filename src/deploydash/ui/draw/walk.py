"""Moving the cursor over the grid: what is next in a direction. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from deploydash.ui.draw.pieces import ANY, Kind, Layout, Piece, Row

SIDEWAYS = 40
"""How many rows up and down a sideways step may look for a tile."""


def step(layout: Layout, item: int | None, dx: int, dy: int) -> int | None:
    """Return the CSC one step right (``dx`` 1), left (-1), down (``dy`` 1) or up (-1), or None at the edge.

    Larger ``dy`` are taken row by row as far as they go.
    """
    if item is None or item not in layout.places:
        return min(layout.places, default=None)
    y, number = layout.places[item]
    here = layout.rows[y][number]
    if dx:
        return _sideways(layout.rows, y, here, dx)
    return _vertical(layout.rows, y, here, dy)


def _tiles(row: Row) -> Iterable[Piece]:
    return (piece for piece in row if piece.kind in {Kind.SINGLE, Kind.CHIP})


def _sideways(rows: tuple[Row, ...], y: int, here: Piece, dx: int) -> int | None:
    beyond = [piece for piece in _tiles(rows[y]) if (piece.x - here.x) * dx > 0]
    if beyond:
        return min(beyond, key=lambda piece: abs(piece.x - here.x)).items[0]
    for distance in range(1, SIDEWAYS):
        for row in (y - distance, y + distance):
            if 0 <= row < len(rows):
                beyond = [piece for piece in _tiles(rows[row]) if (piece.x - here.x) * dx > 0 and _apart(piece, here)]
                if beyond:
                    return min(beyond, key=lambda piece: abs(piece.x - here.x)).items[0]
    return None


def _apart(one: Piece, other: Piece) -> bool:
    return one.x >= other.x + other.width or other.x >= one.x + one.width


def _vertical(rows: tuple[Row, ...], y: int, here: Piece, dy: int) -> int | None:
    found: Piece | None = None
    way = 1 if dy > 0 else -1
    for _ in range(abs(dy)):
        near: list[Piece] = []
        while not near and 0 <= y + way < len(rows):
            y += way
            near = [
                piece for piece in _tiles(rows[y]) if ANY in {piece.column, here.column} or piece.column == here.column
            ]
        if not near:
            break
        found = here = min(near, key=lambda piece: abs(piece.x - here.x))
    return found.items[0] if found else None


def stepped(row: int, rows: int, way: str) -> int | None:
    """Return the row a key leads to, or None where there is no such way."""
    if not rows or way in {"left", "right"}:
        return None
    steps = {"up": -1, "down": 1, "page_up": -10, "page_down": 10, "first": -rows, "last": rows}
    return max(0, min(rows - 1, row + steps[way]))

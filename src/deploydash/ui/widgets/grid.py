"""Every CSC in its group, drawn line by line."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from deploydash.core.fleet.snapshot import CscView, GroupView
from deploydash.core.published import Published
from deploydash.ui.draw.glyphs import UNICODE
from deploydash.ui.draw.header import width_of
from deploydash.ui.draw.ink import Ink, Line, Span, Spans, Surface
from deploydash.ui.draw.layout import pack
from deploydash.ui.draw.pieces import Block, Kind, Layout, Piece, blocks_of
from deploydash.ui.draw.tiles import Look, Moment, chip, family, group_of, look, tile, title
from deploydash.ui.draw.walk import step
from deploydash.ui.widgets.canvas import Canvas


class Grid(Canvas):
    """The tiles of a snapshot. Laid out anew only when the roster or the size changes."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._cscs: Sequence[CscView] = ()
        self._groups: dict[str, GroupView] = {}
        self._blocks: tuple[Block, ...] = ()
        self._layout_of_rows = Layout((), {})
        self._moment = Moment(0.0, 0.0, UNICODE, listening=True)
        self._timed: set[int] = set()
        self._selected: int | None = None
        self._found: Collection[int] = frozenset()
        self._marked: Collection[int] = frozenset()

    @property
    def row_count(self) -> int:
        """How many lines the whole roster takes."""
        return len(self._layout_of_rows.rows)

    @property
    def arrangement(self) -> Layout:
        """Where everything stands."""
        return self._layout_of_rows

    def show(self, snapshot: Published, moment: Moment, changed: Sequence[int] | None) -> None:
        """Show a snapshot in which the CSCs with these numbers changed, None for another roster."""
        relook = _choices(moment) != _choices(self._moment)
        self._cscs, self._moment = snapshot.cscs, moment
        groups = {group.name: group for group in snapshot.groups}
        retitle = groups != self._groups
        self._groups = groups
        if changed is None:
            self._blocks = blocks_of(((view.csc, group_of(view)) for view in snapshot.cscs), snapshot.roster.groups)
            self._pack()
        elif relook:
            self.redraw(self.rows_shown())
        else:
            places = self._layout_of_rows.places
            # Before the first layout nothing has a place yet; packing draws it all.
            rows = {places[item][0] for item in changed if item in places}
            if changed or retitle:
                rows |= {
                    y for y in self.rows_shown() if y < self.row_count and _has_counts(self._layout_of_rows.rows[y])
                }
            self.redraw(sorted(rows))

    def tick(self, moment: Moment) -> None:
        """Let a second pass: only lines with ages or fading changes are looked at."""
        self._moment = moment
        self.redraw(sorted(self._timed & set(self.rows_shown())))

    def select(self, item: int | None) -> None:
        """Move the cursor to a CSC and scroll it into view."""
        rows = {
            self._layout_of_rows.places[each][0]
            for each in (self._selected, item)
            if each in self._layout_of_rows.places
        }
        self._selected = item
        self.redraw(rows)
        self._reveal()

    def find(self, items: Collection[int]) -> None:
        """Make these CSCs stand out."""
        self._found = items
        self.redraw(self.rows_shown())

    def mark(self, items: Collection[int]) -> None:
        """Put a mark before these CSCs."""
        self._marked = items
        self.redraw(self.rows_shown())

    def neighbour(self, dx: int, dy: int) -> int | None:
        """Return the CSC next to the selected one in a direction, or None at the edge."""
        return step(self._layout_of_rows, self._selected, dx, dy)

    def on_resize(self) -> None:
        """Pack anew."""
        self._pack()

    def line_at(self, y: int) -> Line:
        """Return line ``y``."""
        spans: list[Span] = []
        x, timed = 0, False
        for piece in self._layout_of_rows.rows[y]:
            chosen = bool(piece.items) and piece.items[0] == self._selected and piece.kind in _TILES
            drawn, changing = self._piece(piece, Surface.SELECTED if chosen else Surface.PAGE)
            timed |= changing
            marked = bool(piece.items) and piece.items[0] in self._marked and piece.kind in _TILES
            start = piece.x - 1 if chosen or marked else piece.x
            spans.append(Span(" " * (start - x)))
            if marked:
                spans.append(Span(self._moment.glyphs.beat, Ink.FOUND if chosen else Ink.ACCENT))
            elif chosen:
                spans.append(Span(self._moment.glyphs.cursor, Ink.BRIGHT))
            spans += drawn
            x = piece.x + width_of(drawn)
        (self._timed.add if timed else self._timed.discard)(y)
        return Line(tuple(spans))

    def _look(self, item: int) -> Look:
        return look(self._cscs[item], self._moment)

    def _piece(self, piece: Piece, surface: Surface) -> tuple[Spans, bool]:
        glyphs = self._moment.glyphs
        if piece.kind is Kind.TITLE:
            return title(piece.label, self._groups.get(piece.label), piece.width, glyphs), False
        if piece.kind is Kind.FAMILY:
            return family(piece, [self._cscs[item] for item in piece.items], self._moment), False
        drawn = self._look(piece.items[0])
        found = piece.items[0] in self._found
        if piece.kind is Kind.SINGLE:
            return tile(piece.label, drawn, piece.width, glyphs, surface, found=found), drawn.timed
        return chip(piece.label, drawn, surface, found=found), drawn.timed

    def _pack(self) -> None:
        if self._blocks and self.size:
            self._layout_of_rows = pack(self._blocks, self.size.width, self.size.height)
            self._timed.clear()
            self.rebuild()
            self._reveal()

    def _reveal(self) -> None:
        place = self._layout_of_rows.places.get(self._selected) if self._selected is not None else None
        if place is None or not self.size.height:
            return
        y, top, height = place[0], self.scroll_offset.y, self.size.height
        if y < top:
            self.scroll_to(y=max(0, y - 1), animate=False, immediate=True)
        elif y >= top + height:
            self.scroll_to(y=y - height + 2, animate=False, immediate=True)


_TILES = frozenset({Kind.SINGLE, Kind.CHIP})


def _choices(moment: Moment) -> tuple[bool, bool]:
    return moment.by_state, moment.listening


def _has_counts(row: Sequence[Piece]) -> bool:
    return any(piece.kind is Kind.TITLE or (piece.kind is Kind.FAMILY and piece.items) for piece in row)

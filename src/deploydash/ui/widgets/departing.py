"""The list of those that are not where they should be, worst first, with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from deploydash.core.fleet.snapshot import CscView
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.lines import departing, departing_block
from deploydash.ui.draw.tiles import RANKS, Moment, look, severity
from deploydash.ui.widgets.canvas import Canvas


class Departing(Canvas):
    """One line a CSC; with ``tall``, for a narrow panel, the reason under it as long as all of them fit."""

    def __init__(self, *, tall: bool, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._tall = tall
        self._cscs: Sequence[CscView] = ()
        self._given: Sequence[int] = ()
        self._items: tuple[int, ...] = ()
        self._moment: Moment | None = None
        self._rows: list[tuple[int, Line]] = []
        self._selected: int | None = None
        self._found: Collection[int] = frozenset()
        self._marked: Collection[int] = frozenset()
        self._calm = ""
        self._why: Mapping[int, str] = {}

    @property
    def items(self) -> tuple[int, ...]:
        """The CSCs listed, from the top."""
        return self._items

    @property
    def row_count(self) -> int:
        """How many lines the list takes."""
        return max(1, len(self._rows) or len(self._items))

    def show(
        self,
        cscs: Sequence[CscView],
        items: Sequence[int],
        moment: Moment,
        calm: str,
        why: Mapping[int, str] | None = None,
    ) -> None:
        """List these CSCs, given in roster order; ``calm`` is the sentence for an empty list.

        ``why``: what stands beside each in place of why it counts as it does.
        """
        self._why = why or {}
        before = self.row_count
        if cscs is not self._cscs or items is not self._given:
            ranked: list[list[int]] = [[] for _ in range(RANKS)]
            for item in items:
                ranked[severity(cscs[item])].append(item)
            self._items = tuple(chain.from_iterable(ranked))
        self._cscs, self._given, self._moment, self._calm = cscs, items, moment, calm
        self._fill()
        if before != self.row_count:
            self.measure()
        self.redraw(self.rows_shown())

    def select(self, item: int | None, found: Collection[int]) -> None:
        """Move the cursor, and make the found ones stand out."""
        self._selected, self._found = item, found
        self._fill()
        self.redraw(self.rows_shown())
        if item in self._items:
            y, top, height = self._top_of(item), self.scroll_offset.y, self.size.height
            if y < top:
                self.scroll_to(y=y, animate=False, immediate=True)
            elif y >= top + height > top:
                self.scroll_to(y=y + 1 - height, animate=False, immediate=True)

    def mark(self, items: Collection[int]) -> None:
        """Put a mark before these CSCs."""
        self._marked = items
        self._fill()
        self.redraw(self.rows_shown())

    def on_resize(self) -> None:
        """Fit anew."""
        self._fill()
        self.rebuild()

    def line_at(self, y: int) -> Line:
        """Return line ``y`` of the list."""
        moment = self._moment
        if moment is None or not self._items:
            return Line((Span(f" {self._calm}", Ink.DIM),)) if y == 0 else Line()
        if self._rows:
            return self._rows[y][1]
        item = self._items[y]
        line = departing(
            self._cscs[item],
            look(self._cscs[item], moment),
            moment,
            self.size.width - 2,
            self._surface(item),
            found=item in self._found,
            why=self._why.get(item, ""),
        )
        return self._led(item, line)

    def _surface(self, item: int) -> Surface:
        return Surface.SELECTED if item == self._selected else Surface.PAGE

    def _led(self, item: int, line: Line) -> Line:
        """Return the line with the cursor, or room for it."""
        glyphs = self._moment.glyphs if self._moment is not None else None
        lead = " "
        if glyphs is not None and item in self._marked:
            lead = glyphs.beat
        elif glyphs is not None and item == self._selected:
            lead = glyphs.cursor
        return Line((Span(lead, Ink.BRIGHT, self._surface(item)), *line.spans), line.surface)

    def _top_of(self, item: int | None) -> int:
        if self._rows:
            return next(y for y, (each, _) in enumerate(self._rows) if each == item)
        return self._items.index(item) if item is not None else 0

    def _fill(self) -> None:
        """Make the tall entries, if they are wanted and fit."""
        self._rows = []
        moment, height = self._moment, self.size.height
        if not self._tall or moment is None or 2 * len(self._items) > height:
            return
        for item in self._items:
            view = self._cscs[item]
            found = item in self._found
            entry = departing_block(
                view, look(view, moment), moment, self.size.width - 2, self._surface(item), found=found
            )
            self._rows.append((item, self._led(item, entry[0])))
            self._rows += [(item, Line((Span(" "), *line.spans))) for line in entry[1:]]
            self._rows.append((item, Line()))
        if len(self._rows) - 1 > height:
            self._rows = [(item, line) for item, line in self._rows if line.spans]
        if len(self._rows) > height:
            self._rows = []

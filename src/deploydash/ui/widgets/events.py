"""The event list, newest on top."""

from __future__ import annotations

from collections.abc import Sequence

from deploydash.core.fleet.snapshot import EventLine
from deploydash.ui.draw.glyphs import Glyphs
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.lines import event
from deploydash.ui.widgets.canvas import Canvas


class Events(Canvas):
    """What happened. While it has the cursor, one line is chosen."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self._glyphs = glyphs
        self._events: Sequence[EventLine] = ()
        self._utc = 0.0
        self._cursor: int | None = None

    @property
    def row_count(self) -> int:
        """How many events are kept."""
        return len(self._events)

    @property
    def chosen(self) -> EventLine | None:
        """The event under the cursor."""
        return self._events[self._cursor] if self._cursor is not None and self._cursor < len(self._events) else None

    def show(self, events: Sequence[EventLine], utc: float) -> None:
        """Show these events as of ``utc`` (unix seconds)."""
        newest = [*reversed(events)]
        if self._cursor is not None and (chosen := self.chosen) is not None:
            self._cursor = next((y for y, line in enumerate(newest) if line.number == chosen.number), 0)
        count = len(self._events)
        self._events, self._utc = newest, utc
        if count != len(newest):
            self.measure()
        self.redraw(self.rows_shown())

    def move(self, rows: int | None) -> bool:
        """Move the cursor by ``rows``, None to take it away; False at the end of the list."""
        before = self._cursor
        if rows is None or not self._events:
            self._cursor = None
        else:
            self._cursor = max(0, min(len(self._events) - 1, (before or 0) + rows))
            top, height = self.scroll_offset.y, self.size.height
            if self._cursor < top:
                self.scroll_to(y=self._cursor, animate=False, immediate=True)
            elif self._cursor >= top + height:
                self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True)
        self.redraw(self.rows_shown())
        return before != self._cursor

    def line_at(self, y: int) -> Line:
        """Return event ``y`` from the top."""
        line = event(self._events[y], self._utc, self.size.width - 1, self._glyphs)
        if y != self._cursor:
            return line
        first = line.spans[0]
        lead = Span(self._glyphs.cursor + first.text[1:], Ink.BRIGHT)
        return Line((lead, *line.spans[1:]), Surface.SELECTED)

"""The timeline: what each CSC was in over the run, and what happened to it where the cursor is."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from textual.app import ComposeResult

from deploydash.core.model import CscId
from deploydash.core.published import Published
from deploydash.core.views.timeline import Timeline
from deploydash.errors import UserError
from deploydash.ui.bindings import run_bindings
from deploydash.ui.draw import lines
from deploydash.ui.draw.ink import Ink, Line, Span, Surface
from deploydash.ui.draw.run.reading import Reading
from deploydash.ui.draw.run.run_header import keys_foot, run_header
from deploydash.ui.draw.run.timeline import (
    Frame,
    Paper,
    Rows,
    Window,
    frame,
    moved,
    name_width,
    next_told,
    timeline_lines,
    zoomed,
)
from deploydash.ui.run_keys import TIMELINE
from deploydash.ui.screens.run_base import Acting
from deploydash.ui.screens.run_help import RunHelpScreen
from deploydash.ui.widgets.canvas import Lines

PAGE = 10
"""Lines or columns that a page is."""


class TimelineScreen(Acting):
    """States over the run. The journal is read on in a thread while it is open, and never otherwise."""

    BINDINGS = run_bindings(TIMELINE)
    TABLE = TIMELINE

    def __init__(self, csc: CscId | None = None) -> None:
        super().__init__()
        self._csc = csc
        self._window = Window()
        self._timeline: Timeline | None = None
        self._reading_on: asyncio.Task[None] | None = None
        self._fault = ""

    def compose(self) -> ComposeResult:
        """Header, page, one line that answers, footer."""
        yield Lines(id="run-top")
        yield Lines(id="wait-page")
        yield Lines(id="wait-message")
        yield Lines(id="footer")

    def on_mount(self) -> None:
        """Begin to read."""
        self._read_on()
        self.call_after_refresh(self.repaint)

    def on_unmount(self) -> None:
        """Read no more."""
        if self._reading_on is not None:
            self._reading_on.cancel()

    def on_resize(self) -> None:
        """Draw it in the new size."""
        self.call_after_refresh(self.repaint)

    def take(self, snapshot: Published) -> None:
        """Show what is new with the next second; strips are no faster."""
        del snapshot

    def second(self) -> None:
        """Read on and let the strips grow."""
        self._read_on()
        self.repaint()

    def _read_on(self) -> None:
        if self.host.history is not None and (self._reading_on is None or self._reading_on.done()):
            self._reading_on = asyncio.create_task(self._read(), name="timeline")

    async def _read(self) -> None:
        assert self.host.history is not None  # noqa: S101 - looked at by its caller
        first = self._timeline is None
        try:
            self._timeline = await asyncio.to_thread(self.host.history.read_on)
            self._fault = ""
        except (UserError, OSError) as error:
            self._fault = f"the journal cannot be read: {error}"
        if (first or self._fault) and self.is_there:
            self.repaint()

    def repaint(self) -> None:
        """Draw everything; only what changed is written."""
        snapshot = self.host.snapshot
        if snapshot is None or snapshot.run is None or not self.is_there:
            return
        width = self.size.width
        reading = Reading.of(snapshot.run, snapshot, self.host.moment(), lead=self.host.inbox is not None)
        top = run_header(reading, width, self.host.speed, self.host.watching())
        self.query_one("#run-top").styles.height = len(top)
        self.query_one("#run-top", Lines).show(top)
        self.query_one("#wait-page", Lines).show(self._page(snapshot, max(0, self.size.height - len(top) - 2)))
        surface = Surface.REHEARSAL if snapshot.roster.rehearsal else Surface.BAR
        self.query_one("#footer", Lines).show(
            [keys_foot(TIMELINE, snapshot.run, width, surface, {}, covered=self.covered)]
        )

    def _page(self, snapshot: Published, height: int) -> list[Line]:
        timeline, shown = self._timeline, self._frame()
        if self._fault or timeline is None or shown is None:
            why = self._fault or ("reading the journal" if self.host.history is not None else "no journal is at hand")
            return [Line(), Line((Span(f" {why}", Ink.WARN),))]
        rows = Rows.of(snapshot.cscs)
        csc = self._selected(rows)
        if csc is None:
            return [Line(), Line((Span(" no CSC is expected here", Ink.WARN),))]
        paper = Paper(self.size.width, height, self.host.glyphs, filled=self.host.palette.colour)
        return timeline_lines(timeline, rows, csc, shown, paper)

    def _frame(self) -> Frame | None:
        if self._timeline is None:
            return None
        return frame(
            self._window, self._timeline, self._until(self._timeline), self.size.width - name_width(self.size.width)
        )

    def _until(self, timeline: Timeline) -> float:
        """Return when the strips end: now while somebody looks, else with the journal's last line."""
        run = self.run_view
        looked = self.host.inbox is not None and run is not None and not run.closed
        return self.host.source.clock.utc() if looked else timeline.last

    def _selected(self, rows: Rows) -> CscId | None:
        cscs = rows.cscs
        return self._csc if self._csc in cscs else cscs[0] if cscs else None

    def say(self, sentence: str) -> None:
        """Answer above the footer; the next key takes it away."""
        shown = lines.message(sentence, self.size.width) if sentence else [Line()]
        message = self.query_one("#wait-message", Lines)
        message.styles.height = len(shown)
        message.show(shown)

    def act_move(self, rows: str) -> None:
        """Go to another CSC."""
        snapshot = self.host.snapshot
        if snapshot is None or not snapshot.cscs:
            return
        listed = Rows.of(snapshot.cscs)
        cscs = listed.cscs
        csc = self._selected(listed)
        here = cscs.index(csc) if csc is not None else 0
        there = max(0, min(len(cscs) - 1, here + int(rows)))
        if there == here:
            self.say("that is the end of the list")
        self._csc = cscs[there]
        self.repaint()

    def act_time(self, columns: str) -> None:
        """Move the time by columns."""
        shown = self._frame()
        if shown is None:
            return
        before, self._window = shown.at, moved(self._window, shown, int(columns))
        now = self._frame()
        if now is not None and now.at == before:
            self.say("the run began here" if int(columns) < 0 else "nothing is later than this")
        self.repaint()

    def act_edge(self, which: str) -> None:
        """Go to the beginning of the run, or to the newest."""
        at = self._timeline.began if self._timeline is not None and which == "first" else None
        self._window = replace(self._window, at=at)
        self.repaint()

    def act_zoom(self, way: str) -> None:
        """Let a column be less time, or more, or the whole run fit."""
        shown = self._frame()
        if shown is None:
            return
        self._window = replace(self._window, step_s=None) if way == "0" else zoomed(self._window, shown, int(way))
        now = self._frame()
        if now is not None and now.step_s == shown.step_s:
            self.say("a column is a second already" if way == "1" else "the whole run is shown")
        self.repaint()

    def act_next(self, way: str) -> None:
        """Go to the next moment at which something happened to this CSC, or to the one before."""
        shown, snapshot = self._frame(), self.host.snapshot
        csc = self._selected(Rows.of(snapshot.cscs)) if snapshot is not None else None
        if shown is None or self._timeline is None or csc is None:
            return
        at = next_told(self._timeline, csc, shown, int(way))
        if at is None:
            self.say(f"nothing {'later' if int(way) > 0 else 'earlier'} is told of {csc}")
        else:
            self._window = replace(self._window, since=shown.since, at=at)
        self.repaint()

    def act_help(self, _: str) -> None:
        """Open the help."""
        self.app.push_screen(RunHelpScreen(TIMELINE, "the timeline"))

    def act_close(self, _: str) -> None:
        """Go back to where it was opened."""
        self.dismiss()
